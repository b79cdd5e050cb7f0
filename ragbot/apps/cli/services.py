"""The commands that run for long: index, chat, mcp, and models, which lists what chat can use."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from ragbot.apps import serialize
from ragbot.apps.cli import finish_on_interrupt, format
from ragbot.apps.cli.options import PORT, Command, json_option, places
from ragbot.apps.cli.session import (
    demo_config,
    opened,
    print_result,
    progress_bar,
    say,
    say_notice,
)
from ragbot.errors import RagbotError
from ragbot.models import Turn

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.config import Config
    from ragbot.models import Changes

TURNS = 20
"""Most turns in the history of a conversation in the terminal."""

HELP = """\
Ask in plain words; a question may refer to earlier ones.
  /show NOTE   the note, with its relations
  /new         forget the conversation
  /help        this list
  /quit        leave (or Ctrl-D)
Ctrl-C stops an answer."""


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
    from ragbot.notes.watcher import follow

    def refresh() -> None:
        if done := bot.refresh():
            report(done)

    say(f"following {bot.config.notes}; Ctrl-C ends it")
    finish_on_interrupt()
    stop = Event()
    events = {"stop": stop, "failed": lambda error: say(f"ragbot: {error}")}
    thread = Thread(target=follow, args=(bot.config.notes, refresh), kwargs=events)
    thread.start()
    # Python raises the interrupt in this thread only when it wakes.
    with suppress(KeyboardInterrupt):
        while not stop.wait(0.5):
            pass
    stop.set()
    thread.join()


@click.command(
    cls=Command,
    examples=("ragbot chat --notes ~/my-vault", "ragbot chat --demo --terminal"),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve.")
@click.option("--port", type=PORT, default=7860, show_default=True, help="Port to serve.")
@click.option("--auth", metavar="NAME:PASSWORD", help="Ask visitors for this login.")
@click.option("--no-auth", is_flag=True, help="Serve beyond this machine without a login.")
@click.option("--no-watch", is_flag=True, help="Don't follow edits of the notes.")
@click.option("--terminal", is_flag=True, help="Chat in the terminal, not in a browser.")
@click.option("--demo", is_flag=True, help="Use the sample notes that come with ragbot.")
@places
def chat(config: Config, terminal: bool, demo: bool, no_watch: bool, **door: Any) -> None:
    """Open the chat page, or talk in the terminal."""
    if demo:
        config = demo_config(config)
    if terminal:
        _talk(config)
        return
    from ragbot.apps.web import Door, serve

    def ready(address: str) -> None:
        finish_on_interrupt()
        say(f"The chat is open at {address} (Ctrl-C ends it).")

    serve(config, Door(**door), watch=not no_watch, on_ready=ready)


def _talk(config: Config) -> None:
    """Answer questions from standard input until it ends; earlier ones are their history."""
    with opened(config) as (bot, page):
        finish_on_interrupt()
        say(f"{serialize.counted(len(bot.notes()), 'note')}. Ask a question, or type /help.")
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
        print("\n".join(format.note(serialize.read_note(bot, rest.strip()), page)))
    elif command.startswith("/"):
        say(HELP)
    else:
        answer = bot.ask(typed, list(turns))
        turns.append(Turn(typed, answer))
        print("\n".join(format.answer(answer, page)))
        say_notice(answer.notice)
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


@click.command(
    cls=Command,
    examples=("ragbot mcp --notes ~/my-vault", "ragbot mcp --http --port 8765"),
)
@click.option("--http", is_flag=True, help="Serve streamable HTTP, not stdio.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address, with --http.")
@click.option("--port", type=PORT, default=8765, show_default=True, help="Port, with --http.")
@click.option("--no-auth", is_flag=True, help="Serve beyond this machine without a login.")
@places
def mcp(config: Config, http: bool, host: str, port: int, no_auth: bool) -> None:
    """Serve the notes to an assistant by MCP."""
    from ragbot.apps import mcp

    if http:
        finish_on_interrupt()
        mcp.serve_http(config, host, port, no_auth=no_auth)
    else:
        # Ctrl-C ends the process at once: a thread that waits for input would keep it alive.
        mcp.serve_stdio(config)


@click.command(cls=Command, examples=("ragbot models", "ragbot models --json"))
@json_option
@places
def models(config: Config, as_json: bool) -> None:
    """List the language models that servers on this machine offer."""
    from ragbot.inference.llm_discovery import local_models

    found = local_models()
    if found or as_json:
        lines = [f"{model.spec}  ({model.server} at {model.base_url})" for model in found]
        print_result({"models": found}, lines, as_json=as_json)
    if as_json:
        return
    if not found:
        say("No Ollama, LM Studio or llama.cpp server answers on this machine.")
    say(f"In use: {config.llm or 'none'}. To use one, set RAGBOT_LLM and RAGBOT_LLM_BASE_URL.")
