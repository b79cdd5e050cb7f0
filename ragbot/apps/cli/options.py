"""What the command line understands: every command with its arguments and examples."""

from __future__ import annotations

import argparse
import difflib
import re
from pathlib import Path
from typing import NoReturn

from ragbot import __version__

EPILOGUE = """\
examples:
  ragbot chat --notes ~/my-vault
  ragbot ask "What is persona drift?"
  ragbot search "persona drift" -k 3 --explain

Each setting is an environment variable RAGBOT_*; the README lists them.
`ragbot COMMAND --help` shows the arguments and examples of a command.
"""

GRAPH_FORMATS = ("json", "graphml", "dot", "mermaid")
MOST_HOPS = 20
SHELLS = ("bash", "zsh", "fish")


class Parser(argparse.ArgumentParser):
    """An argument parser that names the help page when it is used wrongly."""

    def error(self, message: str) -> NoReturn:
        """Print the usage, the reason, what was meant perhaps, and where help is; exit with 2."""
        usage = self.format_usage()
        reason = f"{self.prog}: {message}{_meant(message)}"
        self.exit(2, f"{usage}{reason}\nTry: {self.prog} --help\n")


def _meant(message: str) -> str:
    """Name the choice that is nearest to what was typed: `serach` was meant as `search`."""
    wrong = re.search(r"invalid choice: '([^']+)' \(choose from (.+)\)", message)
    if wrong is None:
        return ""
    near = difflib.get_close_matches(wrong[1], re.findall(r"[\w-]+", wrong[2]), n=1)
    return f". Did you mean {near[0]}?" if near else ""


def parser() -> Parser:
    """Make the parser of the whole command line."""
    top = Parser(
        prog="ragbot",
        description="Ask your Markdown notes: a knowledge-graph chatbot that cites its sources.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"ragbot {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_asking(commands)
    _add_reading(commands)
    _add_keeping(commands)
    _add_serving(commands)
    return top


def _add_asking(commands: argparse._SubParsersAction[Parser]) -> None:
    ask = _command(
        commands,
        "ask",
        "answer a question from the notes, with citations",
        'ragbot ask "What is the Assistant Axis?"',
        'ragbot ask "What extends it?" --in models --json',
    )
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--sources", type=_count, metavar="N", help="use at most N passages")
    ask.add_argument(
        "--llm",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="write with the language model of RAGBOT_LLM, or without it (default: if one is set)",
    )
    _add_filters(ask)

    search = _command(
        commands,
        "search",
        "list the passages that match a question, best first",
        'ragbot search "persona drift" -k 3',
        'ragbot search "persona drift" --words --explain',
    )
    search.add_argument("question", metavar="QUESTION")
    search.add_argument("-k", type=_count, default=10, metavar="N", help="how many (default: 10)")
    search.add_argument(
        "--words", action="store_true", help="by words and graph only: quick, loads no encoder"
    )
    search.add_argument(
        "--hops", type=_hops, metavar="N", help="follow relations at most N steps; 0 for none"
    )
    search.add_argument(
        "--explain", action="store_true", help="show which retriever found each, and by which path"
    )
    _add_filters(search)

    evaluate = _command(
        commands,
        "evaluate",
        "measure how well a set of questions is answered, and list what was missed",
        "ragbot evaluate tests/evaluation/garden.jsonl",
        "ragbot evaluate questions.jsonl --words --json",
    )
    evaluate.add_argument("questions", metavar="QUESTIONS", help="a file of JSON lines")
    evaluate.add_argument(
        "--answers", action="store_true", help="ask each question, and judge the answers"
    )
    evaluate.add_argument("--words", action="store_true", help="without the encoder")


def _add_reading(commands: argparse._SubParsersAction[Parser]) -> None:
    show = _command(
        commands,
        "show",
        "show a note: its relations in and out, its passages, its ghosts",
        'ragbot show "The Persona Selection Model"',
        'ragbot show "Persona Drift" --text',
    )
    show.add_argument("note", metavar="NOTE", help="path, title or alias of a note")
    show.add_argument("--text", action="store_true", help="print the file as it stands")

    related = _command(
        commands,
        "related",
        "list the relations of a note",
        'ragbot related "Persona Drift"',
        'ragbot related "Persona Drift" --predicate extends --direction in',
    )
    related.add_argument("note", metavar="NOTE", help="path, title or alias of a note")
    related.add_argument("--predicate", metavar="NAME", help="only relations of this name")
    related.add_argument(
        "--direction", choices=("in", "out", "both"), default="both", help="(default: both)"
    )

    path = _command(
        commands,
        "path",
        "show the shortest path of relations between two notes",
        'ragbot path "Persona Drift" "The Persona Selection Model"',
    )
    path.add_argument("start", metavar="NOTE")
    path.add_argument("end", metavar="OTHER")

    graph = _command(
        commands,
        "graph",
        "print the graph of notes and relations",
        "ragbot graph --format graphml > garden.graphml",
        'ragbot graph --format mermaid --near "Persona Drift" --hops 1',
        json=False,
    )
    graph.add_argument("--format", choices=GRAPH_FORMATS, default="json", help="(default: json)")
    graph.add_argument(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="the same as --format json",
    )
    graph.add_argument("--near", metavar="NOTE", help="only this note and what is around it")
    graph.add_argument(
        "--hops", type=_steps, default=1, metavar="N", help="how far around it (default: 1)"
    )
    graph.add_argument(
        "--typed", action="store_true", help="only relations that an author named, no plain links"
    )


def _add_keeping(commands: argparse._SubParsersAction[Parser]) -> None:
    index = _command(
        commands,
        "index",
        "bring the index up to date with the notes",
        "ragbot index --notes ~/my-vault --index ~/.cache/my-vault",
        "ragbot index --rebuild",
    )
    how = index.add_mutually_exclusive_group()
    how.add_argument("--rebuild", action="store_true", help="build it anew from nothing")
    how.add_argument("--watch", action="store_true", help="go on following edits until Ctrl-C")
    how.add_argument("--rollback", action="store_true", help="go back to the index before this one")
    index.add_argument("--ray", metavar="ADDRESS", help="embed on a Ray cluster")

    check = _command(
        commands,
        "check",
        "find broken links, ghosts, orphans and other problems in the notes",
        "ragbot check",
        "ragbot check --strict",
    )
    check.add_argument("--strict", action="store_true", help="exit with 1 if there is any problem")
    check.add_argument("--suggest", action="store_true", help="suggest links for mentioned titles")

    _command(commands, "status", "tell what the index holds and how far it is behind")


def _add_serving(commands: argparse._SubParsersAction[Parser]) -> None:
    chat = _command(
        commands,
        "chat",
        "open the chat page, or talk in the terminal",
        "ragbot chat --notes ~/my-vault",
        "ragbot chat --demo --terminal",
        json=False,
    )
    chat.add_argument("--host", default="127.0.0.1", help="address to serve (default: 127.0.0.1)")
    chat.add_argument("--port", type=_port, default=7860, help="port to serve (default: 7860)")
    chat.add_argument("--auth", metavar="USER:PASSWORD", help="ask visitors for this login")
    chat.add_argument(
        "--no-auth", action="store_true", help="serve beyond this machine without a login"
    )
    chat.add_argument("--no-watch", action="store_true", help="don't follow edits of the notes")
    chat.add_argument("--terminal", action="store_true", help="talk here, not in a browser")
    chat.add_argument("--demo", action="store_true", help="use the sample garden in the package")

    mcp = _command(
        commands,
        "mcp",
        "serve the notes to an assistant by the Model Context Protocol",
        "ragbot mcp --notes ~/my-vault",
        "ragbot mcp --http --port 8765",
        json=False,
    )
    mcp.add_argument("--http", action="store_true", help="serve streamable HTTP, not stdio")
    mcp.add_argument("--host", default="127.0.0.1", help="with --http (default: 127.0.0.1)")
    mcp.add_argument("--port", type=_port, default=8765, help="with --http (default: 8765)")
    mcp.add_argument(
        "--no-auth", action="store_true", help="serve beyond this machine, to anyone who asks"
    )

    completion = commands.add_parser(
        "completion",
        help="print the completion script of a shell",
        description="Print a script that completes commands, options and names of notes.",
        epilog='examples:\n  eval "$(ragbot completion bash)"\n'
        "  ragbot completion fish > ~/.config/fish/completions/ragbot.fish\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", choices=SHELLS)


def _command(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    what: str,
    *examples: str,
    json: bool = True,
) -> Parser:
    """Add a command with the options that nearly all of them share."""
    epilogue = "".join(f"  {example}\n" for example in examples or (f"ragbot {name}",))
    command = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog="examples:\n" + epilogue,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--notes", type=_folder, metavar="DIR", help="folder of notes (default: RAGBOT_NOTES)"
    )
    command.add_argument(
        "--index", type=_folder, metavar="DIR", help="folder of the index (default: RAGBOT_INDEX)"
    )
    if json:
        command.add_argument("--json", action="store_true", help="print JSON for programs")
    return command


def _add_filters(command: Parser) -> None:
    group = command.add_argument_group("filters")
    group.add_argument(
        "--in", dest="folders", action="append", default=[], metavar="FOLDER",
        help="only notes below this folder; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--tag", dest="tags", action="append", default=[], metavar="TAG",
        help="only notes with this tag; may be repeated",
    )  # fmt: skip
    group.add_argument("--near", metavar="NOTE", help="only notes that are joined to this one")
    group.add_argument("--predicate", default="", metavar="NAME", help="joined by this relation")
    group.add_argument("--since", type=_date, metavar="DATE", help="not before DATE")
    group.add_argument("--until", type=_date, metavar="DATE", help="not after DATE")


def _folder(written: str) -> Path:
    try:
        return Path(written).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{written!r} names a user that is not known") from None


def _count(written: str) -> int:
    return _whole(written, 1, "a whole number from 1")


def _steps(written: str) -> int:
    return _whole(written, 0, "a whole number from 0")


def _hops(written: str) -> int:
    # Each step costs, and passes on half as much at most: what lies further adds nothing.
    if (hops := _whole(written, 0, f"a whole number from 0 to {MOST_HOPS}")) > MOST_HOPS:
        raise argparse.ArgumentTypeError(f"{written!r} is more than {MOST_HOPS} steps")
    return hops


def _port(written: str) -> int:
    if (port := _whole(written, 0, "a port from 0 to 65535")) > 65535:
        raise argparse.ArgumentTypeError(f"{written!r} is not a port from 0 to 65535")
    return port


def _whole(written: str, least: int, expected: str) -> int:
    if not written.isdecimal() or len(written) > 18 or int(written) < least:
        raise argparse.ArgumentTypeError(f"{written!r} is not {expected}")
    return int(written)


def _date(written: str) -> str:
    import datetime

    try:
        return datetime.date.fromisoformat(written).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{written!r} is not a date like 2026-03-31") from None
