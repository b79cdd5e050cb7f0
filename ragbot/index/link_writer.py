"""Resolve links against the names in the database, for new notes and for changed names."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ragbot.index.stored_graph import COLUMNS, relation_of
from ragbot.models import NoteId, Relation
from ragbot.notes.link_resolver import Names, leads_to_a_note, resolved
from ragbot.notes.name_table import closeness
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name


class StoredNames:
    """The `NameTable` in the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def paths(self, folded: str) -> Sequence[str]:
        """Return the files whose folded path is this one."""
        return self._find("path", folded)

    def ending(self, folded: str, most: int | None = None) -> Sequence[str]:
        """Return the files whose folded path is, or ends in, this one; at most `most`."""
        return self._find("ending", folded, most)

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

    def _find(self, kind: str, key: str, most: int | None = None) -> list[str]:
        query = "SELECT path FROM name WHERE kind = ? AND key = ? ORDER BY length, path LIMIT ?"
        try:
            rows = self._connection.execute(query, (kind, key, -1 if most is None else most))
            return [path for (path,) in rows]
        except UnicodeEncodeError:  # lone surrogates, which no name here has
            return []


class LinkWriter:
    """Resolves links and counts those of each note, in the transaction of its caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def resolve(self, notes: Iterable[int], keys: Iterable[str]) -> tuple[set[int], set[int]]:
        """Resolve the links of some notes, and those that may lead to names with some keys.

        Returns
        -------
        set of int
            The notes whose links changed their targets, and `notes`.
        set of int
            The old and new targets of the links.
        """
        notes = set(notes)
        query = (
            f"SELECT r.id, r.source, r.target, r.kind, r.wiki, r.asked, {COLUMNS} FROM relation r "
            "JOIN note s ON s.id = r.source LEFT JOIN note t ON t.id = r.target "
            "WHERE r.kind <> 'mention' AND {}"
        )
        wanted = "(SELECT value FROM json_each(?))"
        rows: dict[int, tuple[Any, ...]] = {}
        for condition, values in (
            (f"r.source IN {wanted}", notes),
            (f"r.key IN {wanted}", set(keys)),
            (f"r.other_key IN {wanted}", set(keys)),
        ):
            some = self._connection.execute(query.format(condition), (json.dumps(sorted(values)),))
            rows.update((row[0], row) for row in some)
        names, numbers = Names(StoredNames(self._connection)), _Numbers(self._connection)
        updates, sources, targets = [], set(notes), set()
        for link, source, old, kind, wiki, asked, *columns in rows.values():
            relation = _as_parsed(relation_of(columns), asked)
            found = resolved(relation, names, wiki=bool(wiki))
            now = _kind(found, names)
            number = numbers.of(found.target) if now in ("link", "self") else None
            targets |= {old, number}
            if (number, now) != (old, kind) or found.written != columns[2]:
                sources.add(source)
                updates.append((now, found.written, found.block, number, found.heading, link))
        self._connection.executemany(
            "UPDATE relation SET kind = ?, written = ?, block = ?, target = ?, "
            "fields = json_set(fields, '$[2]', ?) WHERE id = ?",
            updates,
        )
        return sources, targets - {None}

    def count(self, sources: Collection[int], targets: Collection[int]) -> None:
        """Count the distinct notes that some notes link to, and that link to some notes."""
        for column, here, there, notes in (
            ("links_out", "source", "target", sources),
            ("links_in", "target", "source", targets),
        ):
            self._connection.execute(
                f"UPDATE note SET {column} = (SELECT count(DISTINCT r.{there}) FROM relation r "
                f"WHERE r.{here} = note.id AND r.kind IN ('link', 'mention')) "
                "WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(notes)),),
            )


class _Numbers:
    """Numbers of notes by path, each read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str | None, int] = {}

    def of(self, path: str | None) -> int:
        """Return the number of an existing note."""
        if path not in self._known:
            row = self._connection.execute("SELECT id FROM note WHERE path = ?", (path,)).fetchone()
            self._known[path] = row[0]
        return self._known[path]


def _as_parsed(relation: Relation, asked: str) -> Relation:
    """Return a relation as it was parsed.

    `[[Note^block]]` may have been read as a block since, and `[[C# basics]]` as a name.
    """
    block = relation.block if asked == relation.written else None
    name, heading = relation.written.removeprefix(asked).strip(), relation.heading
    if relation.written.startswith(asked) and name.startswith("#"):
        heading = "#".join(part for part in (name[1:].strip(), heading) if part)
    return replace(relation, written=asked, block=block, heading=heading, target=None)


def _kind(relation: Relation, names: Names) -> str:
    if not leads_to_a_note(relation, names):
        return "file"
    if relation.target is None:
        return "ghost"
    return "self" if relation.target == relation.source else "link"
