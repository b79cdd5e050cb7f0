"""The border of the program: run a command, turn errors into a line and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from ragbot.cli import commands
from ragbot.cli.arguments import parser
from ragbot.cli.completion import answer_shell
from ragbot.errors import RagbotError

ERROR, INTERRUPTED = 1, 130


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
    _speak_utf8()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["completion"] and len(words) > 2:
        # What follows the shell's name is a half-typed line, not arguments of ours.
        return answer_shell(words[2:])
    options = parser().parse_args(words)
    try:
        code = commands.COMMANDS[options.command](options)
        sys.stdout.flush()
        return code
    except RagbotError as error:
        print(f"ragbot: {error}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        # A build is written beside the current index, so there is nothing to mend.
        print("\nragbot: stopped; the index is as it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has left (`ragbot graph | head`): no error, and nowhere to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR


def _speak_utf8() -> None:
    """Print names of notes in any script, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
