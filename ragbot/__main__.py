"""`python -m ragbot` is `ragbot`."""

from __future__ import annotations

import sys

from ragbot.apps.cli import start

if __name__ == "__main__":
    sys.exit(start())
