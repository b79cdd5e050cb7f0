"""Show the progress of a build: a bar on a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from ragbot.models import Progress

VERBS = {"read": "reading", "embed": "embedding", "write": "writing", "done": "done"}

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def progress_bar(stream: TextIO, *, patience: float = 0.0) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows a report of progress; remove the bar at the end.

    Parameters
    ----------
    stream
        Where to write; whether it is a terminal decides between a bar and lines.
    patience
        Seconds without output: short work needs no report.
    """
    silent_until, last_line, stage = time.monotonic() + patience, 0.0, ""
    bar: Any = None

    def show(report: Progress) -> None:
        nonlocal bar, stage, last_line
        now = time.monotonic()
        if now < silent_until or report.stage == "done":
            return
        if stream.isatty():
            if bar is None or stage != report.stage:
                _clear(bar, stream)
                bar = click.progressbar(length=max(1, report.total), file=stream, show_eta=True)
                bar.__enter__()
            bar.label, bar.length = line(report), max(1, report.total)
            bar.update(report.done - bar.pos)
        elif stage != report.stage or now - last_line >= EVERY:
            print(line(report), file=stream, flush=True)
            last_line = now
        stage = report.stage

    try:
        yield show
    finally:
        _clear(bar, stream)


def line(report: Progress) -> str:
    """Write one report as text.

    Examples
    --------
    >>> from ragbot.models import Progress
    >>> line(Progress("read", 3400, 14000, "notes"))
    'reading 3,400 of 14,000 notes'
    """
    of = f" of {report.total:,}" if report.total else ""
    return f"{VERBS.get(report.stage, report.stage)} {report.done:,}{of} {report.unit}"


def _clear(bar: Any, stream: TextIO) -> None:
    if bar is not None:
        stream.write("\r\033[K")
        bar.render_finish()
        stream.flush()
