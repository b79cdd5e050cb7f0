"""Open the chat: the same as `ragbot chat`, for those who start it with `python app.py`."""

from __future__ import annotations

import sys

from ragbot.apps.cli import start

if __name__ == "__main__":
    sys.exit(start(["chat", *sys.argv[1:]]))
