"""The commands that build the index and measure what it finds: index, evaluate."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from ragbot.apps.cli import finish_on_interrupt, format
from ragbot.apps.cli.options import Command, json_option, places
from ragbot.apps.cli.session import opened, print_result, progress_bar, say
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
@click.option("--rebuild", is_flag=True, help="Read and embed all notes again.")
@click.option("--watch", is_flag=True, help="Follow edits until Ctrl-C.")
@click.option("--ray", metavar="ADDRESS", help="Embed on a Ray cluster.")
@json_option
@places
def index(config: Config, rebuild: bool, watch: bool, ray: str | None, as_json: bool) -> None:
    """Bring the index up to date with the notes."""
    if rebuild and watch:
        raise click.UsageError("--rebuild and --watch cannot be used together.")

    def report(done: Changes) -> None:
        print_result(done, format.changes(done), as_json=as_json)
        sys.stdout.flush()

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


@click.command(
    cls=Command,
    examples=(
        "ragbot evaluate tests/evaluation/garden.jsonl",
        "ragbot evaluate questions.jsonl --words --json",
    ),
)
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("--answers", is_flag=True, help="Answer the questions, and score the answers.")
@click.option("--words", is_flag=True, help="Search by words and links only; load no encoder.")
@json_option
@places
def evaluate(config: Config, questions: Path, answers: bool, words: bool, as_json: bool) -> None:
    """Measure how well questions are answered; list what was missed.

    QUESTIONS is a file of JSON lines.
    """
    from ragbot.evaluation import answers as of_answers
    from ragbot.evaluation import retrieval as of_retrieval

    asked = of_retrieval.read(questions)
    with opened(config, encoder=not words) as (bot, _), bot.snapshot() as corpus:
        if answers:
            judged = of_answers.run(corpus.notes, bot.ask, asked)
            print_result(of_answers.as_json(judged), [of_answers.as_text(judged)], as_json=as_json)
        else:
            encode = (lambda question: None) if words else bot.encode
            found = of_retrieval.evaluate(corpus, encode, asked)
            print_result(found, [of_retrieval.as_text(found)], as_json=as_json)
