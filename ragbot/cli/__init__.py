"""The command line: arguments in, text or JSON out.

Results go to stdout, everything else to stderr. A command ends with 0, with 1
after an error, with 2 after wrong usage, and with 130 when it was interrupted.

Floor 7. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

from ragbot.cli.program import main

__all__ = ["main"]
