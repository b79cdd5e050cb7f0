"""Ask your Markdown notes: a knowledge-graph chatbot that cites its sources."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes longer to import than this
if TYPE_CHECKING:
    from ragbot.bot import Ragbot as Ragbot
    from ragbot.models import Answer as Answer
    from ragbot.models import Citation as Citation
    from ragbot.models import Filters as Filters
    from ragbot.models import Hit as Hit
    from ragbot.models import Note as Note
    from ragbot.models import Relation as Relation
    from ragbot.models import Turn as Turn

__version__ = "0.1.0"

_VALUES = ("Answer", "Citation", "Filters", "Hit", "Note", "Relation", "Turn")

__all__ = sorted(["Ragbot", *_VALUES, "__version__"])


def __getattr__(name: str) -> object:
    """Return an attribute; the bot is imported at its first use, so `import ragbot` is fast."""
    from importlib import import_module

    if name == "Ragbot":
        return import_module("ragbot.bot").Ragbot
    if name in _VALUES:
        return getattr(import_module("ragbot.models"), name)
    raise AttributeError(f"module 'ragbot' has no attribute {name!r}")
