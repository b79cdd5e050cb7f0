"""A refresh that is killed anywhere leaves an index that answers, and can be refreshed again."""

from __future__ import annotations

import random
import threading
import time

import pytest

from ragbot.index.index import Index
from tests.index.test_index_states import told
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


def versions_in(generation):
    """Name the versions that the texts, passages and annotations of a generation are of."""
    found = {word for c in generation.chunks for word in c.text.replace(".", "").split()}
    graph = generation.graph
    annotations = {graph.relation(edge).annotation for edge in range(len(graph))}
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
    completed = 1
    for version in range(2, kills + 2):
        write_vault(vault, version)
        process = start(vault, index)
        time.sleep(chance.uniform(0, usual))
        process.kill()
        process.join()
        reader = Index(index)
        # What a killed refresh left out is at most this edit and those whose refresh was killed.
        generation = reader.current()
        found = versions_in(generation)
        newest = max(int(v[1:]) for v in found)
        assert completed <= newest <= version
        assert found <= {f"v{newest}", f"v{newest - 1}"}
        notes = [c.text for c in generation.chunks if "Version" in c.text]
        assert len(notes) == 40
        assert all(f"v{newest} " in text for text in notes)
        completed = newest
    Index(index).refresh(vault, WordEncoder())
    clean = Index(tmp_path / "clean")
    clean.refresh(vault, WordEncoder())
    assert told(Index(index).current()) == told(clean.current())
    leftovers = [p.name for p in (index / "generations").iterdir() if p.name.startswith(".")]
    assert leftovers == []


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
                generation = reader.current()
                texts = [c.text for c in generation.chunks if "Version" in c.text]
                versions = {text.split()[text.split().index("Version") + 1] for text in texts}
                assert len(versions) == 1, versions
                (version,) = versions
                query = WordEncoder().encode_query(f"Version {version} of the text on topic7")
                if generation.manifest.embedded == generation.manifest.chunks:
                    assert generation.chunks[generation.nearest(query, 1)[0][0]].note == "Note 7.md"
                seen.add(version)
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
