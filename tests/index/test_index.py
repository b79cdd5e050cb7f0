"""The index: what it embeds, what it refuses, what it says when something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from ragbot.errors import (
    IndexDamagedError,
    IndexLockedError,
    IndexMissingError,
    IndexOutdatedError,
    IndexTooNewError,
    StorageError,
    VaultError,
)
from ragbot.index import arcs, build
from ragbot.index.index import Index
from ragbot.index.manifest import MANIFEST
from ragbot.index.shelf import Shelf
from ragbot.notes import mentions, resolution
from ragbot.notes import vault as scanning
from tests.word_encoder import WordEncoder


@pytest.fixture
def vault(tmp_path):
    folder = tmp_path / "vault"
    folder.mkdir()
    for name, text in {
        "Heat": "# Heat\n\nHeat flows from warm to cold.\n\n- opposes::[[Ice]]",
        "Ice": "# Ice\n\nIce melts slowly in warm water.",
        "Salt": "# Salt\n\nSalt is a crystal. See [[Nowhere]].",
    }.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "index")


def best(index, question):
    generation = index.current()
    row, _ = generation.nearest(WordEncoder().encode_query(question), 1)[0]
    return generation.chunks[row].note


# Refreshing


def test_first_refresh_finds_everything(vault, index):
    done = index.refresh(vault, WordEncoder())
    assert done.added == ("Heat.md", "Ice.md", "Salt.md")
    assert best(index, "what melts in warm water") == "Ice.md"
    assert index.current().graph.ghosts() == {"Nowhere": 1}


def test_nothing_changed_is_not_built_again(vault, index):
    index.refresh(vault, WordEncoder())
    before = index.current()
    encoder = WordEncoder()
    done = index.refresh(vault, encoder)
    assert (bool(done), done.unchanged) == (False, 3)
    assert index.current() is before
    assert encoder.encoded == []


def test_touched_file_is_no_change(vault, index):
    index.refresh(vault, WordEncoder())
    before = index.current()
    os.utime(vault / "Ice.md", (1, 1))
    assert index.behind(vault) == 1
    assert not index.refresh(vault, WordEncoder())
    assert index.current() is before
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


def test_equal_text_is_embedded_once(vault, index):
    (vault / "Ice again.md").write_text((vault / "Ice.md").read_text(), encoding="utf-8")
    encoder = WordEncoder()
    index.refresh(vault, encoder)
    assert len(encoder.encoded) == len(set(encoder.encoded)) == 3
    generation = index.current()
    near = generation.nearest(encoder.encode_query("Ice melts slowly in warm water"), 2)
    assert [generation.chunks[row].note for row, _ in near] == ["Ice again.md", "Ice.md"]


def test_removed_note_is_gone_from_every_part(vault, index):
    index.refresh(vault, WordEncoder())
    (vault / "Ice.md").unlink()
    done = index.refresh(vault, WordEncoder())
    generation = index.current()
    assert done.removed == ("Ice.md",)
    assert "Ice.md" not in generation.notes
    assert {c.note for c in generation.chunks} == {"Heat.md", "Salt.md"}
    assert generation.graph.ghosts() == {"Nowhere": 1, "Ice": 1}
    assert generation.lexical.passages("melts").max() == 0
    rows = [row for row, _ in generation.nearest(WordEncoder().encode_query("melts"), 10)]
    assert len(rows) == 2


def test_rebuild_embeds_everything(vault, index):
    index.refresh(vault, WordEncoder())
    encoder = WordEncoder()
    index.refresh(vault, encoder, rebuild=True)
    assert len(encoder.encoded) == 3


def test_cosines_are_exact(vault, index):
    index.refresh(vault, WordEncoder())
    generation = index.current()
    query = WordEncoder().encode_query("warm water")
    near = generation.nearest(query, 3)
    assert np.allclose(
        [cosine for _, cosine in near], generation.similarities(query, [row for row, _ in near])
    )
    assert np.allclose(np.linalg.norm(generation.vectors([0, 1, 2]), axis=1), 1)


def test_many_edits_leave_few_segments(vault, index):
    for number in range(14):
        (vault / "Salt.md").write_text(f"# Salt\n\nSalt number {number}.", encoding="utf-8")
        index.refresh(vault, WordEncoder())
    assert len(index.current().segments) <= 9
    assert len(list((index.directory / "generations").iterdir())) <= 3
    assert best(index, "Salt number 13") == "Salt.md"


# Words first


class StoppedError(Exception):
    pass


def test_words_answer_before_anything_is_embedded(vault, index, monkeypatch):
    monkeypatch.setattr(build, "PIECE", 1)
    monkeypatch.setattr(build, "EVERY", 0)
    encoder = WordEncoder()
    encoder.loaded = False
    seen = []

    def report(progress):
        if progress.stage == "embed":
            generation = Index(index.directory).current()
            seen.append((generation.embedded, generation.manifest.embedded))
            assert generation.lexical.passages("melts").max() > 0

    index.refresh(vault, encoder, report=report)
    assert seen[0] == (False, 0)
    assert [count for _, count in seen] == sorted(count for _, count in seen)
    assert index.current().manifest.embedded == 3


class SlowEncoder(WordEncoder):
    """Takes longer to load than vectors are waited for."""

    loaded = False

    def passages(self, texts):
        time.sleep(0.3)
        yield from super().passages(texts)


def test_loading_the_encoder_does_not_count_as_embedding(vault, index, monkeypatch):
    monkeypatch.setattr(build, "EVERY", 0.2)
    counts = []

    def report(progress):
        if progress.stage == "verify":
            with suppress(IndexMissingError):
                counts.append(Index(index.directory).current().manifest.embedded)

    index.refresh(vault, SlowEncoder(), report=report)
    assert index.current().manifest.embedded == 3
    assert counts == [0]  # words at once, then vectors: all of them in one generation


def test_a_long_build_leaves_few_segments_at_any_time(vault, index, monkeypatch):
    monkeypatch.setattr(build, "PIECE", 1)
    monkeypatch.setattr(build, "EVERY", 0)
    monkeypatch.setattr(build, "REST", 0)
    for number in range(72):
        (vault / f"Note {number}.md").write_text(f"# Note {number}\n\nIt is {number}.")
    encoder, counts = WordEncoder(), []
    encoder.loaded = False

    def report(progress):
        if progress.stage == "verify":
            with suppress(IndexMissingError):
                counts.append(len(Index(index.directory).current().segments))

    index.refresh(vault, encoder, report=report)
    assert len(counts) > 72  # a generation with each vector
    assert 7 < max(counts) < 24  # seven of one, of eight and of 64 vectors at most
    assert index.current().manifest.embedded == 75
    assert best(index, "It is 41") == "Note 41.md"


def test_where_a_look_takes_long_there_are_fewer(vault, index, monkeypatch):
    monkeypatch.setattr(build, "PIECE", 1)
    monkeypatch.setattr(build, "EVERY", 0.01)
    for number in range(12):
        (vault / f"Note {number}.md").write_text(f"# Note {number}\n\nIt is {number}.")
    embed, publish, waited = build.Build._embed, build.Build._publish, []

    def slow(self, content):
        time.sleep(0.1)
        publish(self, content)

    def embedded(self, texts, seconds):
        waited.append(seconds)
        # One vector each of the first times, as if it took all the time there is.
        embed(self, texts, 1e-9 if len(waited) < 4 else seconds)

    monkeypatch.setattr(build.Build, "_publish", slow)
    monkeypatch.setattr(build.Build, "_embed", embedded)
    encoder = WordEncoder()
    encoder.loaded = False
    index.refresh(vault, encoder)
    assert waited[0] == 0.01  # what the first look found is shown as soon as ever
    assert min(waited[1:]) >= 0.3
    assert index.current().manifest.embedded == 15


def test_interrupted_embedding_is_taken_up_again(vault, index, monkeypatch):
    monkeypatch.setattr(build, "PIECE", 1)
    monkeypatch.setattr(build, "EVERY", 0)
    first, second = WordEncoder(), WordEncoder()
    first.loaded = False

    def report(progress):
        if progress.stage == "embed" and progress.done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        index.refresh(vault, first, report=report)
    index.refresh(vault, second)
    # The second of them was embedded, but not yet made safe.
    assert sorted(first.encoded[:1] + second.encoded) == sorted({*first.encoded, *second.encoded})


def test_interrupted_rebuild_leaves_the_former_index(vault, index):
    index.refresh(vault, WordEncoder())
    before = index.current().generation

    def report(progress):
        if progress.stage == "embed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.refresh(vault, WordEncoder(), rebuild=True, report=report)
    assert Index(index.directory).current().generation == before


class WatchedEncoder(WordEncoder):
    """Tells when it is given passages, and when it is told to end."""

    def __init__(self):
        super().__init__()
        self.given, self.ended = [], 0

    def passages(self, texts):
        self.given.append(sorted(texts))
        return self._coming(texts)

    def _coming(self, texts):
        try:
            yield from super().passages(texts)
        finally:
            self.ended += 1


def test_a_loaded_encoder_begins_before_links_are_resolved(vault, index, monkeypatch):
    encoder, seen = WatchedEncoder(), []
    resolve = build.content_of
    monkeypatch.setattr(
        build, "content_of", lambda *given: seen.append(list(encoder.given)) or resolve(*given)
    )
    index.refresh(vault, encoder)
    texts = [t for e in index.current().content.snapshot.entries.values() for t in e.texts]
    assert seen == [[sorted(texts)]]
    assert len(encoder.given) == 1


class LostEncoder(WordEncoder):
    """What embeds passages cannot be reached."""

    def passages(self, texts):
        raise StorageError("ray://nowhere", "does not answer", "start it")


def test_words_find_an_edit_also_when_passages_cannot_be_embedded(vault, index):
    index.refresh(vault, WordEncoder())
    for number in range(build.AT_ONCE + 1):
        (vault / f"New {number}.md").write_text(f"A quokka, number {number}.")
    with pytest.raises(StorageError, match="does not answer"):
        index.refresh(vault, LostEncoder())
    assert index.current().lexical.passages("quokka").max() > 0


def test_a_build_that_fails_ends_the_embedding(vault, index, monkeypatch):
    monkeypatch.setattr(build, "PIECE", 1)
    encoder = WatchedEncoder()

    def report(progress):
        if progress.stage == "embed" and progress.done == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        index.refresh(vault, encoder, report=report)
    assert encoder.ended == 1
    assert len(encoder.encoded) == 1


def test_what_is_wanted_no_more_is_not_embedded(vault, index, monkeypatch):
    monkeypatch.setattr(build, "PIECE", 1)
    monkeypatch.setattr(build, "EVERY", 0)
    encoder = WatchedEncoder()
    encoder.loaded = False

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
    monkeypatch.setattr(build, "PIECE", 1)
    monkeypatch.setattr(build, "EVERY", 0)
    encoder = WordEncoder()
    encoder.loaded = False

    def report(progress):
        if progress.stage == "embed" and progress.done == 1:
            (vault / "New.md").write_text("Steam rises.", encoding="utf-8")

    index.refresh(vault, encoder, report=report)
    assert best(index, "Steam rises") == "New.md"


# Identity


def test_another_encoder_of_the_same_dimension_is_never_mixed_in(vault, index):
    index.refresh(vault, WordEncoder())
    old = index.current()
    other = WordEncoder(seed=1)
    other.loaded = False
    between = []

    def report(progress):
        if progress.stage == "embed":
            between.append(Index(index.directory).current())

    assert not old.understands(other.identity)
    index.refresh(vault, other, report=report)
    assert not between[0].embedded
    assert between[0].lexical.passages("melts").max() > 0
    assert index.current().understands(other.identity)
    assert not index.current().understands(WordEncoder().identity)
    told = index.current().content.snapshot.entries["Ice.md"].texts
    assert np.allclose(index.current().vectors([1]), other.encode_passages(told).vectors)


@pytest.mark.parametrize(
    "change",
    [{"weights": "other"}, {"prefixes": ("query: ", "")}, {"normalised": False}, {"name": "x"}],
)
def test_every_part_of_the_identity_counts(vault, index, change):
    index.refresh(vault, WordEncoder())
    assert not index.current().understands(replace(WordEncoder().identity, **change))


# Generations


def test_reader_in_another_place_sees_the_new_generation(vault, index):
    index.refresh(vault, WordEncoder())
    reader = Index(index.directory)
    held = reader.current()
    for number in range(4):
        (vault / "New.md").write_text(f"Steam rises {number}.", encoding="utf-8")
        index.refresh(vault, WordEncoder())
    assert "New.md" in reader.current().notes
    # What was taken before goes on answering from its own files, however many came since.
    assert held.nearest(WordEncoder().encode_query("melts"), 3)
    assert "New.md" not in held.notes


def test_generations_nobody_reads_are_swept(vault, index):
    for number in range(5):
        (vault / "New.md").write_text(f"Steam rises {number}.", encoding="utf-8")
        index.refresh(vault, WordEncoder())
    shelf = Shelf(index.directory)
    assert len(shelf.names()) <= 3
    used = [index._used_by(name) for name in shelf.names()]
    for part in ("segments", "pages", "sheets", "words"):
        kept = {path.name for path in getattr(shelf, part).iterdir()}
        assert kept == {name for one in used for name in getattr(one, part)}, part


def test_rollback(vault, index):
    index.refresh(vault, WordEncoder())
    with pytest.raises(IndexMissingError):
        index.rollback(vault)
    first = index.current().generation
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    assert index.rollback(vault) == first
    assert "New.md" not in index.current().notes
    assert index.behind(vault) == 1
    index.refresh(vault, WordEncoder())
    assert "New.md" in index.current().notes


def test_rollback_holds_until_a_note_changes_or_someone_asks(vault, index):
    index.refresh(vault, WordEncoder())
    first = index.current().generation
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    index.rollback(vault)
    assert not index.refresh(vault, WordEncoder(), automatic=True)
    index.catch_up(vault)
    assert index.current().generation == first
    (vault / "Heat.md").write_text("Heat goes up.", encoding="utf-8")
    index.refresh(vault, WordEncoder(), automatic=True)
    assert "New.md" in index.current().notes
    index.rollback(vault)
    index.refresh(vault, WordEncoder())
    assert "New.md" in index.current().notes


# What goes wrong


def test_index_that_is_missing(index):
    with pytest.raises(IndexMissingError):
        index.current()


@pytest.mark.parametrize(
    "name", [f"generations/*/{MANIFEST}", "pages/*", "sheets/*", "words/*/keys.txt"]
)
def test_damaged_file_is_found_and_mended(vault, index, name):
    index.refresh(vault, WordEncoder())
    [path] = index.directory.glob(name)
    path.write_bytes(path.read_bytes()[:-7])
    fresh = Index(index.directory)
    with pytest.raises(IndexDamagedError):
        fresh.current()
    fresh.refresh(vault, WordEncoder())
    assert best(fresh, "what melts") == "Ice.md"


def test_what_a_note_says_is_read_when_it_is_asked_for(vault, index):
    index.refresh(vault, WordEncoder())
    reader = Index(index.directory).current()
    shutil.rmtree(index.directory / "pages")
    assert list(reader.notes) == ["Heat.md", "Ice.md", "Salt.md"]
    assert reader.lexical.names("What is Heat?")[0].notes == ("Heat.md",)
    with pytest.raises(IndexDamagedError, match="No such file"):
        _ = reader.notes["Heat.md"]


def test_a_new_process_resolves_only_what_was_edited(vault, index, monkeypatch):
    (vault / "Salt.md").write_text("# Salt\n\nSalt keeps off the Ice. See [[Nowhere]].")
    index.refresh(vault, WordEncoder())
    resolve, seen = resolution.with_targets, []
    monkeypatch.setattr(
        resolution, "with_targets", lambda note, names: seen.append(note.id) or resolve(note, names)
    )
    (vault / "Heat.md").write_text("# Heat\n\nHeat rises. See [[Elsewhere]].", encoding="utf-8")
    Index(index.directory).refresh(vault, WordEncoder())
    assert set(seen) == {"Heat.md"}
    graph = index.current().graph
    assert graph.ghosts() == {"Elsewhere": 1, "Nowhere": 1}
    assert [edge.predicate for edge in graph.neighbours("Ice.md")] == ["mentions"]


def test_reader_that_cannot_leave_a_lease_reads_all_at_once(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    monkeypatch.setattr(Shelf, "lease", lambda shelf, name: None)
    reader = Index(index.directory).current()
    shutil.rmtree(index.directory / "pages")
    assert reader.notes["Ice.md"].text.startswith("# Ice")
    assert [chunk.note for chunk in reader.chunks] == ["Heat.md", "Ice.md", "Salt.md"]


def test_quick_edit_lists_the_folder_once(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    (vault / "Ice.md").write_text("Ice floats.", encoding="utf-8")
    scan, seen = scanning.scan, []
    monkeypatch.setattr(scanning, "scan", lambda root: seen.append(root) or scan(root))
    index.refresh(vault, WordEncoder())
    assert seen == [vault]
    assert best(index, "what floats") == "Ice.md"


def test_damaged_page_is_found(vault, index):
    index.refresh(vault, WordEncoder())
    page = next((index.directory / "pages").iterdir())
    page.write_bytes(page.read_bytes().replace(b"melts", b"burns"))
    with pytest.raises(IndexDamagedError):
        Index(index.directory).current()


def test_index_of_a_newer_version_is_left_alone(vault, index):
    index.refresh(vault, WordEncoder())
    path = index.directory / "generations" / index.current().generation / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    fresh = Index(index.directory)
    for attempt in (fresh.current, lambda: fresh.refresh(vault, WordEncoder())):
        with pytest.raises(IndexTooNewError) as caught:
            attempt()
        assert caught.value.found == 99
    fresh.refresh(vault, WordEncoder(), rebuild=True)
    assert best(fresh, "what melts") == "Ice.md"


def test_index_of_an_older_version_is_built_anew_and_says_so(vault, index, caplog):
    index.refresh(vault, WordEncoder())
    old = index.directory / "generations" / index.current().generation
    manifest = old / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 1}))
    fresh = Index(index.directory)
    with pytest.raises(IndexOutdatedError, match="format 1 of an older ragbot"):
        fresh.current()
    encoder = WordEncoder()
    encoder.loaded = False
    there = []

    def report(progress):
        # What the older version wrote stays, for it to be run again, until this one is done.
        there.append(old.is_dir() and any((index.directory / "segments").iterdir()))
        if progress.stage == "embed":
            assert Index(index.directory).current().lexical.passages("melts").max() > 0

    fresh.refresh(vault, encoder, report=report)
    assert "format 1" in caplog.text
    assert "built again now" in caplog.text
    assert all(there[:-1])
    assert len(encoder.encoded) == 3
    assert best(fresh, "what melts") == "Ice.md"


def test_code_that_reads_otherwise_reads_again_but_keeps_vectors(vault, index, monkeypatch):
    index.refresh(vault, WordEncoder())
    before = index.current().generation
    monkeypatch.setattr(build, "reading_rules", lambda mentioned: "other")
    encoder = WordEncoder()
    index.refresh(vault, encoder)
    assert index.current().generation != before
    assert encoder.encoded == []


def test_mentions_are_weak_edges_until_they_are_switched_off(vault, index):
    (vault / "Salt.md").write_text("# Salt\n\nSalt keeps off the Ice.", encoding="utf-8")
    index.refresh(vault, WordEncoder())
    graph = Index(index.directory).current().graph
    [edge] = graph.neighbours("Salt.md")
    assert (edge.predicate, edge.target, len(graph) - graph.written) == ("mentions", "Ice.md", 1)
    without = Index(index.directory, mentioned=False)
    encoder = WordEncoder()
    without.refresh(vault, encoder)
    assert without.current().graph.neighbours("Salt.md") == []
    assert encoder.encoded == []
    (vault / "Salt.md").write_text("# Salt\n\nSalt keeps off Heat.", encoding="utf-8")
    Index(index.directory, mentioned=False).refresh(vault, encoder)
    assert encoder.encoded == ["Salt. Salt keeps off Heat."]


def test_second_writer_hears_who_writes(vault, index):
    code = (
        "import sys; from pathlib import Path; from ragbot.shelf import Shelf\n"
        "with Shelf(Path(sys.argv[1])).writing():\n    print('held', flush=True); sys.stdin.read()"
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
        found = build.listing(notes)
        vault.rename(vault.with_name("away"))
        return found

    monkeypatch.setattr("ragbot.index.index.listing", listed)
    with pytest.raises(VaultError, match="does not exist"):
        index.refresh(vault, WordEncoder())
    assert best(index, "what melts") == "Ice.md"


@pytest.mark.parametrize("part", ["pages", "sheets", "segments", "generations", "CURRENT"])
def test_full_disk_leaves_the_index(vault, index, monkeypatch, part):
    index.refresh(vault, WordEncoder())
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")
    from pathlib import Path

    def full(write):
        def attempt(self, *arguments, **settings):
            if part in str(self):
                raise OSError(28, "No space left on device", str(self))
            return write(self, *arguments, **settings)

        return attempt

    with monkeypatch.context() as patch:
        for name in ("write_text", "write_bytes", "mkdir"):
            patch.setattr(Path, name, full(getattr(Path, name)))
        with pytest.raises(StorageError, match="No space left"):
            index.refresh(vault, WordEncoder())
    assert "New.md" not in Index(index.directory).current().notes
    index.refresh(vault, WordEncoder())
    assert best(index, "Steam rises") == "New.md"


def test_index_that_cannot_be_written_answers_as_it_was(vault, index, monkeypatch, caplog):
    index.refresh(vault, WordEncoder())
    (vault / "New.md").write_text("Steam rises.", encoding="utf-8")

    def writing(shelf):
        raise StorageError(shelf.directory, "Read-only file system", "Choose another.")

    monkeypatch.setattr(Shelf, "writing", writing)
    index.catch_up(vault)
    assert "The index as it was answers" in caplog.text
    assert best(index, "what melts") == "Ice.md"


def test_folder_that_cannot_be_written(vault, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        Index(tmp_path / "file" / "index").refresh(vault, WordEncoder())
    with pytest.raises(StorageError):
        Index(tmp_path / "file" / "index").catch_up(vault)


def test_unreadable_note_is_a_problem_and_the_rest_go_on(vault, index):
    (vault / "Big.md").write_bytes(b"x" * 10_000_001)
    done = index.refresh(vault, WordEncoder())
    assert [problem.kind for problem in done.problems] == ["too_large"]
    assert len(index.current().notes) == 3
    (vault / "Big.md").write_text("Small now.")
    assert index.refresh(vault, WordEncoder()).added == ("Big.md",)


def test_refresh_of_one_note_does_the_work_of_one_note(vault, index, monkeypatch):
    for number in range(300):
        (vault / f"n{number}.md").write_text(f"# N{number}\n\nText {number}.", encoding="utf-8")
    index.refresh(vault, WordEncoder())

    def written(part):
        return set((index.directory / part).iterdir())

    there = {part: written(part) for part in ("pages", "sheets")}
    (vault / "n7.md").write_text("# N7\n\nSteam rises.", encoding="utf-8")
    encoder, done = WordEncoder(), []

    def counted(module, name, note):
        work = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given: done.append((name, note(*given))) or work(*given)
        )

    counted(scanning, "read_note", lambda root, note: note)
    counted(mentions, "_scan", lambda note, trie: note.id)
    counted(arcs, "_told", lambda note, mentioned: note.id)
    index.refresh(vault, encoder)
    assert done == [(name, "n7.md") for name in ("read_note", "_scan", "_told")]
    assert encoder.encoded == ["N7. Steam rises."]
    assert [len(written(part) - old) for part, old in there.items()] == [1, 1]


def test_an_index_on_a_file_says_that_it_is_one(vault, tmp_path):
    path = tmp_path / "file"
    path.write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="It is a file; the index needs a folder"):
        Index(path).refresh(vault, WordEncoder())
