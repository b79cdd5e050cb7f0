"""The program `ragbot`: its commands, its help, and the script that completes it in a shell."""

from __future__ import annotations

import os
import re

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from ragbot import __version__
from ragbot.apps.cli import queries, services
from ragbot.apps.cli.options import Command, Group

COMPLETE = "_RAGBOT_COMPLETE"
"""Environment variable by which a shell asks click for completions."""


@click.group(
    cls=Group,
    epilog="Each setting is an environment variable RAGBOT_*; the README lists them.",
    examples=(
        "ragbot chat --notes ~/my-vault",
        'ragbot ask "What is persona drift?"',
        'ragbot search "persona drift" -k 3 --explain',
    ),
)
@click.version_option(__version__, message="ragbot %(version)s")
def program() -> None:
    """Ask your Markdown notes: a knowledge-graph chatbot that cites its sources."""


@click.command(
    cls=Command,
    examples=(
        'eval "$(ragbot completion bash)"',
        "ragbot completion fish > ~/.config/fish/completions/ragbot.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script of a shell: commands, options, names of notes."""
    known = click.shell_completion.get_completion_class(shell)
    assert known is not None
    click.echo(known(program, {}, "ragbot", COMPLETE).source())


@add_completion_class
class EscapingBashComplete(BashComplete):
    """Completes words with blanks and quotation marks, which click passes to bash unescaped."""

    # Without -r, bash would drop the escapes.
    source_template = BashComplete.source_template.replace("read type value", "read -r type value")

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return a value escaped for the quotation mark that begins the typed word, if any."""
        words = os.environ["COMP_WORDS"].split("\n")
        begun = words[int(os.environ["COMP_CWORD"])] if words else ""
        return f"{item.type},{escaped(item.value, begun[:1])}"


def escaped(word: str, quote: str) -> str:
    r"""Return a word escaped for bash after an opening quotation mark, or after none.

    Examples
    --------
    >>> escaped("What's $5?", ""), escaped("What's $5?", '"'), escaped("What's $5?", "'")
    ("What\\'s\\ \\$5\\?", "What's \\$5?", "What'\\''s $5?")
    """
    if quote == "'":
        return word.replace("'", r"'\''")
    special = r'["$`\\]' if quote == '"' else r"[^\w@%+=:,./-]"
    return re.sub(special, r"\\\g<0>", word)


for _command in (
    queries.ask,
    services.chat,
    queries.check,
    completion,
    queries.evaluate,
    queries.graph,
    services.index,
    services.mcp,
    services.models,
    queries.path,
    queries.related,
    queries.search,
    queries.show,
    queries.status,
):
    program.add_command(_command)
