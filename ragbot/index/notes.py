"""The notes of one snapshot, each read from the database at its first use."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ragbot.index.stored_graph import COLUMNS, relation_of
from ragbot.models import Note, NoteId, Section


class NoteSize(NamedTuple):
    """Counts of a note: its passages, the notes it links to, and those that link to it."""

    passages: int
    links_out: int
    links_in: int


class Notes(Mapping[NoteId, Note]):
    """Notes by id, in its order, their relations resolved."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[NoteId, int | None] = {}
        self._paths: dict[int, NoteId] = {}
        self._notes: dict[NoteId, Note] = {}
        self._sizes: dict[NoteId, NoteSize] = {}
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
            except UnicodeEncodeError:  # lone surrogates, which no note has in its name
                row = None
            self._numbers[note] = row and row[0]
        return self._numbers[note]

    def path(self, number: int) -> NoteId:
        """Return the id of a note by its number."""
        if number not in self._paths:
            query = "SELECT path FROM note WHERE id = ?"
            self._paths[number] = self._connection.execute(query, (number,)).fetchone()[0]
        return self._paths[number]

    def sizes(self, notes: Iterable[NoteId]) -> Mapping[NoteId, NoteSize]:
        """Return how many passages and links some notes have."""
        missing = [note for note in notes if note not in self._sizes]
        if missing:
            query = (
                "SELECT path, passages, links_out, links_in FROM note "
                "WHERE path IN (SELECT value FROM json_each(?))"
            )
            for path, *size in self._connection.execute(query, (json.dumps(missing),)):
                self._sizes[path] = NoteSize(*size)
        return self._sizes


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
