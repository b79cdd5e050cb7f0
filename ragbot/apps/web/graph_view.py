"""The relation graph as the page draws it: nodes and links, all or around some notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from ragbot.index.snapshot import Snapshot
from ragbot.models import MENTIONS, UNTYPED, NoteId

AROUND = 80
"""Nodes drawn around an answer; the best linked stay."""


def drawing(corpus: Snapshot, seeds: Collection[NoteId] = ()) -> dict[str, Any]:
    """Describe the graph, or what is one step from `seeds`.

    Returns
    -------
    dict
        `nodes` with id, title, ghost, seed and degree; `links` with source,
        target and predicate, one for each pair of nodes and predicate;
        `relations`, how many those stand for that an author wrote.
    """
    wanted = set(seeds)
    titles = corpus.notes.titles()
    links: Counter[tuple[str, str, str]] = Counter()
    degree: dict[str, int] = dict.fromkeys(() if wanted else titles, 0)
    for relation in corpus.graph.relations():
        source, target = relation.source, corpus.graph.end(relation)
        if wanted and source not in wanted and target not in wanted:
            continue
        links[source, target, relation.predicate] += 1
        for end in (source, target):
            degree[end] = degree.get(end, 0) + 1
    kept = set(degree)
    if wanted:
        kept = wanted & titles.keys()
        kept |= set(sorted(degree, key=lambda end: (end not in wanted, -degree[end]))[:AROUND])
    drawn = {link: count for link, count in links.items() if kept.issuperset(link[:2])}
    return {
        "nodes": [
            {
                "id": end,
                "title": titles.get(end, end),
                "ghost": end not in titles,
                "seed": end in wanted,
                "degree": degree.get(end, 0),
            }
            for end in sorted(kept)
        ],
        "links": [
            {
                "source": source,
                "target": target,
                "predicate": predicate,
                "typed": predicate not in UNTYPED,
            }
            for source, target, predicate in drawn
        ],
        "relations": sum(count for link, count in drawn.items() if link[2] != MENTIONS),
    }
