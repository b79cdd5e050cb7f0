"""The HTTP API as other programs meet it: gradio_client, and HTTP with nothing but a socket."""

import json
import urllib.error
import urllib.request
from itertools import pairwise

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from ragbot.apps.web import http
from ragbot.apps.web.rate_limit import Limit
from ragbot.bot import Ragbot


@pytest.fixture(scope="module")
def address(plot, plot_index):
    with Ragbot.open(notes=plot, index=plot_index) as bot:
        with gr.Blocks(analytics_enabled=False) as page:
            http.add_endpoints(bot, Limit(1000))
        _, address, _ = page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, ssr_mode=False
        )
        yield address
        page.close()


@pytest.fixture(scope="module")
def client(address):
    return Client(address, verbose=False)


def post(address, endpoint, **fields):
    """Call an endpoint by plain HTTP; gives every event as (name, data)."""
    request = urllib.request.Request(
        f"{address}gradio_api/call/v2/{endpoint}",
        data=json.dumps(fields).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{address}gradio_api/call/{endpoint}/{event}") as response:
        lines = response.read().decode().splitlines()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    return list(zip(names, data, strict=True))


def test_the_endpoints_have_stable_names_and_parameters(client):
    told = client.view_api(return_format="dict")["named_endpoints"]
    parameters = {
        name: [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        for name, endpoint in told.items()
    }
    assert parameters == {
        "/ask": ["question", "history", "folders", "tags", "use_llm"],
        "/search": ["question", "k", "folders", "tags", "words"],
        "/note": ["name"],
        "/related": ["name", "predicate", "direction"],
    }


def test_ask(client, plot):
    answer = client.predict("What causes late blight?", api_name="/ask")
    assert answer["done"] is True
    assert answer["abstained"] is False
    for citation in answer["citations"]:
        assert citation["quote"] in (plot / citation["note"]).read_text(encoding="utf-8")


def test_ask_streams(client):
    job = client.submit("What causes late blight?", api_name="/ask")
    pieces = list(job)
    assert pieces[-1]["done"] is True
    assert all(not piece["done"] for piece in pieces[:-1])
    for before, after in pairwise(pieces[:-1]):
        assert after["text"].startswith(before["text"])


def test_ask_streams_over_plain_http(address):
    events = post(address, "ask", question="What causes late blight?")
    assert events[-1][0] == "complete"
    assert "water mould" in events[-1][1][0]["text"]
    assert len(events) > 1


def test_ask_with_history(client):
    answer = client.predict(
        question="And what mitigates it?", history=["What is late blight?"], api_name="/ask"
    )
    assert "blight" in answer["query"].casefold()


def test_search(client):
    found = client.predict("late blight", k=2, api_name="/search")
    assert len(found["hits"]) == 2
    assert found["hits"][0]["evidence"][0]["rank"] >= 1
    (_, [filtered]), *_ = post(
        address=client.src, endpoint="search", question="blight", folders=["practice"]
    )[-1:]
    assert {hit["note"] for hit in filtered["hits"]} == {"practice/Crop Rotation.md"}


def test_note(client, plot):
    note = client.predict("love apple", api_name="/note")
    assert note["note"] == "plants/Tomato.md"
    assert note["text"] == (plot / "plants/Tomato.md").read_text(encoding="utf-8")
    assert note["ghosts"] == ["Hornworm"]


def test_related(client):
    found = client.predict("Late Blight", "mitigates", "in", api_name="/related")
    assert [relation["source"] for relation in found["relations"]] == ["practice/Crop Rotation.md"]


@pytest.mark.parametrize(
    ("endpoint", "fields", "complaint"),
    [
        pytest.param("/ask", {"question": "  "}, "expected text", id="empty"),
        pytest.param("/ask", {"question": {"a": 1}}, "expected text", id="no-text"),
        pytest.param("/ask", {"question": "x" * 3000}, "2,000", id="too-long"),
        pytest.param("/ask", {"question": "x", "tags": "y"}, "a list of texts", id="tags"),
        pytest.param("/search", {"question": "x", "k": 0}, "from 1 to 100", id="k"),
        pytest.param("/search", {"question": "x", "k": "9"}, "from 1 to 100", id="k-text"),
        pytest.param("/note", {"name": "Tomatoe"}, "Nearest: 'Tomato'", id="nearest"),
        pytest.param("/note", {"name": "../../etc/passwd"}, "No note is called", id="outside"),
        pytest.param("/related", {"name": "Basil", "direction": "up"}, "in, out", id="direction"),
    ],
)
def test_errors_say_what_was_expected(client, endpoint, fields, complaint):
    with pytest.raises(AppError, match=complaint):
        client.predict(**fields, api_name=endpoint)


def test_an_error_over_plain_http(address):
    assert [name for name, _ in post(address, "note", name="Tomatoe")] == ["error"]


def test_nothing_else_is_served(address, plot):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}gradio_api/file={plot}/plants/Basil.md")
    assert refused.value.code in (403, 404)


def test_endpoints_are_asked_only_so_often(plot, plot_index):
    with Ragbot.open(notes=plot, index=plot_index, refresh=False) as bot:
        with gr.Blocks(analytics_enabled=False) as page:
            http.add_endpoints(bot, Limit(2))
        _, address, _ = page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, ssr_mode=False
        )
        client = Client(address, verbose=False)
        for _ in range(2):
            client.predict("tomato", api_name="/search")
        with pytest.raises(AppError, match="More than 2 questions in a minute"):
            client.predict("tomato", api_name="/search")
        page.close(verbose=False)
