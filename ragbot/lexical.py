"""Words: BM25 over passages and over names, and the names of notes spotted in a question.

Notes are numbered in the order of their ids, as in the relation graph, and
chunks in the order of note and place: so the chunks of a note are one run of
rows, and both numberings can be kept as arrays.

Floor 2: the one module that imports bm25s.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot.chunk import embedding_text
from ragbot.entities import SharedNames
from ragbot.errors import IndexDamagedError
from ragbot.schema import Chunk, Note, NoteId, Span
from ragbot.words import STOP_WORDS, content_words, tokens

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

LONGEST_NAME = 24
"""Words of the longest name that is looked for in a question."""

_FILE = "names.json"
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

    def __init__(
        self,
        notes: Sequence[NoteId],
        first_chunk: IntArray,
        passages: Any,
        titles: Any,
        names: Mapping[str, Sequence[tuple[int, bool]]],
        shared: SharedNames,
    ) -> None:
        self.notes = tuple(notes)
        self.first_chunk = first_chunk
        self.shared = shared
        self._passages = passages
        self._titles = titles
        self._names = names

    @classmethod
    def build(
        cls, notes: Iterable[Note], chunks: Sequence[Chunk], texts: Sequence[str] | None = None
    ) -> Lexical:
        """Index the words of `chunks` and the titles and aliases of `notes`.

        The words of a chunk are those of its embedded text: its title and
        headings count as said in it. Those texts can be given when they are
        known, one a chunk.

        Raises
        ------
        ValueError
            If the chunks do not stand in the order of note and place.
        """
        by_id = {note.id: note for note in sorted(notes, key=lambda note: note.id)}
        rows = {note: row for row, note in enumerate(by_id)}
        note_of = [rows[chunk.note] for chunk in chunks]
        if note_of != sorted(note_of):
            raise ValueError("chunks must stand in the order of note id and place")
        if texts is None:
            texts = [embedding_text(by_id[chunk.note], chunk) for chunk in chunks]
        return cls(
            list(by_id),
            np.searchsorted(note_of, np.arange(len(by_id) + 1)),
            _bm25([tokens(text) for text in texts]),
            _bm25([tokens(" ".join((note.title, *note.aliases))) for note in by_id.values()]),
            _names_of(by_id.values()),
            SharedNames.build(texts, note_of, len(by_id)),
        )

    def passages(self, question: str) -> FloatArray:
        """BM25 score of every chunk, shape (chunks,), >= 0."""
        return _scores(self._passages, int(self.first_chunk[-1]), question)

    def titles(self, question: str) -> FloatArray:
        """BM25 score of every note by its title and aliases alone, shape (notes,), >= 0."""
        return _scores(self._titles, len(self.notes), question)

    def rarity(self, word: str) -> float:
        """How rare a folded word is in the passages: 0 in all of them, 1 in none."""
        size = int(self.first_chunk[-1])
        if size < 2:
            return 1.0
        known = {} if self._passages is None else self._passages.vocab_dict
        holding = 0
        if word in known:
            starts = self._passages.scores["indptr"]
            holding = int(starts[known[word] + 1] - starts[known[word]])
        return math.log((size + 1) / (holding + 1)) / math.log(size + 1)

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
            if " ".join(keys[first:last]) in self._names:
                return last
        return None

    def _spotted(self, name: str, span: Span) -> Spotted:
        bearers = self._names[name]
        title = any(is_title for _, is_title in bearers)
        notes = tuple(self.notes[row] for row, is_title in bearers if is_title == title)
        rarity = max(self.rarity(word) for word in name.split())
        return Spotted(name, span, notes, title, rarity)

    def save(self, directory: Path) -> None:
        """Write into a folder, which is made when missing."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, index in (("passages", self._passages), ("titles", self._titles)):
            if index is not None:
                index.save(directory / name, show_progress=False)
        self.shared.save(directory)
        content = {
            "notes": self.notes,
            "first_chunk": self.first_chunk.tolist(),
            "names": self._names,
        }
        (directory / _FILE).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Lexical:
        """Read what `save` wrote.

        Raises
        ------
        IndexDamagedError
            If a file is missing or cannot be read.
        """
        try:
            content = json.loads((directory / _FILE).read_text(encoding="utf-8"))
            names = {
                name: [(int(row), bool(title)) for row, title in bearers]
                for name, bearers in content["names"].items()
            }
            return cls(
                content["notes"],
                np.array(content["first_chunk"], dtype=np.int64),
                _load_bm25(directory / "passages"),
                _load_bm25(directory / "titles"),
                names,
                SharedNames.load(directory),
            )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise IndexDamagedError(directory, f"its word index is broken ({error})") from error


def _bm25(documents: Sequence[Sequence[str]]) -> Any:
    if not any(documents):
        return None
    from bm25s import BM25  # type: ignore[import-untyped]  # ships no types

    # Lucene's variant and parameters, the defaults of most search engines.
    index = BM25(method="lucene", k1=1.2, b=0.75)
    index.index([list(words) for words in documents], show_progress=False)
    return index


def _load_bm25(directory: Path) -> Any:
    if not directory.is_dir():
        return None
    from bm25s import BM25

    return BM25.load(directory, load_corpus=False)


def _scores(index: Any, size: int, question: str) -> FloatArray:
    words = [] if index is None else dict.fromkeys(content_words(question))
    known = [word for word in words if word in index.vocab_dict]
    if not known:
        return np.zeros(size, dtype=np.float32)
    scores: FloatArray = np.asarray(index.get_scores(known), dtype=np.float32)
    return scores


def _names_of(notes: Iterable[Note]) -> dict[str, list[tuple[int, bool]]]:
    names: dict[str, list[tuple[int, bool]]] = {}
    for row, note in enumerate(notes):
        stem = PurePosixPath(note.id).stem
        others = [(name, False) for name in (*note.aliases, stem)]
        for name, is_title in ((note.title, True), *others):
            words = [" ".join(tokens(word)) for word in _WORD.findall(name)]
            if STOP_WORDS.issuperset(words):
                continue
            bearers = names.setdefault(" ".join(words), [])
            if all(other != row for other, _ in bearers):
                bearers.append((row, is_title))
    return names
