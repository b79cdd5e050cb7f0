"""The command line, built on click. Open `options.py` first, then the module of a command.

Results go to stdout, everything else to stderr. A command exits with 0, with 1 after an error,
with 2 after wrong usage, and with 130 after Ctrl-C. Modules of commands import slow packages
inside their functions, so that `ragbot --help` is quick.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # `typing` takes longer to import than this module
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

FAILED = 1
INTERRUPTED = 130


def start(arguments: Sequence[str] | None = None) -> int:
    """Run a command as the main program of a process, which Ctrl-C ends at once.

    That is safe, because the index commits its work in transactions. A command that must clean up
    calls `finish_on_interrupt`.
    """
    _on_interrupt(_exit_now)
    # Several threads of a matrix product wait for each other in a loop, which doubles the processor
    # time of a question. numpy reads this when it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return main(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the words after `ragbot` name, and return its exit code."""
    import click

    from ragbot.apps.cli.program import program
    from ragbot.errors import RagbotError

    _prepare_streams()
    output = sys.stdout
    try:
        words = list(sys.argv[1:] if arguments is None else arguments)
        code: int = program.main(words, prog_name="ragbot", standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RagbotError as error:
        print(f"ragbot: {error}", file=sys.stderr)
        return FAILED
    except (BrokenPipeError, SystemExit):
        # The reader of the output has ended (`ragbot graph | head`), which is no error. click then
        # wraps the stream and exits with 1; it also exits after a completion.
        if isinstance(sys.exception(), SystemExit) and sys.stdout is output:
            raise
        _discard_output()
        return 0
    except OSError as error:
        # Notes and index raise a RagbotError, so this is the output: a full disk, for example.
        print(f"ragbot: the output cannot be written: {error.strerror}.", file=sys.stderr)
        _discard_output()
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        _say_stopped()
        return INTERRUPTED


def finish_on_interrupt() -> None:
    """Raise KeyboardInterrupt at Ctrl-C from here on, so that the caller can finish its work.

    Call it after slow imports: a KeyboardInterrupt while numpy or onnxruntime is imported becomes
    an ImportError.
    """
    _on_interrupt(signal.default_int_handler)


def _on_interrupt(act: Callable[[int, FrameType | None], object]) -> None:
    """Set what Ctrl-C does, unless it is ignored, as in a background job of a shell."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, act)


def _exit_now(number: int, frame: FrameType | None) -> None:
    _say_stopped()
    os._exit(INTERRUPTED)


def _say_stopped() -> None:
    shown = b"\033[?25h" if os.isatty(2) else b""  # a progress bar hides the cursor
    os.write(2, shown + b"\nragbot: stopped\n")


def _prepare_streams() -> None:
    """Set the streams to UTF-8, so that any name can be printed; open those that are closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # Started with it closed (`>&-`). In this order each gets its own number back.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
