"""The commands that read notes and the graph: show, related, path, graph, check, status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import click

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.options import NOTE, Command, json_option, places
from ragbot.apps.cli.session import opened, print_result, say

if TYPE_CHECKING:
    from ragbot.config import Config

FORMATS = ("json", "graphml", "dot", "mermaid")


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
    direction: Literal["in", "out", "both"],
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
