"""Read a blocking generator from an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import TypeVar

from starlette.concurrency import iterate_in_threadpool

T = TypeVar("T")


async def in_threads(pieces: Iterator[T]) -> AsyncIterator[T]:
    """Yield the values of a generator, each computed in a thread; close it at the end."""
    try:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    finally:
        if isinstance(pieces, Generator):
            # A client that left must not leave a language model writing.
            pieces.close()
