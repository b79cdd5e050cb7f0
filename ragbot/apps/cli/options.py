"""Options that several commands share, and the types of their values.

A command takes a `Config` in place of `--notes` and `--index`, and `Filters` in place of the six
options that say which notes may be found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from ragbot.config import Config

Function = Callable[..., Any]

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

MOST_NAMES = 200
"""Most names of notes that are offered to a shell."""


class Command(click.Command):
    """A command whose help ends with examples, one per line."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        settings.setdefault("context_settings", SETTINGS)
        super().__init__(*args, **settings)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options, without wrapping them."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {example}\n" for example in self.examples))
        super().format_epilog(ctx, formatter)


class Group(Command, click.Group):
    """A group of commands whose help ends with examples."""


class FolderName(click.ParamType[Path]):
    """A folder, with `~` for the home of a user."""

    name = "DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; fail if it names an unknown user."""
        try:
            return Path(value).expanduser()
        except RuntimeError:
            self.fail(f"{value!r} names a user that does not exist", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Let the shell complete folders."""
        return [CompletionItem(incomplete, type="dir")]


class NoteName(click.ParamType[str]):
    """The name of a note; a shell completes it from the file names of the vault."""

    name = "NOTE"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the file names that begin with the typed text, case folded."""
        from ragbot.apps.cli.session import note_names

        begun = incomplete.casefold()
        names = (name for name in note_names(ctx.params) if name.casefold().startswith(begun))
        found = sorted(name for name, _ in zip(names, range(MOST_NAMES), strict=False))
        return [CompletionItem(name) for name in found]


class Date(click.ParamType[str]):
    """A day, month or year in any usual spelling: 2026-03-31, 31 March 2026, 2026-03."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the date as written; fail if it is not a date."""
        from ragbot.errors import QuestionError
        from ragbot.notes.note_dates import filter_period

        try:
            filter_period(value)
        except QuestionError as error:
            self.fail(str(error), param, ctx)
        return str(value)


FOLDER, NOTE, DATE = FolderName(), NoteName(), Date()
COUNT = click.IntRange(1, 10_000)
PORT = click.IntRange(0, 65535)


def places(function: Function) -> Function:
    """Add `--notes` and `--index`; the command receives them in its `config`."""

    @click.option("--notes", type=FOLDER, help="Folder of notes (default: RAGBOT_NOTES).")
    @click.option("--index", type=FOLDER, help="Folder of the index (default: RAGBOT_INDEX).")
    @functools.wraps(function)
    def command(notes: Path | None, index: Path | None, **options: Any) -> Any:
        return function(config=_config(notes, index), **options)

    return command


def _config(notes: Path | None, index: Path | None) -> Config:
    from ragbot.config import Config

    return Config.from_environment(notes=notes, index=index)


def json_option(function: Function) -> Function:
    """Add `--json`, which the command receives as `as_json`."""
    option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    return option(function)


def filter_options(function: Function) -> Function:
    """Add the options that say which notes may be found; the command receives `filters`."""

    @click.option(
        "--in", "folders", multiple=True, metavar="FOLDER", help="Only notes below this folder."
    )
    @click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only notes with this tag.")
    @click.option(
        "--near", type=NOTE, default="", help="Only notes that a relation joins to this one."
    )
    @click.option(
        "--predicate", default="", metavar="NAME", help="Only notes that this relation joins."
    )
    @click.option("--since", type=DATE, default=None, help="Only notes from this date on.")
    @click.option("--until", type=DATE, default=None, help="Only notes up to this date.")
    @functools.wraps(function)
    def command(
        folders: tuple[str, ...],
        tags: tuple[str, ...],
        near: str,
        predicate: str,
        since: str | None,
        until: str | None,
        **options: Any,
    ) -> Any:
        from ragbot.models import Filters

        filters = Filters(folders, tags, predicate, near, since or "", until or "")
        return function(filters=filters, **options)

    return command
