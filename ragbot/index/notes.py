"""The notes of one snapshot, each read from the database at its first use, and their names."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbot.graph.relation_graph import LONGEST_NAME, longest_names
from ragbot.index.stored_graph import COLUMNS, relation_of
from ragbot.models import Note, NoteId, Section, Span
from ragbot.notes.link_resolver import NameKind
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name
from ragbot.text.tokenize import Word


class Notes(Mapping[NoteId, Note]):
    """Notes by id, in order of id, with resolved relations."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[NoteId, int | None] = {}
        self._paths: dict[int, NoteId] = {}
        self._notes: dict[NoteId, Note] = {}
        self._count: int | None = None

    def __getitem__(self, note: NoteId) -> Note:
        if note not in self._notes:
            number = self.number(note)
            if number is None:
                raise KeyError(note)
            [found] = _read(self._connection, "WHERE n.id = ?", (number,))
            self._notes[note] = found
        return self._notes[note]

    def __iter__(self) -> Iterator[NoteId]:
        rows = self._connection.execute("SELECT path FROM note ORDER BY path").fetchall()
        return iter([path for (path,) in rows])

    def __len__(self) -> int:
        if self._count is None:
            self._count = self._connection.execute("SELECT count(*) FROM note").fetchone()[0]
        return self._count

    def __contains__(self, note: object) -> bool:
        return isinstance(note, str) and self.number(note) is not None

    def all(self) -> list[Note]:
        """Return every note, in order of id, by two queries."""
        return list(_read(self._connection, "", ()))

    def titles(self) -> dict[NoteId, str]:
        """Return the title of every note, in order of id."""
        return dict(self._connection.execute("SELECT path, title FROM note ORDER BY path"))

    def number(self, note: NoteId) -> int | None:
        """Return the row id of a note; None without such a note."""
        if note not in self._numbers:
            query = "SELECT id FROM note WHERE path = ?"
            try:
                row = self._connection.execute(query, (note,)).fetchone()
            except UnicodeEncodeError:  # a lone surrogate, which no stored name has
                row = None
            self._numbers[note] = row and row[0]
        return self._numbers[note]

    def path(self, number: int) -> NoteId:
        """Return the id of a note by its number."""
        if number not in self._paths:
            query = "SELECT path FROM note WHERE id = ?"
            self._paths[number] = self._connection.execute(query, (number,)).fetchone()[0]
        return self._paths[number]


def _read(connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> Iterator[Note]:
    """Yield notes in order of id, with their relations."""
    relations: dict[NoteId, list[Any]] = {}
    query = (
        f"SELECT {COLUMNS} FROM relation r JOIN note s ON s.id = r.source "
        "LEFT JOIN note t ON t.id = r.target {} ORDER BY r.source, r.position"
    )
    kinds = "r.kind IN ('link', 'ghost', 'self')"
    condition = f"WHERE r.source = ? AND {kinds}" if where else f"WHERE {kinds}"
    for row in connection.execute(query.format(condition), values):
        relations.setdefault(row[0], []).append(relation_of(row))
    notes = connection.execute(
        "SELECT n.path, n.title, c.text, c.parsed FROM note n JOIN content c ON c.note = n.id "
        f"{where} ORDER BY n.path",
        values,
    )
    for path, title, text, parsed in notes:
        fields = json.loads(parsed)
        yield Note(
            id=path,
            title=title,
            text=text,
            aliases=tuple(fields["aliases"]),
            tags=tuple(fields["tags"]),
            metadata=fields["metadata"],
            sections=tuple(
                Section(tuple(names), (first, last)) for names, (first, last) in fields["sections"]
            ),
            relations=tuple(relations.get(path, ())),
            blocks=fields["blocks"],
        )


@dataclass(frozen=True, slots=True)
class NameMatch:
    """The name of one or more notes, found in a question.

    `span` is its place in the question; `notes` are the notes with this name, and
    `title` says whether it is their title, or else an alias or the file's name.
    `rarity`, in [0, 1], is that of its rarest word: low for a note called "Models".
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

    Case, marks and punctuation are folded. A name of stop words alone ("What") is never found.
    `rarity` returns how rare a folded word is, in [0, 1].
    """
    keys = [word.folded for word in words]
    owners = _owners(connection, keys)
    found: list[NameMatch] = []
    for first, last in longest_names(owners, keys):
        name = " ".join(keys[first:last])
        title = any(is_title for _, is_title in owners[name])
        notes = tuple(note for note, is_title in owners[name] if is_title == title)
        span = (words[first].span[0], words[last - 1].span[1])
        rarest = max(rarity(word) for word in name.split())
        found.append(NameMatch(name, span, notes, title, rarest))
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


class StoredNames:
    """The `NameTable` in the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[str, str, int], list[str]] = {}

    def find(self, kind: NameKind, folded: str, most: int = -1) -> Sequence[str]:
        """Return the files with a folded name, the closest first; at most `most`, -1 for all."""
        wanted = kind, folded, most
        if wanted not in self._found:
            query = "SELECT path FROM name WHERE kind = ? AND key = ? ORDER BY length, path LIMIT ?"
            try:
                rows = self._connection.execute(query, wanted)
                self._found[wanted] = [path for (path,) in rows]
            except UnicodeEncodeError:  # a lone surrogate, which no stored name has
                return []
        return self._found[wanted]

    def spoken(self) -> Mapping[str, str]:
        """Return every stem, title and alias by its folded form, in the closest note's spelling."""
        query = (
            "SELECT path, spelling FROM name WHERE kind IN ('title', 'alias') "
            "ORDER BY length, path, kind = 'alias', spelling"
        )
        spoken: dict[str, str] = {}
        for path, spelling in self._connection.execute(query):
            for name in (stem(path), spelling):
                spoken.setdefault(fold_name(name), name)
        return spoken

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note, rather than of another file."""
        query = "SELECT 1 FROM note WHERE path = ?"
        return self._connection.execute(query, (path,)).fetchone() is not None
