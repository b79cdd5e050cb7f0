"""The commands that serve others: chat and mcp."""

from __future__ import annotations

from argparse import Namespace

from ragbot.apps.cli import at_interrupt, stop
from ragbot.apps.cli.repl import talk
from ragbot.apps.cli.session import config_of, tell
from ragbot.errors import ServeError


def chat(options: Namespace) -> int:
    """Open the chat page, or talk in the terminal."""
    if options.terminal:
        return talk(options)
    from ragbot.apps.web import serve

    serve(
        config_of(options),
        host=options.host,
        port=options.port,
        auth=options.auth,
        no_auth=options.no_auth,
        watch=not options.no_watch,
        on_ready=lambda address: tell(f"The chat is open at {address} (Ctrl-C ends it)."),
    )
    return 0


def mcp(options: Namespace) -> int:
    """Serve the notes to an assistant."""
    from ragbot.bot import Ragbot

    try:
        from ragbot.apps import mcp
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "mcp":
            raise
        raise ServeError(
            "ragbot mcp needs the package mcp, which is not installed. "
            "Install it with: pip install 'ragbot[mcp]'"
        ) from None
    config = config_of(options)

    def open_bot() -> Ragbot:
        return Ragbot.open(config=config, wait=False)

    if options.http:
        mcp.serve_http(open_bot, options.host, options.port, no_auth=options.no_auth)
    else:
        # It waits for input in a thread that would keep an interrupted server from ending.
        at_interrupt(stop)
        mcp.serve_stdio(open_bot)
    return 0
