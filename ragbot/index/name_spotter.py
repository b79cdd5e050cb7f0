"""The names of notes in a question: titles, aliases and file names, the longest at each place."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragbot.models import NoteId, Span
from ragbot.text.tokenize import tokens

LONGEST_NAME = 24
"""Words of the longest name that is looked for in a question."""

_WORD = re.compile(r"[^\W_]+")


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
    connection: sqlite3.Connection, question: str, rarity: Callable[[str], float]
) -> list[NameMatch]:
    """Return the names of notes in a question: the longest ones, without overlap.

    Case, marks and punctuation are folded. A name of stop words alone
    ("What") is never found.

    Parameters
    ----------
    rarity
        Returns how rare a folded word is, in [0, 1].
    """
    spans = [match.span() for match in _WORD.finditer(question)]
    keys = [" ".join(tokens(question[first:last])) for first, last in spans]
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
        span = (spans[first][0], spans[last - 1][1])
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
