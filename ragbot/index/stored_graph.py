"""The relations of one snapshot, read from the database lazily."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ragbot.graph.relation_graph import (
    Direction,
    assertedness,
    fold_ghost,
    longest_names,
    merge_ghosts,
    networkx_graph,
    shortest_path,
)
from ragbot.index.database import StateCache
from ragbot.models import NoteId, Relation
from ragbot.notes.note_dates import daily_date
from ragbot.text.tokenize import tokens

if TYPE_CHECKING:
    import networkx as nx

    from ragbot.index.notes import Notes

COLUMNS = "s.path, r.predicate, r.written, t.path, r.first, r.last, r.heading, r.block, r.fields"
"""Columns of a row for `relation_of`."""

_FROM = "FROM relation r JOIN note s ON s.id = r.source LEFT JOIN note t ON t.id = r.target"
_EDGES = "r.kind IN ('link', 'ghost', 'mention')"
_LINKS_IN = (
    "(SELECT count(DISTINCT source) FROM relation "
    "WHERE target = note.id AND kind IN ('link', 'mention'))"
)
_FARTHEST = 12
"""Most steps from either end in the search for a path."""


def relation_of(row: Sequence[Any]) -> Relation:
    """Return the relation of a row of `COLUMNS`."""
    source, predicate, written, target, first, last, heading, block, fields = row
    annotation, span, alias, marker = json.loads(fields)
    return Relation(
        source=source,
        predicate=predicate,
        written=written,
        target=target,
        span=(first, last),
        annotation=annotation,
        annotation_span=None if span is None else (span[0], span[1]),
        heading=heading,
        block=block,
        alias=alias,
        marker=marker,
    )


class StoredGraph:
    """The relations between the notes of one snapshot, without links of a note to itself."""

    def __init__(self, connection: sqlite3.Connection, notes: Notes, cache: StateCache) -> None:
        self._connection = connection
        self._notes = notes
        self._cache = cache

    @property
    def written(self) -> int:
        """The number of relations that an author wrote: all but mentions."""
        query = "SELECT count(*) FROM relation WHERE kind IN ('link', 'ghost')"
        return int(self._connection.execute(query).fetchone()[0])

    @property
    def predicates(self) -> Sequence[str]:
        """The distinct predicates, in alphabetical order."""
        query = f"SELECT DISTINCT r.predicate FROM relation r WHERE {_EDGES} ORDER BY r.predicate"
        return self._cache.get("predicates", lambda: self._values(query))

    def neighbours(
        self, note: NoteId, predicate: str | None = None, direction: Direction = "both"
    ) -> list[Relation]:
        """Return the relations of a note with other notes and ghosts: its own first, in file order.

        Parameters
        ----------
        note
            A note, or the name of a ghost, which has only relations that lead to it.

        Raises
        ------
        KeyError
            If neither a note nor a ghost has this name.
        """
        number = self._notes.number(note)
        found: list[Relation] = []
        if number is None:
            found = self._to_ghost(note)
            if not found:
                raise KeyError(note)
            found = [] if direction == "out" else found
        else:
            if direction != "in":
                found += self._read("r.source = ? ORDER BY r.position", number)
            if direction != "out":
                where = "r.target = ? AND r.source <> r.target ORDER BY s.path, r.position"
                found += self._read(where, number)
        return [one for one in found if predicate is None or one.predicate == predicate]

    def relations(self) -> Iterator[Relation]:
        """Yield every relation, in order of source and place in the file."""
        return iter(self._read("1 ORDER BY s.path, r.position"))

    def with_predicate(self, predicate: str) -> Iterator[Relation]:
        """Yield every relation with a predicate, in order of source and place in the file."""
        return iter(self._read("r.predicate = ? ORDER BY s.path, r.position", predicate))

    def outgoing(self, note: NoteId) -> list[NoteId]:
        """Return the notes that a note links to or mentions, one for each relation, in order."""
        query = (
            "SELECT n.path FROM relation r JOIN note n ON n.id = r.target "
            "WHERE r.source = ? AND r.kind IN ('link', 'mention') ORDER BY r.position"
        )
        return [path for (path,) in self._connection.execute(query, (self._number(note),))]

    def between(self, a: NoteId, b: NoteId) -> Relation:
        """Return the relation of two notes, in either direction: a typed one if possible.

        Raises
        ------
        ValueError
            If no relation joins them.
        """
        where = "r.source = ? AND r.target = ? ORDER BY r.position"
        one, other = self._number(a), self._number(b)
        found = self._read(where, one, other) + self._read(where, other, one)
        if not found:
            raise ValueError(f"no relation joins {a} and {b}")
        return min(found, key=assertedness)

    def path(self, start: NoteId, end: NoteId) -> tuple[Relation, ...]:
        """Return the shortest path between two notes, along relations in either direction.

        Among equally short paths it is the one with the most typed relations. Consecutive
        relations share a note. Empty without a path, or if both notes are the same.

        Raises
        ------
        KeyError
            If a note is not in the graph.
        """
        first, last = self._number(start), self._number(end)
        if first == last:
            return ()
        steps = shortest_path(self._edges_around(first, last), first, last)
        return tuple(self.between(self._notes.path(a), self._notes.path(b)) for a, b in steps)

    def hubs(self, count: int) -> list[NoteId]:
        """Return the notes that most others link to, most first; a daily note is no subject."""
        query = f"SELECT path FROM note ORDER BY {_LINKS_IN} DESC, path"
        paths = self._cache.get("hubs", lambda: self._values(query))
        return list(islice((path for path in paths if daily_date(path) is None), count))

    def rarities(self, notes: Collection[NoteId]) -> Mapping[NoteId, float]:
        """Return the rarity of links to each of some notes, see `link_rarity`."""
        query = f"SELECT path, {_LINKS_IN} FROM note WHERE path IN (SELECT value FROM json_each(?))"
        rows = self._connection.execute(query, (json.dumps(list(notes)),))
        return {path: link_rarity(links_in, len(self._notes)) for path, links_in in rows}

    def ghosts(self) -> Mapping[str, int]:
        """Return the names that no note has, with the number of links to each; most first."""
        query = (
            "SELECT r.written FROM relation r JOIN note s ON s.id = r.source "
            "WHERE r.kind = 'ghost' ORDER BY s.path, r.position"
        )
        return self._cache.get("ghosts", lambda: merge_ghosts(Counter(self._values(query))))

    def end(self, relation: Relation) -> str:
        """Return the node that a relation leads to: a note's id, or the one name of a ghost."""
        if relation.target is not None:
            return relation.target
        return self._ghost_names()[fold_ghost(relation.written)]

    def ghosts_in(self, words: Sequence[str]) -> list[str]:
        """Return the ghosts that folded words name, in their order."""
        names = self._cache.get(
            "ghosts by words", lambda: {" ".join(tokens(name)): name for name in self.ghosts()}
        )
        found = (names[" ".join(words[a:b])] for a, b in longest_names(names, words))
        return list(dict.fromkeys(found))

    def to_networkx(self, near: Collection[NoteId] | None = None) -> nx.MultiDiGraph[str]:
        """Return a NetworkX graph of all notes, ghosts and relations, see `networkx_graph`.

        With `near`, it has the relations of these notes only.
        """
        titles = self._notes.titles()
        if near is None:
            relations = list(self.relations())
        else:
            # A relation between two of the notes is one of both.
            relations = list(dict.fromkeys(one for note in near for one in self.neighbours(note)))
            ends = {*near, *(end for one in relations for end in (one.source, one.target) if end)}
            titles = {note: titles[note] for note in sorted(ends)}
        return networkx_graph(titles, ((one, self.end(one)) for one in relations))

    def _number(self, note: NoteId) -> int:
        number = self._notes.number(note)
        if number is None:
            raise KeyError(note)
        return number

    def _read(self, where: str, *values: object) -> list[Relation]:
        query = f"SELECT {COLUMNS} {_FROM} WHERE {_EDGES} AND {where}"
        return [relation_of(row) for row in self._connection.execute(query, values)]

    def _to_ghost(self, name: str) -> list[Relation]:
        folded = fold_ghost(name)
        if folded not in self._ghost_names():
            return []
        found = self._read("r.kind = 'ghost' ORDER BY s.path, r.position")
        return [one for one in found if fold_ghost(one.written) == folded]

    def _ghost_names(self) -> Mapping[str, str]:
        return self._cache.get(
            "ghost names", lambda: {fold_ghost(name): name for name in self.ghosts()}
        )

    def _values(self, query: str) -> Sequence[str]:
        return [value for (value,) in self._connection.execute(query)]

    def _edges_around(self, first: int, last: int) -> set[tuple[int, int, str]]:
        """Read the edges around two notes, layer by layer from both, until the layers meet."""
        reached = {first: {first}, last: {last}}
        outermost = {first: {first}, last: {last}}
        edges: set[tuple[int, int, str]] = set()
        for _ in range(_FARTHEST):
            for centre in (first, last):
                layer = self._edges_of(outermost[centre])
                edges |= layer
                found = {node for edge in layer for node in edge[:2]} - reached[centre]
                reached[centre] |= found
                outermost[centre] = found
                if reached[first] & reached[last] or not found:
                    return edges
        return edges

    def _edges_of(self, notes: set[int]) -> set[tuple[int, int, str]]:
        query = (
            "SELECT min(source, target), max(source, target), predicate FROM relation "
            "WHERE {} IN (SELECT value FROM json_each(?)) AND kind IN ('link', 'mention')"
        )
        wanted = json.dumps(sorted(notes))
        return {
            row
            for column in ("source", "target")
            for row in self._connection.execute(query.format(column), (wanted,))
        }


def link_rarity(links_in: int, notes: int) -> float:
    """Return the rarity of links to a note: 0 if all notes link to it, 1 if none does."""
    return 1 - math.log1p(links_in) / math.log(max(2, notes + 1))
