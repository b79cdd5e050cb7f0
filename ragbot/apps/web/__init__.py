"""The chat server: the page, the HTTP routes for programs, and MCP.

`server.py` puts the parts together: open it first. `page.py` builds the page with Gradio,
`http.py` and `openai_api.py` the routes; `access.py` decides who may reach them.
"""

from __future__ import annotations

from ragbot.apps.web.server import Door, serve

__all__ = ["Door", "serve"]
