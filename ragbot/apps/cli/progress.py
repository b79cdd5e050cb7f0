"""Progress of a build on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from ragbot.models import Progress

VERBS = {
    "read": "reading",
    "embed": "embedding",
    "write": "writing",
    "verify": "verifying",
    "done": "done",
}
REDRAW, LINE = 0.1, 10.0
"""Seconds between two drawings of the bar; between two lines of a log."""
WIDTH = 24


class ProgressBar:
    """Shows reports of progress; call it with each, and close it at the end.

    Parameters
    ----------
    stream
        Where to write; whether it is a terminal decides between bar and lines.
    patience
        Seconds to stay silent: short work needs no report.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._silent_until = clock() + patience
        self._bar = stream.isatty()
        self._stage = ""
        self._started = self._shown = float("-inf")
        self._drawn = False

    def __call__(self, report: Progress) -> None:
        """Show one report, unless the last was shown a moment ago."""
        now = self._clock()
        fresh = report.stage != self._stage
        if fresh:
            self._stage, self._started = report.stage, now
        complete = 0 < report.total <= report.done
        due = now - self._shown >= (REDRAW if self._bar else LINE)
        if report.stage == "done" or now < self._silent_until or not (fresh or complete or due):
            return
        self._shown = now
        text = line(report, now - self._started)
        if self._bar:
            self._stream.write(f"\r\033[K{drawing(report)} {text}")
            self._drawn = True
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._drawn = False


def drawing(report: Progress) -> str:
    """Draw the bar.

    Examples
    --------
    >>> drawing(Progress("embed", 1, 4, "passages"))
    '██████                  '
    """
    share = min(1.0, report.done / report.total) if report.total else 0.0
    return ("█" * int(share * WIDTH)).ljust(WIDTH)


def line(report: Progress, seconds: float) -> str:
    """Write one report: how many of how many, the rate, the time left.

    Examples
    --------
    >>> line(Progress("embed", 100, 400, "passages"), 10.0)
    'embedding 100/400 passages, 10/s, 30 s left'
    """
    of = f"/{report.total}" if report.total else ""
    text = f"{VERBS[report.stage]} {report.done}{of} {report.unit}"
    if seconds < 0.5 or not report.done:
        return text
    rate = report.done / seconds
    text += f", {rate:.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
    left = (report.total - report.done) / rate
    return text + (f", {_duration(left)} left" if report.total and left >= 1 else "")


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"
