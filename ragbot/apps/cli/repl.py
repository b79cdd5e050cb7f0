"""A conversation in the terminal: questions in, answers out, the turns before in mind."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ragbot.apps.cli import format
from ragbot.apps.cli.ask import print_answer
from ragbot.apps.cli.session import opened, tell
from ragbot.errors import RagbotError
from ragbot.models import Turn

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

TURNS = 20
"""Turns that are kept in mind."""

HELP = """\
Ask in plain words; what was said before is kept in mind.
  /show NOTE   the note, with its relations
  /new         forget the conversation
  /help        this list
  /quit        leave (or Ctrl-D)
Ctrl-C stops an answer."""


def talk(options: Namespace) -> int:
    """Talk until the input ends."""
    with opened(options) as (bot, page):
        tell(f"{format.counted(len(bot.notes()), 'note')}. Ask, or /help.")
        turns: deque[Turn] = deque(maxlen=TURNS)
        for said in _lines():
            if said == "/quit":
                break
            try:
                _reply(said, bot, turns, page)
            except RagbotError as error:
                tell(f"ragbot: {error}")
            except KeyboardInterrupt:
                tell("\n(stopped)")
    return 0


def _reply(said: str, bot: Ragbot, turns: deque[Turn], page: format.Page) -> None:
    command, _, rest = said.partition(" ")
    if command == "/new":
        turns.clear()
        tell("Forgotten.")
    elif command == "/show":
        note = bot.note(rest.strip())
        lines = format.note(note, bot.related(note.id), bot.passages(note.id), page)
        print("\n".join(lines))
    elif command.startswith("/"):
        tell(HELP)
    else:
        answer = print_answer(bot.stream(said, list(turns)), page)
        turns.append(Turn(said, answer))
        if answer.notice:
            tell(f"note: {format.plain(answer.notice)}")
        for question in answer.followups:
            print(page.dim(f"  ? {format.plain(question)}"))


def _lines() -> Iterator[str]:
    """Read what is typed, with line editing and recall where the terminal has them."""
    prompt = ""
    if sys.stdin.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401  # its import teaches `input` to edit lines
        prompt = "\nyou> "
    while True:
        try:
            said = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            tell("")
            return
        if said:
            yield said
