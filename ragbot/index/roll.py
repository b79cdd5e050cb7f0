"""What the notes of a vault are called, and what of it came and went since.

Links, mentions and spoken names are all looked up by that: as long as no note is called otherwise,
the roll is the same object, and nothing is looked at.

Floor 1: values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload
from weakref import WeakKeyDictionary

from ragbot.index.splice import Splice
from ragbot.models import NoteId
from ragbot.notes.link_resolver import Called


@dataclass(frozen=True, slots=True)
class Turnover:
    """What notes are called no more, and what they are called since, in the order of their ids."""

    gone: tuple[Called, ...]
    new: tuple[Called, ...]

    @classmethod
    def of(cls, then: Iterable[Called], now: Iterable[Called]) -> Turnover:
        """Compare what some notes were called with what they are."""
        old, new = (dict.fromkeys(called) for called in (then, now))
        return cls(
            tuple(one for one in old if one not in new), tuple(one for one in new if one not in old)
        )


class Roll(Sequence[Called]):
    """What the notes of a vault are called, in the order of their ids. Immutable."""

    def __init__(self, called: Iterable[Called]) -> None:
        self._called = tuple(called)
        self._known: WeakKeyDictionary[Roll, Turnover] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._called)

    def __iter__(self) -> Iterator[Called]:
        return iter(self._called)

    @overload
    def __getitem__(self, row: int) -> Called: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Called]: ...
    def __getitem__(self, row: int | slice) -> Called | Sequence[Called]:
        return self._called[row]

    @cached_property
    def ids(self) -> tuple[NoteId, ...]:
        """The ids of the notes."""
        return tuple(one.id for one in self._called)

    def spliced(self, splice: Splice, new: Sequence[Called]) -> Roll:
        """Give the roll with some notes replaced; itself when they are called what they were."""
        old = [one for cut in splice.cuts for one in self._called[cut.first : cut.last]]
        if old == list(new):
            return self
        roll = Roll(splice.put(self._called, new))
        roll._known[self] = Turnover.of(old, new)
        return roll

    def since(self, before: Roll) -> Turnover:
        """Tell what came and went since another roll."""
        if before not in self._known:
            self._known[before] = Turnover.of(before, self)
        return self._known[before]


NOBODY = Roll(())
