"""The commands `ask` and `search`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.options import COUNT, Command, filter_options, json_option, places
from ragbot.apps.cli.session import named, opened, print_json, say

if TYPE_CHECKING:
    from ragbot.config import Config
    from ragbot.models import Answer, Filters


@click.command(
    cls=Command,
    examples=(
        'ragbot ask "What is the Assistant Axis?"',
        'ragbot ask "What extends it?" --in models --json',
    ),
)
@click.argument("question")
@click.option("--sources", type=COUNT, help="Use at most this many passages.")
@click.option(
    "--llm/--no-llm",
    default=None,
    help="Write with the language model of RAGBOT_LLM, or without it (default: if one is set).",
)
@filter_options
@json_option
@places
def ask(
    config: Config,
    filters: Filters,
    question: str,
    sources: int | None,
    llm: bool | None,
    as_json: bool,
) -> None:
    """Answer a question from the notes, with citations."""
    from ragbot.questions.conversation import checked

    question = checked(question, config.max_question)
    with opened(config) as (bot, page):
        pieces = bot.stream(question, filters=named(bot, filters), use_llm=llm, sources=sources)
        if as_json:
            *_, answer = pieces
            with bot.snapshot() as corpus:
                print_json(serialize.answered(answer, corpus.notes))
        else:
            answer = print_answer(pieces, page)
        if answer.notice:
            say(f"note: {format.plain(answer.notice)}")


def print_answer(snapshots: Iterator[Answer], page: format.Page) -> Answer:
    """Print the last snapshot of an answer, then its sources, and return it."""
    *_, answer = snapshots
    print(format.plain(answer.text), end="")
    print()
    if answer.citations:
        print()
        print("\n".join(format.sources(answer, page)))
    return answer


@click.command(
    cls=Command,
    examples=(
        'ragbot search "persona drift" -k 3',
        'ragbot search "persona drift" --words --explain',
    ),
)
@click.argument("question")
@click.option("-k", "count", type=COUNT, default=10, show_default=True, help="How many.")
@click.option("--words", is_flag=True, help="By words and links only: quick, loads no encoder.")
@click.option(
    "--hops", type=click.IntRange(0, 20), help="Follow relations this many steps; 0 for none."
)
@click.option("--explain", is_flag=True, help="Show what found each, and by which path.")
@filter_options
@json_option
@places
def search(config: Config, question: str, explain: bool, as_json: bool, **options: Any) -> None:
    """List the passages that match a question, best first."""
    from ragbot.questions.conversation import checked

    question = checked(question, config.max_question)
    with opened(config, encoder=not options["words"]) as (bot, page):
        options["filters"] = named(bot, options["filters"])
        found = bot.search(question, options.pop("count"), **options)
        with bot.snapshot() as corpus:
            if as_json:
                print_json(serialize.searched(question, found, corpus.notes))
            elif found:
                print(format.hits(found, corpus.notes, page, explain))
            else:
                say("Nothing found.")
        if notice := bot.left_out(options["filters"]):
            say(f"note: {notice}")
