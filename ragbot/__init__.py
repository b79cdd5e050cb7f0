"""Ask your Markdown notes: a knowledge-graph chatbot that cites its sources."""

from __future__ import annotations

__version__ = "0.1.0"
