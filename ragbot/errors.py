"""The errors that a user can act on.

* RagbotError
  * ConfigError            a setting has a value that cannot be used
    * UnknownSettingError  a variable is not a setting
  * VaultError             the folder of notes is missing, empty or unreadable
  * NoteNotFoundError      no note has that name
  * IndexMissingError      nothing has been indexed yet
  * IndexTooNewError       the index was written by a newer ragbot
  * IndexDamagedError      the index cannot be read
    * IndexOutdatedError   it was written by an older ragbot
  * IndexLockedError       another process is writing the index
  * OtherNotesError        the index holds the notes of another folder
  * StorageError           the index cannot be written or its server reached
  * ModelUnavailableError  an encoder, reranker or language model cannot be used
  * ClosedError            the bot was closed before it was called
  * QuestionError          a question is empty or too long
  * EvaluationError        a set of questions cannot be used
  * ServeError             the chat page cannot be served as asked

Each message names the fault, the expected value and the remedy, in this order.
A wrong call from code raises ValueError or TypeError instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class RagbotError(Exception):
    """Base of every error that the command line shows without a traceback."""


def _short(found: object) -> str:
    """Return the representation of a value, cut if it is long."""
    shown = repr(found)
    return shown if len(shown) <= 100 else f"{shown[:80]}… ({len(shown)} characters)"


class ConfigError(RagbotError):
    """A setting has a value that cannot be used."""

    def __init__(self, setting: str, found: object, expected: str, remedy: str = "") -> None:
        self.setting = setting
        remedy = remedy or f"Change {setting}, or unset it."
        super().__init__(f"{setting} is {_short(found)}; expected {expected}. {remedy}")


class UnknownSettingError(ConfigError):
    """A `RAGBOT_*` variable is not a setting."""

    def __init__(self, setting: str, remedy: str) -> None:
        self.setting = setting
        RagbotError.__init__(self, f"{setting} is not a setting of ragbot. {remedy}")


class VaultError(RagbotError):
    """The folder of notes is missing, empty or cannot be read."""

    def __init__(self, directory: Path, found: str, remedy: str) -> None:
        self.directory = directory
        self.found = found
        super().__init__(f"{directory} {found}. {remedy}")


class NoteNotFoundError(RagbotError):
    """No note has that path, title or alias."""

    def __init__(self, name: str, nearest: Sequence[str] = (), wanted_by: int = 0) -> None:
        self.name = name
        self.nearest = tuple(nearest)
        self.wanted_by = wanted_by
        message = f"No note is called {name!r}."
        if wanted_by:
            mention = "note mentions" if wanted_by == 1 else "notes mention"
            message += f" It is not written yet: {wanted_by} {mention} it."
        if nearest:
            message += " Nearest: " + ", ".join(repr(n) for n in nearest) + "."
        else:
            message += " List the notes with: ragbot graph --format json"
        super().__init__(message)


class IndexMissingError(RagbotError):
    """Nothing has been indexed yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(
            f"There is no index in {directory}. Build one with: ragbot index --index {directory}"
        )


class IndexTooNewError(RagbotError):
    """The index was written in a format that this version does not know."""

    def __init__(self, directory: Path, found: int, known: int) -> None:
        self.directory = directory
        self.found = found
        self.known = known
        super().__init__(
            f"The index in {directory} has format {found}; this ragbot reads up to {known}. "
            f"Update ragbot, or build the index again with: ragbot index --rebuild"
        )


class IndexDamagedError(RagbotError):
    """The index exists but cannot be read."""

    def __init__(self, directory: Path, found: str) -> None:
        self.directory = directory
        self.found = found
        super().__init__(
            f"The index in {directory} cannot be read: {found}. "
            f"Your notes are untouched; build it again with: ragbot index --rebuild"
        )


class IndexOutdatedError(IndexDamagedError):
    """The index was written in the format of an older version."""

    def __init__(self, directory: Path, found: int, wanted: int) -> None:
        self.wanted = wanted
        super().__init__(directory, f"it has format {found} of an older ragbot, not {wanted}")


class IndexLockedError(RagbotError):
    """Another process is writing the index."""

    def __init__(self, directory: Path, holder: str) -> None:
        self.directory = directory
        self.holder = holder
        super().__init__(
            f"The index in {directory} is being written by {holder}. "
            f"Wait until it is done, or stop that process, and try again."
        )


class OtherNotesError(RagbotError):
    """The index holds the notes of another vault: few of its paths are in the folder of notes."""

    def __init__(self, directory: Path, indexed: str, notes: str) -> None:
        self.directory = directory
        self.indexed = indexed
        self.notes = notes
        super().__init__(
            f"The index in {directory} holds the notes of {indexed}, not those of {notes}. "
            f"Name another folder with --index, or replace it: ragbot index --rebuild"
        )


class StorageError(RagbotError):
    """The index cannot be written, or the server of its vectors cannot be reached."""

    def __init__(self, place: object, found: str, remedy: str) -> None:
        self.place = place
        self.found = found
        super().__init__(f"{place}: {found}. {remedy}")


class ModelUnavailableError(RagbotError):
    """An encoder, a reranker or a language model cannot be used."""

    def __init__(self, model: str, found: str, remedy: str) -> None:
        self.model = model
        self.found = found
        super().__init__(f"The model {model!r} cannot be used: {found}. {remedy}")


class ClosedError(RagbotError):
    """The bot was closed before it was called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(
            f"The bot on the index in {directory} is closed; an open one was expected. "
            f"Open another with Ragbot.open, or close this one later."
        )


class QuestionError(RagbotError):
    """A question is empty or too long."""


class EvaluationError(RagbotError):
    """A set of questions cannot be read, or has no question that can be measured."""

    def __init__(self, path: Path | None, line: int, found: str) -> None:
        self.path = path
        self.line = line
        self.found = found
        place = f"{path}:{line}" if line else str(path or "The set")
        super().__init__(
            f"{place} {found}. Expected one JSON object per line with question, type and "
            f"gold_notes, as in tests/evaluation/garden.jsonl."
        )


class ServeError(RagbotError):
    """The chat page cannot be served: the port is taken, or it would be open to everybody."""
