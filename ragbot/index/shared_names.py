"""Rare names that passages share: a connection that nobody linked.

Two notes that both speak of "Adalbert II" belong together even when neither
links to the other. A name that many notes hold says nothing, and one that a
single note holds leads nowhere: both are left out.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ragbot.index.fulltext import quoted
from ragbot.index.note_rows import JOINED
from ragbot.models import NoteId

MOST_NOTES = 40
"""A name in more notes than this is no clue."""

MOST_LOWER = 0.3
"""A word in this share of its passages in lower case is no name, only a sentence's first."""


class SharedName(NamedTuple):
    """A rare name, its weight in (0, 1], and the notes that hold it, in order of id."""

    name: str
    weight: float
    notes: tuple[NoteId, ...]


def shared_names(
    connection: sqlite3.Connection,
    passages: Iterable[int],
    notes: int,
    passages_with: Callable[[str], int],
    known: dict[str, SharedName | None],
) -> Iterator[SharedName]:
    """Yield the rare names in some passages, by name.

    The weight is `(ln(N / n) / ln N) ** 2` for a name in n of N notes: a
    name in two notes weighs twice one in ten, in a vault of a few hundred.

    Parameters
    ----------
    notes
        Number of notes.
    passages_with
        Returns how many passages hold a folded word.
    known
        Names that were looked at already; None for one that is no clue.
    """
    query = "SELECT names FROM passage_names WHERE rowid IN (SELECT value FROM json_each(?))"
    rows = connection.execute(query, (json.dumps(list(passages)),))
    for token in sorted({name for (names,) in rows for name in names.split()}):
        if token not in known:
            known[token] = _shared(connection, token, notes, passages_with)
        if (found := known[token]) is not None:
            yield found


def _shared(
    connection: sqlite3.Connection,
    token: str,
    notes: int,
    passages_with: Callable[[str], int],
) -> SharedName | None:
    lower = 0
    if JOINED not in token:
        lower = passages_with(token) - _count(connection, "capitals", token)
    if lower and lower > MOST_LOWER * _count(connection, "names", token):
        return None
    found = _notes(connection, token)
    if not 2 <= len(found) <= MOST_NOTES:
        return None
    rarity = math.log(notes / len(found)) / math.log(notes)
    return SharedName(token.replace(JOINED, " "), rarity**2, found)


def _count(connection: sqlite3.Connection, column: str, token: str) -> int:
    query = "SELECT count(*) FROM passage_names WHERE passage_names MATCH ?"
    found: int = connection.execute(query, (f"{column} : {quoted(token)}",)).fetchone()[0]
    return found


def _notes(connection: sqlite3.Connection, token: str) -> tuple[NoteId, ...]:
    """Return the notes that hold a name, in order of id; one more than are a clue at most."""
    query = (
        "SELECT DISTINCT n.path FROM passage_names f JOIN passage p ON p.id = f.rowid "
        "JOIN note n ON n.id = p.note WHERE f.passage_names MATCH ? LIMIT ?"
    )
    rows = connection.execute(query, (f"names : {quoted(token)}", MOST_NOTES + 1))
    return tuple(sorted(path for (path,) in rows))
