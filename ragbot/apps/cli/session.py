"""Open the bot, find the sample garden, and print JSON and messages, for all commands."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbot.apps.cli.format import Page, wants_colour
from ragbot.apps.cli.progress import progress_bar
from ragbot.config import Config
from ragbot.errors import IndexLockedError, RagbotError, StorageError
from ragbot.models import Filters

if TYPE_CHECKING:
    from ragbot.apps.serialize import Json
    from ragbot.bot import Ragbot


@contextmanager
def opened(config: Config, *, encoder: bool = True) -> Iterator[tuple[Ragbot, Page]]:
    """Open the bot, and yield it with the settings of the output.

    With `encoder`, changed notes are embedded first, with progress shown. Without it, search uses
    words and links only, and loads no model.
    """
    from ragbot.bot import Ragbot

    with Ragbot.open(config=config, refresh=False) as bot:
        if encoder:
            # Another process may be writing the index, and brings it up to date. If it cannot be
            # written, the first snapshot says so, and the index as it was answers.
            with (
                suppress(IndexLockedError, StorageError),
                progress_bar(sys.stderr, patience=1.0) as progress,
            ):
                bot.refresh(progress=progress)
        yield bot, page_for(config)


def page_for(config: Config) -> Page:
    """Return the settings of stdout: its width, whether it has colours, how to link places."""
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    return Page(config.notes, config.note_url, wants_colour(sys.stdout), max(40, width))


def demo_config(config: Config) -> Config:
    """Return the settings for the sample garden; a configured index folder stays."""
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


def named(bot: Ragbot, filters: Filters) -> Filters:
    """Return filters with the name of the note in `near` replaced by its id."""
    return replace(filters, near=bot.note(filters.near).id) if filters.near else filters


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


def print_json(value: Json) -> None:
    """Print one JSON object."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say(*lines: str) -> None:
    """Print messages to stderr."""
    for line in lines:
        print(line, file=sys.stderr)
