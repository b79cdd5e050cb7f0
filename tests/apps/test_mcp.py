"""The MCP server as an assistant meets it: another process, the protocol's own client."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import anyio
import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from ragbot.apps.mcp import SHORT
from tests.apps.conftest import LOGIN

ROOT = Path(__file__).parents[2]
TOOLS = {"ask_notes", "search_notes", "read_note", "related_notes", "path_between"}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def words_of(plot, index, *more):
    return ["-m", "ragbot", "mcp", "--notes", str(plot), "--index", str(index), *more]


class Assistant:
    """The package's client in a thread of its own: each request waits for its answer."""

    def __init__(self, portal, client):
        self._portal = portal
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)
        return lambda *words: self._portal.call(partial(method, *words))


@contextmanager
def talking_to(server):
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, read_timeout_seconds=90)) as client,
    ):
        yield Assistant(portal, client)


@pytest.fixture(scope="module")
def by_stdio(plot, plot_index):
    """Talk to `ragbot mcp`, started by the client as assistants do."""
    server = StdioServerParameters(
        command=sys.executable, args=words_of(plot, plot_index), env=ENVIRONMENT
    )
    with talking_to(server) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def by_http(plot, plot_index):
    """Talk to `ragbot mcp --http`, a server of its own."""
    process = subprocess.Popen(
        [sys.executable, *words_of(plot, plot_index, "--http", "--port", "0")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        line = process.stderr.readline()
        assert line.startswith("Serving the notes by MCP at http://127.0.0.1:"), line
        with talking_to(line.split()[-1]) as assistant:
            yield assistant
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert out == ""


@pytest.fixture(scope="module")
def by_chat(address):
    """Talk to the chat's own server."""
    with talking_to(f"{address}/mcp") as assistant:
        yield assistant


@pytest.fixture(params=["by_stdio", "by_http", "by_chat"])
def assistant(request):
    return request.getfixturevalue(request.param)


def test_the_tools_have_descriptions(assistant):
    assert assistant.client.server_info.name == "ragbot"
    assert "Cite" in assistant.client.instructions
    tools = assistant.list_tools().tools
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert "Use it" in tool.description
        # Which other tool to use instead, or next.
        assert any(other in tool.description for other in TOOLS - {tool.name})
        assert tool.annotations.read_only_hint is True
        assert all("description" in field for field in tool.input_schema["properties"].values())


def call(assistant, tool, **words):
    result = assistant.call_tool(tool, words)
    assert not result.is_error, result.content
    return result.content[0].text, result.structured_content


def test_ask_notes(assistant):
    text, data = call(assistant, "ask_notes", question="What causes late blight?")
    assert "water mould" in text
    assert "[1] " in text
    assert data["citations"][0]["lines"][0] >= 1
    assert "hits" not in data


def test_an_answer_lists_its_sources_and_repeats_no_quotation(assistant):
    text, data = call(assistant, "ask_notes", question="What causes late blight?")
    assert re.search(r"^\[1\] trouble/Late Blight.md:\d+(-\d+)?$", text, re.MULTILINE)
    assert text.count("caused by a water mould") == 1
    assert "water mould" in data["citations"][0]["quote"]


def test_search_notes(assistant):
    text, data = call(assistant, "search_notes", question="late blight", k=2)
    assert len(data["hits"]) == 2
    assert "trouble/Late Blight.md:" in text


def test_results_are_short_unless_more_is_asked_for(assistant):
    _, short = call(assistant, "search_notes", question="late blight", k=3)
    _, whole = call(assistant, "search_notes", question="late blight", k=3, full=True)
    assert all(len(hit["text"]) <= SHORT + 1 for hit in short["hits"])
    assert all("evidence" in hit for hit in whole["hits"])
    _, every = call(assistant, "related_notes", note="Tomato")
    _, some = call(assistant, "related_notes", note="Tomato", most=1)
    assert some["relations"] == every["relations"][:1]
    assert some["left"] == len(every["relations"]) - 1 > 0
    text, part = call(assistant, "read_note", note="Tomato", start=20)
    assert part["text"] in text
    assert part["left"] == 0


def test_search_notes_filters(assistant):
    _, data = call(assistant, "search_notes", question="plants, blight", folders=["practice"])
    assert {hit["note"] for hit in data["hits"]} == {"practice/Crop Rotation.md"}


def test_read_note(assistant):
    text, data = call(assistant, "read_note", note="love apple")
    assert text.startswith("plants/Tomato.md\n\n---\ntitle: Tomato")
    assert data["ghosts"] == ["Hornworm"]


def test_related_notes(assistant):
    words = {"note": "Late Blight", "predicate": "mitigates", "direction": "in"}
    text, data = call(assistant, "related_notes", **words)
    assert text == (
        "practice/Crop Rotation.md -mitigates-> trouble/Late Blight.md: "
        "Spores that winter in the soil find no host in spring."
    )
    assert data["relations"][0]["line"] == 9


def test_path_between(assistant):
    _, data = call(assistant, "path_between", start="Basil", end="Late Blight")
    assert [step["predicate"] for step in data["path"]] == ["grows_with", "suffers_from"]


@pytest.mark.parametrize(
    ("tool", "words", "complaint"),
    [
        pytest.param("read_note", {"note": "Tomatoe"}, "Nearest: 'Tomato'", id="nearest-name"),
        pytest.param("search_notes", {"question": "x", "k": 0}, "k", id="k-too-small"),
        pytest.param("ask_notes", {"question": "x" * 5000}, "2,000", id="long-question"),
        pytest.param("related_notes", {"note": "Basil", "direction": "up"}, "in", id="direction"),
    ],
)
def test_errors_are_for_the_model_to_read(by_stdio, tool, words, complaint):
    result = by_stdio.call_tool(tool, words)
    assert result.is_error
    assert complaint in result.content[0].text
    assert "Traceback" not in result.content[0].text


def test_every_note_is_a_resource(assistant, plot):
    files = {path.relative_to(plot).as_posix(): path for path in plot.rglob("*.md")}
    listed = assistant.list_resources().resources
    assert {resource.name for resource in listed} == set(files)
    for resource in listed:
        found = assistant.read_resource(resource.uri).contents[0]
        assert found.mime_type == "text/markdown"
        assert found.text == files[resource.name].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    ["no such note.md", "../plot/plants/Basil.md", "/etc/passwd", "plants/../plants/Basil.md"],
)
def test_no_other_file_is_a_resource(by_stdio, path):
    with pytest.raises(MCPError):
        by_stdio.read_resource(f"note:///{quote(path)}")


def test_several_assistants_share_one_index(address, plot_bot, monkeypatch):
    opened = []
    monkeypatch.setattr(type(plot_bot), "open", lambda *_, **__: opened.append(1))
    with talking_to(f"{address}/mcp") as one, talking_to(f"{address}/mcp") as other:
        words = {"question": "What causes late blight?"}
        assert call(one, "ask_notes", **words) == call(other, "ask_notes", **words)
    assert opened == []


def test_the_chat_s_mcp_asks_for_the_login(private_address):
    async def tools(password):
        headers = {"Authorization": f"Bearer {LOGIN[0]}:{password}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{private_address}/mcp", http_client=http)
            async with Client(transport) as client:
                return {tool.name for tool in (await client.list_tools()).tools}

    assert anyio.run(tools, LOGIN[1]) == TOOLS
    with pytest.raises((MCPError, ExceptionGroup)):
        anyio.run(tools, "guessed")


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def served(plot, plot_index):
    """Start a server whose lines a test writes and reads itself."""
    return subprocess.Popen(
        [sys.executable, *words_of(plot, plot_index)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=ENVIRONMENT,
    )  # fmt: skip


def test_stdout_holds_nothing_but_the_protocol(plot, plot_index):
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    ask = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "search_notes", "arguments": {"question": "late blight"}},
    }
    process = served(plot, plot_index)
    answers = []
    for message in (HELLO, ready, ask):
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        if "id" in message:
            answers.append(json.loads(process.stdout.readline()))
    process.stdin.close()
    rest = process.stdout.read()
    process.wait(timeout=30)
    assert [answer["id"] for answer in answers] == [1, 2]
    assert "late blight" in answers[1]["result"]["content"][0]["text"].casefold()
    assert rest == ""
    assert process.returncode == 0
    assert "Traceback" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_an_interrupt_ends_a_server_that_waits_for_input(plot, plot_index):
    with served(plot, plot_index) as process:
        process.stdin.write(json.dumps(HELLO) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == HELLO["id"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == "\nragbot: stopped\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(["--host", "0.0.0.0"], "--no-auth", id="open-to-all"),
        pytest.param(["--port", "{taken}"], "Cannot listen on 127.0.0.1:", id="taken-port"),
    ],
)
def test_refuses_to_serve(plot, plot_index, words, complaint):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = str(listener.getsockname()[1])
        words = [word.format(taken=taken) for word in words]
        done = subprocess.run(
            [sys.executable, *words_of(plot, plot_index, "--http", *words)],
            capture_output=True, text=True, env=ENVIRONMENT, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stdout == ""
