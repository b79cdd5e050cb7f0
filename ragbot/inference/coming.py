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

    Parameters
    ----------
    call_off
        Makes work that has begun end soon, if it can be; it is waited for in any case.
    """

    def __init__(
        self,
        work: Callable[[T], R],
        parts: Sequence[T],
        threads: int,
        call_off: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._call_off = call_off
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
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._call_off()
        self._pool.shutdown()
