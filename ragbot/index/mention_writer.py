"""Find the mentions of names, in new notes and wherever a name is added or removed.

The full-text index of prose selects the notes that contain every word of a name. A name of one
word that many notes contain is a common word, and is ignored.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping

from ragbot.index.fulltext import quoted
from ragbot.index.note_writer import Written
from ragbot.models import Relation
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

_NO_FIELDS = "[null, null, null, null, null]"


class MentionWriter:
    """Writes the mentions in notes, in the transaction of its caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def update(self, written: Written, relinked: Collection[int]) -> tuple[set[int], set[int]]:
        """Find mentions again after some notes were written.

        Parameters
        ----------
        relinked
            Notes whose text or links changed.

        Returns
        -------
        set of int
            The notes that were scanned.
        set of int
            The old and new targets of mentions.
        """
        forms = {form_of(spelling) for spelling, _ in written.names}
        self._recount(written, {form for form in forms if _is_word(form)})
        forms |= self._update_common()
        sources = {*relinked, *written.mentioning}
        for form in forms:
            sources |= self._holders(form)
        paths = {path for _, path in written.names}
        sources |= self._mentioning(forms, paths)
        return sources, self.write(sources)

    def everywhere(self) -> list[int]:
        """Recount all names, and return the notes that may mention one."""
        execute = self._connection.execute
        forms = {form_of(name) for (name,) in execute(_SPELLINGS)}
        execute("DELETE FROM name_word")
        self._add_words(form for form in forms if _is_word(form))
        self._update_common()
        query = "SELECT DISTINCT source FROM relation WHERE kind = 'mention'"
        found: set[int] = {source for (source,) in execute(query)}
        for form in forms:
            found |= self._holders(form)
        return sorted(found)

    def write(self, notes: Iterable[int]) -> set[int]:
        """Write the mentions in some notes; return their old and new targets."""
        execute = self._connection.execute
        targets: set[int] = set()
        common = {word for (word,) in execute("SELECT word FROM name_word WHERE common")}
        for note in sorted(notes):
            query = "SELECT path, prose FROM note JOIN content ON note = id WHERE id = ?"
            row = execute(query, (note,)).fetchone()
            if row is None:
                continue  # removed since
            path, prose = row
            blocks: list[ProseBlock] = [(text, tuple(at)) for text, at in json.loads(prose)]
            vocabulary = self._vocabulary(keys_in(blocks), common)
            found = mentions_in(path, blocks, vocabulary, self._linked(note))
            targets |= self._replace(note, found)
        return targets

    def remove(self, notes: Iterable[int]) -> set[int]:
        """Remove the mentions in some notes; return their targets."""
        return {target for note in notes for target in self._replace(note, [])}

    def _replace(self, note: int, found: list[Relation]) -> set[int]:
        execute = self._connection.execute
        query = "SELECT target FROM relation WHERE source = ? AND kind = 'mention'"
        targets = {target for (target,) in execute(query, (note,))}
        execute("DELETE FROM relation WHERE source = ? AND kind = 'mention'", (note,))
        for place, one in enumerate(found):
            query = "SELECT id FROM note WHERE path = ?"
            (target,) = execute(query, (one.target,)).fetchone()
            targets.add(target)
            execute(
                "INSERT INTO relation (source, position, kind, predicate, written, target, first, "
                "last, fields, asked, wiki) VALUES (?, ?, 'mention', ?, ?, ?, ?, ?, ?, '', 0)",
                (note, _FIRST_POSITION + place, one.predicate, one.written, target, *one.span,
                 _NO_FIELDS),
            )  # fmt: skip
        return targets

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
        """Return the notes whose prose contains every word of a name; none for a common word."""
        words = words_of_name(form)
        if not words or (len(words) == 1 and self._is_common(words[0])):
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

    # The number of notes that contain each name of one word

    def _recount(self, written: Written, forms: Collection[str]) -> None:
        execute = self._connection.execute
        changes: dict[int, list[str]] = {1: [], -1: []}
        for added, removed in written.words:
            changes[1] += added
            changes[-1] += removed
        for step, words in changes.items():
            for word, times in _counted(words).items():
                execute(
                    "UPDATE name_word SET notes = notes + ? WHERE word = ?", (step * times, word)
                )
        used = {form for form in forms if self._named(form)}
        known = {form for form in forms if self._counted(form)}
        for form in known - used:
            execute("DELETE FROM name_word WHERE word = ?", (form,))
        self._add_words(used - known)

    def _add_words(self, words: Iterable[str]) -> None:
        query = "SELECT count(*) FROM prose_words WHERE prose_words MATCH ?"
        for word in words:
            (count,) = self._connection.execute(query, (quoted(word),)).fetchone()
            self._connection.execute("INSERT INTO name_word VALUES (?, ?, 0)", (word, count))

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

    def _counted(self, word: str) -> bool:
        query = "SELECT 1 FROM name_word WHERE word = ?"
        return self._connection.execute(query, (word,)).fetchone() is not None

    def _is_common(self, word: str) -> bool:
        query = "SELECT 1 FROM name_word WHERE word = ? AND common"
        return self._connection.execute(query, (word,)).fetchone() is not None


_SPELLINGS = "SELECT DISTINCT spelling FROM name WHERE kind = 'mention'"


def _is_word(form: str) -> bool:
    return words_of_name(form) == [form]


def _counted(words: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts
