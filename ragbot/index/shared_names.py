"""Rare names that passages share: a link between notes that nobody drew.

Two notes that both speak of "Adalbert II" belong together even when neither
links to the other. A name that many notes hold says nothing, and one that a
single note holds leads nowhere: both are left out.

Floor 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ragbot.index.bm25 import Bm25

IntArray = NDArray[np.int64]

MOST_NOTES = 40
"""A name in more notes than this is no clue."""

MOST_LOWER = 0.3
"""A word in this share of the passages in lower case is no name, only a sentence's first."""


class SharedNames:
    """Which rare names stand in which chunks and notes. Immutable, safe to share.

    Parameters
    ----------
    words
        The words of each chunk.
    note_of
        Row of each chunk's note, shape (chunks,).
    notes
        Number of notes.
    """

    def __init__(self, words: Bm25, note_of: IntArray, notes: int) -> None:
        self._words = words
        self._note_of = note_of
        self._size = notes
        self._known: dict[str, IntArray | None] = {}

    def shared(self, rows: Iterable[int]) -> Iterator[tuple[str, float, IntArray]]:
        """Rare names in some chunks: the name, its weight in (0, 1], the notes that hold it.

        The weight is `(ln(N / n) / ln N) ** 2` for a name in n of N notes: a
        name in two notes weighs twice one in ten, in a vault of a few hundred.
        """
        for name in sorted({name for row in rows for name in self._words.names_in(row)}):
            if name not in self._known:
                self._known[name] = self._holding(name)
            notes = self._known[name]
            if notes is not None:
                rarity = math.log(self._size / len(notes)) / math.log(self._size)
                yield name, rarity**2, notes

    def _holding(self, name: str) -> IntArray | None:
        """Rows of the notes that hold a name, rising; None if it is no clue."""
        rows = self._words.rows_naming(name)
        notes = np.unique(self._note_of[rows])
        rare = 2 <= len(notes) <= MOST_NOTES
        return notes if rare and self._words.holding_small(name) <= MOST_LOWER * len(rows) else None
