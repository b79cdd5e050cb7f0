"""Links resolved again after an edit: equal to all resolved anew, and few looked at."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.index.snapshot import EMPTY, Entry, Snapshot
from ragbot.notes import resolution
from ragbot.notes.link_resolver import resolve, with_targets
from ragbot.notes.parser import parse
from ragbot.notes.resolution import Resolution

NAMES = ["Ice", "ice", "Heat.md", "a.b", "Heat", "Salt^1", "Salt"]
WRITTEN = [
    "[[{}]]", "[[sub/{}]]", "[[../{}]]", "[x]({}.html)", "[x](sub/{}.md)", "[[{}/]]",
    "[[{}%20]]", "![[{}.png]]", "[\\[\\[{}\\]\\]](moved.html)", "[[{}#part]]", "[[./{}.md]]",
]  # fmt: skip
names = st.sampled_from(NAMES)
links = st.builds(str.format, st.sampled_from(WRITTEN), names)
bodies = st.lists(links, max_size=3).map("\n\n".join)
heads = st.one_of(st.just(""), names.map(lambda name: f"---\naliases: ['{name}']\n---\n"))
texts = st.builds(str.__add__, heads, bodies)
paths = st.builds("{}{}.md".format, st.sampled_from(["", "sub/", "sub/deep/"]), names)
vaults = st.dictionaries(paths, texts, min_size=1, max_size=5)
others = st.lists(names.map("{}.png".format), max_size=2, unique=True)


def read(files, known):
    """Parse files; what was read before and did not change is the same object."""
    for path, text in files.items():
        if path not in known or known[path].note.text != text:
            known[path] = Entry.of(parse(text, path)[0])
    return {path: known[path] for path in sorted(files)}


def snapshot(files, known, beside=()):
    return Snapshot.of(read(files, known).values(), tuple(beside))


def changed(vault, before, after):
    step = after.since(before)
    return vault.changed(after.entries, after.roll, after.files, step.new, step.gone)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(vaults, others), min_size=2, max_size=4))
def test_resolved_again_equals_resolved_anew(steps):
    known, before = {}, EMPTY
    vault = Resolution.of({}, EMPTY.roll, ())
    for files, beside in steps:
        now = snapshot(files, known, beside)
        vault, _ = changed(vault, before, now)
        assert list(vault.values()) == resolve([one.note for one in now.entries.values()], beside)
        before = now


def resolved_after(monkeypatch, files, changes):
    """Ids of the notes that are resolved again when files change."""
    known, seen = {}, []
    before, now = snapshot(files, known), snapshot(files | changes, known)
    vault = Resolution.of(before.entries, before.roll, before.files)
    assert len(list(vault.values())) == len(files)

    def watched(note, names):
        seen.append(note.id)
        return with_targets(note, names)

    monkeypatch.setattr(resolution, "with_targets", watched)
    vault, anew = changed(vault, before, now)
    list(vault.values())
    assert sorted(anew) == seen
    return seen


VAULT = {"A.md": "See [[B]].", "B.md": "See [[C]].", "D.md": "See [[A]], [x](B.html)."}


def test_a_note_is_resolved_when_it_is_asked_for(monkeypatch):
    known, seen = {}, []
    monkeypatch.setattr(resolution, "with_targets", lambda note, _: seen.append(note.id) or note)
    now = snapshot(VAULT, known)
    vault = Resolution.of(now.entries, now.roll, now.files)
    assert list(vault) == sorted(VAULT)
    assert vault["B.md"] is vault["B.md"]
    assert seen == ["B.md"]


def test_an_edited_note_alone_is_resolved_again(monkeypatch):
    assert resolved_after(monkeypatch, VAULT, {"A.md": "See [[D]]."}) == ["A.md"]


def test_a_new_note_is_looked_up_by_those_that_ask_for_it(monkeypatch):
    assert resolved_after(monkeypatch, VAULT, {"sub/C.md": "New."}) == ["B.md", "sub/C.md"]


def test_an_alias_is_a_name(monkeypatch):
    changes = {"A.md": "---\naliases: [C]\n---\nSee [[B]]."}
    assert resolved_after(monkeypatch, VAULT, changes) == ["A.md", "B.md"]
