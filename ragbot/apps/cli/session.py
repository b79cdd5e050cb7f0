"""Open the bot with its progress shown, find the sample garden, and print results and messages."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ragbot.apps import serialize
from ragbot.apps.cli.format import Page, plain, wants_colour
from ragbot.config import Config
from ragbot.errors import IndexLockedError, RagbotError, StorageError

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.models import Progress

EVERY = 10.0
"""Seconds between two lines of progress if the stream is no terminal."""


@contextmanager
def opened(config: Config, *, encoder: bool = True) -> Iterator[tuple[Ragbot, Page]]:
    """Open the bot, and yield it with the settings of the output.

    With `encoder`, changed notes are embedded first, with progress shown. Without it, search uses
    words and links only, and loads no model.
    """
    from ragbot.bot import Ragbot

    with Ragbot.open(config=config, refresh=False) as bot:
        if encoder:
            # If another process writes the index, that process brings it up to date. If the index
            # cannot be written, the first snapshot says so, and the index as it was is used.
            with (
                suppress(IndexLockedError, StorageError),
                progress_bar(sys.stderr, patience=1.0) as progress,
            ):
                bot.refresh(progress=progress)
        width = min(100, shutil.get_terminal_size((100, 24)).columns)
        colour = wants_colour(sys.stdout)
        yield bot, Page(config.notes, config.note_url, colour, max(40, width))


@contextmanager
def progress_bar(stream: TextIO, *, patience: float = 0.0) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows a report of progress: as a bar on a terminal, else as lines.

    The bar is removed at the end. Nothing is shown in the first `patience` seconds.
    """
    silent_until, last_line, stage = time.monotonic() + patience, 0.0, ""
    bar: Any = None

    def clear() -> None:
        if bar is not None:
            stream.write("\r\033[K")
            bar.render_finish()
            stream.flush()

    def show(report: Progress) -> None:
        nonlocal bar, stage, last_line
        now = time.monotonic()
        if now < silent_until or report.stage == "done":
            return
        if stream.isatty():
            if bar is None or stage != report.stage:
                clear()
                bar = click.progressbar(length=max(1, report.total), file=stream, show_eta=True)
                bar.__enter__()
            bar.label, bar.length = str(report), max(1, report.total)
            bar.update(report.done - bar.pos)
        elif stage != report.stage or now - last_line >= EVERY:
            print(str(report), file=stream, flush=True)
            last_line = now
        stage = report.stage

    try:
        yield show
    finally:
        clear()


def demo_config(config: Config) -> Config:
    """Return the settings for the sample garden; keep a configured index folder."""
    index = demo_index() if config.index == Config().index else config.index
    return replace(config, notes=sample_garden(), index=index)


def sample_garden() -> Path:
    """Return the folder of the sample notes: in the installed package, or in the checkout."""
    package = Path(__file__).parents[2]
    installed = package / "garden"
    return installed if installed.is_dir() else package.parent / "notes"


def demo_index() -> Path:
    """Return the folder for the index of the demo, below the user's cache folder."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "ragbot" / "demo-index"


def note_names(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the file names of the notes in the folder that `--notes` or the settings name."""
    folder = options.get("notes")
    if folder is None:
        try:
            folder = Config.from_environment().notes
        except RagbotError:
            return
    for _, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (name.removesuffix(".md") for name in sorted(files) if name.endswith(".md"))


def print_result(record: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print a result: its record as JSON, or its lines."""
    print(serialize.to_json(record, indent=2) if as_json else "\n".join(lines))


def say(*lines: str) -> None:
    """Print messages to stderr."""
    for line in lines:
        print(line, file=sys.stderr)


def say_notice(notice: str) -> None:
    """Print a notice about a result to stderr, if there is one."""
    if notice:
        say(f"note: {plain(notice)}")
