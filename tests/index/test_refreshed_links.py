"""Links and mentions after edits: equal to those of a vault that is read from nothing."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.index import indexer, relation_writer
from ragbot.index.index import Index
from ragbot.index.stored_graph import link_rarity
from ragbot.models import MENTIONS
from ragbot.notes import mentions
from ragbot.notes.link_resolver import resolve
from ragbot.notes.parser import parse

NAMES = ["Ice", "ice", "Heat", "a.b", "Salt^1", "Salt", "Warm Water", "warm", "Deep Warm Water"]
WRITTEN = [
    "[[{}]]", "[[sub/{}]]", "[[../{}]]", "[x]({}.html)", "[x](sub/{}.md)", "[[{}/]]",
    "[[{}%20]]", "![[{}.png]]", "[\\[\\[{}\\]\\]](moved.html)", "[[{}#part]]", "[[./{}.md]]",
    "{} and more", "the {}.", "**{}** cold", "Deep {} Water",
]  # fmt: skip
names = st.sampled_from(NAMES)
links = st.builds(str.format, st.sampled_from(WRITTEN), names)
bodies = st.lists(links, max_size=6).map("\n\n".join)
heads = st.one_of(st.just(""), names.map(lambda name: f"---\naliases: ['{name}']\n---\n"))
texts = st.builds(str.__add__, heads, bodies)
paths = st.builds("{}{}.md".format, st.sampled_from(["", "sub/", "sub/deep/"]), names)
vaults = st.dictionaries(paths, texts, min_size=1, max_size=8)
others = st.lists(names.map("{}.png".format), max_size=2, unique=True)


def write(folder, files, beside):
    """Make a folder hold these files and no others."""
    wanted = {**files, **dict.fromkeys(beside, "")}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def expected(files, beside):
    """Resolve a vault from nothing: its links by note, and its mentions."""
    notes = resolve([parse(text, path)[0] for path, text in sorted(files.items())], beside)
    return {note.id: note.relations for note in notes}, mentions.find(notes)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(vaults, others), min_size=2, max_size=4), batch=st.integers(1, 5))
def test_links_and_mentions_after_edits_are_those_of_a_first_reading(steps, batch):
    usual, indexer.BATCH = indexer.BATCH, batch
    try:
        with tempfile.TemporaryDirectory() as home:
            folder, index = Path(home) / "vault", Index(Path(home) / "index")
            folder.mkdir()
            for files, beside in steps:
                write(folder, files, beside)
                index.refresh(folder, None)
                with index.snapshot() as corpus:
                    found = {note.id: note.relations for note in corpus.notes.all()}
                    mentioned = list(corpus.graph.with_predicate(MENTIONS))
                    rarities = corpus.graph.rarities(found)
                    linked = [(r.source, r.target) for r in corpus.graph.relations() if r.target]
                assert (found, mentioned) == expected(files, beside)
                for note, rarity in rarities.items():
                    sources = {a for a, b in linked if b == note}
                    assert rarity == link_rarity(len(sources), len(found))
            index.close()
    finally:
        indexer.BATCH = usual


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Write a vault, change it, and return which links and mentions were looked at again."""
    folder, index = tmp_path / "vault", Index(tmp_path / "index")
    folder.mkdir()
    seen = {"links": set(), "mentions": set()}
    resolved, found = relation_writer.resolved, relation_writer.mentions_in

    def watched(relation, names, *, wiki):
        seen["links"].add((relation.source, relation.written))
        return resolved(relation, names, wiki=wiki)

    def watched_mentions(note, *arguments):
        seen["mentions"].add(note)
        return found(note, *arguments)

    monkeypatch.setattr(relation_writer, "resolved", watched)
    monkeypatch.setattr(relation_writer, "mentions_in", watched_mentions)

    def run(files, changes):
        write(folder, files, ())
        index.refresh(folder, None)
        for looked in seen.values():
            looked.clear()
        write(folder, files | changes, ())
        Index(index.directory).refresh(folder, None)
        return seen

    return run


VAULT = {"A.md": "See [[B]].", "B.md": "See [[C]].", "D.md": "See [[A]], [x](B.html)."}


def test_the_links_of_an_edited_note_alone_are_resolved_again(work):
    assert work(VAULT, {"A.md": "See [[D]]."})["links"] == {("A.md", "D")}


def test_a_new_note_is_looked_up_by_the_links_that_ask_for_it(work):
    assert work(VAULT, {"sub/C.md": "New."})["links"] == {("B.md", "C")}


def test_an_alias_is_a_name(work):
    changes = {"A.md": "---\naliases: [C]\n---\nSee [[B]]."}
    assert work(VAULT, changes)["links"] == {("A.md", "B"), ("B.md", "C")}


def test_a_new_name_is_looked_for_where_its_words_are(work):
    files = {"A.md": "Warm water.", "B.md": "Cold salt.", "C.md": "Nothing."}
    assert work(files, {"Warm Water.md": "New."})["mentions"] == {"A.md", "Warm Water.md"}


def test_an_edit_looks_for_mentions_in_its_own_note(work):
    files = {"Tea.md": "Tea from a Cup.", "Cup.md": "For Tea."}
    assert work(files, {"Tea.md": "Tea from another Cup."})["mentions"] == {"Tea.md"}
