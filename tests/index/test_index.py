"""The index: what it embeds, what it refuses, what it says when something is wrong."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragbot.errors import (
    IndexDamagedError,
    IndexLockedError,
    IndexMissingError,
    IndexOutdatedError,
    IndexTooNewError,
    OtherNotesError,
    StorageError,
    VaultError,
)
from ragbot.index import (
    database,
    indexer,
    note_rows,
    note_writer,
    relation_writer,
    schema,
    vectors,
)
from ragbot.index.database import DAMAGED, FILE, Database
from ragbot.index.index import Index
from ragbot.index.indexer import Indexer
from ragbot.index.note_writer import NoteWriter
from ragbot.notes import vault as scanning
from tests.word_encoder import WordEncoder


def best(index, question):
    """Return the note of the passage that is nearest to a question."""
    with index.snapshot() as corpus:
        number, _ = corpus.vectors.nearest(WordEncoder().encode_query(question), 1)[0]
        return corpus.passage(number).note


def counter(index):
    """Return the number of the state that the index is in."""
    with index.snapshot() as corpus:
        return corpus.counter


def embedded(index):
    with index.snapshot() as corpus:
        return corpus.embedded_count


def found_by_word(index, word):
    with index.snapshot() as corpus:
        return sorted({corpus.passage(number).note for number in corpus.bm25([word])})


# Refreshing


def test_first_refresh_finds_everything(vault, index):
    done = index.refresh(vault, WordEncoder())
    assert done.added == ("Heat.md", "Ice.md", "Salt.md")
    assert best(index, "what melts in warm water") == "Ice.md"
    with index.snapshot() as corpus:
        assert corpus.graph.ghosts() == {"Nowhere": 1}


def test_a_refresh_without_changes_writes_nothing(vault, index):
    index.refresh(vault, WordEncoder())
    before = counter(index)
    encoder = WordEncoder()
    done = index.refresh(vault, encoder)
    assert (bool(done), done.unchanged) == (False, 3)
    assert counter(index) == before
    assert encoder.encoded == []


def test_touched_file_is_no_change(vault, index):
    index.refresh(vault, WordEncoder())
    before = counter(index)
    os.utime(vault / "Ice.md", (1, 1))
    assert index.behind(vault) == 1
    assert not index.refresh(vault, WordEncoder())
    assert counter(index) == before
    assert index.behind(vault) == 0


def test_only_new_text_is_embedded(vault, index):
    index.refresh(vault, WordEncoder())
    (vault / "Ice.md").write_text("# Ice\n\nIce floats.", encoding="utf-8")
    encoder = WordEncoder()
    done = index.refresh(vault, encoder)
    assert done.changed == ("Ice.md",)
    assert encoder.encoded == ["Ice. Ice floats."]


def test_moved_note_keeps_its_vectors(vault, index):
    index.refresh(vault, WordEncoder())
    (vault / "cold").mkdir()
    (vault / "Ice.md").rename(vault / "cold" / "Ice.md")
    encoder = WordEncoder()
    done = index.refresh(vault, encoder)
    assert done.renamed == (("Ice.md", "cold/Ice.md"),)
    assert (done.added, done.removed) == ((), ())
    assert encoder.encoded == []
    assert best(index, "what melts in warm water") == "cold/Ice.md"


def test_a_passage_that_moves_in_its_note_keeps_its_number(vault, index):
    index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus:
        [before] = corpus.passages_of("Ice.md")
    text = "# Ice\n\n## Use\n\nIt cools.\n\n# Ice\n\nIce melts slowly in warm water."
    (vault / "Ice.md").write_text(text, encoding="utf-8")
    index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus:
        passage = corpus.passage(before)
        assert passage.text == text[slice(*passage.span)] == "Ice melts slowly in warm water."
        assert corpus.passages_of("Ice.md")[-1] == before


def test_equal_text_is_embedded_once(vault, index):
    (vault / "Ice again.md").write_text((vault / "Ice.md").read_text(), encoding="utf-8")
    encoder = WordEncoder()
    index.refresh(vault, encoder)
    assert len(encoder.encoded) == len(set(encoder.encoded)) == 3
    with index.snapshot() as corpus:
        near = corpus.vectors.nearest(encoder.encode_query("Ice melts slowly in warm water"), 2)
        found = [corpus.passage(number).note for number, _ in near]
    assert found == ["Ice again.md", "Ice.md"]


def test_removed_note_is_gone_from_every_part(vault, index):
    index.refresh(vault, WordEncoder())
    (vault / "Ice.md").unlink()
    done = index.refresh(vault, WordEncoder())
    assert done.removed == ("Ice.md",)
    with index.snapshot() as corpus:
        assert "Ice.md" not in corpus.notes
        assert corpus.graph.ghosts() == {"Nowhere": 1, "Ice": 1}
        assert not corpus.bm25(["melts"])
        near = corpus.vectors.nearest(WordEncoder().encode_query("melts"), 10)
        assert {corpus.passage(number).note for number, _ in near} == {"Heat.md", "Salt.md"}
        rows = {
            name: corpus._connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in ("passage", "embedding", "content", "passage_words")
        }
        assert set(rows.values()) == {2}


def test_rebuild_embeds_everything(vault, index):
    index.refresh(vault, WordEncoder())
    encoder = WordEncoder()
    index.refresh(vault, encoder, rebuild=True)
    assert len(encoder.encoded) == 3
    assert best(index, "what melts") == "Ice.md"


def test_cosines_are_exact(vault, index):
    index.refresh(vault, WordEncoder())
    query = WordEncoder().encode_query("warm water")
    with index.snapshot() as corpus:
        near = corpus.vectors.nearest(query, 3)
        numbers = [number for number, _ in near]
        assert [cosine for _, cosine in near] == corpus.vectors.similarities(
            query, numbers
        ).tolist()
        assert np.allclose(np.linalg.norm(corpus.vectors.of(numbers), axis=1), 1)
        within = corpus.vectors.nearest(query, 3, {"Salt.md"})
        assert [corpus.passage(number).note for number, _ in within] == ["Salt.md"]


# Words first


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("batch", [1, 300])
def test_words_answer_before_anything_is_embedded(vault, index, monkeypatch, batch):
    monkeypatch.setattr(vectors, "BATCH", 1)
    monkeypatch.setattr(indexer, "BATCH", batch)
    seen = []

    def report(progress):
        if progress.stage in ("read", "embed"):
            with Index(index.directory).snapshot() as corpus:
                seen.append((len(corpus.notes), corpus.embedded_count, progress))

    index.refresh(vault, WordEncoder(), report=report)
    read = [(notes, progress.done) for notes, _, progress in seen if progress.stage == "read"]
    assert read[0] == (min(batch, 3),) * 2
    assert all(progress.total == 3 for *_, progress in seen)
    counts = [count for _, count, progress in seen if progress.stage == "embed"]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert embedded(index) == 3


def test_loading_the_encoder_does_not_count_as_embedding(vault, index, monkeypatch):
    class SlowEncoder(WordEncoder):
        def passages(self, texts):
            time.sleep(0.3)
            yield from super().passages(texts)

    monkeypatch.setattr(indexer, "SCAN_SECONDS", 0.2)
    stages = []
    index.refresh(vault, SlowEncoder(), report=lambda progress: stages.append(progress.stage))
    assert stages.index("embed") == 1
    assert embedded(index) == 3


def test_interrupted_embedding_is_continued(vault, index, monkeypatch):
    monkeypatch.setattr(vectors, "BATCH", 1)
    first, second = WordEncoder(), WordEncoder()

    def report(progress):
        if progress.stage == "embed" and progress.done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        index.refresh(vault, first, report=report)
    index.refresh(vault, second)
    # The second of them was embedded, but not yet written.
    assert sorted(first.encoded[:1] + second.encoded) == sorted({*first.encoded, *second.encoded})


def test_interrupted_rebuild_leaves_an_index_that_answers(vault, index):
    index.refresh(vault, WordEncoder())

    def report(progress):
        if progress.stage == "embed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.refresh(vault, WordEncoder(), rebuild=True, report=report)
    again = Index(index.directory)
    assert embedded(again) == 3
    assert best(again, "what melts") == "Ice.md"


class LostEncoder(WordEncoder):
    """What embeds passages cannot be reached."""

    def passages(self, texts):
        raise StorageError("ray://nowhere", "does not answer", "start it")


def test_words_find_an_edit_also_when_passages_cannot_be_embedded(vault, index):
    index.refresh(vault, WordEncoder())
    (vault / "New.md").write_text("A quokka.")
    with pytest.raises(StorageError, match="does not answer"):
        index.refresh(vault, LostEncoder())
    assert found_by_word(index, "quokka") == ["New.md"]


class WatchedEncoder(WordEncoder):
    """Counts how often it is closed."""

    ended = 0

    def passages(self, texts):
        try:
            yield from super().passages(texts)
        finally:
            self.ended += 1


def test_a_build_that_fails_ends_the_embedding(vault, index, monkeypatch):
    monkeypatch.setattr(vectors, "BATCH", 1)
    encoder = WatchedEncoder()

    def report(progress):
        if progress.stage == "embed" and progress.done == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        index.refresh(vault, encoder, report=report)
    assert encoder.ended == 1
    assert len(encoder.encoded) == 1


def test_a_note_removed_during_embedding_is_not_embedded(vault, index, monkeypatch):
    monkeypatch.setattr(vectors, "BATCH", 1)
    monkeypatch.setattr(indexer, "SCAN_SECONDS", 0)
    encoder = WatchedEncoder()

    def report(progress):
        if progress.stage == "embed" and progress.done == 1 and not gone:
            left = [name for name in ("Heat", "Ice", "Salt") if name not in encoder.encoded[0][:4]]
            gone.append(left[0])
            (vault / f"{left[0]}.md").unlink()

    gone: list[str] = []
    index.refresh(vault, encoder, report=report)
    assert len(encoder.encoded) == 2
    assert not any(text.startswith(gone[0]) for text in encoder.encoded)


def test_edit_during_embedding_is_seen_before_the_end(vault, index, monkeypatch):
    monkeypatch.setattr(vectors, "BATCH", 1)
    monkeypatch.setattr(indexer, "SCAN_SECONDS", 0)

    def report(progress):
        if progress.stage == "embed" and progress.done == 1:
            (vault / "New.md").write_text("Steam rises.", encoding="utf-8")

    index.refresh(vault, WordEncoder(), report=report)
    assert best(index, "Steam rises") == "New.md"


def test_worker_processes_read_what_one_process_reads(vault, tmp_path, monkeypatch):
    for number in range(130):
        (vault / f"n{number}.md").write_text(f"# N{number}\n\nText {number}. See [[n7]].")
    (vault / "Big.md").write_bytes(b"x" * 10_000_001)
    found = []
    for at_least in (10, 10_000):
        monkeypatch.setattr(note_rows, "PARALLEL", at_least)
        one = Index(tmp_path / f"index {at_least}")
        done = one.refresh(vault, None)
        assert [problem.kind for problem in done.problems] == ["too_large"]
        with one.snapshot() as corpus:
            found.append((corpus.notes.all(), list(corpus.graph.relations())))
    assert found[0] == found[1]


def test_notes_are_read_without_worker_processes_that_cannot_start(vault, index, monkeypatch):
    monkeypatch.setattr(note_rows, "PARALLEL", 1)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert len(index.refresh(vault, None).added) == 3


# The encoder


def test_another_encoder_of_the_same_dimension_is_never_mixed_in(vault, index, caplog):
    index.refresh(vault, WordEncoder())
    other = WordEncoder(seed=1)
    between = []

    def report(progress):
        if progress.stage == "embed" and not between:
            with Index(index.directory).snapshot() as corpus:
                between.append((corpus.embedded, len(corpus.bm25(["melts"]))))

    index.refresh(vault, other, report=report)
    assert between == [(False, 1)]
    assert "embedded again with 'words'" in caplog.text
    with index.snapshot() as corpus:
        assert corpus.encoder == other.identity
        [passage] = corpus.passages_of("Ice.md")
        expected = other.encode_query("Ice. Ice melts slowly in warm water.")
        assert np.allclose(corpus.vectors.of([passage]), expected)
        near = corpus.vectors.nearest(other.encode_query("melts slowly"), 1)
        assert near[0][0] == passage


@pytest.mark.parametrize(
    "change",
    [{"weights": "other"}, {"prefixes": ("query: ", "")}, {"normalised": False}, {"name": "x"}],
)
def test_every_part_of_the_identity_counts(vault, index, change):
    index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus:
        assert corpus.encoder == WordEncoder().identity
        assert corpus.encoder != replace(WordEncoder().identity, **change)


# Snapshots


def test_a_snapshot_keeps_its_state_while_the_index_is_written(vault, index):
    index.refresh(vault, WordEncoder())
    reader = Index(index.directory)
    query = WordEncoder().encode_query("what melts in warm water")
    with reader.snapshot() as snapshot:
        before = snapshot.vectors.nearest(query, 3)
        for number in range(4):
            (vault / "New.md").write_text(f"Steam rises {number}.", encoding="utf-8")
            (vault / "Ice.md").write_text(f"Ice floats {number}.", encoding="utf-8")
            index.refresh(vault, WordEncoder())
        assert "New.md" not in snapshot.notes
        assert "melts" in snapshot.notes["Ice.md"].text
        assert snapshot.vectors.nearest(query, 3) == before
        with reader.snapshot() as later:
            assert "New.md" in later.notes
            assert "floats 3" in later.notes["Ice.md"].text


def test_reading_ends_with_the_snapshot_and_writers_never_wait(vault, index):
    index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus, index.snapshot() as other:
        assert corpus.counter == other.counter
    index.close()
    with pytest.raises(Exception, match="is closed"), index.snapshot():
        pass


# What goes wrong


def test_index_that_is_missing(index, vault):
    with pytest.raises(IndexMissingError), index.snapshot():
        pass
    index.directory.mkdir()
    with contextlib.closing(Database(index.directory).writer()):
        pass  # killed after the tables were made
    with pytest.raises(IndexMissingError), index.snapshot():
        pass
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"


def test_an_index_without_a_note_yet_is_missing(vault, index, monkeypatch):
    (vault / "picture.png").write_bytes(b"")  # other files are committed before the notes
    error = StorageError(index.directory, "full", "Free some space.")

    def full(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Indexer, "_write", full)
        with pytest.raises(StorageError, match="full"):
            index.refresh(vault, WordEncoder())
        with pytest.raises(IndexMissingError), index.snapshot():
            pass
        with pytest.raises(StorageError, match="full"):
            index.catch_up(vault)
    with Database(index.directory).writing(), pytest.raises(IndexLockedError):
        index.catch_up(vault)
    index.catch_up(vault)
    with Database(index.directory).writing():
        index.catch_up(vault)  # there are notes to answer from
    assert found_by_word(index, "melts")


def test_a_first_build_answers_from_the_notes_that_are_read(vault, index, monkeypatch):
    monkeypatch.setattr(indexer, "BATCH", 1)
    counts = []

    def report(step):
        with index.snapshot() as corpus:
            counts.append(len(corpus.notes))

    index.refresh(vault, None, report=report)
    assert counts == [1, 2, 3, 3]


def test_a_vault_whose_notes_cannot_be_read_has_an_index_of_problems(vault, index):
    for path in vault.iterdir():
        path.write_bytes(b"x" * 10_000_001)
    with pytest.raises(VaultError, match="has no note that can be read"):
        index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus:
        assert (len(corpus.notes), len(corpus.problems)) == (0, 3)


def read_all(corpus):
    return corpus.notes.all(), corpus.bm25(["melts"])


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "overwritten":
        content[:] = b"nonsense" * (len(content) // 8)
    else:
        for start in range(8192, len(content), 4096):
            content[start : start + 100] = b"\xff" * 100
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "overwritten", "pages"])
def test_damaged_database_is_set_aside_and_built_again(vault, index, caplog, how):
    index.refresh(vault, WordEncoder())
    index.close()
    damage(index.directory / FILE, how)
    fresh = Index(index.directory)
    with pytest.raises(IndexDamagedError), fresh.snapshot() as corpus:
        read_all(corpus)
    (vault / "Ice.md").write_text("# Ice\n\nIce melts and floats.", encoding="utf-8")
    fresh.refresh(vault, WordEncoder())
    assert best(fresh, "what melts") == "Ice.md"
    assert (index.directory / DAMAGED).is_file()
    assert "cannot be read" in caplog.text
    assert f"renamed to {DAMAGED}" in caplog.text


def test_damage_after_a_kill_is_looked_for(vault, index, monkeypatch, caplog):
    index.refresh(vault, WordEncoder())
    (index.directory / "writer").write_text("process 1 since 12:00:00")  # its lock is gone
    monkeypatch.setattr("ragbot.index.index.is_whole", lambda connection: False)
    index.refresh(vault, WordEncoder())
    assert "SQLite finds damage" in caplog.text
    assert best(index, "what melts") == "Ice.md"
    index.refresh(vault, WordEncoder())
    assert caplog.text.count("SQLite finds damage") == 1


def test_index_that_is_deleted_while_a_chat_runs(vault, index):
    index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus:
        shutil.rmtree(index.directory)
        assert "melts" in corpus.notes["Ice.md"].text
    assert found_by_word(index, "melts") == ["Ice.md"]  # what is open answers
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")
    Index(index.directory).refresh(vault, WordEncoder())
    assert best(index, "Steam rises") == "New.md"


def test_index_of_a_newer_version_is_left_alone(vault, index):
    index.refresh(vault, WordEncoder())
    index.close()
    with contextlib.closing(sqlite3.connect(index.directory / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    fresh = Index(index.directory)

    def read():
        with fresh.snapshot():
            pass

    for attempt in (read, lambda: fresh.refresh(vault, WordEncoder())):
        with pytest.raises(IndexTooNewError) as caught:
            attempt()
        assert caught.value.found == 99
    fresh.refresh(vault, WordEncoder(), rebuild=True)
    assert best(fresh, "what melts") == "Ice.md"


def test_index_of_an_older_version_is_built_again_and_says_so(vault, index, monkeypatch, caplog):
    index.refresh(vault, WordEncoder())
    index.close()
    older = f"format {schema.FORMAT}"
    monkeypatch.setattr(schema, "FORMAT", schema.FORMAT + 1)
    fresh = Index(index.directory)
    with pytest.raises(IndexOutdatedError, match=f"{older} of an older ragbot"), fresh.snapshot():
        pass
    encoder = WordEncoder()
    fresh.refresh(vault, encoder)
    assert older in caplog.text
    assert "built again now" in caplog.text
    assert len(encoder.encoded) == 3
    assert best(fresh, "what melts") == "Ice.md"


def test_a_database_of_another_program_is_not_taken_for_an_index(index, vault):
    index.directory.mkdir()
    with contextlib.closing(sqlite3.connect(index.directory / FILE)) as connection:
        connection.execute("CREATE TABLE theirs (value)")
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(IndexDamagedError, match="not an index of ragbot"), index.snapshot():
        pass
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"
    with contextlib.closing(sqlite3.connect(index.directory / DAMAGED)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_python_without_full_text_search_is_a_clear_error(vault, index, monkeypatch):
    without = schema._SCHEMA.replace("USING fts5", "USING fts_that_is_missing")
    monkeypatch.setattr(schema, "_SCHEMA", without)
    with pytest.raises(StorageError, match="lacks FTS5"):
        index.refresh(vault, None)


def test_a_new_parser_version_reads_again_but_keeps_vectors(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    before = counter(index)
    monkeypatch.setattr(indexer, "PARSER_VERSION", 99)
    encoder = WordEncoder()
    index.refresh(vault, encoder)
    assert counter(index) > before
    assert encoder.encoded == []
    after = counter(index)
    index.refresh(vault, encoder)
    assert counter(index) == after


def test_reading_all_again_is_resumed_after_a_kill(vault, index, monkeypatch):
    index.refresh(vault, None)
    monkeypatch.setattr(indexer, "PARSER_VERSION", 99)
    monkeypatch.setattr(indexer, "BATCH", 1)

    def report(progress):
        raise StoppedError

    with pytest.raises(StoppedError):
        index.refresh(vault, None, report=report)
    read, read_note = [], scanning.read_note
    monkeypatch.setattr(
        scanning, "read_note", lambda root, note: read.append(note) or read_note(root, note)
    )
    Index(index.directory).refresh(vault, None)
    assert read == ["Heat.md", "Ice.md", "Salt.md"]
    Index(index.directory).refresh(vault, None)
    assert len(read) == 3


def test_files_that_another_process_indexed_are_compared_again(vault, index):
    index.refresh(vault, None)
    away = vault.with_name("Ice.md")
    (vault / "Ice.md").rename(away)
    Index(index.directory).refresh(vault, None)
    (vault / "Picture.png").write_bytes(b"")
    away.rename(vault / "Ice.md")
    index.refresh(vault, None)
    (vault / "Picture.png").unlink()
    Index(index.directory).refresh(vault, None)
    index.refresh(vault, None)
    with index.snapshot() as corpus:
        assert list(corpus.notes) == ["Heat.md", "Ice.md", "Salt.md"]
        assert corpus.files == ()


def test_mentions_are_weak_edges_until_they_are_switched_off(vault, index):
    (vault / "Salt.md").write_text("# Salt\n\nSalt keeps off the Ice.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    with Index(index.directory).snapshot() as corpus:
        [edge] = corpus.graph.neighbours("Salt.md")
        assert (edge.predicate, edge.target) == ("mentions", "Ice.md")
        assert len(list(corpus.graph.relations())) - corpus.graph.written == 1
    without = Index(index.directory, mentioned=False)
    encoder = WordEncoder()
    without.refresh(vault, encoder)
    with without.snapshot() as corpus:
        assert corpus.graph.neighbours("Salt.md") == []
    assert encoder.encoded == []
    (vault / "Salt.md").write_text("# Salt\n\nSalt keeps off Heat.", encoding="utf-8")
    Index(index.directory, mentioned=False).refresh(vault, encoder)
    assert encoder.encoded == ["Salt. Salt keeps off Heat."]
    index.refresh(vault, encoder)
    with index.snapshot() as corpus:
        assert [edge.target for edge in corpus.graph.neighbours("Salt.md")] == ["Heat.md"]


@pytest.mark.parametrize("mentioned", [True, False], ids=["on", "off"])
def test_mentions_are_switched_by_the_refresh_after_one_that_was_stopped(
    vault, index, monkeypatch, mentioned
):
    (vault / "Salt.md").write_text("Salt keeps off Heat.", encoding="utf-8")
    Index(index.directory, mentioned=not mentioned).refresh(vault, None)
    switched = Index(index.directory, mentioned=mentioned)
    with monkeypatch.context() as patch:
        patch.setattr(Indexer, "_mention_everywhere", stopped)
        with pytest.raises(KeyboardInterrupt):
            switched.refresh(vault, None)
    switched.refresh(vault, None)
    with switched.snapshot() as corpus:
        assert bool(list(corpus.graph.neighbours("Salt.md"))) == mentioned


def stopped(*_):
    raise KeyboardInterrupt


def test_a_stopped_refresh_leaves_its_unused_embeddings_to_the_next(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    (vault / "Salt.md").write_text("Salt dissolves.", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(NoteWriter, "remove_embeddings", stopped)
        with pytest.raises(KeyboardInterrupt):
            index.refresh(vault, WordEncoder())
    later, encoder = Index(index.directory), WordEncoder()
    later.refresh(vault, encoder)
    assert encoder.encoded == []
    with contextlib.closing(sqlite3.connect(index.directory / FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM embedding").fetchone() == (3,)


def test_second_writer_gets_the_name_of_the_first(vault, index):
    code = (
        "import sys; from pathlib import Path; from ragbot.index.database import Database\n"
        "with Database(Path(sys.argv[1])).writing():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(index.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        process.stdout.readline()
        with pytest.raises(IndexLockedError) as caught:
            index.refresh(vault, WordEncoder())
        assert str(process.pid) in caught.value.holder
    finally:
        process.kill()
        process.wait()
    assert index.refresh(vault, WordEncoder())


def test_vanished_and_empty_vaults_leave_the_index(vault, index, tmp_path):
    index.refresh(vault, WordEncoder())
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "gone", tmp_path / "empty"):
        with pytest.raises(VaultError):
            index.refresh(folder, WordEncoder())
    assert best(index, "what melts") == "Ice.md"


def test_vault_that_goes_between_listing_and_reading_leaves_the_index(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    (vault / "Ice.md").write_text("Ice floats.", encoding="utf-8")

    def listed(notes):
        found = indexer.listed(notes)
        vault.rename(vault.with_name("away"))
        return found

    monkeypatch.setattr("ragbot.index.index.listed", listed)
    with pytest.raises(VaultError, match="does not exist"):
        index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"


@pytest.mark.parametrize("spare", [0, 100, 210])
def test_full_disk_leaves_the_index(vault, index, monkeypatch, spare):
    """`spare` pages last for no note, for some, or for all of them but not for their vectors."""
    monkeypatch.setattr(indexer, "BATCH", 20)
    index.refresh(vault, WordEncoder())
    for number in range(50):
        (vault / f"New {number}.md").write_text(f"Steam rises {number}. " * 200, encoding="utf-8")
    usual = Database.writer

    def full(self):
        connection = usual(self)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + spare}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(Database, "writer", full)
        with pytest.raises(StorageError, match="full"):
            index.refresh(vault, WordEncoder())
        assert (found_by_word(index, "steam") == []) == (spare == 0)
        index.catch_up(vault)  # says so, and answers
    assert best(Index(index.directory), "what melts") == "Ice.md"
    index.refresh(vault, WordEncoder())
    assert len(found_by_word(index, "steam")) == 50
    assert best(index, "what melts") == "Ice.md"


def test_a_locked_database_is_never_read_without_its_lock(vault, index):
    index.refresh(vault, WordEncoder())
    index.close()
    with contextlib.closing(sqlite3.connect(index.directory / FILE)) as other:
        other.execute("PRAGMA journal_mode = DELETE")  # as where no write-ahead log can be kept
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(IndexLockedError):
            Database(index.directory).reader(busy_seconds=0)


@pytest.fixture
def read_only(index):
    """Return a function that takes away the right to write the index; root keeps it."""
    folder = index.directory

    def lock():
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)

    yield lock
    for path in [folder, *folder.rglob("*")] if folder.exists() else ():
        path.chmod(0o755)


READ = """
import logging, os, sys
from pathlib import Path
import chromadb
from ragbot.index.index import Index
from tests.word_encoder import WordEncoder
os.setuid(65534)
logging.basicConfig()
index, vault = Index(Path(sys.argv[1])), Path(sys.argv[2])
index.catch_up(vault)
with index.snapshot() as corpus:
    number, _ = corpus.vectors.nearest(WordEncoder().encode_query("what melts"), 1)[0]
    print(corpus.passage(number).note, "New.md" in corpus.notes)
"""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs to become another user")
@pytest.mark.parametrize("logs", [True, False], ids=["with-its-log", "without"])
def test_index_in_a_read_only_folder_answers_as_it_was(vault, index, tmp_path, read_only, logs):
    index.refresh(vault, WordEncoder())
    index.close()
    if logs:
        keep = sqlite3.connect(index.directory / FILE)
        keep.execute("SELECT count(*) FROM note").fetchone()
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")
    read_only()
    # Pytest keeps other users out of its own folders.
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        for name in (index.directory.name, vault.name):
            shutil.copytree(tmp_path / name, home / name)
        done = subprocess.run(
            [sys.executable, "-c", READ, str(home / index.directory.name), str(home / vault.name)],
            capture_output=True,
            text=True,
            cwd=Path.cwd(),
            check=False,
        )
    assert done.stdout.split() == ["Ice.md", "False"], done.stderr
    assert "Answers come from the index as it was" in done.stderr


def test_index_that_cannot_be_written_answers_as_it_was(vault, index, monkeypatch, caplog):
    index.refresh(vault, WordEncoder())
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")

    def writing(self):
        raise StorageError(self.directory, "Read-only file system", "Choose another.")

    monkeypatch.setattr(Database, "writing", writing)
    index.catch_up(vault)
    assert "Answers come from the index as it was" in caplog.text
    assert best(index, "what melts") == "Ice.md"


def test_file_system_without_shared_memory_has_a_rollback_journal(
    vault, index, monkeypatch, caplog
):
    usual = sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement == "PRAGMA journal_mode = WAL":
                raise sqlite3.OperationalError("locking protocol")
            return super().execute(statement, *values)

    def connect(*arguments, **settings):
        return usual(*arguments, **settings, factory=Connection)

    monkeypatch.setattr(database.sqlite3, "connect", connect)
    index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"
    assert "allows no write-ahead log" in caplog.text
    assert not (index.directory / f"{FILE}-wal").exists()


def test_folder_that_cannot_be_written(vault, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        Index(tmp_path / "file" / "index").refresh(vault, WordEncoder())
    with pytest.raises(StorageError):
        Index(tmp_path / "file" / "index").catch_up(vault)


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_folder_with_a_name_that_is_too_long(vault, tmp_path, rebuild):
    index = Index(tmp_path / ("long" * 100))
    with pytest.raises(StorageError, match=r"longlong.*Choose a folder with a shorter name"):
        index.refresh(vault, WordEncoder(), rebuild=rebuild)
    with pytest.raises(StorageError, match="shorter name"):
        index.catch_up(vault)


def test_an_index_on_a_file_says_that_it_is_one(vault, tmp_path):
    path = tmp_path / "file"
    path.write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="It is a file; the index needs a folder"):
        Index(path).refresh(vault, WordEncoder())


@pytest.mark.parametrize("encoder", [None, WordEncoder()], ids=["words", "all"])
def test_an_index_of_other_notes_is_left_alone_unless_it_is_built_again(
    vault, index, tmp_path, encoder
):
    index.refresh(vault, None)
    with index.snapshot() as corpus:
        before = set(corpus.notes)
    other = tmp_path / "other"
    other.mkdir()
    shared = min(before)  # many vaults have a note of the same name
    for name in ("Bread.md", "Milk.md", shared):
        (other / name).write_text("Bread is baked.", encoding="utf-8")
    with pytest.raises(OtherNotesError) as raised:
        index.refresh(other, encoder)
    for named in (vault, other, index.directory, "--index", "--rebuild"):
        assert str(named) in str(raised.value)
    with pytest.raises(OtherNotesError):
        index.catch_up(other)
    with index.snapshot() as corpus:
        assert set(corpus.notes) == before
    index.refresh(other, encoder, rebuild=True)
    with index.snapshot() as corpus:
        assert set(corpus.notes) == {"Bread.md", "Milk.md", shared}
    with pytest.raises(OtherNotesError):
        index.refresh(vault, encoder)


def test_an_older_index_of_other_notes_is_left_alone_too(vault, index, tmp_path, monkeypatch):
    index.refresh(vault, None)
    index.close()
    monkeypatch.setattr(schema, "FORMAT", schema.FORMAT + 1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "Bread.md").write_text("Bread is baked.", encoding="utf-8")
    fresh = Index(index.directory)
    for _ in range(2):
        with pytest.raises(OtherNotesError):
            fresh.catch_up(other)
    assert fresh.refresh(vault, None).added
    with pytest.raises(OtherNotesError):
        fresh.refresh(other, None)


def test_a_vault_that_was_moved_keeps_its_index(vault, index, tmp_path):
    index.refresh(vault, None)
    moved = vault.rename(tmp_path / "moved")
    assert not index.refresh(moved, None)
    (moved / "New.md").write_text("New.", encoding="utf-8")
    assert index.refresh(moved, None).added == ("New.md",)


def test_unreadable_note_is_a_problem_and_the_rest_go_on(vault, index):
    (vault / "Big.md").write_bytes(b"x" * 10_000_001)
    done = index.refresh(vault, WordEncoder())
    assert [problem.kind for problem in done.problems] == ["too_large"]
    with index.snapshot() as corpus:
        assert len(corpus.notes) == 3
    assert index.behind(vault) == 0
    (vault / "Big.md").write_text("Small now.")
    done = index.refresh(vault, WordEncoder())
    assert (done.added, done.problems) == (("Big.md",), ())
    (vault / "Big.md").write_bytes(b"x" * 10_000_001)
    done = index.refresh(vault, WordEncoder())
    assert (done.removed, len(done.problems)) == (("Big.md",), 1)


def test_refresh_of_one_note_does_the_work_of_one_note(vault, index, monkeypatch):
    for number in range(300):
        (vault / f"n{number}.md").write_text(f"# N{number}\n\nText {number}.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    (vault / "n7.md").write_text("# N7\n\nSteam rises.", encoding="utf-8")
    encoder, done = WordEncoder(), []

    def counted(module, name, note):
        work = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given: done.append((name, note(*given))) or work(*given)
        )

    counted(scanning, "read_note", lambda root, note: note)
    counted(note_writer.NoteWriter, "put", lambda writer, rows, written: rows.path)
    counted(relation_writer, "mentions_in", lambda note, *rest: note)
    index.refresh(vault, encoder)
    assert done == [(name, "n7.md") for name in ("read_note", "put", "mentions_in")]
    assert encoder.encoded == ["N7. Steam rises."]


def test_quick_edit_lists_the_folder_once(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    (vault / "Ice.md").write_text("Ice floats.", encoding="utf-8")
    scan, seen = scanning.scan, []
    monkeypatch.setattr(scanning, "scan", lambda root: seen.append(root) or scan(root))
    index.refresh(vault, WordEncoder())
    assert seen == [vault]
    assert best(index, "what floats") == "Ice.md"


def test_strange_text_is_kept_as_it_is(vault, index):
    text = '---\ntitle: "\\ud800 x"\n---\nA \0 between.\r\n\r\nCaf\u00e9 \U0001f389 \u4e2d\u6587.'
    (vault / "Odd.md").write_bytes(text.encode())
    index.refresh(vault, WordEncoder())
    with index.snapshot() as corpus:
        note = corpus.notes["Odd.md"]
        assert note.text == text
        for number in corpus.passages_of("Odd.md"):
            passage = corpus.passage(number)
            assert passage.text == text[slice(*passage.span)]
        assert json.dumps(note.title)
        assert "\ud800" not in corpus.notes
