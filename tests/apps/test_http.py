"""The HTTP routes as other programs use them: status, JSON, server-sent events."""

import json

import httpx
import pytest
from starlette.testclient import TestClient

from ragbot.apps.serving import IndexRefresher
from ragbot.apps.web.server import application
from ragbot.models import Progress

QUESTION = "What causes late blight?"


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=60) as opened:
        yield opened


def post(client, route, **fields):
    response = client.post(f"/api/{route}", json=fields)
    assert response.status_code == 200, response.text
    return response.json()


def events(response):
    """Return the server-sent events of a response as (name, data)."""
    found = [dict(line.split(": ", 1) for line in block.split("\n"))
             for block in response.text.strip().split("\n\n")]  # fmt: skip
    return [(event["event"], json.loads(event["data"])) for event in found]


def test_ask(client, plot):
    answer = post(client, "ask", question=QUESTION)
    assert "water mould" in answer["text"]
    assert answer["abstained"] is False
    assert answer["statements"][0]["citations"] == [1]
    for citation in answer["citations"]:
        assert citation["quote"] in (plot / citation["note"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("fields", "headers"),
    [({"stream": True}, {}), ({}, {"Accept": "text/event-stream"})],
    ids=["field", "header"],
)
def test_ask_streams(client, fields, headers):
    response = client.post("/api/ask", json={"question": QUESTION, **fields}, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    *answers, done = events(response)
    assert done == ("done", {})
    assert {name for name, _ in answers} == {"answer"}
    assert answers[-1][1] == post(client, "ask", question=QUESTION)


def test_a_stream_that_is_refused_does_not_begin(client):
    response = client.post("/api/ask", json={"question": "x" * 3000, "stream": True})
    assert response.status_code == 422
    assert "at most 2,000" in response.json()["detail"]


@pytest.mark.parametrize(
    "history",
    [["What is late blight?"], [{"question": "What is late blight?", "answer": "A disease."}]],
    ids=["questions", "turns"],
)
def test_ask_with_history(client, history):
    answer = post(client, "ask", question="And what mitigates it?", history=history)
    assert "blight" in answer["query"].casefold()


def test_search(client):
    found = post(client, "search", question="late blight", k=2)
    assert len(found["hits"]) == 2
    assert found["hits"][0]["evidence"][0]["rank"] >= 1
    filtered = post(client, "search", question="blight", folders=["practice"])
    assert {hit["note"] for hit in filtered["hits"]} == {"practice/Crop Rotation.md"}
    dated = post(client, "search", question="late blight", until="1 Feb 2026", words=True)
    assert {hit["note"] for hit in dated["hits"]} == {"practice/Crop Rotation.md"}


def test_note(client, plot):
    note = post(client, "note", name="love apple")
    assert note["note"] == "plants/Tomato.md"
    assert note["text"] == (plot / "plants/Tomato.md").read_text(encoding="utf-8")
    assert note["ghosts"] == ["Hornworm"]
    assert "in" in note["relations"]


def test_related(client):
    found = post(client, "related", name="Late Blight", predicate="mitigates", direction="in")
    assert [relation["source"] for relation in found["relations"]] == ["practice/Crop Rotation.md"]


def test_path(client):
    found = post(client, "path", start="Basil", end="Late Blight")
    assert [step["predicate"] for step in found["path"]] == ["grows_with", "suffers_from"]


def test_status(client, plot_bot):
    status = client.get("/api/status").json()
    assert (status["notes"], status["ghosts"], status["behind"]) == (4, 1, 0)
    assert status["progress"] is None
    refresher = IndexRefresher(plot_bot)
    refresher.step = Progress("read", 3, 14, "notes")
    busy = TestClient(application(refresher), base_url="http://127.0.0.1")
    progress = busy.get("/api/status").json()["progress"]
    assert progress == {"stage": "read", "done": 3, "total": 14, "unit": "notes"}


@pytest.mark.parametrize(
    ("route", "fields", "status", "complaint"),
    [
        pytest.param("ask", {}, 422, "question is missing", id="missing"),
        pytest.param("ask", {"question": "  "}, 422, "empty", id="empty"),
        pytest.param("ask", {"question": {"a": 1}}, 422, "should be a valid string", id="no-text"),
        pytest.param("ask", {"question": "x" * 3000}, 422, "at most 2,000", id="too-long"),
        pytest.param("ask", {"question": "x", "tags": "y"}, 422, "tags is 'y'", id="tags"),
        pytest.param("ask", {"question": "x", "since": "soon"}, 422, "'soon' is not a", id="date"),
        pytest.param(
            "search", {"question": "x", "until": "5/6/2026"}, 422, "write 2026-05-06 or", id="day"
        ),
        pytest.param(
            "ask", {"question": "x", "since": "5/6/2026", "stream": True}, 422, "may be", id="event"
        ),
        pytest.param("ask", {"question": "x", "llm": 1}, 422, "llm is not a field", id="unknown"),
        pytest.param("search", {"question": "x", "k": 0}, 422, "k is 0; it should be", id="k"),
        pytest.param("search", {"question": "x", "k": "9"}, 422, "k is '9'", id="k-text"),
        pytest.param("note", {"name": "Tomatoe"}, 404, "Nearest: 'Tomato'", id="nearest"),
        pytest.param("note", {"name": "../../etc/passwd"}, 404, "No note", id="outside"),
        pytest.param("related", {"name": "Basil", "direction": "up"}, 422, "'in'", id="direction"),
        pytest.param("path", {"start": "Basil", "end": "x"}, 404, "No note", id="path-end"),
    ],
)
def test_errors_name_the_expected_value(client, route, fields, status, complaint):
    response = client.post(f"/api/{route}", json=fields)
    assert response.status_code == status
    assert complaint in response.json()["detail"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/api/ask", r'{"question": "\ud800 blight"}'),
        ("/api/ask", r'{"question": "And that?", "history": ["\ud800 blight"]}'),
        ("/api/search", r'{"question": "blight", "tags": ["\ud800"]}'),
        ("/api/note", r'{"name": "\ud800"}'),
        (
            "/v1/chat/completions",
            r'{"model": "ragbot", "messages": [{"role": "user", "content": "\ud800"}]}',
        ),
        (
            "/v1/chat/completions",
            r'{"model": "ragbot", "messages": [{"role": "user", "content": [{"type": "\ud800"}]}]}',
        ),
        ("/v1/chat/completions", r'{"model": "\ud800", "messages": []}'),
    ],
)  # fmt: skip
def test_half_of_a_surrogate_pair_is_refused(client, route, body):
    response = client.post(route, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert "unicode" in response.text


@pytest.mark.parametrize(
    ("method", "path", "status", "complaint"),
    [
        ("GET", "/api/ask", 405, "/api/ask takes POST, and not GET."),
        ("DELETE", "/api/status", 405, "takes GET"),
        ("POST", "/api/nothing", 404, "There is no /api/nothing"),
        ("GET", "/v1/chat/completions", 405, "takes POST"),
        ("POST", "/v1/embeddings", 404, "There is no /v1/embeddings"),
    ],
)
def test_a_wrong_method_or_route_is_refused(client, method, path, status, complaint):
    response = client.request(method, path)
    assert response.status_code == status
    assert complaint in response.text


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions", "/mcp"])
def test_a_body_without_end_is_refused(client, path):
    endless = (b" " * 1_000_000 for _ in range(1000))
    response = client.post(path, content=endless, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 413)


def test_an_error_of_the_program_is_json(plot_bot, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    app = application(IndexRefresher(plot_bot))
    client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    monkeypatch.setattr(plot_bot, "note", broken)
    response = client.post("/api/note", json={"name": "Basil"})
    assert response.status_code == 500
    assert "the log of the server" in response.json()["detail"]


def test_a_form_is_refused_and_says_how_to_send(client):
    response = client.post("/api/ask", data={"question": "x"})
    assert response.status_code == 422
    assert "Content-Type: application/json" in response.json()["detail"]


def test_a_body_that_is_no_json_is_refused(client):
    response = client.post("/api/ask", content="{", headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert "JSON" in response.json()["detail"]


def test_the_description_names_every_route_and_the_page_shows_it(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/ask", "/api/search", "/api/note", "/api/related", "/api/path", "/api/status"} | {
        "/v1/models", "/v1/chat/completions",
    } <= set(paths)  # fmt: skip
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in paths:
        assert path in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/call/ask", "/gradio_api/call/v2/reply", "/gradio_api/run/reply",
     "/gradio_api/api/predict",
     "/gradio_api/upload", "/gradio_api//upload", "/gradio_api/info", "/monitoring"],
)  # fmt: skip
def test_gradio_s_own_doors_are_closed(client, path):
    assert client.post(path, json={"data": []}).status_code in (404, 405)
    assert client.get(path).status_code in (404, 405)


def test_nothing_of_the_disk_is_served(client, plot):
    for path in (f"/gradio_api/file={plot}/plants/Basil.md", "/ragbot/..%2Fserver.py"):
        assert client.get(path).status_code in (403, 404)
