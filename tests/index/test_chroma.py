"""Chroma beside the database: what it holds, when it is used, and that it never decides alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ragbot.index import chroma, vectors
from ragbot.index.chroma import chroma_state
from ragbot.index.database import StateCache
from ragbot.index.index import Index
from ragbot.index.vectors import Vectors
from tests.word_encoder import WordEncoder


def best(index, question):
    """Return the note of the passage that is nearest to a question."""
    with index.snapshot() as corpus:
        number, _ = corpus.vectors.nearest(WordEncoder().encode_query(question), 1)[0]
        return corpus.passage(number).note


def all_passages(corpus):
    return [number for note in corpus.notes for number in corpus.passages_of(note)]


def nearest_exactly(corpus, query, k):
    """Return what a snapshot finds without Chroma."""
    return Vectors(corpus._connection, None, StateCache()).nearest(query, k)


def collection(index):
    """Open the collection as anyone with a Chroma client would."""
    import chromadb

    client = chromadb.PersistentClient(str(index.directory / "chroma"))
    return client, client.get_collection("passages", embedding_function=None)


def test_chroma_holds_what_its_users_expect(vault, index):
    text = "---\ntags: [cold, water]\n---\n# Ice\n\n## Use\n\nIce cools **drinks**."
    (vault / "Ice.md").write_text(text, encoding="utf-8")
    index.refresh(vault, WordEncoder())
    index.close()
    client, passages = collection(index)
    try:
        with Index(index.directory).snapshot() as corpus:
            assert passages.count() == corpus.passage_count
        found = passages.get(where={"note": "Ice.md"}, include=["documents", "metadatas"])
        place = found["documents"].index("Ice cools **drinks**.")
        metadata = found["metadatas"][place]
        assert metadata["title"] == "Ice"
        assert metadata["headings"] == ["Ice", "Use"]
        assert metadata["tags"] == ["cold", "water"]
        query = WordEncoder().encode_query("salt crystal").tolist()
        near = passages.query(query_embeddings=[query], n_results=1)
        assert near["metadatas"][0][0]["note"] == "Salt.md"
    finally:
        client.close()


def test_chroma_is_written_in_batches(vault, index, monkeypatch):
    monkeypatch.setattr(chroma, "FLUSH", 3)
    index.refresh(vault, WordEncoder())

    def flush():
        with index.snapshot() as corpus:
            return chroma_state(corpus._connection).flush

    first = flush()
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    assert flush() == first
    (vault / "Ice.md").write_text("# Ice\n\nIce floats.", encoding="utf-8")
    index.refresh(vault, WordEncoder())  # two are new and one is gone
    assert flush() == first + 1
    index.close()
    client, passages = collection(index)
    try:
        assert sorted(passages.get()["documents"])[1:] == [
            "Ice floats.", "Salt is a crystal. See [[Nowhere]].", "Steam rises."
        ]  # fmt: skip
    finally:
        client.close()


def lose_chroma(index):
    shutil.rmtree(index.directory / "chroma")


def damage_chroma(index):
    for path in (index.directory / "chroma").rglob("*.sqlite3*"):
        path.write_bytes(b"nonsense" * 500)


def damage_chroma_vectors(index):
    for path in (index.directory / "chroma").rglob("*.bin"):
        path.write_bytes(b"nonsense")


@pytest.mark.parametrize("harm", [lose_chroma, damage_chroma, damage_chroma_vectors])
def test_chroma_that_fails_is_built_again_without_embedding(vault, index, harm):
    index.refresh(vault, WordEncoder())
    index.close()
    harm(index)
    again = Index(index.directory)
    assert best(again, "what melts") == "Ice.md"  # from the database
    again.close()
    encoder, healed = WordEncoder(), Index(index.directory)
    healed.refresh(vault, encoder)
    assert encoder.encoded == []
    assert best(healed, "what melts") == "Ice.md"
    assert healed.chroma_error == ""
    healed.close()
    client, passages = collection(index)
    try:
        query = WordEncoder().encode_query("melts").tolist()
        assert len(passages.query(query_embeddings=[query], n_results=3)["ids"][0]) == 3
    finally:
        client.close()


def test_a_chroma_lost_during_a_chat_is_reported_and_rebuilt(vault, index):
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"
    index._chroma._close_client()
    lose_chroma(index)
    assert best(index, "what melts") == "Ice.md"
    assert "is missing" in index.chroma_error
    index.refresh(vault, WordEncoder())
    assert index.chroma_error == ""


def test_chroma_of_another_version_is_built_again(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    monkeypatch.setattr(chroma, "version", lambda name: "0.0.1")
    index, encoder = Index(index.directory), WordEncoder()
    index.refresh(vault, encoder)
    assert encoder.encoded == []
    with index.snapshot() as corpus:
        assert chroma_state(corpus._connection).writer.startswith("0.0.1")
    assert best(index, "what melts") == "Ice.md"


def test_a_chroma_error_is_reported_and_exact_search_answers(vault, index, monkeypatch, caplog):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(chroma, "_local_client", full)
        index.refresh(vault, WordEncoder())
        assert "No space left" in caplog.text
        assert best(index, "what melts") == "Ice.md"
    index._chroma._retry_at = 0
    encoder = WordEncoder()
    index.refresh(vault, encoder)
    assert (encoder.encoded, index.chroma_error) == ([], "")


# Readers beside a writer


def test_a_stale_chroma_client_is_never_wrong(vault, index, monkeypatch):
    monkeypatch.setattr(chroma, "FLUSH", 1)
    index.refresh(vault, WordEncoder())
    reader = Index(index.directory)
    assert best(reader, "what melts") == "Ice.md"
    for number in range(5):
        (vault / "Ice.md").write_text(f"# Ice\n\nIce floats {number}.", encoding="utf-8")
        (vault / "New.md").write_text(f"Steam rises {number}.", encoding="utf-8")
        index.refresh(vault, WordEncoder())
        assert best(reader, f"Ice floats {number}") == "Ice.md"
        assert best(reader, f"Steam rises {number}") == "New.md"
        with reader.snapshot() as corpus:
            near = corpus.vectors.nearest(WordEncoder().encode_query("melts"), 10)
            assert sorted(number for number, _ in near) == sorted(all_passages(corpus))
    assert reader.chroma_error == ""
    monkeypatch.setattr(vectors, "REOPEN", 0)
    assert best(reader, "Steam rises 4") == "New.md"


def test_a_client_opened_after_a_write_does_not_serve_an_older_snapshot(vault, index, monkeypatch):
    monkeypatch.setattr(chroma, "FLUSH", 1)
    index.refresh(vault, WordEncoder())
    query = WordEncoder().encode_query("what melts in warm water")
    reader = Index(index.directory)
    with reader.snapshot() as old:
        (vault / "Ice.md").write_text("# Ice\n\nIce floats.", encoding="utf-8")
        index.refresh(vault, WordEncoder())  # removes a passage of the snapshot from Chroma
        assert old.vectors.nearest(query, 3) == nearest_exactly(old, query, 3)
        assert old.passage(old.vectors.nearest(query, 1)[0][0]).note == "Ice.md"
    assert reader.chroma_error == ""


def ask_until(ended, reader, query, wrong):
    """Ask, and collect the results that differ from those of exact search."""
    while not ended.is_set():
        with reader.snapshot() as corpus:
            for _ in range(3):
                found, exact = corpus.vectors.nearest(query, 5), nearest_exactly(corpus, query, 5)
                if found != exact:
                    wrong.append((found, exact))


def test_questions_beside_writes_find_what_exact_search_finds(vault, index, monkeypatch):
    monkeypatch.setattr(chroma, "FLUSH", 1)
    for number in range(30):
        text = f"# N{number}\n\nText {number} on water.\n\n## More\n\nMore of {number}."
        (vault / f"N{number}.md").write_text(text, encoding="utf-8")
    index.refresh(vault, WordEncoder())
    # In one process they share a client with the writer, or have one of their own.
    readers = [index, index, Index(index.directory)]
    query = WordEncoder().encode_query("text on warm water")
    ended, wrong, by_chroma = threading.Event(), [], []
    found_by_chroma = Vectors._by_chroma

    def counted(self, *question):
        by_chroma.append(found := found_by_chroma(self, *question))
        return found

    monkeypatch.setattr(Vectors, "_by_chroma", counted)

    def edit():
        for version in range(6):
            for number in range(0, 30, 3):
                text = f"# N{number}\n\nText {version} on water."
                (vault / f"N{number}.md").write_text(text, encoding="utf-8")
            index.refresh(vault, WordEncoder(), rebuild=version % 3 == 1)

    with ThreadPoolExecutor() as threads:
        asking = [threads.submit(ask_until, ended, reader, query, wrong) for reader in readers]
        try:
            edit()
        finally:
            ended.set()
        for one in asking:
            one.result()
    assert wrong == []
    assert any(found is not None for found in by_chroma)
    assert {reader.chroma_error for reader in readers} == {""}


# Short commands


def test_a_short_command_answers_without_importing_chroma(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "Tide.md").write_text("# Tide\n\nThe gate opens at noon.\n", "utf-8")
    folders = {"notes": str(tmp_path / "notes"), "index": str(tmp_path / "index")}
    asking = (
        "import sys\nfrom ragbot import Ragbot\n"
        f"with Ragbot.open(**{folders!r}) as bot:\n"
        "    print(bot.search('When does the gate open?')[0].passage.note)\n"
        "print('chromadb' in sys.modules, 'torch' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[-1].stdout.split() == ["Tide.md", "False", "False"]


def test_a_client_of_a_replaced_collection_serves_no_snapshot(vault, index):
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"
    store = index._chroma
    with index.snapshot() as corpus:
        state = chroma_state(corpus._connection)
    assert store.client_for(state) is not None
    store._retry_at = float("inf")  # the new collection cannot be opened yet
    assert store.client_for(state._replace(collection="another")) is None
