"""Vectors on a Chroma server: the real one, started here."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ragbot.index import chroma
from ragbot.index.index import Index
from tests.word_encoder import WordEncoder


class ChromaServer:
    """`chroma run` on a free port, to be stopped and started again."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.process = None

    def start(self):
        program = Path(sys.executable).with_name("chroma")
        command = [program, "run", "--path", self.folder, "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*map(str, command), "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not is_up(self.url):
            assert time.monotonic() < end
            assert self.process.poll() is None
            time.sleep(0.2)

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(running):
    if running.process.poll() is not None:
        running.start()
    return running


@pytest.fixture
def vault(tmp_path):
    folder = tmp_path / "vault"
    folder.mkdir()
    for number, word in enumerate(["warm", "cold", "melts", "boils"]):
        (folder / f"n{number}.md").write_text(f"Water {word}.", encoding="utf-8")
    return folder


def best(index, question):
    with index.snapshot() as corpus:
        number, _ = corpus.vectors.nearest(WordEncoder().encode_query(question), 1)[0]
        return corpus.passage(number).text


def collections(server):
    client = chroma._server_client(server.url)
    return {found.name: found.count() for found in client.list_collections()}


def is_up(url):
    try:
        chroma._server_client(url).heartbeat()
    except Exception:  # whatever it raises, it is not up yet
        return False
    return True


def test_server_answers_as_the_folder_does(server, vault, tmp_path):
    remote = Index(tmp_path / "remote", server.url)
    local = Index(tmp_path / "local")
    query = WordEncoder().encode_query("what melts in water")
    found = []
    for index in (remote, local):
        index.refresh(vault, WordEncoder())
        with index.snapshot() as corpus:
            near = corpus.vectors.nearest(query, 4)
            found.append([(corpus.passage(number).id, cosine) for number, cosine in near])
        assert index.chroma_error == ""
    assert found[0] == found[1]
    assert not (tmp_path / "remote" / "chroma").exists()
    assert 4 in collections(server).values()


def test_several_chats_switch_together(server, vault, tmp_path, monkeypatch):
    monkeypatch.setattr(chroma, "FLUSH", 1)
    writer = Index(tmp_path / "index", server.url)
    readers = [Index(tmp_path / "index", server.url) for _ in range(3)]
    for version in range(4):
        for note in vault.iterdir():
            note.write_text(f"{note.stem} is of version{version}.", encoding="utf-8")
        writer.refresh(vault, WordEncoder())
        assert {best(r, f"n2 version{version}") for r in readers} == {f"n2 is of version{version}."}


def test_a_snapshot_keeps_passages_that_leave_the_server(server, vault, tmp_path, monkeypatch):
    monkeypatch.setattr(chroma, "FLUSH", 1)
    writer, reader = (Index(tmp_path / "index", server.url) for _ in range(2))
    writer.refresh(vault, WordEncoder())
    query = WordEncoder().encode_query("what melts in water")
    with reader.snapshot() as corpus:
        before = corpus.vectors.nearest(query, 4)
        (vault / "n2.md").write_text("Steam rises.", encoding="utf-8")
        writer.refresh(vault, WordEncoder())
        assert corpus.vectors.nearest(query, 4) == before
    assert reader.chroma_error == ""


def test_two_indexes_share_a_server(server, vault, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "Salt.md").write_text("Salt is a crystal.", encoding="utf-8")
    one, two = Index(tmp_path / "one", server.url), Index(tmp_path / "two", server.url)
    one.refresh(vault, WordEncoder())
    two.refresh(other, WordEncoder())
    assert best(one, "what melts") == "Water melts."
    assert best(two, "what melts") == "Salt is a crystal."
    assert one.chroma_error == two.chroma_error == ""


def test_a_rebuild_leaves_one_collection(server, vault, tmp_path):
    index = Index(tmp_path / "index", server.url)
    index.refresh(vault, WordEncoder())
    before = collections(server)
    index.refresh(vault, WordEncoder(), rebuild=True)
    assert collections(server) == before
    assert best(index, "what melts") == "Water melts."


def test_server_that_is_down_and_comes_back(server, vault, tmp_path, monkeypatch):
    monkeypatch.setattr(chroma, "RETRY_SECONDS", 0.0)
    index = Index(tmp_path / "index", server.url)
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Water melts."
    server.stop()
    assert best(index, "what melts") == "Water melts."  # from the database
    assert index.chroma_error
    (vault / "new.md").write_text("Steam rises.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    assert best(index, "Steam rises") == "Steam rises."
    server.start()
    encoder = WordEncoder()
    index.refresh(vault, encoder)
    assert (encoder.encoded, index.chroma_error) == ([], "")
    assert best(index, "what melts") == "Water melts."
    assert best(index, "Steam rises") == "Steam rises."


def test_a_missing_chroma_server_is_reported_and_exact_search_answers(vault, tmp_path, caplog):
    index = Index(tmp_path / "index", "http://127.0.0.1:9")
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Water melts."
    assert "Chroma cannot be written" in caplog.text


def test_another_place_for_the_collection_is_filled_without_embedding(server, vault, tmp_path):
    Index(tmp_path / "index", server.url).refresh(vault, WordEncoder())
    encoder, local = WordEncoder(), Index(tmp_path / "index")
    local.refresh(vault, encoder)
    assert encoder.encoded == []
    assert (tmp_path / "index" / "chroma").is_dir()
    assert best(local, "what melts") == "Water melts."


def test_server_that_answers_too_late(vault, tmp_path, monkeypatch):
    monkeypatch.setattr(chroma, "TIMEOUT", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        index = Index(tmp_path / "index", f"http://127.0.0.1:{silent.getsockname()[1]}")
        index.refresh(vault, WordEncoder())
        assert best(index, "what melts") == "Water melts."
    assert index.chroma_error
    assert time.monotonic() - began < 30


def test_chroma_program_is_here():
    assert shutil.which("chroma", path=str(Path(sys.executable).parent))
