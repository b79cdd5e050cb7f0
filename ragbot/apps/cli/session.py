"""What every command does alike: open the bot, read the filters, print the result."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragbot.apps.cli.format import Page, wants_colour
from ragbot.apps.cli.progress import ProgressBar
from ragbot.config import Config
from ragbot.errors import IndexLockedError
from ragbot.models import Filters

if TYPE_CHECKING:
    from ragbot.apps.serialize import Json
    from ragbot.bot import Ragbot


def config_of(options: Namespace) -> Config:
    """Read the settings; `--notes` and `--index` win over the environment, `--demo` over both."""
    if getattr(options, "demo", False):
        return Config.from_environment(notes=sample_garden(), index=options.index or demo_index())
    config = Config.from_environment(notes=options.notes, index=options.index)
    ray = getattr(options, "ray", None)
    return replace(config, ray=ray) if ray else config


def sample_garden() -> Path:
    """Find the notes that come with ragbot: beside the code if installed, else in the checkout."""
    package = Path(__file__).parents[2]
    installed = package / "garden"
    return installed if installed.is_dir() else package.parent / "notes"


def demo_index() -> Path:
    """Name the folder for the index of the demo, where programs keep what they can make again.

    Each format has its own, so that an older ragbot beside a newer one finds
    none that it cannot read.
    """
    from ragbot.index.manifest import FORMAT

    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "ragbot" / f"demo-index-{FORMAT}"


@contextmanager
def opened(options: Namespace, *, encoder: bool = True) -> Iterator[tuple[Ragbot, Page]]:
    """Open the bot on the notes and index that the options name, and a page to write on.

    With `encoder`, what changed in the notes is embedded before the command
    goes on, with its progress shown; without, words and links are enough, and
    nothing slow is loaded.
    """
    from ragbot.bot import Ragbot

    config = config_of(options)
    with Ragbot.open(config=config, wait=False, borrow=True) as bot:
        if encoder:
            # Where another process writes the index, what is there answers: that one does the work.
            bar = ProgressBar(sys.stderr, patience=1.0)
            with closing(bar), suppress(IndexLockedError):
                bot.refresh(automatic=True, progress=bar)
            bot.warm()
        yield bot, page_for(config)


def page_for(config: Config) -> Page:
    """Describe stdout: its width, whether it takes colours, how places become links."""
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    return Page(config.notes, config.note_url, wants_colour(sys.stdout), max(40, width))


def filters_of(options: Namespace, bot: Ragbot) -> Filters:
    """Read the filters; `--near` may name its note as a person would."""
    return Filters(
        folders=tuple(options.folders),
        tags=tuple(options.tags),
        predicate=options.predicate,
        near=bot.note(options.near).id if options.near else "",
        since=options.since or "",
        until=options.until or "",
    )


def print_json(value: Json) -> None:
    """Print one JSON object."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def tell(*lines: str) -> None:
    """Say something that is no result."""
    for line in lines:
        print(line, file=sys.stderr)
