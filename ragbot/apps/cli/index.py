"""The commands that keep the index."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.progress import ProgressBar
from ragbot.apps.cli.session import opened, print_json, tell
from ragbot.errors import RagbotError
from ragbot.models import Changes

if TYPE_CHECKING:
    from ragbot.bot import Ragbot


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
        with closing(ProgressBar(sys.stderr)) as bar:
            done = bot.refresh(rebuild=options.rebuild, progress=bar)
        _report(done, options)
        tell(*format.problems(done.problems, page))
        if options.watch:
            _watch(bot, options, page)
    return 0


def _watch(bot: Ragbot, options: Namespace, page: format.Page) -> None:
    """Follow edits until Ctrl-C, with a line for each that changed the index."""
    from ragbot.notes.watcher import Watcher

    def refresh() -> None:
        try:
            if done := bot.refresh(automatic=True):
                _report(done, options)
        except RagbotError as error:
            tell(f"ragbot: {error}")
            raise

    tell(f"following {page.notes}; Ctrl-C ends it")
    with Watcher(page.notes, refresh), suppress(KeyboardInterrupt):
        # An interrupt that another thread is given is seen here only when this one wakes.
        while not threading.Event().wait(0.5):
            pass


def _report(done: Changes, options: Namespace) -> None:
    if options.json:
        print_json(serialize.changes_record(done))
    else:
        print(format.changes(done), flush=True)
