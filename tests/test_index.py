"""The index: built, refreshed, switched, swept; wrong states are clear errors."""

import json
import os
import subprocess
import sys

import pytest
from fake_encoder import FakeEncoder

from ragbot.errors import (
    IndexDamagedError,
    IndexLockedError,
    IndexMissingError,
    IndexTooNewError,
    VaultError,
)
from ragbot.index import Index


@pytest.fixture
def vault(tmp_path):
    """Three notes: one links to another, and to one that is not written."""
    folder = tmp_path / "notes"
    folder.mkdir()
    write(folder, "Heat.md", "# Heat\n\nHeat flows from hot to cold.\n\n- part_of::[[Physics]]\n")
    write(folder, "Entropy.md", "# Entropy\n\nEntropy grows. See [[Heat]] and [[Carnot]].\n")
    write(folder, "Tea.md", "# Tea\n\nTea cools in an hour.\n")
    return folder


@pytest.fixture
def index(tmp_path):
    with_index = Index(tmp_path / "index")
    yield with_index
    with_index.close()


def write(folder, name, text, age=60):
    """Write a note as if some time ago, so that its time alone tells that it is unchanged."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))


def targets(index):
    return {
        (r.source, r.written): r.target for n in index.current().notes.values() for r in n.relations
    }


def says(index):
    """All that a generation says, in a form that can be compared."""
    g = index.current()
    query = FakeEncoder().encode_query("heat flows and tea cools")
    return (
        dict(g.notes),
        list(g.chunks),
        sorted(map(repr, (g.graph.relation(e) for e in range(len(g.graph))))),
        dict(g.graph.ghosts()),
        [(row, round(score, 5)) for row, score in g.nearest(query, 50)],
        g.lexical.passages("heat tea").round(5).tolist(),
    )


def test_a_first_build_holds_every_note(index, vault):
    changes = index.refresh(vault, FakeEncoder())

    assert changes.added == ("Entropy.md", "Heat.md", "Tea.md")
    g = index.current()
    assert list(g.notes) == ["Entropy.md", "Heat.md", "Tea.md"]
    assert g.manifest.embedded == g.manifest.chunks == len(g.chunks) > 0


def test_a_chunk_is_nearest_to_its_own_text(index, vault):
    encoder = FakeEncoder()
    index.refresh(vault, encoder)
    g = index.current()
    for row in range(len(g.chunks)):
        (found, cosine), *_ = g.nearest(g.vectors([row])[0], 1)
        assert (found, cosine) == (row, pytest.approx(1, abs=1e-5))


def test_nothing_changed_builds_nothing(index, vault):
    index.refresh(vault, FakeEncoder())
    before = index.current().generation
    encoder = FakeEncoder()
    changes = index.refresh(vault, encoder)

    assert not changes
    assert changes.unchanged == 3
    assert index.current().generation == before
    assert encoder.encoded == []


def test_an_edit_embeds_only_what_is_new(index, vault):
    index.refresh(vault, FakeEncoder())
    write(vault, "Tea.md", "# Tea\n\nTea cools in two hours.\n", age=30)
    encoder = FakeEncoder()
    changes = index.refresh(vault, encoder)

    assert changes.changed == ("Tea.md",)
    assert [text for text in encoder.encoded if "two hours" in text] == encoder.encoded != []


def test_a_rename_embeds_nothing_that_it_need_not(index, vault):
    write(vault, "Tea.md", "---\ntitle: Tea\n---\nTea cools in an hour.\n")
    index.refresh(vault, FakeEncoder())
    (vault / "drinks").mkdir()
    (vault / "Tea.md").rename(vault / "drinks" / "Green tea.md")
    encoder = FakeEncoder()
    changes = index.refresh(vault, encoder)

    assert changes.renamed == (("Tea.md", "drinks/Green tea.md"),)
    assert (changes.added, changes.removed) == ((), ())
    assert encoder.encoded == []


def test_links_of_other_notes_resolve_anew(index, vault):
    index.refresh(vault, FakeEncoder())
    assert targets(index)["Entropy.md", "Carnot"] is None

    write(vault, "Carnot.md", "# Carnot\n\nAn engineer.\n")
    index.refresh(vault, FakeEncoder())
    assert targets(index)["Entropy.md", "Carnot"] == "Carnot.md"

    (vault / "Heat.md").unlink()
    changes = index.refresh(vault, FakeEncoder())
    assert changes.removed == ("Heat.md",)
    assert targets(index)["Entropy.md", "Heat"] is None
    assert "heat" in {name.casefold() for name in index.current().graph.ghosts()}


def test_refreshed_equals_rebuilt(index, vault, tmp_path):
    index.refresh(vault, FakeEncoder())
    write(vault, "Tea.md", "# Tea\n\nTea warms. [[Entropy]]\n", age=30)
    write(vault, "new/Carnot.md", "# Carnot\n\nAn engineer of heat.\n")
    (vault / "Heat.md").unlink()
    index.refresh(vault, FakeEncoder())
    clean = Index(tmp_path / "clean")
    clean.refresh(vault, FakeEncoder())

    assert says(index) == says(clean)


def test_many_edits_are_merged_and_lose_nothing(index, vault, tmp_path):
    for number in range(12):
        write(vault, f"n{number}.md", f"# Note {number}\n\nOn subject {number}.\n", age=60)
        index.refresh(vault, FakeEncoder())
    clean = Index(tmp_path / "clean")
    clean.refresh(vault, FakeEncoder())

    assert len(index.current().segments) < 12
    assert says(index) == says(clean)


def test_a_reader_sees_the_new_generation_at_its_next_question(index, vault):
    index.refresh(vault, FakeEncoder())
    reader = Index(index.directory)
    old = reader.current()
    write(vault, "Tea.md", "# Tea\n\nTea cools at once.\n", age=30)
    index.refresh(vault, FakeEncoder())

    assert "an hour" in old.notes["Tea.md"].text
    assert "at once" in reader.current().notes["Tea.md"].text
    # What was begun on the old generation ends on it.
    assert old.nearest(FakeEncoder().encode_query("tea cools in an hour"), 1)


def test_words_come_first_when_there_is_much_to_embed(index, tmp_path):
    vault = tmp_path / "many"
    for number in range(300):
        write(vault, f"{number}.md", f"# Note {number}\n\nWords of {number}.\n")
    seen = []

    def report(progress):
        if progress.stage == "embed":
            other = Index(index.directory).current()
            seen.append((other.embedded, len(other.notes)))

    index.refresh(vault, FakeEncoder(), report=report)
    assert seen[0] == (False, 300)
    assert index.current().manifest.embedded == 300


def test_without_an_encoder_words_and_graph_are_there(index, vault):
    index.refresh(vault, None)
    g = index.current()
    assert not g.embedded
    assert g.lexical.passages("tea").max() > 0
    encoder = FakeEncoder()
    index.refresh(vault, encoder)
    assert index.current().embedded


def test_vectors_of_two_encoders_are_never_mixed(index, vault):
    index.refresh(vault, FakeEncoder("one"))
    encoder = FakeEncoder("two")
    index.refresh(vault, encoder)

    g = index.current()
    assert g.manifest.encoder == encoder.identity
    assert len(encoder.encoded) == len(g.chunks)
    assert all(cosine > 0.99 for _, cosine in g.nearest(g.vectors([0])[0], 1))


def test_rollback_goes_back_one_generation(index, vault):
    index.refresh(vault, FakeEncoder())
    first = index.current().generation
    write(vault, "Tea.md", "# Tea\n\nGone cold.\n", age=30)
    index.refresh(vault, FakeEncoder())

    assert index.rollback() == first
    assert "an hour" in index.current().notes["Tea.md"].text
    with pytest.raises(IndexMissingError):
        index.rollback()


def test_what_a_reader_uses_is_not_swept(index, vault):
    index.refresh(vault, FakeEncoder())
    reader = Index(index.directory)
    used = reader.current().generation
    for number in range(3):
        write(vault, "Tea.md", f"# Tea\n\nCup {number}.\n", age=50 - number)
        index.refresh(vault, FakeEncoder())
    kept = {path.name for path in (index.directory / "generations").iterdir()}
    assert used in kept
    assert len(kept) == 3

    reader.close()
    write(vault, "Tea.md", "# Tea\n\nNo cup.\n", age=10)
    index.refresh(vault, FakeEncoder())
    assert used not in {path.name for path in (index.directory / "generations").iterdir()}


def test_a_touched_file_is_not_changed(index, vault):
    index.refresh(vault, FakeEncoder())
    os.utime(vault / "Tea.md")
    assert not index.refresh(vault, FakeEncoder())


def test_behind_counts_what_changed(index, vault):
    index.refresh(vault, FakeEncoder())
    assert index.behind(vault) == 0
    write(vault, "Tea.md", "# Tea\n\nMore.\n", age=1)
    write(vault, "New.md", "# New\n")
    (vault / "Heat.md").unlink()
    assert index.behind(vault) == 3


def test_no_index_is_a_clear_error(index):
    with pytest.raises(IndexMissingError, match="ragbot index"):
        index.current()


def test_an_empty_or_missing_folder_leaves_the_index_as_it_was(index, vault, tmp_path):
    index.refresh(vault, FakeEncoder())
    before = index.current().generation
    (tmp_path / "empty").mkdir()
    with pytest.raises(VaultError, match="no Markdown note"):
        index.refresh(tmp_path / "empty", FakeEncoder())
    with pytest.raises(VaultError, match="does not exist"):
        index.refresh(tmp_path / "missing", FakeEncoder())
    assert Index(index.directory).current().generation == before


def test_a_newer_format_is_refused(index, vault):
    index.refresh(vault, FakeEncoder())
    manifest = index.directory / "generations" / index.current().generation / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    other = Index(index.directory)
    with pytest.raises(IndexTooNewError, match="format 99"):
        other.current()
    # It is not overwritten unasked: whoever made it may still use it.
    with pytest.raises(IndexTooNewError, match="format 99"):
        other.refresh(vault, FakeEncoder())
    other.refresh(vault, FakeEncoder(), rebuild=True)
    assert len(other.current().notes) == 3


@pytest.mark.parametrize("damage", ["vault.json", "chunks.json", "manifest.json"])
def test_damage_is_noticed_and_mended_by_the_next_refresh(index, vault, damage):
    index.refresh(vault, FakeEncoder())
    path = index.directory / "generations" / index.current().generation / damage
    path.write_text(path.read_text()[:-20])
    other = Index(index.directory)
    with pytest.raises(IndexDamagedError, match="--rebuild"):
        other.current()
    other.refresh(vault, FakeEncoder())
    assert len(other.current().notes) == 3


def test_a_second_writer_is_told_who_holds_the_lock(index, vault):
    index.refresh(vault, FakeEncoder())
    code = (
        "import sys, pathlib\n"
        "from ragbot.shelf import Shelf\n"
        "with Shelf(pathlib.Path(sys.argv[1])).writing():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(index.directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(IndexLockedError, match=f"process {holder.pid}"):
            index.refresh(vault, FakeEncoder())
        holder.stdin.close()
    index.refresh(vault, FakeEncoder())


def test_an_interrupted_build_leaves_the_former_index(index, vault):
    index.refresh(vault, FakeEncoder())
    before = index.current().generation
    write(vault, "Tea.md", "# Tea\n\nGone cold.\n", age=30)

    def interrupt(progress):
        if progress.stage == "embed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.refresh(vault, FakeEncoder(), report=interrupt)
    assert Index(index.directory).current().generation == before
    index.refresh(vault, FakeEncoder())
    assert "cold" in index.current().notes["Tea.md"].text
