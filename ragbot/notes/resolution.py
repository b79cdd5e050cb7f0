"""The links of a vault resolved, and resolved again after an edit: only those that it can touch.

What a link leads to depends on the names that notes and files go by. While those stay, only
notes that were read again are resolved. When a name comes or goes, so are the notes
with a link that ends in it.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Protocol
from urllib.parse import unquote

from ragbot.index.filing import refiled
from ragbot.index.roll import Roll
from ragbot.models import Note, NoteId, Relation
from ragbot.notes.link_resolver import ESCAPED_LABEL, Called, Names, fold, with_targets

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
    """What the notes and files of a vault are called, filed once somebody looks a link up.

    Parameters
    ----------
    before
        Of the vault as it was.
    """

    def __init__(self, roll: Roll, files: tuple[str, ...], before: _Named | None = None) -> None:
        self.roll = roll
        self.files = files
        # What was never looked up in is not kept for its own sake.
        self._before: _Named | None = before
        if before is not None and before._filed is None:
            self._before = before._before
        self._filed: Names | None = None

    @property
    def names(self) -> Names:
        """What links are looked up in."""
        names, before = self._filed, self._before
        if names is None:
            if before is None:
                names = Names(self.roll, self.files)
            else:
                turn = self.roll.since(before.roll)
                names = before.names.changed(turn.gone, turn.new, self.files)
            self._filed, self._before = names, None
        return names

    def says_the_same(self, before: _Named) -> bool:
        """Whether both have the same names."""
        return self.roll is before.roll and self.files == before.files

    def changed_since(self, before: _Named) -> set[str]:
        """Name what a link can end in and that came, went, or is something else now."""
        turn, files, then = self.roll.since(before.roll), set(self.files), set(before.files)
        table = _table(turn.new, files - then) ^ _table(turn.gone, then - files)
        return {_ANY, *(ending for ending, _ in table)}


class _Slot:
    """A note as read, and as resolved once somebody asks for it."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self._resolved: dict[str, Note] = {}

    def resolved(self, named: _Named) -> Note:
        """Give the note, its links resolved: what it asks for goes by these names."""
        known = self._resolved.get("note")
        if known is None:
            # Of two threads that resolve it at once, both give what the first one made.
            found = with_targets(self.read.note, named.names)
            known = self._resolved.setdefault("note", found)
        return known


_Askers = Mapping[str, tuple[NoteId, ...]]
"""The notes with a link that ends in a name."""


class Resolution(Mapping[NoteId, Note]):
    """Notes by id with their links resolved, each when it is first asked for. Safe to share."""

    def __init__(
        self,
        notes: Mapping[NoteId, Read],
        named: _Named,
        slots: Mapping[NoteId, _Slot],
        askers: _Askers | None = None,
    ) -> None:
        self._notes = notes
        self._named = named
        self._slots = slots
        self._known_askers = askers

    @classmethod
    def of(cls, notes: Mapping[NoteId, Read], roll: Roll, files: tuple[str, ...]) -> Resolution:
        """Resolve a vault, see `links.resolve`.

        Parameters
        ----------
        notes
            All notes of the vault, as read, in their order.
        roll
            What they are called.
        files
            Paths of its other files.
        """
        return cls(notes, _Named(roll, files), {n: _Slot(one) for n, one in notes.items()})

    def changed(
        self,
        notes: Mapping[NoteId, Read],
        roll: Roll,
        files: tuple[str, ...],
        new: Set[NoteId],
        gone: Set[NoteId],
    ) -> tuple[Resolution, Set[NoteId]]:
        """Resolve the vault after an edit: what stays is taken over.

        Parameters
        ----------
        notes, roll, files
            As for `of`.
        new
            Notes that came or were read anew.
        gone
            Notes that went.

        Returns
        -------
        Resolution
            The notes as they are now.
        set of str
            Those that are resolved anew: the new ones, and those that ask for a name that came or
            went.
        """
        named, anew = _Named(roll, files, self._named), new
        if named.says_the_same(self._named):
            named = self._named
        elif self._notes:
            touched = named.changed_since(self._named)
            asking = {note for name in touched for note in self._askers.get(name, ())}
            anew = (asking - gone) | new
        slots = {**self._slots, **{note: _Slot(notes[note]) for note in anew}}
        for note in gone:
            del slots[note]
        known = self._known_askers is not None
        askers = self._askers_since(notes, new, gone) if known else None
        return Resolution(notes, named, slots, askers), anew

    @property
    def _askers(self) -> _Askers:
        if self._known_askers is None:
            self._known_askers = refiled({}, (), _asking(self._notes, self._notes))
        return self._known_askers

    def _askers_since(
        self, notes: Mapping[NoteId, Read], new: Set[NoteId], gone: Set[NoteId]
    ) -> _Askers:
        known = (new & self._notes.keys()) | gone
        return refiled(self._askers, _asking(self._notes, known), _asking(notes, new))

    @property
    def names(self) -> Names:
        """What notes and files are called: what links are looked up in."""
        return self._named.names

    def __getitem__(self, note: NoteId) -> Note:
        return self._slots[note].resolved(self._named)

    def __iter__(self) -> Iterator[NoteId]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)

    def __contains__(self, note: object) -> bool:
        return note in self._slots


def _asking(notes: Mapping[NoteId, Read], some: Iterable[NoteId]) -> Iterator[tuple[str, NoteId]]:
    return ((name, note) for note in some for name in notes[note].asked)


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
