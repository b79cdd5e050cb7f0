"""The command line: arguments in, text or JSON out.

Results go to stdout, everything else to stderr. A command ends with 0, with 1
after an error, with 2 after wrong usage, and with 130 when it was interrupted.

Floor 7. Nothing heavy is imported before a command runs, and nothing of ours
before Ctrl-C is met.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False  # as typing has it, which takes longer to import than all that is here
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

INTERRUPTED = 130


def start(arguments: Sequence[str] | None = None) -> int:
    """Run a command as `main` does, for a process that does nothing else."""
    at_interrupt(_interrupt)
    try:
        return main(arguments)
    finally:
        # All is done and written: what libraries do at the end may be cut off. Without `freeze`
        # Python looks through all that they made once more, which takes as long as many a command.
        at_interrupt(signal.SIG_DFL)
        gc.freeze()


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
        from ragbot.apps.cli.program import run

        return run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        _tell_stopped()
        return INTERRUPTED


def at_interrupt(act: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have Ctrl-C met so, unless it is ignored, as it is in a shell's background."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, act)


def stop(number: int, frame: FrameType | None) -> None:
    """End the process at once. A build stands beside the index, so there is nothing to mend."""
    _tell_stopped()
    os._exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but end the process at once where it is importing.

    A module that is cut off makes of it what it will: NumPy two pages of an ImportError, and
    the import system's own callbacks a traceback with which nothing ends.
    """
    inner = frame
    while inner is not None:
        if inner.f_code.co_filename.startswith("<frozen importlib"):
            stop(number, frame)
        inner = inner.f_back
    raise KeyboardInterrupt


def _tell_stopped() -> None:
    os.write(2, b"\nragbot: stopped; the index is as it was\n")
