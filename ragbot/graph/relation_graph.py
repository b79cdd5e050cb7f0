"""The relation graph: notes and ghosts as nodes, relations as typed, directed edges.

Prepared once per generation as arrays of edges grouped by source and by target,
so that a question reads a few rows and no object is made for the rest; shown to
people and programs as a NetworkX `MultiDiGraph`.

Floor 2: the one module that imports networkx.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count, pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ragbot.graph import ghosts
from ragbot.index.arcs import GHOST, Arcs
from ragbot.index.splice import Splice
from ragbot.models import EMBEDS, LINKS_TO, MENTIONS, Note, NoteId, Relation
from ragbot.text.tokenize import tokens

if TYPE_CHECKING:
    import networkx as nx
    from scipy.sparse import csr_array

Direction = Literal["out", "in", "both"]
IntArray = NDArray[np.int64]

# What an author asserted comes first among equally short ways, what only a program saw last.
_UNTYPED_ORDER = {EMBEDS: 1, LINKS_TO: 2, MENTIONS: 3}


class RelationGraph:
    """Arcs between the notes of a vault. Immutable, safe to share between threads.

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
        rows: Mapping[NoteId, int] | None = None,
    ) -> None:
        self.notes = notes
        self.ids = tuple(ids)
        self.predicates = tuple(predicates)
        self._edges = edges
        self._wanted = tuple(wanted)
        self.source, self.target, self.predicate = edges[:, 0], edges[:, 1], edges[:, 2]
        self._row = rows or {note: row for row, note in enumerate(self.ids)}
        inward = np.flatnonzero(self.target != GHOST)
        # By target and then by edge: numbers that differ are sorted five times as fast as rows.
        size = max(1, len(edges))
        self._inward = np.sort(self.target[inward] * size + inward) % size
        self._first_out = _starts(self.source, len(self.ids))
        self._first_in = _starts(self.target[self._inward], len(self.ids))
        pairs = np.sort(self.source[inward] * len(self.ids) + self.target[inward])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
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
        new: Collection[NoteId] | None = None,
        gone: Collection[NoteId] = (),
    ) -> RelationGraph:
        """Gather the relations of resolved notes, and the mentions found in their text.

        A mention of a note that its author also links there says nothing new
        and is left out; so is a second mention of one note in another.

        Parameters
        ----------
        mentions
            Of the notes that are not taken over.
        before, gone
            As for `of`.
        new
            Notes that are not taken over; None for all of them.
        """
        arcs = Arcs.told(notes, sorted(notes if new is None else new), mentions)
        return cls.of(notes, [arcs], before, gone)

    @classmethod
    def of(
        cls,
        notes: Mapping[NoteId, Note],
        new: Iterable[Arcs],
        before: RelationGraph | None = None,
        gone: Collection[NoteId] = (),
    ) -> RelationGraph:
        """Put together the edges of some notes and those of the notes that stayed.

        Parameters
        ----------
        notes
            All of them; none is read.
        new
            Arcs of the notes that are not taken over.
        before
            The graph as it was.
        gone
            Notes of it that are no more.
        """
        if before is None:
            before = cls({}, (), (), np.zeros((0, 6), np.int64), ())
        arcs = list(new)
        sources = sorted(source for some in arcs for source in some.sources)
        splice = Splice.of(before.ids, frozenset(sources), gone)
        ids = splice.put(before.ids, sources)
        rows: Mapping[NoteId, int] = before._row
        kept = before._edges
        if splice.moves:
            rows = dict(zip(ids, count()))
            # GHOST is -1, and so the last one.
            now = np.array([*splice.latter, GHOST])
            kept = np.column_stack([now[kept[:, :2]], kept[:, 2:]])
        numbers = {name: number for number, name in enumerate(before.predicates)}
        fresh, names = _sorted(arcs, rows, numbers)
        places = [rows[source] for source in sources]
        runs = np.searchsorted(fresh[:, 0], [*places, len(ids)])
        counts, asked = np.diff(runs).tolist(), np.diff(_ghosts_before(fresh, runs)).tolist()
        edges = splice.along(before._first_out, counts).put_rows(kept, fresh)
        ghosts = _ghosts_before(before._edges, before._first_out)
        wanted = splice.along(ghosts, asked).put(before._wanted, names)
        edges[:, 2], used = _in_order(edges[:, 2], len(numbers))
        known = list(numbers)
        return cls(notes, ids, [known[number] for number in used], edges, wanted, rows)

    def leaving(self, notes: Sequence[NoteId]) -> Arcs:
        """Give the edges that some notes hold, apart from the graph."""
        runs = [self.edges_out(self._row[note]) for note in notes]
        rows = np.concatenate([np.zeros(0, np.int64), *runs])
        found = self._edges[rows]
        found[:, 0] = np.repeat(np.arange(len(notes)), [len(run) for run in runs])
        real = found[:, 1] != GHOST
        targets, found[real, 1] = np.unique(found[real, 1], return_inverse=True)
        predicates, found[:, 2] = np.unique(found[:, 2], return_inverse=True)
        return Arcs(
            tuple(notes),
            tuple(self.ids[row] for row in targets.tolist()),
            tuple(self.predicates[number] for number in predicates.tolist()),
            tuple(self._wanted[at] for at in self._wants[rows[~real]].tolist()),
            found,
        )

    @cached_property
    def _wants(self) -> IntArray:
        """For each edge to a ghost, the place of its name among those that are wanted."""
        return np.cumsum(self.target == GHOST) - 1

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

    def relations(self) -> Iterator[Relation]:
        """Yield every relation, in order of source and place in the file."""
        return map(self.relation, range(len(self)))

    def hubs(self, count: int) -> list[NoteId]:
        """Return the notes that most others link to, most first."""
        rows = sorted(range(len(self.ids)), key=lambda row: (-self.in_degree[row], self.ids[row]))
        return [self.ids[row] for row in rows[:count]]

    def rarity_of(self, note: NoteId) -> float:
        """Return how few notes link to a note, in [0, 1]: 0 for a perfect hub."""
        return float(self.rarity[self.row(note)])

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


def _in_order(numbers: IntArray, size: int) -> tuple[IntArray, list[int]]:
    """Give new numbers, by first appearance, and the old one of each; they are below `size`."""
    first = np.full(size, len(numbers))
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # of several the last one stays
    used = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(numbers))]
    new = np.zeros(size, np.int64)
    new[used] = np.arange(len(used))
    return new[numbers], used.tolist()


def _sorted(
    arcs: Iterable[Arcs], rows: Mapping[NoteId, int], numbers: dict[str, int]
) -> tuple[IntArray, list[str]]:
    """Give edges by rows and numbers, see `Arcs.placed`, in order of source; and what they want."""
    parts: list[IntArray] = [np.zeros((0, 6), np.int64)]
    wanted: list[str] = []
    for some in arcs:
        parts.append(some.placed(rows, numbers))
        wanted += some.wanted
    edges = np.concatenate(parts)
    wants = np.cumsum(edges[:, 1] == GHOST) - 1
    order = np.argsort(edges[:, 0], kind="stable")
    edges = edges[order]
    return edges, [wanted[at] for at in wants[order][edges[:, 1] == GHOST].tolist()]


def _ghosts_before(edges: IntArray, runs: IntArray) -> IntArray:
    """Count the edges to ghosts before the first edge of each run."""
    return np.searchsorted(np.flatnonzero(edges[:, 1] == GHOST), runs)


def _starts(sorted_rows: IntArray, size: int) -> IntArray:
    return np.searchsorted(sorted_rows, np.arange(size + 1))
