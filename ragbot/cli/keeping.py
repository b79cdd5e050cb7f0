"""The commands that keep the index."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from contextlib import closing
from typing import TYPE_CHECKING

from ragbot import wire
from ragbot.cli import text
from ragbot.cli.progress import ProgressBar
from ragbot.cli.session import opened, print_json, tell
from ragbot.watch import follow

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.cli.text import Page


def index(options: Namespace) -> int:
    """Bring the index up to date, or go back to the one before."""
    with opened(options, encoder=False) as (bot, page):
        if options.rollback:
            generation = bot.rollback()
            if options.json:
                print_json({"generation": generation})
            else:
                print(f"back to generation {generation}")
            return 0
        _refresh(bot, page, options, rebuild=options.rebuild)
        if options.watch:
            tell(f"following {bot.config.notes}, until Ctrl-C")
            follow(
                bot.config.notes,
                lambda: _refresh(bot, page, options, quiet=True),
                stop=threading.Event(),
                failed=lambda error: tell(str(error)),
            )
    return 0


def _refresh(
    bot: Ragbot, page: Page, options: Namespace, *, rebuild: bool = False, quiet: bool = False
) -> None:
    """Refresh and tell what that did; when `quiet`, only if it did something."""
    with closing(ProgressBar(sys.stderr, patience=1.0 if quiet else 0.0)) as bar:
        done = bot.refresh(rebuild=rebuild, progress=bar)
    if quiet and not done:
        return
    if options.json:
        print_json(wire.changes_record(done))
    else:
        print(text.changes(done), flush=True)
    tell(*text.problems(done.problems, page))
