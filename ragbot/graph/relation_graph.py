"""Graphs of relations by NetworkX, and the names of ghosts.

The index stores the relations, and reads those that a question needs (`index/stored_graph.py`).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from ragbot.models import EMBEDS, LINKS_TO, MENTIONS, NoteId, Relation

if TYPE_CHECKING:
    import networkx as nx

Direction = Literal["out", "in", "both"]

# Among equally short paths, typed relations come first, mentions last.
_UNTYPED_ORDER = {EMBEDS: 1, LINKS_TO: 2, MENTIONS: 3}


LONGEST_NAME = 24
"""Words of the longest name that is searched in a text."""


def assertedness(relation: Relation | str) -> int:
    """Return the rank of a relation or predicate, from 0 for a typed one to 3 for a mention."""
    predicate = relation if isinstance(relation, str) else relation.predicate
    return _UNTYPED_ORDER.get(predicate, 0)


def networkx_graph(
    titles: Mapping[NoteId, str], relations: Iterable[tuple[Relation, str]]
) -> nx.MultiDiGraph[str]:
    """Build a NetworkX graph of notes and relations.

    Nodes are note ids (with `title`) and ghosts (their name, `ghost=True`); edges carry
    `predicate`, `annotation` and `span`, and the predicate starts their key. Each relation is
    given with the node that it leads to.
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

    Among equally short paths it is the one with the most typed edges. Empty without a path. An edge
    is two nodes and the predicate that joins them.
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


# Ghosts: names that notes link to and that no note has yet


def _clean(written: str) -> str:
    """Return a name in NFC, without blanks around it."""
    return unicodedata.normalize("NFC", written.strip())


def fold_ghost(written: str) -> str:
    """Return a name folded for comparison.

    Examples
    --------
    >>> fold_ghost(" Lost Page") == fold_ghost("lost page")
    True
    """
    return _clean(written).casefold()


def merge_ghosts(written: Mapping[str, int]) -> dict[str, int]:
    """Return names with their counts; names that differ only in case or Unicode form are one."""
    forms: dict[str, Counter[str]] = {}
    for name, count in written.items():
        forms.setdefault(fold_ghost(name), Counter())[_clean(name)] += count
    totals = [(counts.most_common(1)[0][0], counts.total()) for counts in forms.values()]
    return dict(sorted(totals, key=lambda pair: (-pair[1], pair[0])))


def longest_names(names: Container[str], words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of names in folded words: the longest ones, without overlap.

    Examples
    --------
    >>> list(longest_names({"lost", "lost page"}, "the lost page of a lost note".split()))
    [(1, 3), (5, 6)]
    """
    first = 0
    while first < len(words):
        ends = range(min(len(words), first + LONGEST_NAME), first, -1)
        last = next((end for end in ends if " ".join(words[first:end]) in names), None)
        if last is not None:
            yield first, last
        first = last or first + 1
