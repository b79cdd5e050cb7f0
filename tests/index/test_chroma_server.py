"""Vectors on a Chroma server: the real one, started here."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ragbot.errors import StorageError
from ragbot.index import segments, vectors
from ragbot.index.index import Index
from ragbot.index.vectors import Server
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
        while Server(self.url).trouble():
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
    generation = index.current()
    row, _ = generation.nearest(WordEncoder().encode_query(question), 1)[0]
    return generation.chunks[row].text


def collections(server):
    return Server(server.url).call(lambda client: {c.name for c in client.list_collections()})


def test_server_answers_as_the_folder_does(server, vault, tmp_path):
    remote = Index(tmp_path / "remote", server.url)
    local = Index(tmp_path / "local")
    for index in (remote, local):
        index.refresh(vault, WordEncoder())
    query = WordEncoder().encode_query("what melts in water")
    one, other = (i.current().nearest(query, 4) for i in (remote, local))
    assert [row for row, _ in one] == [row for row, _ in other]
    assert np.allclose([c for _, c in one], [c for _, c in other], atol=1e-5)
    rows = [3, 0, 2]
    assert np.allclose(remote.current().vectors(rows), local.current().vectors(rows), atol=1e-6)
    (segment,) = (tmp_path / "remote" / "segments").iterdir()
    assert not (segment / "vectors.npy").exists()
    assert segment.name in collections(server)


def test_several_chats_switch_together(server, vault, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "LOOSE", 0)
    writer = Index(tmp_path / "index", server.url)
    readers = [Index(tmp_path / "index", server.url) for _ in range(3)]
    for version in range(4):
        for note in vault.iterdir():
            note.write_text(f"{note.stem} is of version{version}.", encoding="utf-8")
        writer.refresh(vault, WordEncoder())
        assert {best(r, f"n2 version{version}") for r in readers} == {f"n2 is of version{version}."}


def test_collections_that_nobody_uses_are_removed(server, vault, tmp_path):
    index = Index(tmp_path / "index", server.url)
    before = collections(server)
    for version in range(4):
        for note in vault.iterdir():
            note.write_text(f"{note.stem} is of version{version}.", encoding="utf-8")
        index.refresh(vault, WordEncoder())
    assert len(collections(server) - before) <= 3


def test_server_that_is_down_and_comes_back(server, vault, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "RETRIES", (0.05,))
    index = Index(tmp_path / "index", server.url)
    index.refresh(vault, WordEncoder())
    server.stop()
    corpus = index.current()
    assert server.url in corpus.trouble()
    assert "does not answer" in corpus.trouble()
    with pytest.raises(StorageError):
        corpus.nearest(WordEncoder().encode_query("melts"), 1)
    assert corpus.lexical.passages("melts").max() > 0
    # An edit is found by its words, and by its meaning too: its vectors are not settled yet.
    (vault / "new.md").write_text("Steam rises.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    assert index.current().lexical.passages("steam").max() > 0
    server.start()
    assert index.current().trouble() == ""
    assert best(index, "what melts") == "Water melts."
    assert best(index, "Steam rises") == "Steam rises."


def test_server_that_never_was_there_leaves_vectors_in_the_folder(vault, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "RETRIES", ())
    index = Index(tmp_path / "index", "http://127.0.0.1:9")
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Water melts."


def test_address_that_was_taken_away(server, vault, tmp_path):
    Index(tmp_path / "index", server.url).refresh(vault, WordEncoder())
    corpus = Index(tmp_path / "index").current()
    assert "RAGBOT_CHROMA_URL" in corpus.trouble()


def test_server_that_answers_too_late(vault, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "RETRIES", ())
    monkeypatch.setattr(vectors, "TIMEOUT", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        told = Server(f"http://127.0.0.1:{silent.getsockname()[1]}").trouble()
    assert "does not answer" in told
    assert time.monotonic() - began < 30


def test_chroma_program_is_here():
    assert shutil.which("chroma", path=str(Path(sys.executable).parent))
