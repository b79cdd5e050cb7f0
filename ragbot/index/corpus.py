"""The interface through which retrieval, questions and answers read a snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.name_spotter import NameMatch
from ragbot.inference.token_codes import Codes
from ragbot.models import Filters, Note, NoteId, Passage

FloatArray = NDArray[np.float32]


class NoteSize(NamedTuple):
    """Counts of a note: its passages, the notes it links to, and those that link to it."""

    passages: int
    links_out: int
    links_in: int


class Corpus(Protocol):
    """One immutable state of the index, from which questions are answered.

    Numbers identify passages within one corpus only.
    """

    @property
    def notes(self) -> Mapping[NoteId, Note]:
        """Notes in order of id, with resolved relations; read lazily."""

    @property
    def graph(self) -> RelationGraph:
        """The relations between the notes."""

    @property
    def link_trust(self) -> float:
        """Difference in similarity between linked notes and others, in [0, 1]."""

    @property
    def embedded(self) -> bool:
        """True if any passage has a vector; without one, only words and links are searched."""

    def sizes(self, notes: Iterable[NoteId]) -> Mapping[NoteId, NoteSize]:
        """Return the sizes of some notes, and perhaps of others."""

    def matching(self, filters: Filters) -> Collection[NoteId]:
        """Return the notes that pass the filters by folder, tag and date."""

    def undated(self) -> int:
        """Return the number of notes without a date, which a filter by date leaves out."""

    def passage(self, number: int) -> Passage:
        """Return a passage."""

    def passages_of(self, note: NoteId) -> list[int]:
        """Return the passages of a note, in the order of the file."""

    def passages_by_note(self, notes: Iterable[NoteId]) -> Mapping[NoteId, Sequence[int]]:
        """Return the passages of some notes, and perhaps of others."""

    def notes_of(self, passages: Iterable[int]) -> Mapping[int, NoteId]:
        """Return the notes of some passages, and perhaps of others."""

    def bm25(self, question: str) -> Mapping[int, float]:
        """Return the BM25 score, above 0, of each passage that shares a word with a question.

        Common words are left out while enough rarer ones remain.
        """

    def bm25_limit(self, question: str) -> float:
        """Return the limit of the BM25 score, above 0, for a passage of all question words."""

    def by_title(self, words: str, count: int) -> list[NoteId]:
        """Return the notes whose title and aliases match some words best, by BM25, best first."""

    def rarity(self, word: str) -> float:
        """Return how rare a folded word is in the passages: 0 in all of them, 1 in none."""

    def names_in(self, question: str) -> list[NameMatch]:
        """Return the names of notes in a question: the longest ones, without overlap."""

    def nearest(
        self, vector: FloatArray, k: int, within: Collection[NoteId] | None = None
    ) -> list[tuple[int, float]]:
        """Return the k passages nearest to a unit vector, with their cosine, best first.

        Parameters
        ----------
        within
            The notes to look in; None for all.
        """

    def similarities(self, vector: FloatArray, passages: Sequence[int]) -> FloatArray:
        """Return the exact cosine of a unit vector to each passage; 0 for one without a vector."""

    def codes(self, passages: Sequence[int]) -> list[Codes]:
        """Return the codes of the words of each passage; none for one without a vector."""

    def vectors(self, passages: Sequence[int]) -> FloatArray:
        """Return the unit vector of each passage; zeros for one without a vector."""
