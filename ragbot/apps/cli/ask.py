"""The commands that take a question: ask, search, and the conversation in a terminal."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from ragbot.apps import serialize
from ragbot.apps.cli import format
from ragbot.apps.cli.session import filters_of, opened, print_json, tell
from ragbot.models import Answer


def ask(options: Namespace) -> int:
    """Answer one question."""
    with opened(options) as (bot, page):
        pieces = bot.stream(
            options.question,
            filters=filters_of(options, bot),
            use_llm=options.llm,
            sources=options.sources,
        )
        if options.json:
            *_, answer = pieces
            assert isinstance(answer, Answer)
            print_json(serialize.answered(answer, bot.corpus().notes))
        else:
            answer = print_answer(pieces, page)
        if answer.notice:
            tell(f"note: {format.plain(answer.notice)}")
    return 0


def print_answer(pieces: Iterator[str | Answer], page: format.Page) -> Answer:
    """Print an answer as it comes, then its sources; return it."""
    streamed = ""
    for piece in pieces:
        if isinstance(piece, Answer):
            answer = piece
            break
        streamed += piece
        print(format.plain(piece), end="", flush=True)
    # What was streamed may since have failed the check of its citations.
    if streamed.strip() != answer.text.strip():
        if streamed.strip():
            print("\n\n" + page.warn("Once checked, the answer is:") + "\n")
        print(format.plain(answer.text), end="")
    print()
    if answer.citations:
        print()
        print("\n".join(format.sources(answer, page)))
    return answer


def search(options: Namespace) -> int:
    """List the passages that match a question."""
    with opened(options, encoder=not options.words) as (bot, page):
        found = bot.search(
            options.question,
            options.k,
            filters=filters_of(options, bot),
            words=options.words,
            hops=options.hops,
        )
        notes = bot.corpus().notes
        if options.json:
            print_json(serialize.searched(options.question, found, notes))
        elif found:
            print(format.hits(found, notes, page, options.explain))
        else:
            tell("Nothing found.")
    return 0
