"""A conversation in the terminal; earlier turns are the history of a question."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ragbot.apps.cli import finish_on_interrupt, format
from ragbot.apps.cli.ask import print_answer
from ragbot.apps.cli.session import opened, say
from ragbot.errors import RagbotError
from ragbot.models import Turn

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.config import Config

TURNS = 20
"""Most turns in the history."""

HELP = """\
Ask in plain words; a question may refer to earlier ones.
  /show NOTE   the note, with its relations
  /new         forget the conversation
  /help        this list
  /quit        leave (or Ctrl-D)
Ctrl-C stops an answer."""


def talk(config: Config) -> None:
    """Answer questions from standard input until it ends."""
    with opened(config) as (bot, page):
        finish_on_interrupt()
        say(f"{format.counted(len(bot.notes()), 'note')}. Ask, or /help.")
        turns: deque[Turn] = deque(maxlen=TURNS)
        for typed in _lines():
            if typed == "/quit":
                break
            try:
                _reply(typed, bot, turns, page)
            except RagbotError as error:
                say(f"ragbot: {error}")
            except KeyboardInterrupt:
                say("\n(stopped)")


def _reply(typed: str, bot: Ragbot, turns: deque[Turn], page: format.Page) -> None:
    command, _, rest = typed.partition(" ")
    if command == "/new":
        turns.clear()
        say("Forgotten.")
    elif command == "/show":
        note = bot.note(rest.strip())
        lines = format.note(note, bot.related(note.id), bot.passages(note.id), page)
        print("\n".join(lines))
    elif command.startswith("/"):
        say(HELP)
    else:
        answer = print_answer(bot.stream(typed, list(turns)), page)
        turns.append(Turn(typed, answer))
        if answer.notice:
            say(f"note: {format.plain(answer.notice)}")
        for question in answer.followups:
            print(page.dim(f"  ? {format.plain(question)}"))


def _lines() -> Iterator[str]:
    """Yield the lines typed, with line editing and history if the terminal has them."""
    prompt = ""
    if sys.stdin.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401  # its import teaches `input` to edit lines
        prompt = "\nyou> "
    while True:
        try:
            typed = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            say("")
            return
        if typed:
            yield typed
