"""A vault as it was read: its notes, and the passages that they are found by.

What notes are called and which passages they have is at hand; text and links of a note are
read from its page (see `pages.py`) when they are first asked for. A note is kept as parsed, its
links unresolved: names resolve against the whole vault.

Floor 3: values.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any, overload
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ragbot.index.roll import NOBODY, Roll
from ragbot.index.splice import Splice
from ragbot.models import Note, NoteId, Passage, Problem, Relation, Section
from ragbot.notes.chunker import chunk, embedding_text, text_key
from ragbot.notes.link_resolver import Called
from ragbot.notes.resolution import asked

IntArray = NDArray[np.int64]

_RELATION_FIELDS = [f.name for f in fields(Relation) if f.name != "source"]


@dataclass(frozen=True, slots=True)
class Body:
    """What a note says: as parsed, its passages, and for each the text that is embedded."""

    note: Note
    chunks: tuple[Passage, ...]
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
    def chunks(self) -> tuple[Passage, ...]:
        """Its passages, in order of place."""
        return self.bodies[self.place].chunks

    @property
    def texts(self) -> tuple[str, ...]:
        """What is embedded for each passage."""
        return self.bodies[self.place].texts


class Passages(Sequence[Passage]):
    """The passages of some notes, one after the other.

    Attributes
    ----------
    entries
        The notes that they are of.
    first
        Shape (notes + 1,): row of each note's first passage, and the number of passages.
    keys
        Name of each passage's text.
    """

    def __init__(self, entries: tuple[Entry, ...], first: IntArray, keys: tuple[str, ...]) -> None:
        self.entries = entries
        self.first = first
        self.keys = keys

    def spliced(self, notes: Splice, new: Sequence[Entry]) -> tuple[Passages, Splice]:
        """Give the passages with those of some notes replaced, and what became of the rows."""
        counts = [len(entry.keys) for entry in new]
        rows = notes.along(self.first, counts)
        sizes = notes.put_rows(np.diff(self.first), np.array(counts, np.int64))
        first = np.concatenate([[0], np.cumsum(sizes)])
        keys = rows.put(self.keys, list(chain.from_iterable(entry.keys for entry in new)))
        return Passages(notes.put(self.entries, new), first, keys), rows

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Passage]:
        return (chunk for entry in self.entries for chunk in entry.chunks)

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> list[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | list[Passage]:
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
        return self.entries[note], row - int(self.first[note])


@dataclass(frozen=True, slots=True)
class Step:
    """How one reading of a vault became another.

    Attributes
    ----------
    new
        Notes that came or were read anew.
    gone
        Notes that went.
    notes, passages
        What became of the rows of notes and of passages.
    """

    new: frozenset[NoteId]
    gone: frozenset[NoteId]
    notes: Splice
    passages: Splice


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A vault as it was read: entries in order of id, paths of the other files.

    A note's or passage's *row* is its place in that order. `unread` are the problems of files that
    gave no note; the rest stand in the entries. `chunks` are all passages, in order of note id and
    place, and `roll` is what the notes are called.
    """

    entries: Mapping[NoteId, Entry]
    files: tuple[str, ...]
    unread: tuple[Problem, ...]
    chunks: Passages
    roll: Roll
    _known: WeakKeyDictionary[Snapshot, Step] = field(default_factory=WeakKeyDictionary)

    @classmethod
    def of(cls, entries: Iterable[Entry], files: tuple[str, ...] = ()) -> Snapshot:
        """Put notes together that were read."""
        return EMPTY.changed({entry.called.id: entry for entry in entries}, (), files, ())

    def since(self, before: Snapshot) -> Step:
        """Tell how another reading became this one: notes are compared by identity."""
        if before not in self._known:
            new = {n for n, one in self.entries.items() if before.entries.get(n) is not one}
            gone = before.entries.keys() - self.entries.keys()
            self._known[before] = before._to({n: self.entries[n] for n in new}, gone)[0]
        return self._known[before]

    def changed(
        self,
        new: Mapping[NoteId, Entry],
        gone: Collection[NoteId],
        files: tuple[str, ...],
        unread: tuple[Problem, ...],
    ) -> Snapshot:
        """Give the vault with some notes read anew and others gone; itself if nothing is new."""
        new = {note: one for note, one in new.items() if self.entries.get(note) is not one}
        if not new and not gone and (files, unread) == (self.files, self.unread):
            return self
        step, chunks, roll = self._to(new, gone)
        if step.notes.moves:
            entries = dict(zip(roll.ids, chunks.entries, strict=True))
        else:
            entries = {**self.entries, **new}
        if files == self.files:
            files = self.files  # The same object is compared at once.
        after = Snapshot(entries, files, unread, chunks, roll)
        after._known[self] = step
        return after

    def _to(
        self, new: Mapping[NoteId, Entry], gone: Collection[NoteId]
    ) -> tuple[Step, Passages, Roll]:
        notes = Splice.of(self.roll.ids, new, gone)
        entries = [new[note] for note in sorted(new)]
        chunks, passages = self.chunks.spliced(notes, entries)
        roll = self.roll.spliced(notes, [entry.called for entry in entries])
        return Step(frozenset(new), frozenset(gone), notes, passages), chunks, roll

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem that reading found."""
        found = (p for entry in self.entries.values() for p in entry.problems)
        return (*self.unread, *found)

    def says_the_same(self, before: Snapshot) -> bool:
        """Whether both hold the same files under the same names, and the same problems."""
        if self is before:
            return True
        if (self.files, self.unread) != (before.files, before.unread):
            return False
        step, now, then = self.since(before), self.entries, before.entries
        return not step.gone and all(
            note in then and then[note].digest == now[note].digest for note in step.new
        )


_NO_PASSAGES = Passages((), np.zeros(1, np.int64), ())
EMPTY = Snapshot({}, (), (), _NO_PASSAGES, NOBODY)


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
