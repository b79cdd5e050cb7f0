"""Completion in a shell: small scripts that ask `ragbot completion` what may come next.

The candidates come from the parser itself, so they cannot fall behind it, and
from the file names of the notes, so nothing is loaded.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragbot.cli.arguments import parser
from ragbot.config import Config
from ragbot.errors import RagbotError

BASH = r"""
_ragbot() {
    local IFS=$'\n'
    COMPREPLY=($(ragbot completion bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    local place
    for place in "${!COMPREPLY[@]}"; do COMPREPLY[place]=$(printf %q "${COMPREPLY[place]}"); done
}
complete -o default -F _ragbot ragbot
"""
ZSH = r"""
_ragbot() {
    local -a found
    found=("${(@f)$(ragbot completion zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    (( ${#found[1]} )) && compadd -U -a found || _files
}
compdef _ragbot ragbot
"""
FISH = r"""
function __ragbot
    set -l words (commandline -opc) (commandline -ct)
    ragbot completion fish $words[2..-1] 2>/dev/null
end
complete -c ragbot -a '(__ragbot)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
MOST = 200
"""Names of notes that are offered at once."""


def completion(options: Namespace) -> int:
    """Print the script of a shell."""
    print(SCRIPTS[options.shell].strip())
    return 0


def answer_shell(words: Sequence[str]) -> int:
    """Print what may stand in place of the last word; the scripts ask this."""
    print("\n".join(candidates(words)))
    return 0


def candidates(words: Sequence[str]) -> list[str]:
    """List what may stand in place of the last word.

    Parameters
    ----------
    words
        The words after `ragbot`, the last of them (perhaps empty) being typed.

    Returns
    -------
    list of str
        Whole words that begin like the last one, case folded for names of
        notes; empty when a file or free text is wanted.
    """
    *before, typed = words
    commands = _commands()
    if not before:
        return [name for name in commands if name.startswith(typed)]
    command = commands.get(before[0])
    if command is None:
        return []
    options = command._option_string_actions
    if typed.startswith("-"):
        return sorted(name for name in options if name.startswith(typed) and name.startswith("--"))
    wanted = options.get(before[-1]) if len(before) > 1 else None
    if wanted is None or wanted.nargs == 0:
        wanted = next((a for a in command._actions if not a.option_strings), None)
    if wanted is None:
        return []
    if wanted.choices:
        return [choice for choice in map(str, wanted.choices) if choice.startswith(typed)]
    if wanted.metavar in ("NOTE", "OTHER"):
        return _titles(_folder(before), typed)
    return []


def _commands() -> dict[str, argparse.ArgumentParser]:
    choices = next(a.choices for a in parser()._actions if a.dest == "command")
    return dict(choices or {})


def _folder(words: Sequence[str]) -> Path:
    """Find which folder of notes the command line means."""
    if "--notes" in words[:-1]:
        return Path(words[words.index("--notes") + 1]).expanduser()
    try:
        return Config.from_environment().notes
    except RagbotError:
        return Config().notes


def _titles(folder: Path, typed: str) -> list[str]:
    names = (name for name in _notes(folder) if name.casefold().startswith(typed.casefold()))
    return sorted(name for name, _ in zip(names, range(MOST), strict=False))


def _notes(folder: Path) -> Iterator[str]:
    for _, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (name.removesuffix(".md") for name in sorted(files) if name.endswith(".md"))
