"""Retrieve: a question becomes hits, each with the evidence that brought it.

Seeds by meaning, words and names; then what the best of them lead to. A note is
ranked by the sum of what it is worth in itself and of the best that arrives.

Floor 4: pure of configuration; reads a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ragbot import relations, seeds
from ragbot.corpus import Corpus, FloatArray
from ragbot.expand import Step, activations, along_links, along_names
from ragbot.filters import allowed_notes
from ragbot.graph import RelationGraph
from ragbot.rerank import CANDIDATES, Reranker
from ragbot.schema import Evidence, Filters, Hit, Relation
from ragbot.seeds import Seeds
from ragbot.words import tokens

Scores = NDArray[np.float64]

SEEDS = 10
"""Notes whose links are followed."""

NAME_SEEDS = 5
"""Notes whose rare names are followed."""

NAME_CHUNKS = 3
"""Best chunks of such a note, whose names count."""

ADMITTED = 30
"""Notes at the top after expansion, whose cosine is made exact."""

FADING = 0.5
"""What a further hop passes on beside the one before."""

ASKED = 1.5
"""Worth of an edge that the question asks for by its predicate."""

HOPS = 1
"""Links followed from a seed, unless asked otherwise."""

NO_FILTERS = Filters()


@dataclass(slots=True)
class _Reached:
    """What the graph and the names led to, by row of the note.

    `seeds` are the rows that links were followed from; `links` holds one layer
    of steps per hop; `asked` the paths that a question about relations named.
    """

    seeds: set[int] = field(default_factory=set)
    links: list[dict[int, Step]] = field(default_factory=list)
    names: dict[int, float] = field(default_factory=dict)
    asked: dict[int, tuple[Relation, ...]] = field(default_factory=dict)

    def links_worth(self) -> dict[int, float]:
        worth = dict.fromkeys(self.asked, ASKED)
        for layer in self.links:
            for row, step in layer.items():
                worth[row] = max(worth.get(row, 0.0), step.worth)
        return worth

    def gains(self, size: int) -> Scores:
        gains = np.zeros(size)
        for worths in (self.links_worth(), self.names):
            gains[list(worths)] += list(worths.values())
        return gains

    def path(self, graph: RelationGraph, row: int) -> tuple[Relation, ...]:
        """Relations from a seed to a note that links led to."""
        if row in self.asked:
            return self.asked[row]
        number = next(number for number, layer in enumerate(self.links) if row in layer)
        path: list[Relation] = []
        for layer in reversed(self.links[: number + 1]):
            path.append(graph.between(row, layer[row].origin))
            row = layer[row].origin
            if row in self.seeds:
                break
        return tuple(reversed(path))


def retrieve(
    corpus: Corpus,
    question: str,
    query: FloatArray | None,
    *,
    k: int = 10,
    filters: Filters = NO_FILTERS,
    hops: int = HOPS,
    per_note: int = 1,
    reranker: Reranker | None = None,
) -> list[Hit]:
    """Find the passages that answer a question.

    Parameters
    ----------
    corpus
        One generation of an index.
    question
        A question that stands alone.
    query
        The question encoded, a unit vector; None for words and graph only.
    k
        Number of hits wanted, >= 1.
    filters
        Which notes may be found.
    hops
        Links to follow from a seed; 0 leaves the graph out.
    per_note
        Greatest number of hits in one note, >= 1.
    reranker
        Reads the best hits anew and orders them; None for none.

    Returns
    -------
    list of Hit
        At most `k`, best first. A hit found over relations carries the path
        from the seed. Nothing that shares neither a word, nor meaning, nor a
        link with the question is given.

    Raises
    ------
    ValueError
        If `k` or `per_note` is below 1, or `hops` below 0.
    """
    if k < 1 or per_note < 1 or hops < 0:
        raise ValueError(
            f"need k >= 1, per_note >= 1 and hops >= 0, got k={k}, per_note={per_note}, hops={hops}"
        )
    allowed = allowed_notes(corpus, filters)
    found = seeds.find(corpus, question, query, allowed)
    reached = _expand(corpus, question, found, hops)
    scores = found.notes + reached.gains(len(found.notes))
    if query is not None and corpus.embedded:
        seeds.complete(corpus, query, found, seeds.best(scores, ADMITTED))
        seeds.score(corpus, found, allowed)
        scores = found.notes + reached.gains(len(found.notes))
    if reranker is None:
        return _hits(corpus, found, reached, scores, k, per_note)
    hits = _hits(corpus, found, reached, scores, max(k, CANDIDATES), per_note)
    return reranker.rerank(question, hits, [corpus.notes[hit.chunk.note] for hit in hits])[:k]


def retriever(model: str = "") -> partial[list[Hit]]:
    """Give `retrieve` with the cross-encoder of that name, loaded when it is first needed."""
    return partial(retrieve, reranker=Reranker(model) if model else None)


def _expand(corpus: Corpus, question: str, found: Seeds, hops: int) -> _Reached:
    reached = _Reached()
    if not hops:
        return reached
    givers = activations(np.where(found.direct, found.notes, -np.inf), SEEDS)
    reached.seeds = {row for row, _ in givers}
    chunks = {row: _best_chunks(corpus, found, row, NAME_CHUNKS) for row, _ in givers[:NAME_SEEDS]}
    folded = f" {' '.join(tokens(question))} "
    reached.names = along_names(corpus.lexical.shared, givers[:NAME_SEEDS], chunks, folded)
    _follow_asked(corpus, question, reached)
    for _ in range(hops):
        reached.links.append(along_links(corpus.graph, givers))
        layer = reached.links[-1]
        onward = sorted(layer, key=lambda row: -layer[row].worth)[:SEEDS]
        givers = [(row, layer[row].worth * FADING) for row in onward]
    return reached


def _follow_asked(corpus: Corpus, question: str, reached: _Reached) -> None:
    """Note where the edges lead that a question asks for, and the note that has them."""
    asked = relations.answerable(corpus, question)
    if asked is None or not asked.relations:
        return
    graph = corpus.graph
    here = asked.subject
    reached.names[graph.row(here)] = ASKED
    for number, relation in enumerate(asked.relations):
        end = relation.target if relation.source == here else relation.source
        way = asked.relations[: number + 1] if asked.kind == "path" else (relation,)
        if end is not None and end != asked.subject:
            reached.asked.setdefault(graph.row(end), way)
        if end is not None and asked.kind == "path":
            here = end


def _best_chunks(corpus: Corpus, found: Seeds, note: int, count: int) -> list[int]:
    first, last = (int(row) for row in corpus.lexical.first_chunk[note : note + 2])
    order = np.argsort(-found.chunk_scores(slice(first, last)), kind="stable")
    return [first + int(place) for place in order[:count]]


def _hits(
    corpus: Corpus, found: Seeds, reached: _Reached, scores: Scores, k: int, per_note: int
) -> list[Hit]:
    ranks = _Ranks(corpus, found, reached)
    hits: list[Hit] = []
    # A note without evidence is passed over, so a few more than k are looked at.
    for note in seeds.best(scores, 2 * k + ADMITTED):
        if len(hits) >= k * per_note:
            break
        rows = _best_chunks(corpus, found, note, per_note)
        worths = scores[note] + found.chunk_scores(rows) - found.chunk_scores(rows[:1])
        for row, worth in zip(rows, worths.tolist(), strict=True):
            evidence = ranks.evidence(note, row)
            if evidence:
                hits.append(Hit(corpus.chunks[row], worth, evidence))
    return sorted(hits, key=lambda hit: -hit.score)[:k]


class _Ranks:
    """Rank and score of every chunk and note with each retriever: 1 is best."""

    def __init__(self, corpus: Corpus, found: Seeds, reached: _Reached) -> None:
        self._corpus = corpus
        self._found = found
        self._reached = reached
        self._dense = _ranked(found.dense)
        self._named = seeds.name_worth(corpus, found.named)
        for row, worth in reached.names.items():
            self._named[row] = self._named.get(row, 0.0) + worth
        self._names = _ranked(sorted(self._named, key=lambda row: -self._named[row]))
        self._linked = reached.links_worth()
        self._links = _ranked(sorted(self._linked, key=lambda row: -self._linked[row]))

    def evidence(self, note: int, row: int) -> tuple[Evidence, ...]:
        words = self._found.words
        told: list[Evidence] = []
        if row in self._dense:
            told.append(Evidence("dense", self._dense[row], float(self._found.cosines[row])))
        if words[row] > 0:
            rank = 1 + int((words > words[row]).sum())
            told.append(Evidence("bm25", rank, float(words[row])))
        if note in self._names:
            told.append(Evidence("names", self._names[note], self._named[note]))
        if note in self._links:
            path = self._reached.path(self._corpus.graph, note)
            told.append(Evidence("graph", self._links[note], self._linked[note], path))
        return tuple(told)


def _ranked(items: Sequence[int]) -> dict[int, int]:
    return {item: rank for rank, item in enumerate(items, start=1)}
