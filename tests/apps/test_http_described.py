"""The HTTP routes as their OpenAPI description has them: every refusal says why."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from ragbot.apps.serving import IndexRefresher
from ragbot.apps.web.access import RateLimit
from ragbot.apps.web.server import application
from tests.apps.conftest import UNLIMITED

ROUTES = ("/api/ask", "/api/search", "/api/note", "/api/related", "/api/path",
          "/v1/chat/completions")  # fmt: skip


@pytest.fixture(scope="module")
def app(plot_bot):
    return application(IndexRefresher(plot_bot), limit=RateLimit(UNLIMITED))


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("route", ROUTES)
def test_every_request_is_answered_or_refused_with_a_reason(app, client, route, mode):
    operation = schemathesis.openapi.from_dict(app.openapi())[route]["POST"]
    seen = set()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        body = {"json": case.body} if isinstance(case.body, dict | list | str) else {}
        response = client.post(route, **body)
        seen.add(response.status_code)
        assert response.status_code < 500, case.body
        if response.status_code != 200:
            record = response.json()
            reason = record["error"]["message"] if route.startswith("/v1") else record["detail"]
            assert isinstance(reason, str)
            assert "Traceback" not in reason

    send()
    assert seen
