"""A refresh that is killed anywhere leaves an index that answers, and can be refreshed again."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
import time

import pytest

from ragbot.index.chroma import chroma_state
from ragbot.index.database import FILE
from ragbot.index.index import Index
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import retrieve
from tests.index.test_index_states import passages_in, state_of
from tests.refreshing import start
from tests.word_encoder import WordEncoder


def write_vault(vault, version, count=40):
    """Every note says which version of the vault it is of, so that a mixture would show."""
    vault.mkdir(exist_ok=True)
    for number in range(count):
        text = f"# Note {number}\n\nVersion v{version} of the text on topic{number}.\n"
        text += f"\n- follows::[[Note {(number + version) % count}]]\n    - by v{version}\n"
        (vault / f"Note {number}.md").write_text(text, encoding="utf-8")
    (vault / f"Only v{version}.md").write_text(f"Only v{version} has this.", encoding="utf-8")
    (vault / f"Only v{version - 2}.md").unlink(missing_ok=True)


def texts_in(corpus):
    """Return the passages, read one by one, as an answer reads them."""
    return [corpus.passage(number).text for number in passages_in(corpus)]


def versions_in(corpus):
    """Return the versions that the passages and annotations of a snapshot are of."""
    found = {word for text in texts_in(corpus) for word in text.replace(".", "").split()}
    annotations = {relation.annotation for relation in corpus.graph.relations()}
    found |= {note.removeprefix("by ") for note in annotations if note}
    return {word for word in found if word.startswith("v") and word[1:].isdigit()}


def wait_until(true, seconds=120):
    """Far longer than it takes: other programs may be using the processor."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")


@pytest.mark.timeout(0)  # 500 kills take an hour where other programs run
def test_killed_refresh_leaves_a_whole_index(tmp_path, kills):
    vault, index = tmp_path / "vault", tmp_path / "index"
    write_vault(vault, 0)
    Index(index).refresh(vault, WordEncoder())
    start(vault, index).join()
    write_vault(vault, 1)
    began = time.monotonic()
    process = start(vault, index)
    process.join()
    assert process.exitcode == 0
    usual = time.monotonic() - began
    chance = random.Random(0)
    completed, unready = 1, 0
    for version in range(2, kills + 2):
        write_vault(vault, version)
        process = start(vault, index)
        time.sleep(chance.uniform(0, usual))
        process.kill()
        process.join()
        reader = Index(index)
        # What a killed refresh left out is at most this edit and those whose refresh was killed.
        with reader.snapshot() as corpus:
            found, texts = versions_in(corpus), texts_in(corpus)
            unready += not chroma_state(corpus._connection).ready
            query = WordEncoder().encode_query("the text on topic7")
            assert len(corpus.vectors.nearest(query, 5)) in (0, 1, 2, 3, 4, 5)
        reader.close()
        newest = max(int(v[1:]) for v in found)
        assert completed <= newest <= version
        assert found <= {f"v{newest}", f"v{newest - 1}"}
        notes = [text for text in texts if "Version" in text]
        assert len(notes) == 40
        assert all(f"v{newest} " in text for text in notes)
        completed = newest
    if kills >= 20:
        assert unready  # some were killed inside Chroma's writes
    Index(index).refresh(vault, WordEncoder())
    clean = Index(tmp_path / "clean")
    clean.refresh(vault, WordEncoder())
    assert state_of(Index(index)) == state_of(clean)
    assert {path.name for path in index.iterdir()} <= {
        FILE, f"{FILE}-wal", f"{FILE}-shm", "chroma", "writer.lock"
    }  # fmt: skip


def test_chroma_that_was_killed_while_it_wrote_is_built_again_without_embedding(tmp_path):
    vault, index = tmp_path / "vault", tmp_path / "index"
    write_vault(vault, 0)
    Index(index).refresh(vault, WordEncoder())
    for version in range(1, 4):
        write_vault(vault, version)
        process = start(vault, index, flush=1)
        wait_until(lambda p=process: is_writing(index) or not p.is_alive())
        process.kill()
        process.join()
        encoder, healed = WordEncoder(), Index(index)
        healed.refresh(vault, encoder)
        with healed.snapshot() as corpus:
            assert len(encoder.encoded) < corpus.passage_count  # those embedded before were kept
            assert chroma_state(corpus._connection).ready
            question = f"Version v{version} of the text on topic7"
            [(number, _)] = corpus.vectors.nearest(encoder.encode_query(question), 1)
            assert corpus.passage(number).note == "Note 7.md"
        assert healed.chroma_error == ""
        healed.close()


def is_writing(index):
    with contextlib.closing(sqlite3.connect(index / FILE)) as connection:
        return not chroma_state(connection).ready


def test_reader_asks_while_a_writer_writes_and_is_killed(tmp_path):
    vault, index = tmp_path / "vault", tmp_path / "index"
    write_vault(vault, 0)
    Index(index).refresh(vault, WordEncoder())
    failures = []
    seen = set()
    stop = threading.Event()

    def ask():
        reader = Index(index)
        while not stop.is_set():
            try:
                with reader.snapshot() as corpus:
                    seen.add(one_version(corpus))
            except Exception as error:
                failures.append(error)
                return

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for version in range(1, 7):
            write_vault(vault, version)
            process = start(vault, index)
            if version % 3 == 0:
                wait_until(lambda p=process: (index / "writer").exists() or not p.is_alive())
                process.kill()
                process.join()
            else:
                process.join()
                wait_until(lambda version=version: f"v{version}" in seen or failures)
    finally:
        stop.set()
        asking.join()
    assert failures == []
    assert seen >= {"v1", "v2", "v4", "v5"}


def one_version(corpus):
    """Return the one version that all notes of a snapshot are of, after asking it something."""
    texts = [text for text in texts_in(corpus) if "Version" in text]
    versions = {text.split()[text.split().index("Version") + 1] for text in texts}
    assert len(versions) == 1, versions
    (version,) = versions
    question = f"Version {version} of the text on topic7"
    hits = retrieve(corpus, analyse(corpus, question, encode=WordEncoder().encode_question))
    assert all(corpus.notes[hit.passage.note].text[slice(*hit.passage.span)] == hit.passage.text
               for hit in hits)  # fmt: skip
    if corpus.embedded_count == corpus.passage_count:
        query = WordEncoder().encode_question(question)
        [(nearest, _)] = corpus.vectors.nearest(query.vector, 1)
        assert corpus.passage(nearest).note == "Note 7.md"
    return version
