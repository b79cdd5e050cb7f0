"""How often one visitor may ask: a bucket that fills with time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from ragbot.errors import QuestionError

PER_MINUTE = 60
"""Questions one address may ask in a minute, and at once."""

_MOST_VISITORS = 10_000


class Limit:
    """Counts questions by visitor; safe to share between threads."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str, now: float | None = None) -> None:
        """Count one question of a visitor at a time in seconds; the clock's when None.

        Raises
        ------
        QuestionError
            If the visitor asks too fast.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            left, then = self._buckets.pop(visitor, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
            self._buckets[visitor] = (max(left - 1, 0.0), now)
            while len(self._buckets) > _MOST_VISITORS:
                self._buckets.popitem(last=False)
        if left < 1:
            raise QuestionError(
                f"More than {self.per_minute} questions in a minute came from you. "
                f"Wait a moment, and ask again."
            )
