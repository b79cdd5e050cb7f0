"""The links of a vault resolved, and resolved again after an edit: only those that it can touch.

What a link leads to depends on the names that notes and files go by. While those stay, only
notes that were read again are resolved. When a name comes or goes, so are the notes
with a link that ends in it.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Protocol
from urllib.parse import unquote

from ragbot.links import ESCAPED_LABEL, Called, Names, fold, with_targets
from ragbot.schema import Note, NoteId, Relation

_ANY = ""
"""Stands for a name that may lead anywhere: a folder, or a path that ends in dots."""


class Read(Protocol):
    """A note as read, which need not be at hand before it is asked for."""

    @property
    def called(self) -> Called:
        """What it is called."""

    @property
    def note(self) -> Note:
        """The note, its links unresolved."""

    @property
    def asked(self) -> frozenset[str]:
        """Last parts of the names that its links ask for, see `asked`."""


class _Named:
    """What the notes and files of a vault are called.

    `before` are names that were looked up in when it was another one.
    """

    def __init__(self, called: Iterable[Called], files: Iterable[str]) -> None:
        self.called = tuple(called)
        self.files = tuple(files)
        self.before: Names | None = None

    @cached_property
    def names(self) -> Names:
        """What links are looked up in."""
        names, self.before = Names(self.called, self.files, self.before), None
        return names

    @property
    def at_hand(self) -> Names | None:
        """Names that were looked up in, these or earlier ones; None when there were none yet."""
        return self.__dict__.get("names", self.before)

    def says_the_same(self, other: _Named) -> bool:
        """Whether both have the same names."""
        return (self.called, self.files) == (other.called, other.files)

    def changed_since(self, before: _Named) -> set[str]:
        """Name what a link can end in and that came, went, or is something else now."""
        now, then = (_table(*pair) for pair in (self._beyond(before), before._beyond(self)))
        return {_ANY, *(ending for ending, _ in now ^ then)}

    def _beyond(self, other: _Named) -> tuple[set[Called], set[str]]:
        return (
            set(self.called).difference(other.called),
            set(self.files).difference(other.files),
        )


class _Slot:
    """A note as read, and as resolved once somebody asks for it."""

    def __init__(self, read: Read, named: _Named) -> None:
        self.read = read
        self.named = named
        self._resolved: dict[str, Note] = {}

    @property
    def resolved(self) -> Note:
        """The note, its links resolved."""
        known = self._resolved.get("note")
        if known is None:
            # Of two threads that resolve it at once, both give what the first one made.
            found = with_targets(self.read.note, self.named.names)
            known = self._resolved.setdefault("note", found)
        return known


class Resolution(Mapping[NoteId, Note]):
    """Notes by id with their links resolved, each when it is first asked for. Safe to share."""

    def __init__(self, named: _Named, slots: Mapping[NoteId, _Slot]) -> None:
        self._named = named
        self._slots = slots

    @classmethod
    def of(
        cls,
        notes: Mapping[NoteId, Read],
        files: Iterable[str] = (),
        before: Resolution | None = None,
    ) -> Resolution:
        """Resolve a vault, see `links.resolve`.

        Parameters
        ----------
        notes
            All notes of the vault, as read, in their order.
        files
            Paths of its other files.
        before
            The vault as it was: a note that is the same object is taken over, unless a
            name that it asks for came or went.
        """
        named = _Named((one.called for one in notes.values()), files)
        if before is None:
            return cls(named, {note: _Slot(one, named) for note, one in notes.items()})
        known = before._slots
        if named.says_the_same(before._named):
            named = before._named
            stay = {n for n, one in notes.items() if (old := known.get(n)) and old.read is one}
        else:
            named.before = before._named.at_hand
            touched = named.changed_since(before._named)
            stay = {
                note
                for note, one in notes.items()
                if (old := known.get(note)) and old.read is one and touched.isdisjoint(one.asked)
            }
            for note in stay:
                # What it asks for is called as before: the names of before need not be kept.
                known[note].named = named
        slots = {
            note: known[note] if note in stay else _Slot(one, named) for note, one in notes.items()
        }
        return cls(named, slots)

    @property
    def names(self) -> Names:
        """What notes and files are called: what links are looked up in."""
        return self._named.names

    def shared_with(self, before: Resolution) -> frozenset[NoteId]:
        """Name the notes that are those of before, as read and as resolved; none is read for it."""
        return frozenset(
            note for note, slot in self._slots.items() if before._slots.get(note) is slot
        )

    def __getitem__(self, note: NoteId) -> Note:
        return self._slots[note].resolved

    def __iter__(self) -> Iterator[NoteId]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, note: object) -> bool:
        return note in self._slots


def _table(called: Iterable[Called], files: Iterable[str]) -> set[tuple[str, str]]:
    """Each name a link can end in, with what goes by it."""
    table = {(ending, f"file {path}") for path in files for ending in _endings_of(path)}
    for note, _, aliases in called:
        table.update((ending, note) for ending in _endings_of(note))
        table.update((fold(alias), f"alias {note}") for alias in aliases)
    return table


def asked(note: Note) -> frozenset[str]:
    """Give the last parts of the names that a note's links ask for: what they lead to, if not them.

    As long as none of them comes or goes, the links lead where they did.
    """
    names = {name for relation in note.relations for name in _spelt(relation)}
    return frozenset(ending for name in names for ending in (fold(name), *_endings_of(name)))


def _spelt(relation: Relation) -> Iterator[str]:
    """Every spelling that `links.target` may look up."""
    yield relation.written
    if "%" in relation.written:
        yield unquote(relation.written)
    if "^" in relation.written:
        yield relation.written.rpartition("^")[0].strip()
    if label := ESCAPED_LABEL.fullmatch(relation.alias or ""):
        yield label.group(1)


def _endings_of(name: str) -> Iterator[str]:
    """Last part of a name without its extension; `_ANY` where that does not tell its file."""
    for written in (name, f"{name}.md"):
        last = posixpath.basename(posixpath.normpath(written))
        if written.endswith("/") or last in ("", ".", ".."):
            yield _ANY
        yield _bare(fold(last))


def _bare(name: str) -> str:
    while name.endswith((".md", ".html")):
        name = name.removesuffix(".md").removesuffix(".html")
    return name
