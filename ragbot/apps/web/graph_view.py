"""The relation graph as the page draws it: all of it, or the surroundings of some notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from ragbot.apps.serialize import Notes
from ragbot.models import MENTIONS, UNTYPED, NoteId

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

AROUND = 80
"""Nodes drawn around an answer; the ones with the most links are kept."""

Link = tuple[str, str, str]
"""Source, target and predicate."""


def drawing(bot: Ragbot, seeds: Collection[NoteId] = ()) -> dict[str, Any]:
    """Return the graph, or the part within one step of `seeds`.

    Returns
    -------
    dict
        `nodes` with id, title, ghost, seed and degree; `links` with source,
        target and predicate, one for each pair of nodes and predicate;
        `relations`, the number of relations, without mentions, that the links represent.
    """
    if not seeds:
        graph = bot.graph()
        every = [(start, end, str(edge["predicate"])) for start, end, edge in graph.edges.data()]
        titles = {str(node): str(fields["title"]) for node, fields in graph.nodes.items()}
        return _record(every, titles, {n for n, f in graph.nodes.items() if f["ghost"]}, ())
    notes = Notes(bot)
    known = [seed for seed in seeds if notes.get(seed)]
    # A relation between two seeds is listed by both.
    relations = {relation for seed in known for relation in bot.related(seed)}
    # `[[samovar]]` and `[[Samovar]]` name one ghost.
    ghosts: dict[str, str] = {}
    links = [
        (r.source, r.target or ghosts.setdefault(r.written.casefold(), r.written), r.predicate)
        for r in sorted(relations, key=lambda r: (r.source, r.span))
    ]
    ends = {*known, *(end for link in links for end in link[:2])}
    degree = Counter(end for link in links for end in link[:2])
    kept = sorted(ends, key=lambda end: (end not in known, -degree[end], end))[:AROUND]
    found = {end: notes.get(end) for end in kept}
    titles = {end: note.title if note else end for end, note in found.items()}
    return _record(links, titles, {end for end, note in found.items() if note is None}, known)


def _record(
    links: Iterable[Link],
    titles: dict[str, str],
    ghosts: Collection[str],
    seeds: Collection[NoteId],
) -> dict[str, Any]:
    """Return the drawing of the nodes that have a title, and the links between them."""
    links = list(links)
    degree = Counter(end for link in links for end in link[:2])
    drawn = Counter(link for link in links if link[0] in titles and link[1] in titles)
    return {
        "nodes": [
            {
                "id": node,
                "title": titles[node],
                "ghost": node in ghosts,
                "seed": node in seeds,
                "degree": degree[node],
            }
            for node in sorted(titles)
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
