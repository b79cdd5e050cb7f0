"""The border of the program: run a command, turn errors into a line and an exit code."""

from __future__ import annotations

import io
import os
import sys

from ragbot.apps.cli.options import parser
from ragbot.errors import RagbotError

ERROR = 1


def run(words: list[str]) -> int:
    """Run the command that the words name; gives its exit code."""
    try:
        _ready_streams()
        code = _command(words)
        sys.stdout.flush()
        return code
    except RagbotError as error:
        print(f"ragbot: {error}", file=sys.stderr)
        return ERROR
    except BrokenPipeError:
        # The reader has left (`ragbot graph | head`): no error, and nowhere to write to.
        _give_up_output()
        return ERROR
    except OSError as error:
        # Notes and index tell of their own; what is left is the output, such as a full disk.
        print(f"ragbot: the output cannot be written: {error.strerror}.", file=sys.stderr)
        _give_up_output()
        return ERROR


def _command(words: list[str]) -> int:
    if words[:1] == ["completion"] and len(words) > 2:
        from ragbot.apps.cli.completion import answer_shell

        # What follows the shell's name is a half-typed line, not arguments of ours.
        return answer_shell(words[1], words[2:])
    options = parser().parse_args(words)
    # Help and wrong usage need none of what the commands do.
    from ragbot.apps.cli.commands import COMMANDS

    return COMMANDS[options.command](options)


def _ready_streams() -> None:
    """Print names of notes in any script, whatever the locale says; miss no closed stream."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # Started with it closed (`>&-`). In this order each gets its own number back.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _give_up_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
