"""A vault as it was read: its notes, and the passages that they are found by.

What notes are called and which passages they have is at hand; text and links of a note are
read from its page (see `pages.py`) when they are first asked for. A note is kept as parsed, its
links unresolved: names resolve against the whole vault.

Floor 3: values.
"""

from __future__ import annotations

import hashlib
import json
import operator
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate, chain, repeat
from typing import Any, overload
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ragbot.chunk import chunk, embedding_text, text_key
from ragbot.links import Called
from ragbot.places import NONE
from ragbot.resolution import asked
from ragbot.schema import Chunk, Note, NoteId, Problem, Relation, Section

IntArray = NDArray[np.int64]

_RELATION_FIELDS = [f.name for f in fields(Relation) if f.name != "source"]


@dataclass(frozen=True, slots=True)
class Body:
    """What a note says: as parsed, its passages, and for each the text that is embedded."""

    note: Note
    chunks: tuple[Chunk, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One note. Two are the same only if they are one object.

    `digest` is the SHA-256 of its text in UTF-8. `keys` name the texts that are embedded for its
    passages, one each: equal texts share a key. At `place`, `bodies` hold what it says, and
    `links` what its links ask for, see `resolution.asked`.
    """

    called: Called
    digest: str
    problems: tuple[Problem, ...]
    keys: tuple[str, ...]
    bodies: Sequence[Body]
    links: Sequence[frozenset[str]]
    place: int = 0

    @classmethod
    def of(cls, note: Note, problems: Iterable[Problem] = ()) -> Entry:
        """Cut a note into passages."""
        # As it will be read back: a date in the frontmatter is a string from the start.
        note = note_of(json.loads(json.dumps(note_row(note), default=str)))
        digest = hashlib.sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest()
        chunks = tuple(chunk(note))
        texts = tuple(embedding_text(note, part) for part in chunks)
        body = Body(note, chunks, texts)
        called = Called(note.id, note.title, note.aliases)
        keys = tuple(map(text_key, texts))
        return cls(called, digest, tuple(problems), keys, (body,), (asked(note),))

    @property
    def note(self) -> Note:
        """The note as parsed, its links unresolved."""
        return self.bodies[self.place].note

    @property
    def asked(self) -> frozenset[str]:
        """Last parts of the names that its links ask for."""
        return self.links[self.place]

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Its passages, in order of place."""
        return self.bodies[self.place].chunks

    @property
    def texts(self) -> tuple[str, ...]:
        """What is embedded for each passage."""
        return self.bodies[self.place].texts


class Passages(Sequence[Chunk]):
    """The passages of some notes, one after the other."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = tuple(entries)
        self.first = [0, *accumulate(len(entry.keys) for entry in self._entries)]

    def __len__(self) -> int:
        return self.first[-1]

    def __iter__(self) -> Iterator[Chunk]:
        return (chunk for entry in self._entries for chunk in entry.chunks)

    @overload
    def __getitem__(self, row: int) -> Chunk: ...
    @overload
    def __getitem__(self, row: slice) -> list[Chunk]: ...
    def __getitem__(self, row: int | slice) -> Chunk | list[Chunk]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        if row < 0:
            row += len(self)
        if not 0 <= row < len(self):
            raise IndexError(row)
        entry, place = self._place(row)
        return entry.chunks[place]

    def text(self, row: int) -> str:
        """Give what is embedded for a passage."""
        entry, place = self._place(row)
        return entry.texts[place]

    def _place(self, row: int) -> tuple[Entry, int]:
        note = bisect_right(self.first, row) - 1
        return self._entries[note], row - self.first[note]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A vault as it was read: entries in order of id, paths of the other files.

    A note's or passage's *row* is its place in that order. `unread` are the problems of files that
    gave no note; the rest stand in the entries.
    """

    entries: Mapping[NoteId, Entry]
    files: tuple[str, ...] = ()
    unread: tuple[Problem, ...] = ()

    @cached_property
    def chunks(self) -> Passages:
        """Every passage, in order of note id and place."""
        return Passages(self.entries.values())

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Name of each passage's text."""
        return tuple(chain.from_iterable(entry.keys for entry in self.entries.values()))

    @cached_property
    def rows(self) -> Mapping[NoteId, int]:
        """Row of each note."""
        return {note: row for row, note in enumerate(self.entries)}

    def since(self, before: Snapshot) -> IntArray:
        """Row of each passage in another snapshot, shape (passages,).

        It is `NONE` where the note was read since: notes are compared by identity.
        """
        if before not in self._known:
            self._known[before] = self._rows_in(before)
        return self._known[before]

    @cached_property
    def _known(self) -> WeakKeyDictionary[Snapshot, IntArray]:
        """Rows in the snapshots that were asked for, which are not kept for that."""
        return WeakKeyDictionary()

    def _rows_in(self, before: Snapshot) -> IntArray:
        entries, size = self.entries, len(self.entries)
        same = map(operator.is_, map(before.entries.get, entries), entries.values())
        rows = np.fromiter(map(before.rows.get, entries, repeat(NONE)), np.int64, size)
        notes = np.where(np.fromiter(same, bool, size), rows, NONE)
        first = np.array(self.chunks.first)
        # For a note that was read since, the last one, NONE, is taken.
        moves = np.array([*before.chunks.first[:-1], NONE])[notes] - first[:-1]
        count = np.diff(first)
        stays = np.repeat(notes != NONE, count)
        return np.where(stays, np.arange(first[-1]) + np.repeat(moves, count), NONE)

    def changed(
        self,
        new: Mapping[NoteId, Entry],
        gone: Iterable[NoteId],
        files: tuple[str, ...],
        unread: tuple[Problem, ...],
    ) -> Snapshot:
        """Give the vault with some notes read anew and others gone; itself if nothing is new."""
        gone = set(gone)
        if not new and not gone and (files, unread) == (self.files, self.unread):
            return self
        entries = {**self.entries, **new}
        for note in gone:
            del entries[note]
        if not self.entries.keys() >= new.keys():
            entries = dict(sorted(entries.items()))
        return Snapshot(entries, files, unread)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem that reading found."""
        found = (p for entry in self.entries.values() for p in entry.problems)
        return (*self.unread, *found)

    def says_the_same(self, other: Snapshot) -> bool:
        """Whether both hold the same files under the same names, and the same problems."""
        return self is other or (
            (self.files, self.unread) == (other.files, other.unread)
            and self.entries.keys() == other.entries.keys()
            and all(
                entry is (now := other.entries[note]) or entry.digest == now.digest
                for note, entry in self.entries.items()
            )
        )


EMPTY = Snapshot({})


def note_row(note: Note) -> list[Any]:
    """Give a note as JSON has it."""
    relations = [[getattr(r, name) for name in _RELATION_FIELDS] for r in note.relations]
    sections = [[s.headings, s.span] for s in note.sections]
    named = [note.id, note.title, note.text, note.aliases, note.tags, note.metadata]
    return [*named, sections, relations, note.blocks]


def note_of(row: list[Any]) -> Note:
    """Read what `note_row` gave."""
    note, title, text, aliases, tags, metadata, sections, relations, blocks = row
    return Note(
        note,
        title,
        text,
        tuple(aliases),
        tuple(tags),
        metadata,
        tuple(Section(tuple(headings), (span[0], span[1])) for headings, span in sections),
        tuple(_relation(note, values) for values in relations),
        blocks,
    )


def _relation(source: NoteId, values: list[Any]) -> Relation:
    named = dict(zip(_RELATION_FIELDS, values, strict=True))
    for place in ("span", "annotation_span"):
        if named[place] is not None:
            named[place] = tuple(named[place])
    return Relation(source=source, **named)
