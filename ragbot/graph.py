"""The relation graph: notes and ghosts as nodes, relations as typed, directed edges.

Prepared once per generation as arrays of edges grouped by source and by target,
so that a question reads a few rows and no object is made for the rest; shown to
people and programs as a NetworkX `MultiDiGraph`.

Floor 2: the one module that imports networkx.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ragbot import ghosts
from ragbot.errors import IndexDamagedError
from ragbot.schema import EMBEDS, LINKS_TO, MENTIONS, Note, NoteId, Relation, Span
from ragbot.words import tokens

if TYPE_CHECKING:
    import networkx as nx
    from scipy.sparse import csr_array

Direction = Literal["out", "in", "both"]
IntArray = NDArray[np.int64]

GHOST = -1
"""Row of a target that no note answers to."""

_ARRAYS, _NAMES = "graph.npz", "graph.json"

# What an author asserted comes first among equally short ways, what only a program saw last.
_UNTYPED_ORDER = {EMBEDS: 1, LINKS_TO: 2, MENTIONS: 3}


class RelationGraph:
    """Edges between the notes of a vault. Immutable, safe to share between threads.

    Attributes
    ----------
    notes
        The notes by id; an edge's relation is read from its source note.
    wanted
        As written, the names of the edges that no note answers, in their order.
    ids
        Note ids; a *row* is a position in it.
    predicates
        Distinct predicates; `predicate` holds positions in it.
    source, target, predicate
        Shape (edges,), in order of source row and place in the file. `target`
        is `GHOST` where no note answers. Links of a note to itself are left out.
    out_degree, in_degree
        Shape (notes,): distinct notes that a note links to, and that link to it.
    trust
        Shape (edges,), in (0, 1]: 1 for what an author wrote; for a mention the
        share of mentions among all edges, since who links much, and did not
        link here, meant little by the name.
    written
        Edges that an author wrote: all that are no mentions.
    rarity
        Shape (notes,), in [0, 1]: `ln((N + 1) / (n + 1)) / ln(N + 1)` for a note
        that n of N notes link to; 1 for a note without links, 0 for a perfect hub.
    """

    def __init__(
        self,
        notes: Mapping[NoteId, Note],
        ids: Sequence[NoteId],
        predicates: Sequence[str],
        edges: IntArray,
        wanted: Sequence[str],
    ) -> None:
        self.notes = notes
        self.ids = tuple(ids)
        self.predicates = tuple(predicates)
        self._edges = edges
        self._wanted = tuple(wanted)
        self.source, self.target, self.predicate = edges[:, 0], edges[:, 1], edges[:, 2]
        self._row = {note: row for row, note in enumerate(self.ids)}
        inward = np.flatnonzero(self.target != GHOST)
        self._inward = inward[np.argsort(self.target[inward], kind="stable")]
        self._first_out = _starts(self.source, len(self.ids))
        self._first_in = _starts(self.target[self._inward], len(self.ids))
        pairs = np.unique(self.source[inward] * len(self.ids) + self.target[inward])
        self.out_degree = np.bincount(pairs // max(1, len(self.ids)), minlength=len(self.ids))
        self.in_degree = np.bincount(pairs % max(1, len(self.ids)), minlength=len(self.ids))
        mentioned = self.predicate == (
            self.predicates.index(MENTIONS) if MENTIONS in self.predicates else -1
        )
        self.written = len(edges) - int(mentioned.sum())
        self.trust = np.where(mentioned, mentioned.mean() if len(edges) else 1.0, 1.0)
        self.rarity = 1 - np.log1p(self.in_degree) / np.log(max(2, len(self.ids) + 1))

    @classmethod
    def build(
        cls,
        notes: Mapping[NoteId, Note],
        mentions: Iterable[Relation] = (),
        before: RelationGraph | None = None,
        same: Set[NoteId] = frozenset(),
    ) -> RelationGraph:
        """Gather the relations of resolved notes, and the mentions found in their text.

        A mention of a note that its author also links there says nothing new
        and is left out; so is a second mention of one note in another.

        Parameters
        ----------
        before
            The graph as it was.
        same
            Notes that are those of before: with mentions of the same notes, their edges are
            taken over, and they are not read.
        """
        ids = sorted(notes)
        rows = {note: row for row, note in enumerate(ids)}
        mentioned: dict[NoteId, list[Relation]] = {}
        for relation in mentions:
            mentioned.setdefault(relation.source, []).append(relation)
        staying = before._staying(same, mentioned) if before else frozenset[NoteId]()
        numbers = {name: number for number, name in enumerate(before.predicates if before else ())}
        new = [
            (_edge(relation, place, rows, numbers), relation.written)
            for note in ids
            if note not in staying
            for place, relation in _told(notes[note], mentioned.get(note, ()))
        ]
        edges = np.array([edge for edge, _ in new], np.int64).reshape(-1, 6)
        written = np.array([name for _, name in new], object)
        if before is not None:
            kept, names = before._kept(staying, rows)
            edges, written = np.concatenate([kept, edges]), np.concatenate([names, written])
        order = np.argsort(edges[:, 0], kind="stable")
        edges, written = edges[order], written[order]
        edges[:, 2], used = _in_order(edges[:, 2])
        known = list(numbers)
        wanted = written[edges[:, 1] == GHOST].tolist()
        return cls(notes, ids, [known[number] for number in used], edges, wanted)

    def _staying(
        self, same: Set[NoteId], mentions: Mapping[NoteId, Sequence[Relation]]
    ) -> frozenset[NoteId]:
        """Name the notes whose edges are those of now."""
        old: dict[NoteId, list[tuple[NoteId | None, Span]]] = {}
        for source, target, _, _, first, last in self._edges[self._edges[:, 3] < 0].tolist():
            old.setdefault(self.ids[source], []).append((self.ids[target], (first, last)))
        new = {note: [(r.target, r.span) for r in found] for note, found in mentions.items()}
        return frozenset(note for note in same if old.get(note, []) == new.get(note, []))

    def _kept(
        self, staying: frozenset[NoteId], rows: Mapping[NoteId, int]
    ) -> tuple[IntArray, NDArray[np.object_]]:
        """Edges of some notes, by the rows of another graph, and what each wants if no note."""
        stays = np.array([note in staying for note in self.ids], bool)[self.source]
        kept: IntArray = self._edges[stays]
        written = np.full(len(self._edges), "", object)
        written[self.target == GHOST] = self._wanted
        # GHOST is -1, and so the last one.
        row = np.array([*(rows.get(note, GHOST) for note in self.ids), GHOST], np.int64)
        kept[:, :2] = row[kept[:, :2]]
        return kept, written[stays]

    def __contains__(self, note: NoteId) -> bool:
        return note in self._row

    def __len__(self) -> int:
        return len(self._edges)

    def row(self, note: NoteId) -> int:
        """Row of a note; KeyError when it is not in the graph."""
        return self._row[note]

    def relation(self, edge: int) -> Relation:
        """Return the relation that an edge stands for."""
        source, target, _, place, first, last = (int(value) for value in self._edges[edge])
        note = self.notes[self.ids[source]]
        if place >= 0:
            return note.relations[place]
        return Relation(note.id, MENTIONS, note.text[first:last], self.ids[target], (first, last))

    def edges_out(self, row: int) -> IntArray:
        """Edges that a note holds, in file order, ghosts included."""
        return np.arange(self._first_out[row], self._first_out[row + 1])

    def edges_in(self, row: int) -> IntArray:
        """Edges of other notes that lead to a note."""
        return self._inward[self._first_in[row] : self._first_in[row + 1]]

    def between(self, a: int, b: int) -> Relation:
        """Return what joins two rows, in either direction: the most asserted, the first written.

        Raises
        ------
        ValueError
            If no relation joins them.
        """
        out, back = self.edges_out(a), self.edges_out(b)
        both = np.concatenate([out[self.target[out] == b], back[self.target[back] == a]])
        if not len(both):
            raise ValueError(f"no relation joins {self.ids[a]} and {self.ids[b]}")
        return self.relation(int(both[np.argmin(self._order(both))]))

    def neighbours(
        self, note: NoteId, predicate: str | None = None, direction: Direction = "both"
    ) -> list[Relation]:
        """Relations of a note with other notes and ghosts: its own first, in file order.

        Parameters
        ----------
        note
            A note, or the name of a ghost: other notes lead there, and it leads nowhere.

        Raises
        ------
        KeyError
            If neither a note nor a ghost has this name.
        """
        if note in self._row:
            row = self._row[note]
            out, back = self.edges_out(row).tolist(), self.edges_in(row).tolist()
        else:
            out, back = [], self._edges_to_ghost[ghosts.folded(note)]
        edges = [] if direction == "in" else out
        edges += [] if direction == "out" else back
        relations = (self.relation(edge) for edge in edges)
        return [r for r in relations if predicate is None or r.predicate == predicate]

    def path(self, start: NoteId, end: NoteId) -> tuple[Relation, ...]:
        """Shortest way between two notes, relations taken in either direction.

        Among equally short ways, the one with the most asserted relations. Two
        relations that follow each other share a note. Empty when there is no
        way, or the notes are one.

        Raises
        ------
        KeyError
            If a note is not in the graph.
        """
        from scipy.sparse.csgraph import dijkstra

        first, last = self._row[start], self._row[end]
        _, before = dijkstra(self._costs, indices=[first], return_predecessors=True)
        rows = [last]
        while rows[-1] != first:
            previous = int(before[0, rows[-1]])
            if previous < 0:
                return ()
            rows.append(previous)
        return tuple(self.between(a, b) for a, b in pairwise(reversed(rows)))

    def ghosts(self) -> Mapping[str, int]:
        """Names that are wanted but answered by no note, with how often; most wanted first."""
        return ghosts.merged(Counter(self._wanted))

    def end(self, relation: Relation) -> str:
        """Node that a relation leads to: a note's id, or the one name of a ghost."""
        if relation.target is not None:
            return relation.target
        return self._ghost_names[ghosts.folded(relation.written)]

    def ghosts_in(self, text: str) -> list[str]:
        """Names of ghosts that stand in a text, case and punctuation folded, in its order.

        Of names that begin at the same word the longest is given.
        """
        return ghosts.spotted(self._ghosts_by_words, text)

    @cached_property
    def _ghost_names(self) -> dict[str, str]:
        return {ghosts.folded(name): name for name in self.ghosts()}

    @cached_property
    def _ghosts_by_words(self) -> dict[str, str]:
        return {" ".join(tokens(name)): name for name in self.ghosts()}

    @cached_property
    def _edges_to_ghost(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        to_ghosts = np.flatnonzero(self.target == GHOST).tolist()
        for edge, written in zip(to_ghosts, self._wanted, strict=True):
            found.setdefault(ghosts.folded(written), []).append(edge)
        return found

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Copy as a NetworkX graph.

        Nodes are note ids (with `title`) and ghosts (their name, `ghost=True`);
        edges carry `predicate`, `annotation` and `span`, and the predicate
        starts their key.
        """
        import networkx as nx

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for note in self.ids:
            graph.add_node(note, title=self.notes[note].title, ghost=False)
        for edge in range(len(self)):
            relation = self.relation(edge)
            end = self.end(relation)
            if relation.target is None:
                graph.add_node(end, title=end, ghost=True)
            graph.add_edge(
                relation.source,
                end,
                key=f"{relation.predicate}@{relation.span[0]}",
                predicate=relation.predicate,
                annotation=relation.annotation or "",
                span=relation.span,
            )
        return graph

    def save(self, directory: Path) -> None:
        """Write into a folder, which is made when missing."""
        directory.mkdir(parents=True, exist_ok=True)
        np.savez(directory / _ARRAYS, edges=self._edges)
        names = {"ids": self.ids, "predicates": self.predicates, "wanted": self._wanted}
        (directory / _NAMES).write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, notes: Mapping[NoteId, Note]) -> RelationGraph:
        """Read what `save` wrote; `notes` are those it was built from.

        Raises
        ------
        IndexDamagedError
            If a file is missing or cannot be read.
        """
        try:
            names = json.loads((directory / _NAMES).read_text(encoding="utf-8"))
            with np.load(directory / _ARRAYS, allow_pickle=False) as arrays:
                edges = arrays["edges"]
            return cls(notes, names["ids"], names["predicates"], edges, names["wanted"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise IndexDamagedError(directory, f"its graph is broken ({error})") from error

    def _order(self, edges: IntArray) -> NDArray[np.float64]:
        order = np.array([_UNTYPED_ORDER.get(name, 0) for name in self.predicates] or [0])
        return order[self.predicate[edges]].astype(np.float64)

    @cached_property
    def _costs(self) -> csr_array[np.float64]:
        """Cost of a step between two rows: 1, and a thousandth more the less it was asserted."""
        from scipy.sparse import coo_array, csr_array

        edges = np.flatnonzero(self.target != GHOST)
        ends = np.concatenate([self.source[edges], self.target[edges]])
        others = np.concatenate([self.target[edges], self.source[edges]])
        cost = np.tile(1 + 1e-3 * self._order(edges), 2)
        # Parallel edges would add up in a sparse array: only the cheapest is kept.
        order = np.lexsort((cost, others, ends))
        pairs = np.stack([ends[order], others[order]])
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        size = (len(self.ids), len(self.ids))
        chosen = (cost[order][fresh], (pairs[0, fresh], pairs[1, fresh]))
        return csr_array(coo_array(chosen, shape=size))


def _told(note: Note, mentions: Iterable[Relation]) -> Iterator[tuple[int, Relation]]:
    """Relations of a note that are edges, with their place among them; -1 for mentions."""
    seen: set[NoteId | None] = set()
    for place, relation in enumerate(note.relations):
        if relation.target != note.id and (relation.target or relation.written):
            seen.add(relation.target)
            yield place, relation
    for relation in mentions:
        if relation.target not in (*seen, note.id):
            seen.add(relation.target)
            yield -1, relation


def _in_order(numbers: IntArray) -> tuple[IntArray, list[int]]:
    """Give new numbers, by first appearance, and the old one of each."""
    old, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    return new[place], old[order].tolist()


def _edge(
    relation: Relation, place: int, rows: Mapping[NoteId, int], numbers: dict[str, int]
) -> tuple[int, int, int, int, int, int]:
    target = GHOST if relation.target is None else rows.get(relation.target, GHOST)
    predicate = numbers.setdefault(relation.predicate, len(numbers))
    return rows[relation.source], target, predicate, place, *relation.span


def _starts(sorted_rows: IntArray, size: int) -> IntArray:
    return np.searchsorted(sorted_rows, np.arange(size + 1))
