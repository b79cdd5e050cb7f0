"""The commands that keep the index."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import closing

from ragbot import wire
from ragbot.cli import text
from ragbot.cli.progress import ProgressBar
from ragbot.cli.session import opened, print_json, tell


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
        if options.json:
            print_json(wire.changes_record(done))
        else:
            print(text.changes(done))
        tell(*text.problems(done.problems, page))
    return 0
