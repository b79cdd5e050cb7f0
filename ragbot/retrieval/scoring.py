"""Asking: one question, or one clause of it, put to the corpus.

Seeds by meaning, words and names; then what the best of them lead to. A note is
worth the sum of what it is in itself and of the best that arrives.

Floor 4: reads a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.corpus import Corpus
from ragbot.inference.token_codes import EncodedQuestion
from ragbot.models import Evidence, Relation
from ragbot.questions import relation_questions
from ragbot.retrieval import first_stage
from ragbot.retrieval.expansion import Step, activations, along_links, along_names
from ragbot.retrieval.first_stage import BoolArray, Seeds
from ragbot.retrieval.late_interaction import Reading, reads
from ragbot.text.tokenize import tokens

Scores = NDArray[np.float64]

SEEDS = 10
"""Notes whose links are followed."""

NAME_SEEDS = 5
"""Notes whose rare names are followed."""

NAME_CHUNKS = 3
"""Best chunks of such a note, whose names count."""

ADMITTED = 30
"""Notes at the top after expansion, whose cosine is made exact."""

READ = 3
"""Best chunks of such a note that are read word by word."""

LATE = 3.7
"""Worth of a passage that meets every word of the question."""

FADING = 0.5
"""What a further hop passes on beside the one before."""

ASKED = 3.0
"""Worth of an edge that the question asks for by its predicate."""


@dataclass(slots=True)
class Reached:
    """What the graph and the names led to, by row of the note.

    `seeds` are the rows that links were followed from; `links` holds one layer
    of steps per hop; `asked` the paths that a question about relations named.
    """

    seeds: set[int] = field(default_factory=set)
    links: list[dict[int, Step]] = field(default_factory=list)
    names: dict[int, float] = field(default_factory=dict)
    asked: dict[int, tuple[Relation, ...]] = field(default_factory=dict)

    def links_worth(self) -> dict[int, float]:
        """Worth of the best way to each note that links led to."""
        worth = dict.fromkeys(self.asked, ASKED)
        for layer in self.links:
            for row, step in layer.items():
                worth[row] = max(worth.get(row, 0.0), step.worth)
        return worth

    def gains(self, size: int) -> Scores:
        """Sum what links and names add to each note, shape (size,)."""
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


class Asking:
    """What the corpus has for one question or clause.

    Attributes
    ----------
    scores
        Shape (notes,): worth of each note; `-inf` for one that may not be found.
    """

    def __init__(
        self,
        corpus: Corpus,
        question: str,
        query: EncodedQuestion | None,
        allowed: BoolArray | None,
        hops: int,
    ) -> None:
        self._corpus = corpus
        self._found = first_stage.find(corpus, question, query.vector if query else None, allowed)
        self._reached = _expand(corpus, question, self._found, hops)
        self.scores = self._worth()
        if query is not None and corpus.embedded:
            first_stage.complete(
                corpus, query.vector, self._found, first_stage.best(self.scores, ADMITTED)
            )
            first_stage.score(corpus, self._found, allowed)
            self.scores = self._worth()
            if reads(query):
                self._read(Reading(corpus, question, query))
        self._ranks: _Ranks | None = None

    def passages(self, note: int, count: int) -> list[tuple[int, float]]:
        """Best chunks of a note, with what each falls short of the first."""
        rows = best_chunks(self._corpus, self._found, note, count)
        short = self._found.chunk_scores(rows) - self._found.chunk_scores(rows[:1])
        return list(zip(rows, short.tolist(), strict=True))

    def evidence(self, note: int, row: int) -> tuple[Evidence, ...]:
        """Say what brought a chunk of a note; nothing when it was only assumed."""
        if self._ranks is None:
            self._ranks = _Ranks(self._corpus, self._found, self._reached)
        return self._ranks.evidence(note, row)

    def _read(self, reading: Reading) -> None:
        """Read the best passages of the best notes word by word, and score these anew.

        A note that a link leads to often says what the question does not: what the
        link is worth stands in for words that the note does not meet.
        """
        admitted = first_stage.best(self.scores, ADMITTED)
        if not admitted:
            return
        chunks = [best_chunks(self._corpus, self._found, note, READ) for note in admitted]
        nearness = iter(reading.passages([row for rows in chunks for row in rows]).tolist())
        for rows in chunks:
            self._found.late.update((row, LATE * next(nearness)) for row in rows)
        read = np.array([max(self._found.late[row] for row in rows) for rows in chunks])
        gains = self._reached.gains(len(self._found.notes))[admitted]
        self.scores[admitted] += np.maximum(read - read.min(), gains)

    def _worth(self) -> Scores:
        return self._found.notes + self._reached.gains(len(self._found.notes))


def _expand(corpus: Corpus, question: str, found: Seeds, hops: int) -> Reached:
    reached = Reached()
    if not hops:
        return reached
    givers = activations(np.where(found.direct, found.notes, -np.inf), SEEDS)
    reached.seeds = {row for row, _ in givers}
    chunks = {row: best_chunks(corpus, found, row, NAME_CHUNKS) for row, _ in givers[:NAME_SEEDS]}
    folded = f" {' '.join(tokens(question))} "
    reached.names = along_names(corpus.lexical.shared, givers[:NAME_SEEDS], chunks, folded)
    _follow_asked(corpus, question, reached)
    for _ in range(hops):
        reached.links.append(along_links(corpus.graph, givers))
        layer = reached.links[-1]
        onward = sorted(layer, key=lambda row: -layer[row].worth)[:SEEDS]
        givers = [(row, layer[row].worth * FADING) for row in onward]
    return reached


def _follow_asked(corpus: Corpus, question: str, reached: Reached) -> None:
    """Note where the edges lead that a question asks for, and the note that has them."""
    asked = relation_questions.answerable(corpus, question)
    if asked is None or not asked.relations:
        return
    graph = corpus.graph
    here = asked.subject
    if here not in corpus.notes:
        # Who links to a note that is not written names it, as the question does.
        reached.names |= {graph.row(relation.source): ASKED for relation in asked.relations}
        return
    reached.names[graph.row(here)] = ASKED
    for number, relation in enumerate(asked.relations):
        end = relation.target if relation.source == here else relation.source
        way = (relation,) if asked.kind == "edges" else asked.relations[: number + 1]
        if end is not None and end != asked.subject:
            reached.asked.setdefault(graph.row(end), way)
        if end is not None and asked.kind != "edges":
            here = end


def best_chunks(corpus: Corpus, found: Seeds, note: int, count: int) -> list[int]:
    """Rows of the chunks of a note that answer best, best first."""
    first, last = (int(row) for row in corpus.lexical.first_chunk[note : note + 2])
    order = np.argsort(-found.chunk_scores(range(first, last)), kind="stable")
    return [first + int(place) for place in order[:count]]


class _Ranks:
    """Rank and score of every chunk and note with each retriever: 1 is best."""

    def __init__(self, corpus: Corpus, found: Seeds, reached: Reached) -> None:
        self._corpus = corpus
        self._found = found
        self._reached = reached
        self._dense = _ranked(found.dense)
        self._named = first_stage.name_worth(corpus, found.named)
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
