"""How one sequence became another by replacing a few runs: what a small edit does to a large vault.

Notes, passages and edges all stand in the order of their notes' ids. What is kept for each of them
is made anew for the runs that were replaced, and copied as a block for the rest.

Floor 1: sequences and arrays.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
S = TypeVar("S", bound=np.generic)
IntArray = NDArray[np.int64]

NONE = -1
"""Stands for no row."""


class Cut(NamedTuple):
    """A run of a sequence, from `first` to before `last`, for which `new` other values stand."""

    first: int
    last: int
    new: int

    def goes_on_in(self, other: Cut) -> bool:
        """Whether both are one run: what came in one place, or was replaced one for one."""
        grows = self.new - (self.last - self.first), other.new - (other.last - other.first)
        came = self.first == self.last == other.first == other.last
        return self.last == other.first and (came or grows == (0, 0))


@dataclass(frozen=True, slots=True)
class Splice:
    """What became of a sequence of some size: cuts in rising order, apart from each other."""

    size: int
    cuts: Sequence[Cut] = ()

    @classmethod
    def of(cls, ids: Sequence[str], new: Collection[str], gone: Collection[str]) -> Splice:
        """Cut a rising sequence where some ids came, were replaced, or (`gone`) went."""
        cuts: list[Cut] = []
        for one in sorted({*new, *gone}):
            first = bisect_left(ids, one)
            there = first < len(ids) and ids[first] == one
            cut = Cut(first, first + there, int(one in new))
            if cuts and cuts[-1].goes_on_in(cut):
                cut = Cut(cuts[-1].first, cut.last, cuts.pop().new + cut.new)
            cuts.append(cut)
        return cls(len(ids), cuts)

    def along(self, first: Sequence[int] | IntArray, counts: Sequence[int]) -> Splice:
        """Give the same cuts of a sequence that holds a run for each value of this one.

        Parameters
        ----------
        first
            Where each run begins, and the size of the sequence.
        counts
            Size of each run that is new.
        """
        last = list(accumulate((cut.new for cut in self.cuts), initial=0))
        sizes = list(accumulate(counts, initial=0))
        cuts = [
            Cut(int(first[cut.first]), int(first[cut.last]), sizes[to] - sizes[at])
            for cut, (at, to) in zip(self.cuts, pairwise(last), strict=True)
        ]
        return Splice(int(first[-1]), cuts)

    def put(self, old: Sequence[T], new: Sequence[T]) -> tuple[T, ...]:
        """Put values that came, in their order, in place of those that went."""
        found: list[T] = []
        at = 0
        for first, last, place, count in self._placed():
            found += old[at:first]
            found += new[place : place + count]
            at = last
        found += old[at:]
        return tuple(found)

    def put_rows(self, old: NDArray[S], new: NDArray[S]) -> NDArray[S]:
        """Do what `put` does for the rows of arrays."""
        parts: list[NDArray[S]] = []
        at = 0
        for first, last, place, count in self._placed():
            parts += old[at:first], new[place : place + count]
            at = last
        return np.concatenate([*parts, old[at:]])

    @property
    def came(self) -> int:
        """How many values came."""
        return sum(cut.new for cut in self.cuts)

    @property
    def former(self) -> IntArray:
        """For each value of now its row in the old sequence, `NONE` for one that came."""
        return self.put_rows(np.arange(self.size), np.full(self.came, NONE))

    @property
    def latter(self) -> IntArray:
        """For each value of the old sequence its row now, `NONE` for one that went.

        Where as many came in its place it counts as replaced, and its row is theirs.
        """
        shift = np.zeros(self.size + 1, np.int64)
        for cut in self.cuts:
            shift[cut.last] += cut.new - (cut.last - cut.first)
        found = np.arange(self.size) + np.cumsum(shift)[: self.size]
        for cut in self.cuts:
            if cut.last - cut.first != cut.new:
                found[cut.first : cut.last] = NONE
        return found

    @property
    def moves(self) -> bool:
        """Whether any value that stays has another row now."""
        return any(cut.last - cut.first != cut.new for cut in self.cuts)

    def _placed(self) -> Iterator[tuple[int, int, int, int]]:
        """Each cut with the place, among all that came, of the first that stands for it."""
        place = 0
        for cut in self.cuts:
            yield cut.first, cut.last, place, cut.new
            place += cut.new
