"""The chat page. `serve` opens it and stays until it is stopped.

Floor 6: the one package that imports gradio, inside the functions that need it.
"""

from __future__ import annotations

from ragbot.apps.web.server import serve

__all__ = ["serve"]
