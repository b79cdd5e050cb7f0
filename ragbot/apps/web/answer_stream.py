"""Stream an answer to a visitor, who may leave or cancel it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Generic, TypeVar

from starlette.concurrency import iterate_in_threadpool

T = TypeVar("T")


class AnswerStream(Generic[T]):
    """The values of a generator, read in a thread, so that the reader can stop waiting.

    A value replaces the one before it: a slow reader gets the newest only. The same object again
    is no news: the generator only gives a chance to close it.
    """

    def __init__(self, source: Generator[T, None, None]) -> None:
        self._changed = threading.Condition()
        self._newest: list[T] = []
        self._ended = False
        self._error: BaseException | None = None
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

    def __iter__(self) -> Iterator[T]:
        """Yield the values as they come, until the last one or until `end` is called."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._ended)
                newest, self._newest = self._newest, []
            if not newest:
                break
            yield newest[0]
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """End the stream; the generator is closed at its next value."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read(self, source: Generator[T, None, None]) -> None:
        last = None
        try:
            with closing(source):
                for value in source:
                    with self._changed:
                        if self._ended:
                            return
                        if value is not last:
                            self._newest = [value]
                            self._changed.notify_all()
                    last = value
        # Every error, because the thread that waits raises it.
        except BaseException as error:
            self._error = error
        finally:
            self.end()


class AnswerStreams:
    """The answers to one visitor's questions, which the browser numbers from 1 on.

    A question can be cancelled before its turn comes: its stream ends as it begins.
    """

    def __init__(self) -> None:
        self._cancelled = 0
        self._streams: dict[int, AnswerStream[Any]] = {}

    @contextmanager
    def open(self, number: int, source: Generator[T, None, None]) -> Iterator[AnswerStream[T]]:
        """Open the stream of a question's answer; it ends with the context."""
        stream = AnswerStream(source)
        # Written before `_cancelled` is read, and `cancel` does it the other way round: whichever
        # comes second sees what the first has done.
        self._streams[number] = stream
        if number <= self._cancelled:
            stream.end()
        try:
            yield stream
        finally:
            stream.end()
            self._streams.pop(number, None)

    def cancel(self, number: int) -> None:
        """Cancel the answer to a question, before or after it begins."""
        self._cancelled = max(self._cancelled, number)
        if stream := self._streams.get(number):
            stream.end()


async def in_threads(pieces: Iterator[T]) -> AsyncIterator[T]:
    """Yield the values of a generator, each computed in a thread; close it at the end."""
    try:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    finally:
        if isinstance(pieces, Generator):
            # A client that left must not leave a language model writing.
            pieces.close()
