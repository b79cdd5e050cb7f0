"""The commands that serve others: chat and mcp."""

from __future__ import annotations

from argparse import Namespace

from ragbot.cli.session import config_of


def chat(options: Namespace) -> int:
    """Open the chat page."""
    from ragbot.ui import serve

    serve(
        config_of(options),
        host=options.host,
        port=options.port,
        auth=options.auth,
        no_auth=options.no_auth,
        watch=not options.no_watch,
    )
    return 0
