"""The reading side of an index: what retrieval and answers see of one generation.

Floor 3: a protocol; `index.py` implements it, and tests with arrays in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.lexical import Lexical, Spotted
from ragbot.inference.token_codes import Codes
from ragbot.models import Note, NoteId, Passage

FloatArray = NDArray[np.float32]


class Corpus(Protocol):
    """What questions are answered from: one unchanging state of the index.

    A passage goes by a number, which means nothing outside its corpus.
    """

    @property
    def generation(self) -> str:
        """Name of the generation."""

    @property
    def notes(self) -> Mapping[NoteId, Note]:
        """Notes by id, their relations resolved."""

    def passage(self, number: int) -> Passage:
        """Return a passage."""

    def passages_of(self, note: NoteId) -> list[int]:
        """Return the passages of a note, in the order of the file."""

    def bm25(self, question: str) -> Mapping[int, float]:
        """Return the BM25 score, above 0, of each passage that shares a word with a question."""

    def by_title(self, words: str, count: int) -> list[NoteId]:
        """Return the notes whose title and aliases match some words best, by BM25, best first."""

    def rarity(self, word: str) -> float:
        """Return how rare a folded word is in the passages: 0 in all of them, 1 in none."""

    def names_in(self, question: str) -> list[Spotted]:
        """Return the names of notes in a question: the longest ones, without overlap."""

    @property
    def chunks(self) -> Sequence[Passage]:
        """Chunks by row."""

    @property
    def graph(self) -> RelationGraph:
        """Relations of the notes."""

    @property
    def lexical(self) -> Lexical:
        """Words of the chunks, names of the notes."""

    @property
    def embedded(self) -> bool:
        """Whether the vectors are in place; without them words and graph answer."""

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Rows of the k chunks nearest to a unit vector, with their cosine, best first."""

    def similarities(self, query: FloatArray, rows: Sequence[int]) -> FloatArray:
        """Exact cosine of a unit vector to these rows, shape (rows,)."""

    def codes(self, rows: Sequence[int]) -> list[Codes]:
        """Codes of the words of these rows; none for a row without a vector."""

    def vectors(self, rows: Sequence[int]) -> FloatArray:
        """Return the unit vectors of these rows, shape (rows, dimension)."""
