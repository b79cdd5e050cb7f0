"""The command line: arguments in, text or JSON out.

Results go to stdout, everything else to stderr. A command ends with 0, with 1
after an error, with 2 after wrong usage, and with 130 when it was interrupted.

Floor 7. Nothing heavy is imported before a command runs, and nothing at all
before an interrupt would be met.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Parameters
    ----------
    arguments
        The words after `ragbot`; those of the process if omitted.

    Returns
    -------
    int
        The exit code: 0, 1 after an error, 130 after an interrupt. Wrong usage
        leaves by `SystemExit` with 2.
    """
    try:
        from ragbot.cli.program import run

        return run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        # A build is written beside the current index, so there is nothing to mend.
        print("\nragbot: stopped; the index is as it was", file=sys.stderr)
        return INTERRUPTED
