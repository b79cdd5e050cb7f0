"""The names of notes and files in the database, as links look them up and questions hold them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragbot.models import NoteId, Span
from ragbot.notes.name_table import closeness
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name
from ragbot.text.tokenize import Word

LONGEST_NAME = 24
"""Words of the longest name that is looked for in a question."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """The name of one or more notes, found in a question.

    `span` is its place in the question; `notes` are those that go by it, and
    `title` says whether it is their title, rather than an alias or the
    file's name. `rarity`, in [0, 1], is that of its rarest word: low for a note called "Models".
    """

    name: str
    span: Span
    notes: tuple[NoteId, ...]
    title: bool
    rarity: float


def names_in(
    connection: sqlite3.Connection, words: Sequence[Word], rarity: Callable[[str], float]
) -> list[NameMatch]:
    """Return the names of notes among words: the longest ones, without overlap.

    Case, marks and punctuation are folded. A name of stop words alone
    ("What") is never found.

    Parameters
    ----------
    rarity
        Returns how rare a folded word is, in [0, 1].
    """
    keys = [word.folded for word in words]
    owners = _owners(connection, keys)
    found: list[NameMatch] = []
    first = 0
    while first < len(keys):
        last = _longest(owners, keys, first)
        if last is None:
            first += 1
            continue
        name = " ".join(keys[first:last])
        title = any(is_title for _, is_title in owners[name])
        notes = tuple(note for note, is_title in owners[name] if is_title == title)
        span = (words[first].span[0], words[last - 1].span[1])
        rarest = max(rarity(word) for word in name.split())
        found.append(NameMatch(name, span, notes, title, rarest))
        first = last
    return found


_Owners = dict[str, list[tuple[NoteId, bool]]]
"""The notes with each name, and whether it is their title."""


def _owners(connection: sqlite3.Connection, keys: Sequence[str]) -> _Owners:
    wanted = {
        " ".join(keys[first:last])
        for first in range(len(keys))
        for last in range(first + 1, min(len(keys), first + LONGEST_NAME) + 1)
    }
    query = (
        "SELECT key, path, spelling = 'title' FROM name "
        "WHERE kind = 'spoken' AND key IN (SELECT value FROM json_each(?)) ORDER BY key, path"
    )
    found: _Owners = {}
    for key, path, is_title in connection.execute(query, (json.dumps(sorted(wanted)),)):
        found.setdefault(key, []).append((path, bool(is_title)))
    return found


def _longest(owners: _Owners, keys: Sequence[str], first: int) -> int | None:
    for last in range(min(len(keys), first + LONGEST_NAME), first, -1):
        if " ".join(keys[first:last]) in owners:
            return last
    return None


class StoredNames:
    """The `NameTable` in the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[str, str, int], list[str]] = {}

    def paths(self, folded: str) -> Sequence[str]:
        """Return the files whose folded path is this one."""
        return self._find("path", folded)

    def ending(self, folded: str, most: int | None = None) -> Sequence[str]:
        """Return the files whose folded path is, or ends in, this one; at most `most`."""
        return self._find("ending", folded, -1 if most is None else most)

    def aliased(self, folded: str) -> Sequence[NoteId]:
        """Return the notes with this folded alias."""
        return self._find("alias", folded)

    def titled(self, folded: str) -> Sequence[NoteId]:
        """Return the notes with this folded title."""
        return self._find("title", folded)

    def spoken(self) -> Mapping[str, str]:
        """Return every file stem, title and alias by its folded form."""
        query = "SELECT path, spelling FROM name WHERE kind = ? ORDER BY length, path, spelling"
        names: dict[str, list[str]] = {}
        for kind in ("title", "alias"):
            for path, spelling in self._connection.execute(query, (kind,)):
                names.setdefault(path, []).append(spelling)
        spoken: dict[str, str] = {}
        for path in sorted(names, key=closeness):
            for name in (stem(path), *names[path]):
                spoken.setdefault(fold_name(name), name)
        return spoken

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note."""
        query = "SELECT 1 FROM note WHERE path = ?"
        return self._connection.execute(query, (path,)).fetchone() is not None

    def has_folder(self, folded: str) -> bool:
        """Return whether a file lies below a folded folder."""
        return bool(self._find("folder", folded, 1))

    def _find(self, kind: str, key: str, most: int = -1) -> list[str]:
        wanted = kind, key, most
        if wanted not in self._found:
            query = "SELECT path FROM name WHERE kind = ? AND key = ? ORDER BY length, path LIMIT ?"
            try:
                rows = self._connection.execute(query, wanted)
                self._found[wanted] = [path for (path,) in rows]
            except UnicodeEncodeError:  # lone surrogates, which no name here has
                return []
        return self._found[wanted]
