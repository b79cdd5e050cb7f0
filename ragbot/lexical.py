"""Words: BM25 over passages and over names, and the names of notes spotted in a question.

Notes are numbered in the order of their ids, as in the relation graph, and
chunks in the order of note and place: so the chunks of a note are one run of
rows, and both numberings can be kept as arrays.

Floor 2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragbot.bm25 import Bm25
from ragbot.chunk import embedding_text, text_key
from ragbot.entities import SharedNames
from ragbot.errors import IndexDamagedError
from ragbot.links import Called
from ragbot.markdown import stem
from ragbot.places import NONE, Places
from ragbot.postings import Postings
from ragbot.schema import Chunk, Note, NoteId, Span
from ragbot.words import STOP_WORDS, content_words, tokens

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

LONGEST_NAME = 24
"""Words of the longest name that is looked for in a question."""

Bearers = Mapping[str, Sequence[tuple[NoteId, bool]]]
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
        self.notes = tuple(one.id for one in spoken.called)
        self.first_chunk = first_chunk
        note_of = np.repeat(np.arange(len(self.notes)), np.diff(first_chunk))
        self.shared = SharedNames(passages, note_of, len(self.notes))
        self._spoken = spoken
        self._passages = passages

    @classmethod
    def build(cls, notes: Iterable[Note], chunks: Sequence[Chunk]) -> Lexical:
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
        called = [Called(note.id, note.title, note.aliases) for note in by_id.values()]
        first_chunk = _first_chunk(list(by_id), chunks)
        return cls.of(called, first_chunk, list(map(text_key, texts)), texts.__getitem__)

    @classmethod
    def of(
        cls,
        called: Sequence[Called],
        first_chunk: Sequence[int] | IntArray,
        keys: Sequence[str],
        text: Callable[[int], str],
        before: Lexical | None = None,
        former: IntArray | None = None,
    ) -> Lexical:
        """Index the words of a vault of which much may be known.

        Parameters
        ----------
        called
            What the notes are called, in order of id.
        first_chunk
            Row of each note's first chunk, and the number of chunks.
        keys
            Key of each chunk's text.
        text
            Gives the text of a chunk by its row.
        before
            An index of other notes: what both hold is not read again.
        former
            The row in `before` of each chunk that stayed, see `Places.of`.
        """
        passages = Bm25.of(keys, text, before._passages if before else None, former)
        spoken = _Spoken.of(called, before._spoken if before else None)
        return cls(spoken, np.array(first_chunk, np.int64), passages)

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
        called: Sequence[Called],
        first_chunk: Sequence[int],
        keys: Sequence[str],
        before: Lexical | None = None,
        former: IntArray | None = None,
    ) -> Lexical:
        """Read what `save` wrote.

        Parameters
        ----------
        parts
            Names of the sets.
        called, first_chunk, keys, former
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
        places = Places.of(read, keys, places, former)
        if len(places.missing):
            told = f"the words of {len(places.missing)} passages are missing"
            raise IndexDamagedError(directory, told)
        spoken = _Spoken.of(called, before._spoken if before else None)
        return cls(spoken, np.array(first_chunk, np.int64), Bm25(places))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What the notes are called, and how that is searched."""

    called: tuple[Called, ...]
    titles: Bm25
    bearers: Bearers

    @classmethod
    def of(cls, called: Iterable[Called], before: _Spoken | None) -> _Spoken:
        called = tuple(called)
        if before is not None and before.called == called:
            return before
        texts = [" ".join((one.title, *one.aliases)) for one in called]
        rows = {one: row for row, one in enumerate(before.called)} if before else {}
        former = np.array([rows.get(one, NONE) for one in called], np.int64)
        titles = Bm25.of(texts, texts.__getitem__, before.titles if before else None, former)
        return cls(called, titles, _bearers(called, before))


def _first_chunk(notes: Sequence[NoteId], chunks: Sequence[Chunk]) -> IntArray:
    rows = {note: row for row, note in enumerate(notes)}
    note_of = np.array([rows[chunk.note] for chunk in chunks], np.int64)
    if (np.diff(note_of) < 0).any():
        raise ValueError("chunks must stand in the order of note id and place")
    return np.searchsorted(note_of, np.arange(len(notes) + 1))


def _bearers(called: Sequence[Called], before: _Spoken | None) -> Bearers:
    """Give the notes that go by each name, in order of id: those of before, where none changed."""
    then = before.called if before else ()
    found = dict(before.bearers) if before else {}
    changed: dict[str, list[tuple[NoteId, bool]]] = {}
    for one in set(then).difference(called):
        for name in _names(one):
            rest = changed.setdefault(name, list(found[name]))
            rest[:] = [bearer for bearer in rest if bearer[0] != one.id]
    for one in set(called).difference(then):
        for name, is_title in _names(one).items():
            if name not in changed:
                changed[name] = list(found.get(name, ()))
            changed[name].append((one.id, is_title))
    for name, bearers in changed.items():
        found[name] = sorted(bearers)
        if not bearers:
            del found[name]
    return found


def _names(called: Called) -> dict[str, bool]:
    """Give the names that a note goes by, folded, and whether each is its title."""
    note, title, aliases = called
    names: dict[str, bool] = {}
    for name in (title, *aliases, stem(note)):
        words = [" ".join(tokens(word)) for word in _WORD.findall(name)]
        if not STOP_WORDS.issuperset(words):
            names.setdefault(" ".join(words), name is title)
    return names
