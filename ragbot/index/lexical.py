"""Words: BM25 over passages and over names, and the names of notes spotted in a question.

Notes are numbered in the order of their ids, as in the relation graph, and
chunks in the order of note and place: so the chunks of a note are one run of
rows, and both numberings can be kept as arrays.

Floor 2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import IndexDamagedError
from ragbot.index.bm25 import Bm25
from ragbot.index.filing import refiled
from ragbot.index.places import Places
from ragbot.index.postings import Postings
from ragbot.index.roll import NOBODY, Roll
from ragbot.index.shared_names import SharedNames
from ragbot.index.splice import Splice
from ragbot.models import Note, NoteId, Passage, Span
from ragbot.notes.chunker import embedding_text, text_key
from ragbot.notes.link_resolver import Called
from ragbot.notes.parser import stem
from ragbot.text.tokenize import STOP_WORDS, content_words, tokens

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

LONGEST_NAME = 24
"""Words of the longest name that is looked for in a question."""

Bearers = Mapping[str, tuple[tuple[NoteId, bool], ...]]
"""Notes that go by each name, and whether it is their title."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Spotted:
    """The name of one or more notes, found in a question.

    `span` is where it stands in the question; `notes` are those that go by it,
    and `title` says whether it is their title, rather than an alias or the
    file's name. `rarity`, in [0, 1], is that of its rarest word: low for a note called "Models".
    """

    name: str
    span: Span
    notes: tuple[NoteId, ...]
    title: bool
    rarity: float


class Lexical:
    """BM25 over the passages and the names of a vault. Immutable, safe to share.

    Attributes
    ----------
    notes
        Ids in order; a note's *row* is its position.
    first_chunk
        Shape (notes + 1,): the chunks of note row r are rows
        `first_chunk[r]` to `first_chunk[r + 1]`.
    shared
        Rare names that passages share.
    """

    def __init__(self, spoken: _Spoken, first_chunk: IntArray, passages: Bm25) -> None:
        self.notes = spoken.roll.ids
        self.first_chunk = first_chunk
        note_of = np.repeat(np.arange(len(self.notes)), np.diff(first_chunk))
        self.shared = SharedNames(passages, note_of, len(self.notes))
        self._spoken = spoken
        self._passages = passages

    @classmethod
    def build(cls, notes: Iterable[Note], chunks: Sequence[Passage]) -> Lexical:
        """Index the words of `chunks` and the titles and aliases of `notes`.

        The words of a chunk are those of its embedded text: its title and
        headings count as said in it.

        Raises
        ------
        ValueError
            If the chunks do not stand in the order of note and place.
        """
        by_id = {note.id: note for note in sorted(notes, key=lambda note: note.id)}
        texts = [embedding_text(by_id[chunk.note], chunk) for chunk in chunks]
        roll = Roll(Called(note.id, note.title, note.aliases) for note in by_id.values())
        first_chunk = _first_chunk(list(by_id), chunks)
        return cls.of(roll, first_chunk, list(map(text_key, texts)), texts.__getitem__)

    @classmethod
    def of(
        cls,
        roll: Roll,
        first_chunk: IntArray,
        keys: Sequence[str],
        text: Callable[[int], str],
        before: Lexical | None = None,
        notes: Splice | None = None,
        passages: Splice | None = None,
    ) -> Lexical:
        """Index the words of a vault of which much may be known.

        Parameters
        ----------
        roll
            What the notes are called, in order of id.
        first_chunk
            Row of each note's first chunk, and the number of chunks.
        keys
            Key of each chunk's text.
        text
            Gives the text of a chunk by its row.
        before
            An index of other notes: what both hold is not read again.
        notes, passages
            What became of the rows of `before`.
        """
        words = Bm25.of(keys, text, before._passages if before else None, passages)
        return cls(_Spoken.of(roll, before._spoken if before else None, notes), first_chunk, words)

    def passages(self, question: str) -> FloatArray:
        """BM25 score of every chunk, shape (chunks,), >= 0."""
        return self._passages.scores(content_words(question))

    def titles(self, question: str) -> FloatArray:
        """BM25 score of every note by its title and aliases alone, shape (notes,), >= 0."""
        return self._spoken.titles.scores(content_words(question))

    def rarity(self, word: str) -> float:
        """How rare a folded word is in the passages: 0 in all of them, 1 in none."""
        size = self._passages.size
        if size < 2:
            return 1.0
        return math.log((size + 1) / (self._passages.holding(word) + 1)) / math.log(size + 1)

    def names(self, question: str) -> list[Spotted]:
        """Names of notes that stand in the question: the longest ones, without overlap.

        Case, marks and punctuation are folded. A name of stop words alone
        ("What") is never spotted.
        """
        spans = [match.span() for match in _WORD.finditer(question)]
        keys = [" ".join(tokens(question[first:last])) for first, last in spans]
        found: list[Spotted] = []
        first = 0
        while first < len(keys):
            last = self._longest(keys, first)
            if last is None:
                first += 1
                continue
            span = (spans[first][0], spans[last - 1][1])
            found.append(self._spotted(" ".join(keys[first:last]), span))
            first = last
        return found

    def _longest(self, keys: Sequence[str], first: int) -> int | None:
        for last in range(min(len(keys), first + LONGEST_NAME), first, -1):
            if " ".join(keys[first:last]) in self._spoken.bearers:
                return last
        return None

    def _spotted(self, name: str, span: Span) -> Spotted:
        bearers = self._spoken.bearers[name]
        title = any(is_title for _, is_title in bearers)
        notes = tuple(note for note, is_title in bearers if is_title == title)
        rarity = max(self.rarity(word) for word in name.split())
        return Spotted(name, span, notes, title, rarity)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the sets of words that the passages are in."""
        return tuple(part.name for part in self._passages.parts)

    def save(self, directory: Path, known: Collection[str] = ()) -> None:
        """Write the words of the passages into a folder that may hold other sets of words.

        Parameters
        ----------
        known
            Names of sets that are there.
        """
        for part in self._passages.parts:
            if part.name not in known:
                part.save(directory)

    @classmethod
    def load(
        cls,
        directory: Path,
        parts: Sequence[str],
        roll: Roll,
        first_chunk: IntArray,
        keys: Sequence[str],
        before: Lexical | None = None,
        notes: Splice | None = None,
        passages: Splice | None = None,
    ) -> Lexical:
        """Read what `save` wrote.

        Parameters
        ----------
        parts
            Names of the sets.
        roll, first_chunk, keys, notes, passages
            As for `of`.
        before
            An index whose sets need not be read again.

        Raises
        ------
        IndexDamagedError
            If a file is missing or cannot be read, or a passage is in none of the sets.
        """
        places = before._passages.places if before else None
        known = {part.name: part for part in places.parts} if places else {}
        read = [known.get(name) or Postings.load(directory, name) for name in parts]
        places = Places.of(read, keys, places, passages)
        if len(places.missing):
            told = f"the words of {len(places.missing)} passages are missing"
            raise IndexDamagedError(directory, told)
        spoken = _Spoken.of(roll, before._spoken if before else None, notes)
        return cls(spoken, first_chunk, Bm25(places))


class _Titles(Sequence[str]):
    """What each note is called, as one text, put together when it is asked for."""

    def __init__(self, roll: Roll) -> None:
        self._roll = roll

    def __len__(self) -> int:
        return len(self._roll)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[str]: ...
    def __getitem__(self, row: int | slice) -> str | Sequence[str]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        one = self._roll[row]
        return " ".join((one.title, *one.aliases))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What the notes are called, and how that is searched."""

    roll: Roll
    titles: Bm25
    bearers: Bearers

    @classmethod
    def of(cls, roll: Roll, before: _Spoken | None, notes: Splice | None) -> _Spoken:
        if before is not None and before.roll is roll:
            return before
        turn = roll.since(before.roll if before else NOBODY)
        texts = _Titles(roll)
        titles = Bm25.of(texts, texts.__getitem__, before.titles if before else None, notes)
        known = before.bearers if before else {}
        return cls(roll, titles, refiled(known, _borne(turn.gone), _borne(turn.new)))


def _first_chunk(notes: Sequence[NoteId], chunks: Sequence[Passage]) -> IntArray:
    rows = {note: row for row, note in enumerate(notes)}
    note_of = np.array([rows[chunk.note] for chunk in chunks], np.int64)
    if (np.diff(note_of) < 0).any():
        raise ValueError("chunks must stand in the order of note id and place")
    return np.searchsorted(note_of, np.arange(len(notes) + 1))


def _borne(called: Iterable[Called]) -> Iterator[tuple[str, tuple[NoteId, bool]]]:
    for one in called:
        for name, is_title in _names(one).items():
            yield name, (one.id, is_title)


def _names(called: Called) -> dict[str, bool]:
    """Give the names that a note goes by, folded, and whether each is its title."""
    note, title, aliases = called
    names: dict[str, bool] = {}
    for name in (title, *aliases, stem(note)):
        words = [" ".join(tokens(word)) for word in _WORD.findall(name)]
        if not STOP_WORDS.issuperset(words):
            names.setdefault(" ".join(words), name is title)
    return names
