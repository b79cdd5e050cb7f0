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

IntArray = NDArray[np.int64]

NONE = -1
"""Stands for no row and no part."""


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
        order = np.argsort(self.positions, kind="stable")
        first = np.concatenate([[0], np.cumsum(self.times)])
        return self.rows[order], first

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
        former: IntArray | None = None,
    ) -> Self:
        """Find the texts of rows.

        Parameters
        ----------
        keys
            Key of each row's text.
        before
            Places that are known.
        former
            Shape (rows,): the row of `before` that has the same text as each row, or `NONE`; None
            where the rows are those of `before`.
        """
        part = np.full(len(keys), NONE, np.int64)
        position, searched = part.copy(), np.zeros(len(keys), bool)
        known: tuple[P, ...] = ()
        if before is not None:
            known = before.parts
            former = np.arange(len(keys)) if former is None else former
            stays = np.flatnonzero(former != NONE)
            old = former[stays]
            numbers = {id(one): number for number, one in enumerate(parts)}
            # NONE is -1, and so the last one.
            now = np.array([*(numbers.get(id(one), NONE) for one in known), NONE], np.int64)
            part[stays], position[stays] = now[before.part[old]], before.position[old]
            searched[stays] = before.part[old] == NONE
        for number, one in enumerate(parts):
            missing = part == NONE
            if any(one is other for other in known):
                missing &= ~searched
            for row in np.flatnonzero(missing).tolist():
                found = one.position.get(keys[row], NONE)
                if found != NONE:
                    part[row], position[row] = number, found
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
