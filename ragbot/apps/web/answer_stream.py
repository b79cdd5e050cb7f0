"""The answer that a visitor waits for: as it comes, until the visitor gives it up."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Coming(Generic[T]):
    """What a generator gives, read in a thread of its own: who waits can be told that it is over.

    Each thing that is given takes the place of the one before: who is slow gets the newest.
    """

    def __init__(self, source: Generator[T, None, None]) -> None:
        self._changed = threading.Condition()
        self._newest: list[T] = []
        self._over = False
        self._failed: BaseException | None = None
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

    def __iter__(self) -> Iterator[T]:
        """Wait for the next thing, until all have come or `end` is called."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._over)
                newest, self._newest = self._newest, []
            if not newest:
                break
            yield newest[0]
        if self._failed is not None:
            raise self._failed

    def end(self) -> None:
        """Let nothing more come; the source is closed once it gives what it is at."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _read(self, source: Generator[T, None, None]) -> None:
        try:
            with closing(source):
                for thing in source:
                    with self._changed:
                        if self._over:
                            return
                        self._newest = [thing]
                        self._changed.notify_all()
        # Whatever it is, it is for who waits.
        except BaseException as error:
            self._failed = error
        finally:
            self.end()


class Visit:
    """One visitor's questions, which the browser numbers from 1 on.

    A question can be given up before its turn has come: its answer is over as it begins.
    """

    def __init__(self) -> None:
        self._given_up = 0
        self._answers: dict[int, Coming[Any]] = {}

    @contextmanager
    def answer(self, number: int, source: Generator[T, None, None]) -> Iterator[Coming[T]]:
        """Read the answer to a question of that number, until it is given up or left."""
        coming = Coming(source)
        # It is known before the look, as a question is given up before the answers are looked at:
        # whoever comes second sees what the first has done.
        self._answers[number] = coming
        if number <= self._given_up:
            coming.end()
        try:
            yield coming
        finally:
            coming.end()
            self._answers.pop(number, None)

    def give_up(self, number: int) -> None:
        """End the answer to a question of that number, whether it comes or is still to come."""
        self._given_up = max(self._given_up, number)
        if coming := self._answers.get(number):
            coming.end()
