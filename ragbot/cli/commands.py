"""The function of each command."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from ragbot.cli import asking, completion, keeping, measuring, reading, serving

COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "ask": asking.ask,
    "chat": serving.chat,
    "check": reading.check,
    "completion": completion.completion,
    "evaluate": measuring.evaluate,
    "graph": reading.graph,
    "index": keeping.index,
    "mcp": serving.mcp,
    "path": reading.path,
    "related": reading.related,
    "search": asking.search,
    "show": reading.show,
    "status": reading.status,
}
