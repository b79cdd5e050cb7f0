"""A rate limit: a token bucket for each address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from ragbot.errors import RagbotError

PER_MINUTE = 60
"""Requests that one address may send in a minute, and at once."""

_MOST_VISITORS = 10_000


class RateLimitError(RagbotError):
    """A visitor sent more requests than the limit allows."""


class RateLimit:
    """Counts requests by visitor; threads may share it."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str, now: float | None = None) -> None:
        """Count one request of a visitor.

        Parameters
        ----------
        visitor
            Address that the request came from.
        now
            Time in seconds; the clock's when None.

        Raises
        ------
        RateLimitError
            If the visitor's bucket is empty.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            left, then = self._buckets.pop(visitor, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
            self._buckets[visitor] = (max(left - 1, 0.0), now)
            while len(self._buckets) > _MOST_VISITORS:
                self._buckets.popitem(last=False)
        if left < 1:
            raise RateLimitError(
                f"More than {self.per_minute} questions in a minute came from you. "
                f"Wait a moment, and ask again."
            )
