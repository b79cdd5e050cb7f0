"""Completion in a shell: small scripts that ask `ragbot completion` what may come next.

The candidates come from the parser itself, so they cannot fall behind it, and
from the file names of the notes, so nothing is loaded.
"""

from __future__ import annotations

import argparse
import os
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragbot.apps.cli.options import parser
from ragbot.config import Config
from ragbot.errors import RagbotError

BASH = r"""
_ragbot() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(ragbot completion bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _ragbot ragbot
"""
ZSH = r"""
_ragbot() {
    local -a found
    found=("${(@f)$(ragbot completion zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    (( ${#found[1]} )) && compadd -U -a found || _files
}
compdef _ragbot ragbot
"""
FISH = r"""
function __ragbot
    set -l words (commandline -opc)
    set -l -- typed (commandline -ct | string replace -r '^["\']' '' | string unescape)
    ragbot completion fish $words[2..-1] "$typed" 2>/dev/null
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


def answer_shell(shell: str, words: Sequence[str]) -> int:
    """Print what may stand in place of the last word; the scripts ask this.

    bash alone hands over the words as they were typed, with their quotes, and
    wants the candidates written likewise.
    """
    if shell == "bash":
        found = candidates([unquoted(word) for word in words])
        found = [quoted(name, words[-1][:1]) for name in found]
    else:
        found = candidates(words)
    for candidate in found:
        print(candidate)
    return 0


def unquoted(typed: str) -> str:
    r"""Read a word of a command line, also one whose quote is still open.

    Examples
    --------
    >>> unquoted("Late\\ Bl"), unquoted('"Late Bl'), unquoted("'Late Bl'")
    ('Late Bl', 'Late Bl', 'Late Bl')
    """
    words = re.findall(r"""'([^']*)'?|"((?:\\.|[^"\\])*)"?|\\(.)|([^\\'"]+)""", typed)
    return "".join(
        single + re.sub(r'\\(["$`\\])', r"\1", double) + escaped + bare
        for single, double, escaped, bare in words
    )


def quoted(name: str, quote: str) -> str:
    r"""Write a name as a word of a command line that began with this quote, or with none.

    Examples
    --------
    >>> quoted("What's $5?", ""), quoted("What's $5?", '"'), quoted("What's $5?", "'")
    ("What\\'s\\ \\$5\\?", "What's \\$5?", "What'\\''s $5?")
    """
    if quote == "'":
        return name.replace("'", r"'\''")
    special = r'["$`\\]' if quote == '"' else r"[^\w@%+=:,./-]"
    return re.sub(special, r"\\\g<0>", name)


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
    wanted = _wanted(command, before[1:])
    if wanted is None:
        return []
    if wanted.choices:
        return [choice for choice in map(str, wanted.choices) if choice.startswith(typed)]
    if wanted.metavar in ("NOTE", "OTHER"):
        return _titles(_folder(before), typed)
    return []


def _wanted(command: argparse.ArgumentParser, before: Sequence[str]) -> argparse.Action | None:
    """Find the argument that comes next: the value of an option, or the next positional."""
    positionals = iter([action for action in command._actions if not action.option_strings])
    wanted, of_option = next(positionals, None), False
    for word in before:
        option = command._option_string_actions.get(word)
        if of_option:
            of_option = False
        elif option is not None:
            of_option = option.nargs != 0
        else:
            wanted = next(positionals, None)
    return option if of_option else wanted


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
