"""The HTTP API as its OpenAPI description has it: no input breaks it, every refusal says why."""

import json
import urllib.request

import gradio as gr
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from ragbot.apps.web import http
from ragbot.apps.web.rate_limit import Limit
from ragbot.bot import Ragbot

ENDPOINTS = ("ask", "search", "note", "related")


@pytest.fixture(scope="module")
def address(plot, plot_index):
    with Ragbot.open(notes=plot, index=plot_index, refresh=False) as bot:
        with gr.Blocks(analytics_enabled=False) as page:
            http.add_endpoints(bot, Limit(100_000))
        _, address, _ = page.launch(
            server_name="127.0.0.1",
            prevent_thread_lock=True,
            quiet=True,
            ssr_mode=False,
            app_kwargs={"exception_handlers": {TypeError: http.refuse_call}},
        )
        yield address
        page.close(verbose=False)


def told(address, endpoint, event):
    """Name and data of the last event of a call."""
    path = f"{address}gradio_api/call/{endpoint}/{event}"
    with urllib.request.urlopen(path, timeout=60) as response:
        name, data = response.read().decode().strip().splitlines()[-2:]
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_whatever_is_sent_is_answered_or_refused_with_a_reason(address, endpoint, mode):
    schema = schemathesis.openapi.from_url(f"{address}gradio_api/openapi.json")
    operation = schema[f"/gradio_api/call/v2/{endpoint}"]["POST"]
    seen = []

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        response = case.call()
        seen.append(response.status_code)
        assert response.status_code < 500, case.body
        if response.status_code != 200:
            assert response.json()["detail"], case.body
            return
        name, data = told(address, endpoint, response.json()["event_id"])
        assert name in ("complete", "error"), data
        if name == "error":
            assert data["error"], f"no reason was given for {case.body!r}"
            assert "Traceback" not in data["error"]

    send()
    assert seen


def test_the_description_names_what_there_is(address):
    with urllib.request.urlopen(f"{address}gradio_api/openapi.json") as response:
        paths = json.load(response)["paths"]
    for endpoint in ENDPOINTS:
        assert f"/gradio_api/call/v2/{endpoint}" in paths
