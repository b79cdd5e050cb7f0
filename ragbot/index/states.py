"""How the files of notes stood when they were read last: kept in a log beside the index.

Each line tells of the files that one refresh read. What is lost of it costs a second reading and
nothing else, so a line that cannot be read is passed over.

Floor 3: one file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ragbot.index.snapshot import Entry
from ragbot.models import NoteId
from ragbot.notes.vault import Stat

MOST_LINES = 100
"""Lines of the log before it is written anew."""


class FileState(NamedTuple):
    """How a file stood when it was read last, and the digest of what it held.

    The digest is empty where it gave no note. `racy` means that it was so young then that a later
    change may look the same.
    """

    stat: Stat
    digest: str
    racy: bool = False

    def vouches_for(self, entry: Entry, stat: Stat) -> bool:
        """Whether the file must still hold what the entry says."""
        return not self.racy and self.stat == stat and self.digest == entry.digest


States = Mapping[NoteId, FileState]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a log told of a folder, with size and time of the log, and how many lines it had."""

    root: str = ""
    states: States = field(default_factory=dict)
    stamp: tuple[int, int] = (0, 0)
    lines: int = 0


class Log:
    """The log. Safe to share between threads; one process writes at a time.

    Parameters
    ----------
    path
        Its file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = _Told()

    def of(self, root: Path) -> States:
        """Give the states of a folder's files; the log is read if it is another than was read."""
        return self._now(root).states

    def add(self, root: Path, fresh: States) -> None:
        """Keep how some files of a folder stand now."""
        old = self._now(root)
        states = {**old.states, **fresh}
        anew = not 0 < old.lines < MOST_LINES
        line = json.dumps([old.root, states if anew else fresh])
        if anew:
            new = self._path.with_suffix(".new")
            new.write_text(f"{line}\n", encoding="utf-8")
            new.replace(self._path)
        else:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}\n")  # the line before may have been cut short
        lines = 1 if anew else old.lines + 1
        self._told = _Told(old.root, states, self._stamp(), lines)

    def _now(self, root: Path) -> _Told:
        name, stamp, told = str(root.resolve()), self._stamp(), self._told
        if (name, stamp) != (told.root, told.stamp):
            try:
                lines = self._path.read_text(encoding="utf-8").split("\n")
            except (OSError, ValueError):
                lines = []
            states: dict[NoteId, FileState] = {}
            for line in filter(None, lines):
                states.update(_read(line, name))
            self._told = told = _Told(name, states, stamp, len(lines))
        return told

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return 0, 0
        return status.st_size, status.st_mtime_ns


def _read(line: str, root: str) -> dict[NoteId, FileState]:
    try:
        name, rows = json.loads(line)
        if name != root:
            return {}
        return {note: FileState(_stat(stat), *rest) for note, (stat, *rest) in rows.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _stat(row: list[int]) -> Stat:
    size, mtime_ns, ctime_ns = row
    return size, mtime_ns, ctime_ns
