"""Write the targets of links, and the mentions of names, after notes were written.

The full-text index of prose selects the notes that contain every word of a name. A name of one
word that many notes contain is a common word, and is ignored.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from ragbot.index.fulltext import quoted
from ragbot.index.note_writer import Written
from ragbot.index.notes import Notes, StoredNames
from ragbot.index.stored_graph import COLUMNS, relation_of
from ragbot.models import MENTIONS, Relation
from ragbot.notes.link_resolver import Names, leads_to_a_note, resolved
from ragbot.notes.mentions import (
    NoteName,
    ProseBlock,
    Vocabulary,
    form_of,
    keys_in,
    mentions_in,
    most_common,
    words_of_name,
)

_FIRST_POSITION = 2**32
"""Mentions come after the links of a note."""

_NO_FIELDS = "[null, null, null, null]"


class LinkWriter:
    """Resolves links, in the transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def resolve(self, notes: Iterable[int], keys: Iterable[str]) -> set[int]:
        """Resolve the links of some notes, and those that may lead to names with some keys.

        Returns `notes`, and the notes with a link whose target changed.
        """
        notes = set(notes)
        query = (
            f"SELECT r.id, r.source, r.target, r.kind, r.wiki, r.parsed, {COLUMNS} FROM relation r "
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
        names, notes_by_id = Names(StoredNames(self._connection)), Notes(self._connection)
        updates, sources = [], set(notes)
        for link, source, old, kind, wiki, parsed, *columns in rows.values():
            written, heading, block = json.loads(parsed)
            relation = replace(
                relation_of(columns), written=written, heading=heading, block=block, target=None
            )
            found = resolved(relation, names, wiki=bool(wiki))
            now = _kind(found, names)
            number = notes_by_id.number(found.target or "") if now != "file" else None
            if (number, now) != (old, kind) or found.written != columns[2]:
                sources.add(source)
                updates.append((now, found.written, found.heading, found.block, number, link))
        self._connection.executemany(
            "UPDATE relation SET kind = ?, written = ?, heading = ?, block = ?, target = ? "
            "WHERE id = ?",
            updates,
        )
        return sources


def _kind(relation: Relation, names: Names) -> str:
    if not leads_to_a_note(relation, names):
        return "file"
    if relation.target is None:
        return "ghost"
    return "self" if relation.target == relation.source else "link"


class MentionWriter:
    """Writes the mentions in notes, in the transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def update(self, written: Written, relinked: Collection[int]) -> None:
        """Find mentions again after a batch was written; links changed in the notes `relinked`."""
        self.write(self._affected(written, relinked))

    def everywhere(self) -> list[int]:
        """Count all names of one word again; return the notes that may mention a name."""
        execute = self._connection.execute
        execute("DELETE FROM name_word")
        names = set(execute("SELECT spelling, path FROM name WHERE kind = 'mention'"))
        query = "SELECT DISTINCT source FROM relation WHERE kind = 'mention'"
        mentioning = {source for (source,) in execute(query)}
        return sorted(self._affected(Written(names=names, mentioning=mentioning), ()))

    def _affected(self, written: Written, relinked: Collection[int]) -> set[int]:
        """Return the notes whose mentions may have changed, and count names of one word again."""
        forms = {form_of(spelling) for spelling, _ in written.names}
        self._recount(written, set(filter(_is_word, forms)))
        forms |= self._update_common()
        sources = {*relinked, *written.mentioning}
        for form in forms:
            sources |= self._holders(form)
        paths = {path for _, path in written.names}
        return sources | self._mentioning(forms, paths)

    def write(self, notes: Iterable[int]) -> None:
        """Write the mentions in some notes."""
        execute = self._connection.execute
        common = {word for (word,) in execute("SELECT word FROM name_word WHERE common")}
        for note in sorted(notes):
            query = "SELECT path, prose FROM note JOIN content ON note = id WHERE id = ?"
            row = execute(query, (note,)).fetchone()
            if row is None:
                continue  # it was removed
            path, prose = row
            blocks: list[ProseBlock] = [(text, tuple(at)) for text, at in json.loads(prose)]
            vocabulary = self._vocabulary(keys_in(blocks), common)
            found = mentions_in(path, blocks, vocabulary, self._linked(note))
            execute("DELETE FROM relation WHERE source = ? AND kind = 'mention'", (note,))
            self._connection.executemany(
                "INSERT INTO relation (source, position, kind, predicate, written, target, first, "
                "last, fields, parsed, wiki) VALUES (?, ?, 'mention', ?, ?, "
                "(SELECT id FROM note WHERE path = ?), ?, ?, ?, '', 0)",
                [
                    (note, _FIRST_POSITION + place, one.predicate, one.written, one.target,
                     *one.span, _NO_FIELDS)
                    for place, one in enumerate(found)
                ],
            )  # fmt: skip

    def remove_all(self) -> None:
        """Remove all mentions."""
        query = "DELETE FROM relation WHERE predicate = ? AND kind = 'mention'"
        self._connection.execute(query, (MENTIONS,))

    def _linked(self, note: int) -> set[str | None]:
        query = (
            "SELECT t.path FROM relation r JOIN note t ON t.id = r.target "
            "WHERE r.source = ? AND r.kind = 'link'"
        )
        return {path for (path,) in self._connection.execute(query, (note,))}

    def _vocabulary(self, keys: Collection[str], common: Collection[str]) -> Vocabulary:
        query = (
            "SELECT spelling, path FROM name WHERE kind = 'mention' "
            "AND key IN (SELECT value FROM json_each(?)) ORDER BY path"
        )
        rows = self._connection.execute(query, (json.dumps(list(keys)),))
        return Vocabulary.of((NoteName(*row) for row in rows), common)

    def _holders(self, form: str) -> set[int]:
        """Return the notes whose prose has every word of a name; empty for a common word."""
        words = words_of_name(form)
        common = "SELECT 1 FROM name_word WHERE word = ? AND common"
        if not words or self._connection.execute(common, (form,)).fetchone():
            return set()
        query = " AND ".join(map(quoted, dict.fromkeys(words)))
        rows = self._connection.execute(
            "SELECT rowid FROM prose_words WHERE prose_words MATCH ?", (query,)
        )
        return {note for (note,) in rows}

    def _mentioning(self, forms: Collection[str], paths: Collection[str]) -> set[int]:
        """Return the notes that mention a note with one of these names, now or before."""
        owners = set(paths)
        for form in forms:
            owners |= {path for spelling, path in self._named(form) if form_of(spelling) == form}
        query = (
            "SELECT DISTINCT r.source FROM note n JOIN relation r ON r.target = n.id "
            "WHERE n.path IN (SELECT value FROM json_each(?)) AND r.kind = 'mention'"
        )
        rows = self._connection.execute(query, (json.dumps(sorted(owners)),))
        return {source for (source,) in rows}

    def _named(self, form: str) -> list[tuple[str, str]]:
        query = "SELECT spelling, path FROM name WHERE kind = 'mention' AND key = ?"
        key = " ".join(words_of_name(form)[:2])
        return self._connection.execute(query, (key,)).fetchall()

    # How many notes contain each name of one word

    def _recount(self, written: Written, forms: Collection[str]) -> None:
        """Update the counts after some notes were written and some names added or removed."""
        self._connection.executemany(
            "UPDATE name_word SET notes = notes + ? WHERE word = ?",
            [(count, word) for word, count in written.words.items() if count],
        )
        for form in forms:
            if self._named(form):
                self._count_word(form)
            else:
                self._connection.execute("DELETE FROM name_word WHERE word = ?", (form,))

    def _count_word(self, word: str) -> None:
        """Write the number of notes that contain a name of one word, unless it is known."""
        query = "SELECT count(*) FROM prose_words WHERE prose_words MATCH ?"
        (count,) = self._connection.execute(query, (quoted(word),)).fetchone()
        self._connection.execute("INSERT OR IGNORE INTO name_word VALUES (?, ?, 0)", (word, count))

    def _update_common(self) -> set[str]:
        """Update which words are common, and return those that changed."""
        (notes,) = self._connection.execute("SELECT count(*) FROM note").fetchone()
        most = most_common(notes)
        query = "SELECT word FROM name_word WHERE (notes > ?) <> common"
        changed = {word for (word,) in self._connection.execute(query, (most,))}
        self._connection.execute(
            "UPDATE name_word SET common = NOT common WHERE (notes > ?) <> common", (most,)
        )
        return changed


def _is_word(form: str) -> bool:
    return words_of_name(form) == [form]
