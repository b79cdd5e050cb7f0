"""The commands `chat` and `mcp`, which serve people and assistants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ragbot.apps.cli import finish_on_interrupt
from ragbot.apps.cli.options import PORT, Command, places
from ragbot.apps.cli.session import demo_config, say

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.config import Config


@click.command(
    cls=Command,
    examples=("ragbot chat --notes ~/my-vault", "ragbot chat --demo --terminal"),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve.")
@click.option("--port", type=PORT, default=7860, show_default=True, help="Port to serve.")
@click.option("--auth", metavar="USER:PASSWORD", help="Ask visitors for this login.")
@click.option("--no-auth", is_flag=True, help="Serve beyond this machine without a login.")
@click.option("--no-watch", is_flag=True, help="Don't follow edits of the notes.")
@click.option("--terminal", is_flag=True, help="Talk here, not in a browser.")
@click.option("--demo", is_flag=True, help="Use the sample garden in the package.")
@places
def chat(config: Config, terminal: bool, demo: bool, **options: Any) -> None:
    """Open the chat page, or talk in the terminal."""
    if demo:
        config = demo_config(config)
    if terminal:
        from ragbot.apps.cli.repl import talk

        talk(config)
        return
    from ragbot.apps.web import Door, serve

    def ready(address: str) -> None:
        finish_on_interrupt()
        say(f"The chat is open at {address} (Ctrl-C ends it).")

    watch = not options.pop("no_watch")
    serve(config, Door(**options), watch=watch, on_ready=ready)


@click.command(
    cls=Command,
    examples=("ragbot mcp --notes ~/my-vault", "ragbot mcp --http --port 8765"),
)
@click.option("--http", is_flag=True, help="Serve streamable HTTP, not stdio.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address, with --http.")
@click.option("--port", type=PORT, default=8765, show_default=True, help="Port, with --http.")
@click.option("--no-auth", is_flag=True, help="Serve beyond this machine, to anyone who asks.")
@places
def mcp(config: Config, http: bool, host: str, port: int, no_auth: bool) -> None:
    """Serve the notes to an assistant by MCP."""
    from ragbot.apps import mcp
    from ragbot.bot import Ragbot

    def open_bot() -> Ragbot:
        return Ragbot.open(config=config, refresh=False)

    if http:
        finish_on_interrupt()
        mcp.serve_http(open_bot, host, port, no_auth=no_auth)
    else:
        # Ctrl-C ends the process at once: a thread that waits for input would keep it alive.
        mcp.serve_stdio(open_bot)
