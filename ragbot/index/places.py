"""Where the text of each row of a vault stands, in a few sets of texts that never change.

Words and vectors are both kept in such sets: a large one, and small ones that edits brought. What
stands where is looked up once for a row, and taken over for as long as its note stays.

Floor 1: arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragbot.index.splice import NONE, Cut, Splice

IntArray = NDArray[np.int64]


class Part(Protocol):
    """A set of texts by key, unchangeable; a text's *position* is that of its key."""

    @property
    def keys(self) -> Sequence[str]:
        """Key of each text."""

    @property
    def position(self) -> Mapping[str, int]:
        """Position of each key."""


P = TypeVar("P", bound=Part)


class Rows:
    """The rows of a vault whose text is in one part.

    Attributes
    ----------
    rows
        Rising, shape (n,).
    positions
        Position of each one's text, shape (n,).
    times
        How many rows have each text, shape (texts,).
    """

    def __init__(self, rows: IntArray, positions: IntArray, size: int) -> None:
        self.rows = rows
        self.positions = positions
        self.times = np.bincount(positions, minlength=size)

    @property
    def living(self) -> IntArray:
        """Positions of the texts that some row has, rising."""
        return np.flatnonzero(self.times)

    @cached_property
    def _by_position(self) -> tuple[IntArray, IntArray]:
        first = np.concatenate([[0], np.cumsum(self.times)])
        rows = np.empty_like(self.rows)
        # Nearly every text is that of one row: only the others are sorted.
        alone = self.times[self.positions] == 1
        rows[first[self.positions[alone]]] = self.rows[alone]
        shared = np.flatnonzero(~alone)
        shared = shared[np.argsort(self.positions[shared], kind="stable")]
        rows[np.repeat(self.times != 1, self.times)] = self.rows[shared]
        return rows, first

    def of(self, positions: Sequence[int] | IntArray | NDArray[np.int32]) -> IntArray:
        """Rows that have one of these texts, in the order of the texts."""
        rows, first = self._by_position
        times = self.times[positions]
        steps = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        found: IntArray = rows[np.repeat(first[positions], times) + steps]
        return found


class Places(Generic[P]):
    """The place of each row's text. Immutable, safe to share.

    Attributes
    ----------
    parts
        Sets of texts.
    part, position
        Shape (rows,): number of the part that holds a row's text, and where in it; `NONE` where
        none does.
    """

    def __init__(self, parts: Sequence[P], part: IntArray, position: IntArray) -> None:
        self.parts = tuple(parts)
        self.part = part
        self.position = position

    @classmethod
    def of(
        cls,
        parts: Sequence[P],
        keys: Sequence[str],
        before: Self | None = None,
        splice: Splice | None = None,
    ) -> Self:
        """Find the texts of rows.

        Parameters
        ----------
        keys
            Key of each row's text.
        before
            Places that are known.
        splice
            What became of the rows of `before`; None where they are the same.
        """
        if before is None:
            before, splice = cls((), *np.zeros((2, 0), np.int64)), Splice(0, [Cut(0, 0, len(keys))])
        part, position, searched = before.part, before.position, before.part == NONE
        if splice is not None:
            came = np.full(splice.came, NONE)
            part, position = splice.put_rows(part, came), splice.put_rows(position, came)
            searched = splice.put_rows(searched, came != NONE)
        numbers = {id(one): number for number, one in enumerate(parts)}
        now = [numbers.get(id(one), NONE) for one in before.parts]
        # NONE is -1, and so the last one. What is looked up is written into copies.
        part, position = np.array([*now, NONE])[part], position.copy()
        every = list(enumerate(parts))
        unseen = [pair for pair in every if pair[0] not in now]
        for row in np.flatnonzero(part == NONE).tolist():
            for number, one in unseen if searched[row] else every:
                found = one.position.get(keys[row], NONE)
                if found != NONE:
                    part[row], position[row] = number, found
                    break
        return cls(parts, part, position)

    @cached_property
    def held(self) -> tuple[Rows, ...]:
        """For each part, the rows whose text it holds."""
        found = []
        for number, one in enumerate(self.parts):
            rows = np.flatnonzero(self.part == number)
            found.append(Rows(rows, self.position[rows], len(one.keys)))
        return tuple(found)

    @property
    def missing(self) -> IntArray:
        """Rows whose text is in no part, rising."""
        return np.flatnonzero(self.part == NONE)
