"""Write notes: text, names, links and passages, in the transaction of the caller."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbot.index.note_rows import NameRow, NoteRows, PassageRow, file_rows, problem_row
from ragbot.models import NoteId, Problem
from ragbot.notes.link_resolver import ANY_NAME, link_key


@dataclass(slots=True)
class Written:
    """Effects of one batch of notes on other notes.

    Attributes
    ----------
    changed
        Whether anything was written.
    notes
        Numbers of the notes that were written.
    link_keys
        Keys of the names that were added or removed, see `link_resolver.link_key`.
    names
        The spellings of names that were added or removed, as `(spelling, path)`.
    words
        Change of the number of notes that contain each token of prose.
    embeddings
        Embeddings that no passage may use now.
    mentioning
        Notes that mention a removed note.
    """

    changed: bool = False
    notes: set[int] = field(default_factory=set)
    link_keys: set[str] = field(default_factory=set)
    names: set[tuple[str, str]] = field(default_factory=set)
    words: Counter[str] = field(default_factory=Counter)
    embeddings: set[int] = field(default_factory=set)
    mentioning: set[int] = field(default_factory=set)


class NoteWriter:
    """Writes the rows of notes and files."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, rows: NoteRows, done: Written) -> None:
        """Write a note that is new or changed."""
        self._rename(rows.path, rows.names, done)
        execute = self._connection.execute
        known = execute("SELECT id, title, tags FROM note WHERE path = ?", (rows.path,)).fetchone()
        values = (rows.title, rows.digest, rows.tags, rows.written)
        if known is None:
            query = "INSERT INTO note (title, digest, tags, written, path) VALUES (?, ?, ?, ?, ?)"
            note = int(execute(query, (*values, rows.path)).lastrowid or 0)
            old_text, old_words = "", ""
        else:
            note = known[0]
            query = "UPDATE note SET title = ?, digest = ?, tags = ?, written = ? WHERE id = ?"
            execute(query, (*values, note))
            (old_text,) = execute("SELECT text FROM content WHERE note = ?", (note,)).fetchone()
            old_words = self._clear(note)
        # Not `OR REPLACE`, before which SQLite would write the words of each note to disk.
        if known is not None:
            execute("DELETE FROM content WHERE note = ?", (note,))
        execute(
            "INSERT INTO content VALUES (?, ?, ?, ?)", (note, rows.text, rows.parsed, rows.prose)
        )
        execute("INSERT INTO title_words (rowid, words) VALUES (?, ?)", (note, rows.title_words))
        execute("INSERT INTO prose_words (rowid, words) VALUES (?, ?)", (note, rows.prose_words))
        self._connection.executemany(
            "INSERT INTO relation (source, position, predicate, written, first, last, heading, "
            "block, fields, parsed, wiki, key, other_key, kind) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ghost')",
            [(note, *link) for link in rows.links],
        )
        same = known is not None and known[1:] == (rows.title, rows.tags)
        self._put_passages(note, rows, old_text if same else None, done)
        self.put_problems(rows.path, rows.problems)
        done.words.update(rows.prose_words.split())
        done.words.subtract(old_words.split())
        done.notes.add(note)
        done.changed = True

    def remove(self, path: NoteId, done: Written) -> None:
        """Remove a note. The caller resolves links and mentions that led to it."""
        execute = self._connection.execute
        found = execute("SELECT id FROM note WHERE path = ?", (path,)).fetchone()
        done.changed = True
        self._rename(path, (), done)
        self.put_problems(path, ())
        execute("DELETE FROM file WHERE path = ?", (path,))
        if found is None:
            return
        note = found[0]
        done.words.subtract(self._clear(note).split())
        self._remove_passages(self._passages(note), done)
        query = "SELECT DISTINCT source FROM relation WHERE target = ? AND kind = 'mention'"
        done.mentioning |= {source for (source,) in execute(query, (note,))}
        execute("DELETE FROM content WHERE note = ?", (note,))
        execute("DELETE FROM note WHERE id = ?", (note,))
        done.notes.discard(note)

    def put_problems(self, path: str, problems: Iterable[Problem]) -> None:
        """Write the problems of a file."""
        self._connection.execute("DELETE FROM problem WHERE path = ?", (path,))
        self.add_problems(problems)

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Write problems beside others."""
        self._connection.executemany(
            "INSERT INTO problem VALUES (?, ?, ?, ?, ?, ?)", map(problem_row, problems)
        )

    def put_files(self, gone: Iterable[str], new: Iterable[str], done: Written) -> None:
        """Write the files that are not notes, to which links may lead."""
        for path in gone:
            self._rename(path, (), done)
            self._connection.execute("DELETE FROM file WHERE path = ?", (path,))
        for path in new:
            self._rename(path, tuple(file_rows(path)), done)
            query = "INSERT OR REPLACE INTO file VALUES (?, NULL, NULL, NULL, 0)"
            self._connection.execute(query, (path,))

    def remove_embeddings(self, candidates: Iterable[int]) -> None:
        """Remove the embeddings among these that no passage uses."""
        self._connection.execute(
            "DELETE FROM embedding WHERE id IN (SELECT value FROM json_each(?)) "
            "AND NOT EXISTS (SELECT 1 FROM passage WHERE embedding = embedding.id)",
            (json.dumps(list(candidates)),),
        )

    def _rename(self, path: str, names: Sequence[NameRow], done: Written) -> None:
        """Write the names of a file, and record those that were added or removed."""
        query = "SELECT kind, key, length, path, spelling FROM name WHERE path = ?"
        old = {NameRow(*row) for row in self._connection.execute(query, (path,))}
        new = set(names)
        if old == new:
            return
        done.changed = True
        for row in old ^ new:
            if row.kind in ("path", "alias"):
                done.link_keys |= {link_key(row.key), ANY_NAME}
            if row.kind == "mention":
                done.names.add((row.spelling, path))
        self._connection.executemany(
            "DELETE FROM name WHERE kind = ? AND key = ? AND length = ? AND path = ? "
            "AND spelling = ?",
            old - new,
        )
        self._connection.executemany("INSERT INTO name VALUES (?, ?, ?, ?, ?)", new - old)

    def _clear(self, note: int) -> str:
        """Remove the links and words of a note; return the words of its prose."""
        execute = self._connection.execute
        query = "SELECT words FROM prose_words WHERE rowid = ?"
        words: str = execute(query, (note,)).fetchone()[0]
        execute("DELETE FROM relation WHERE source = ?", (note,))
        execute("DELETE FROM title_words WHERE rowid = ?", (note,))
        execute("DELETE FROM prose_words WHERE rowid = ?", (note,))
        return words

    def _passages(self, note: int) -> list[tuple[Any, ...]]:
        query = (
            "SELECT id, embedding, flush, first, last, headings, text_key FROM passage "
            "WHERE note = ? ORDER BY first"
        )
        return self._connection.execute(query, (note,)).fetchall()

    def _put_passages(self, note: int, rows: NoteRows, old_text: str | None, done: Written) -> None:
        """Write the passages of a note; one with unchanged text keeps its number.

        Parameters
        ----------
        old_text
            Earlier text of the note; None to write every passage again, because Chroma stores the
            changed title or tags with each.
        """
        old: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
        unused = self._passages(note)
        if old_text is not None:
            for row in reversed(unused):
                old.setdefault((row[6], row[5], old_text[row[3] : row[4]]), []).append(row)
        moved, new, kept = [], [], set()
        for passage in rows.passages:
            said = (passage.text_key, passage.headings, rows.text[passage.first : passage.last])
            if same := old.get(said):
                row = same.pop()
                kept.add(row[0])
                if row[3:5] != passage[:2]:
                    moved.append((*passage[:2], row[0]))
            else:
                new.append(passage)
        self._remove_passages([row for row in unused if row[0] not in kept], done)
        query = "UPDATE passage SET first = ?, last = ? WHERE id = ?"
        self._connection.executemany(query, moved)
        for passage in new:
            self._add_passage(note, passage)

    def _add_passage(self, note: int, passage: PassageRow) -> None:
        execute = self._connection.execute
        query = (
            "INSERT INTO passage (note, first, last, headings, text_key, text, embedding) "
            "VALUES (?, ?, ?, ?, ?5, ?, (SELECT id FROM embedding WHERE text_key = ?5))"
        )
        number = execute(query, (note, *passage[:5])).lastrowid
        execute("INSERT INTO passage_words (rowid, words) VALUES (?, ?)", (number, passage.words))

    def _remove_passages(self, rows: Iterable[tuple[Any, ...]], done: Written) -> None:
        for number, embedding, flush, *_ in rows:
            self._connection.execute("DELETE FROM passage_words WHERE rowid = ?", (number,))
            self._connection.execute("DELETE FROM passage WHERE id = ?", (number,))
            if embedding is not None:
                done.embeddings.add(embedding)
            if flush is not None:
                self._connection.execute("INSERT INTO chroma_removed VALUES (?)", (number,))


def read_problems(connection: sqlite3.Connection) -> tuple[Problem, ...]:
    """Return the problems of all files, in order of path and line."""
    query = (
        "SELECT kind, path, line, message, fix, severity FROM problem "
        "ORDER BY path, line, kind, message"
    )
    return tuple(Problem(*row) for row in connection.execute(query))
