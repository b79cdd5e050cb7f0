"""The commands `ask` and `search`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.options import COUNT, Command, filter_options, json_option, places
from ragbot.apps.cli.session import opened, print_result, say, say_notice

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.config import Config
    from ragbot.models import Filters


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
        filters = _resolved(bot, filters)
        answer = bot.ask(question, filters=filters, use_llm=llm, sources=sources)
        record = serialize.answered(answer, serialize.Notes(bot))
        print_result(record, format.answer(answer, page), as_json=as_json)
        say_notice(answer.notice)


def _resolved(bot: Ragbot, filters: Filters) -> Filters:
    """Return filters with the name of the note in `near` replaced by its id."""
    return replace(filters, near=bot.note(filters.near).id) if filters.near else filters


@click.command(
    cls=Command,
    examples=(
        'ragbot search "persona drift" -k 3',
        'ragbot search "persona drift" --words --explain',
    ),
)
@click.argument("question")
@click.option("-k", "count", type=COUNT, default=10, show_default=True, help="Number of passages.")
@click.option("--words", is_flag=True, help="Search by words and links only; load no encoder.")
@click.option(
    "--hops", type=click.IntRange(0, 20), help="Follow relations this many steps; 0 for none."
)
@click.option("--explain", is_flag=True, help="Show how each was found, and by which path.")
@filter_options
@json_option
@places
def search(config: Config, question: str, explain: bool, as_json: bool, **options: Any) -> None:
    """List the passages that match a question, best first."""
    from ragbot.questions.conversation import checked

    question = checked(question, config.max_question)
    with opened(config, encoder=not options["words"]) as (bot, page):
        filters = options["filters"] = _resolved(bot, options["filters"])
        hits = bot.search(question, options.pop("count"), **options)
        record = serialize.searched(question, hits, serialize.Notes(bot))
        if hits or as_json:
            print_result(record, format.hits(record.hits, page, explain), as_json=as_json)
        else:
            say("Nothing found.")
        say_notice(bot.left_out(filters))
