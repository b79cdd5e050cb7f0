"""The function of each command."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from ragbot.apps.cli import ask, completion, evaluate, index, notes, serve

COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "ask": ask.ask,
    "chat": serve.chat,
    "check": notes.check,
    "completion": completion.completion,
    "evaluate": evaluate.evaluate,
    "graph": notes.graph,
    "index": index.index,
    "mcp": serve.mcp,
    "path": notes.path,
    "related": notes.related,
    "search": ask.search,
    "show": notes.show,
    "status": notes.status,
}
