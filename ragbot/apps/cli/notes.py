"""The commands that read notes and their graph: show, related, path, graph, check, status."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.session import opened, print_json, tell
from ragbot.graph import export

if TYPE_CHECKING:
    pass


def show(options: Namespace) -> int:
    """Show a note with its relations, passages and ghosts."""
    with opened(options, encoder=False) as (bot, page):
        note = bot.note(options.note)
        relations = bot.related(note.id)
        passages = bot.passages(note.id)
        if options.json:
            print_json(serialize.note_record(note, relations, passages, bot.corpus().notes))
        elif options.text:
            # To a file or a program it goes unchanged, to the last byte.
            sys.stdout.write(format.plain(note.text) if sys.stdout.isatty() else note.text)
        else:
            print("\n".join(format.note(note, relations, passages, page)))
    return 0


def related(options: Namespace) -> int:
    """List the relations of a note."""
    with opened(options, encoder=False) as (bot, page):
        note = bot.note(options.note)
        found = bot.related(note.id, options.predicate, options.direction)
        if options.json:
            notes = bot.corpus().notes
            records = [serialize.relation_record(relation, notes) for relation in found]
            print_json({"note": note.id, "relations": records})
        elif found:
            print("\n".join(format.relations(found, note, page)))
        else:
            known = sorted({format.plain(relation.predicate) for relation in bot.related(note.id)})
            tell(f"No such relation. The note has: {', '.join(known) or 'none'}.")
    return 0


def path(options: Namespace) -> int:
    """Show the shortest path of relations between two notes."""
    with opened(options, encoder=False) as (bot, page):
        start, end = bot.note(options.start), bot.note(options.end)
        steps = bot.path(start.id, end.id)
        if options.json:
            notes = bot.corpus().notes
            records = [serialize.relation_record(step, notes) for step in steps]
            print_json({"start": start.id, "end": end.id, "path": records})
        elif steps:
            print(format.steps(steps, end.id, page))
        elif start.id == end.id:
            tell(f"Both names are of one note, {format.plain(start.id)}.")
        else:
            tell("No relations lead from one to the other.")
    return 0


def graph(options: Namespace) -> int:
    """Print the graph, or what is around one note, in a format for other programs."""
    with opened(options, encoder=False) as (bot, _):
        whole = bot.graph()
        drawn = export.Drawing(
            {node: export.Node(data["title"], data["ghost"]) for node, data in whole.nodes.items()},
            [
                export.Edge(source, data["predicate"], target, data["annotation"] or "")
                for source, target, data in whole.edges(data=True)
            ],
        )
        if options.typed:
            drawn = drawn.typed()
        if options.near:
            drawn = drawn.around(bot.note(options.near).id, options.hops)
        print(export.FORMATS[options.format](drawn))
    return 0


def check(options: Namespace) -> int:
    """Print what the link doctor found."""
    with opened(options, encoder=False) as (bot, page):
        found = bot.problems(suggest=options.suggest)
        if options.json:
            print_json({"problems": [serialize.problem_record(problem) for problem in found]})
        else:
            print("\n".join(format.problems(found, page)) if found else "No problems.")
    serious = [problem for problem in found if problem.severity != "info"]
    return 1 if options.strict and serious else 0


def status(options: Namespace) -> int:
    """Tell how the index stands."""
    with opened(options, encoder=False) as (bot, _):
        found = bot.status()
        if options.json:
            print_json(serialize.status_record(found))
        else:
            print(format.status(found))
    return 0
