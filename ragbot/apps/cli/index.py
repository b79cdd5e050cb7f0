"""The command `index`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

import click

from ragbot.apps import serialize
from ragbot.apps.cli import finish_on_interrupt, format
from ragbot.apps.cli.options import Command, json_option, places
from ragbot.apps.cli.progress import progress_bar
from ragbot.apps.cli.session import opened, print_json, say
from ragbot.errors import RagbotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragbot.bot import Ragbot
    from ragbot.config import Config
    from ragbot.models import Changes


@click.command(
    cls=Command,
    examples=(
        "ragbot index --notes ~/my-vault --index ~/.cache/my-vault",
        "ragbot index --rebuild",
    ),
)
@click.option("--rebuild", is_flag=True, help="Build it from nothing.")
@click.option("--watch", is_flag=True, help="Follow edits until Ctrl-C.")
@click.option("--ray", metavar="ADDRESS", help="Embed on a Ray cluster.")
@json_option
@places
def index(config: Config, rebuild: bool, watch: bool, ray: str | None, as_json: bool) -> None:
    """Bring the index up to date with the notes."""
    if rebuild and watch:
        raise click.UsageError("--rebuild and --watch cannot be used together.")

    def report(done: Changes) -> None:
        if as_json:
            print_json(serialize.changes_record(done))
        else:
            print(format.changes(done), flush=True)

    with opened(replace(config, ray=ray or config.ray), encoder=False) as (bot, page):
        with progress_bar(sys.stderr) as progress:
            done = bot.refresh(rebuild=rebuild, progress=progress)
        report(done)
        say(*format.problems(done.problems, page))
        if watch:
            _follow(bot, report)


def _follow(bot: Ragbot, report: Callable[[Changes], None]) -> None:
    """Follow edits until Ctrl-C, and report each that changed the index."""
    from ragbot.notes.watcher import Watcher

    def refresh() -> None:
        try:
            if done := bot.refresh():
                report(done)
        except RagbotError as error:
            say(f"ragbot: {error}")
            raise

    say(f"following {bot.config.notes}; Ctrl-C ends it")
    finish_on_interrupt()
    with Watcher(bot.config.notes, refresh), suppress(KeyboardInterrupt):
        # Python raises the interrupt in this thread only when it wakes.
        while not Event().wait(0.5):
            pass
