"""The commands that read the index: ask, search, show, related, path, graph, check, evaluate."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.options import (
    COUNT,
    NOTE,
    Command,
    filter_options,
    json_option,
    places,
)
from ragbot.apps.cli.session import opened, print_result, say, say_notice

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.config import Config
    from ragbot.graph.relation_graph import Direction
    from ragbot.models import Filters

FORMATS = ("json", "graphml", "dot", "mermaid")


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


@click.command(
    cls=Command,
    examples=(
        'ragbot show "The Persona Selection Model"',
        'ragbot show "Persona Drift" --text',
    ),
)
@click.argument("note", type=NOTE)
@click.option("--text", is_flag=True, help="Print the file as it is.")
@json_option
@places
def show(config: Config, note: str, text: bool, as_json: bool) -> None:
    """Show a note with its relations, passages and ghosts."""
    with opened(config, encoder=False) as (bot, page):
        found = serialize.read_note(bot, note)
    if text:
        # A file or a program receives the text unchanged.
        sys.stdout.write(format.plain(found.text) if sys.stdout.isatty() else found.text)
    else:
        print_result(found, format.note(found, page), as_json=as_json)


@click.command(
    cls=Command,
    examples=(
        'ragbot related "Persona Drift"',
        'ragbot related "Persona Drift" --predicate extends --direction in',
    ),
)
@click.argument("note", type=NOTE)
@click.option("--predicate", metavar="NAME", help="Only relations of this name.")
@click.option(
    "--direction", type=click.Choice(("in", "out", "both")), default="both", show_default=True
)
@json_option
@places
def related(
    config: Config,
    note: str,
    predicate: str | None,
    direction: Direction,
    as_json: bool,
) -> None:
    """List the relations of a note."""
    with opened(config, encoder=False) as (bot, page):
        found = serialize.related(bot, note, predicate, direction)
        if found.relations or as_json:
            lines = format.relations(found.relations, found.note, page)
            print_result(found, lines, as_json=as_json)
        else:
            known = sorted({format.plain(each.predicate) for each in bot.related(found.note)})
            say(f"No such relation. The note has: {', '.join(known) or 'none'}.")


@click.command(cls=Command, examples=('ragbot path "Persona Drift" "The Persona Selection Model"',))
@click.argument("start", type=NOTE, metavar="NOTE")
@click.argument("end", type=NOTE, metavar="OTHER")
@json_option
@places
def path(config: Config, start: str, end: str, as_json: bool) -> None:
    """Show the shortest path of relations between two notes."""
    with opened(config, encoder=False) as (bot, page):
        found = serialize.path_between(bot, start, end)
    if found.path or as_json:
        print_result(found, [format.path(found.path, found.end, page)], as_json=as_json)
    elif found.start == found.end:
        say(f"Both names mean the same note, {format.plain(found.start)}.")
    else:
        say("No relations lead from one to the other.")


@click.command(
    cls=Command,
    examples=(
        "ragbot graph --format graphml > garden.graphml",
        'ragbot graph --format mermaid --near "Persona Drift" --hops 1',
    ),
)
@click.option("--format", "written", type=click.Choice(FORMATS), default="json", show_default=True)
@click.option("--json", "written", flag_value="json", help="The same as --format json.")
@click.option("--near", type=NOTE, help="Only this note and its neighbours.")
@click.option(
    "--hops", type=click.IntRange(0), default=1, show_default=True, help="Steps to its neighbours."
)
@click.option("--typed", is_flag=True, help="Only relations that an author named.")
@places
def graph(config: Config, written: str, near: str | None, hops: int, typed: bool) -> None:
    """Print the graph of notes and relations."""
    from ragbot.graph import export
    from ragbot.graph.relation_graph import around

    with opened(config, encoder=False) as (bot, _):
        drawn = bot.graph()
        if typed:
            drawn = export.typed(drawn)
        if near:
            drawn = around(drawn, bot.note(near).id, hops)
        print(export.FORMATS[written](drawn))


@click.command(cls=Command, examples=("ragbot check", "ragbot check --strict"))
@click.option("--strict", is_flag=True, help="Exit with 1 if there is an error or a warning.")
@click.option("--suggest", is_flag=True, help="Suggest links for mentions of notes.")
@json_option
@places
def check(config: Config, strict: bool, suggest: bool, as_json: bool) -> int:
    """Find broken links, ghosts, orphans and other problems."""
    with opened(config, encoder=False) as (bot, page):
        found = bot.problems(suggest=suggest)
    lines = format.problems(found, page) if found else ["No problems."]
    print_result({"problems": found}, lines, as_json=as_json)
    return int(strict and any(problem.severity != "info" for problem in found))


@click.command(cls=Command, examples=("ragbot status", "ragbot status --json"))
@json_option
@places
def status(config: Config, as_json: bool) -> None:
    """Print the size of the index, and how many notes changed since."""
    with opened(config, encoder=False) as (bot, _):
        found = bot.status()
    print_result(found, format.status(found), as_json=as_json)


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
            judged = of_answers.run(corpus.notes, bot.stream, asked)
            print_result(of_answers.as_json(judged), [of_answers.as_text(judged)], as_json=as_json)
        else:
            encode = (lambda question: None) if words else bot.encode
            found = of_retrieval.evaluate(corpus, encode, asked)
            print_result(found, [of_retrieval.as_text(found)], as_json=as_json)
