"""The relation graph of a vault: its interface, and what NetworkX computes.

The index stores the relations, and reads those that a question needs (`index/stored_graph.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from ragbot.models import EMBEDS, LINKS_TO, MENTIONS, NoteId, Relation

if TYPE_CHECKING:
    import networkx as nx

Direction = Literal["out", "in", "both"]

# Of equally short paths, one of typed relations comes first, one of mentions last.
_UNTYPED_ORDER = {EMBEDS: 1, LINKS_TO: 2, MENTIONS: 3}


class Link(NamedTuple):
    """A note that another links to or mentions, and how many notes do so."""

    note: NoteId
    links_in: int


class RelationGraph(Protocol):
    """The relations between the notes of one snapshot. Links of a note to itself are left out."""

    @property
    def predicates(self) -> Sequence[str]:
        """The distinct predicates, in alphabetical order."""

    @property
    def written(self) -> int:
        """The number of relations that an author wrote: all but mentions."""

    def __contains__(self, note: object) -> bool:
        """Return whether a note is in the graph."""

    def __len__(self) -> int:
        """Return the number of relations."""

    def neighbours(
        self, note: NoteId, predicate: str | None = None, direction: Direction = "both"
    ) -> list[Relation]:
        """Return the relations of a note with other notes and ghosts: its own first, in file order.

        Parameters
        ----------
        note
            A note, or the name of a ghost: other notes lead there, and it leads nowhere.

        Raises
        ------
        KeyError
            If neither a note nor a ghost has this name.
        """

    def relations(self) -> Iterator[Relation]:
        """Yield every relation, in order of source and place in the file."""

    def with_predicate(self, predicate: str) -> Iterator[Relation]:
        """Yield every relation with a predicate, in order of source and place in the file."""

    def outgoing(self, note: NoteId) -> list[Link]:
        """Return the notes that a note links to or mentions, one for each relation, in order."""

    def between(self, a: NoteId, b: NoteId) -> Relation:
        """Return the relation of two notes, in either direction: a typed one, else a link.

        Raises
        ------
        ValueError
            If no relation joins them.
        """

    def path(self, start: NoteId, end: NoteId) -> tuple[Relation, ...]:
        """Return the shortest path between two notes, with relations taken in either direction.

        Of equally short paths, the one with the most typed relations. Consecutive
        relations share a note. Empty without a path, or if both notes are one.

        Raises
        ------
        KeyError
            If a note is not in the graph.
        """

    def hubs(self, count: int) -> list[NoteId]:
        """Return the notes that most others link to, most first."""

    def rarity_of(self, note: NoteId) -> float:
        """Return how few notes link to a note, in [0, 1]: 0 for a perfect hub."""

    def ghosts(self) -> Mapping[str, int]:
        """Return the names that no note has, with the number of links to each; most first."""

    def end(self, relation: Relation) -> str:
        """Return the node that a relation leads to: a note's id, or the one name of a ghost."""

    def ghosts_in(self, text: str) -> list[str]:
        """Return the ghosts named in a text, in its order; case and punctuation do not count.

        The longest of the names that start at one word is returned.
        """

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Return a NetworkX graph of all notes, ghosts and relations, see `networkx_graph`."""


def assertedness(relation: Relation | str) -> int:
    """Return the rank of a relation or predicate, from 0 for a typed one to 3 for a mention."""
    predicate = relation if isinstance(relation, str) else relation.predicate
    return _UNTYPED_ORDER.get(predicate, 0)


def networkx_graph(
    titles: Mapping[NoteId, str], relations: Iterable[tuple[Relation, str]]
) -> nx.MultiDiGraph[str]:
    """Build a NetworkX graph of notes and relations.

    Nodes are note ids (with `title`) and ghosts (their name, `ghost=True`);
    edges carry `predicate`, `annotation` and `span`, and the predicate
    starts their key.

    Parameters
    ----------
    titles
        Title of every note.
    relations
        Each with the node that it leads to.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for note, title in titles.items():
        graph.add_node(note, title=title, ghost=False)
    for relation, end in relations:
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


def shortest_path(
    edges: Iterable[tuple[int, int, str]], start: int, end: int
) -> list[tuple[int, int]]:
    """Return the steps of the shortest path between two nodes, in either direction.

    Of equally short paths, the one with the most typed edges; empty without a path.

    Parameters
    ----------
    edges
        Two nodes and the predicate that joins them.
    """
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    for a, b, predicate in sorted(edges):
        cost = 1 + 1e-3 * assertedness(predicate)
        if not graph.has_edge(a, b) or cost < graph.edges[a, b]["cost"]:
            graph.add_edge(a, b, cost=cost)
    if start not in graph or end not in graph:
        return []
    try:
        return list(pairwise(nx.dijkstra_path(graph, start, end, weight="cost")))
    except nx.NetworkXNoPath:
        return []


def around(graph: nx.MultiDiGraph[str], center: str, hops: int) -> nx.MultiDiGraph[str]:
    """Return the nodes within `hops` steps of one, in either direction, and their edges."""
    import networkx as nx

    found: nx.MultiDiGraph[str] = nx.ego_graph(graph, center, radius=hops, undirected=True)
    return found
