"""Results of work that is under way in threads, while nobody asks for them.

Floor 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Told = TypeVar("Told", covariant=True)


class Coming(Protocol[Told]):
    """Results in order, each waited for when it is asked for. Whoever does not want all closes."""

    def __iter__(self) -> Iterator[Told]:
        """Itself."""

    def __next__(self) -> Told:
        """Wait for the next one."""

    def close(self) -> None:
        """End the work: what has begun is waited for, and its result dropped."""


class UnderWay(Iterator[R]):
    """Some work for each of some parts, done by threads from now on; see `Coming`.

    What fails in a thread is raised in its place, and ends the rest.
    """

    def __init__(self, work: Callable[[T], R], parts: Sequence[T], threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._results = self._pool.map(work, parts)

    def __next__(self) -> R:
        """Wait for the next one."""
        try:
            return next(self._results)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the work."""
        self._pool.shutdown(cancel_futures=True)
