"""The links of a vault resolved, and resolved again after an edit: only those that it can touch.

What a link leads to depends on the names that notes and files go by. While those stay, only
notes that were read again are resolved. When a name comes or goes, so are the notes
with a link that ends in it.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ragbot.links import ESCAPED_LABEL, Names, fold, with_targets
from ragbot.schema import Note, NoteId, Relation

_Called = tuple[tuple[NoteId, str, tuple[str, ...]], ...]
"""Id, title and aliases of each note."""

_ANY = ""
"""Stands for a name that may lead anywhere: a folder, or a path that ends in dots."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A note as read and as resolved, and the last parts of the names that its links ask for."""

    read: Note
    resolved: Note
    asked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Notes with their links resolved, in the order given, and what spares the next look most."""

    notes: Mapping[NoteId, Note]
    _known: Mapping[NoteId, _Known]
    _named: tuple[_Called, tuple[str, ...]]
    _names: Names

    @classmethod
    def of(
        cls, notes: Sequence[Note], files: Iterable[str] = (), before: Resolution | None = None
    ) -> Resolution:
        """Resolve a vault, see `links.resolve`.

        Parameters
        ----------
        notes
            All notes of the vault, as read.
        files
            Paths of its other files.
        before
            The vault as it was: a note that is the same object is taken over, unless a
            name that it asks for came or went.
        """
        called = tuple((note.id, note.title, note.aliases) for note in notes)
        named = (called, tuple(files))
        known = before._known if before else {}
        touched: frozenset[str] = frozenset()
        if before is not None and before._named == named:
            names = before._names
        else:
            names = Names(notes, named[1])
            touched = frozenset({_ANY, *(before._changed(named) if before else ())})
        found: dict[NoteId, _Known] = {}
        for note in notes:
            old = known.get(note.id)
            if old is None or old.read is not note or not touched.isdisjoint(old.asked):
                old = _Known(note, with_targets(note, names), frozenset(_asked(note)))
            found[note.id] = old
        return cls({one: found[one].resolved for one in found}, found, named, names)

    def _changed(self, named: tuple[_Called, tuple[str, ...]]) -> Iterator[str]:
        """Last parts of the names that came or went."""
        for ending, _ in _table(*self._named) ^ _table(*named):
            yield ending


def _table(called: _Called, files: Iterable[str]) -> set[tuple[str, str]]:
    """Each name a link can end in, with what goes by it."""
    table = {(ending, f"file {path}") for path in files for ending in _endings_of(path)}
    for note, _, aliases in called:
        table.update((ending, note) for ending in _endings_of(note))
        table.update((fold(alias), f"alias {note}") for alias in aliases)
    return table


def _asked(note: Note) -> Iterator[str]:
    for relation in note.relations:
        for name in _spelt(relation):
            yield fold(name)
            yield from _endings_of(name)


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
