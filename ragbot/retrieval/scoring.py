"""Scoring: one question, or one clause of it, put to the corpus.

The first stage finds notes by meaning, words and names; then comes what the best of them lead to.
A note's score is the sum of its own and of the best that arrives.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.corpus import Corpus
from ragbot.inference.token_codes import EncodedQuestion
from ragbot.models import Evidence, NoteId, Relation
from ragbot.questions import relation_questions
from ragbot.retrieval import first_stage
from ragbot.retrieval.expansion import Step, activations, along_links, along_names
from ragbot.retrieval.first_stage import FirstStage
from ragbot.retrieval.late_interaction import Reading, reads
from ragbot.text.tokenize import tokens

Item = TypeVar("Item")

SEEDS = 10
"""Notes whose links are followed."""

NAME_SEEDS = 5
"""Notes whose rare names are followed."""

NAME_PASSAGES = 3
"""Best passages of such a note, whose names count."""

ADMITTED = 30
"""Notes at the top after expansion, whose cosine is made exact."""

READ = 3
"""Best passages of such a note that are read word by word."""

LATE = 3.7
"""Score of a passage that holds every word of the question."""

FADING = 0.5
"""What a further hop passes on beside the one before."""

ASKED = 3.0
"""Score of an edge that the question asks for by its predicate."""


@dataclass(slots=True)
class Expansion:
    """What the graph and the names led to, by note.

    `seeds` are the notes that links were followed from; `links` holds one layer
    of steps per hop; `asked` the paths that a question about relations named.
    """

    seeds: set[NoteId] = field(default_factory=set)
    links: list[dict[NoteId, Step]] = field(default_factory=list)
    names: dict[NoteId, float] = field(default_factory=dict)
    asked: dict[NoteId, tuple[Relation, ...]] = field(default_factory=dict)

    def link_scores(self) -> dict[NoteId, float]:
        """Return the score of the best way to each note that links led to."""
        scores = dict.fromkeys(self.asked, ASKED)
        for layer in self.links:
            for note, step in layer.items():
                scores[note] = max(scores.get(note, 0.0), step.score)
        return scores

    def gains(self) -> dict[NoteId, float]:
        """Return the sum of what links and names add to each note."""
        gains = self.link_scores()
        for note, score in self.names.items():
            gains[note] = gains.get(note, 0.0) + score
        return gains

    def path(self, graph: RelationGraph, note: NoteId) -> tuple[Relation, ...]:
        """Return the relations from a seed to a note that links led to."""
        if note in self.asked:
            return self.asked[note]
        number = next(number for number, layer in enumerate(self.links) if note in layer)
        path: list[Relation] = []
        for layer in reversed(self.links[: number + 1]):
            path.append(graph.between(note, layer[note].origin))
            note = layer[note].origin
            if note in self.seeds:
                break
        return tuple(reversed(path))


class QueryScoring:
    """What the corpus has for one question or clause.

    Attributes
    ----------
    scores
        Score of each note that something speaks for.
    """

    def __init__(
        self,
        corpus: Corpus,
        question: str,
        query: EncodedQuestion | None,
        allowed: Collection[NoteId] | None,
        hops: int,
    ) -> None:
        self._corpus = corpus
        self._found = first_stage.find(corpus, question, query.vector if query else None, allowed)
        self._expansion = _expand(corpus, question, self._found, hops)
        self._gains = self._expansion.gains()
        self._found.score(note for note in self._gains if note not in self._found.scores)
        self.scores = self._sum()
        if query is not None and corpus.embedded:
            self._found.complete(query.vector, first_stage.best(self.scores, ADMITTED))
            self.scores = self._sum()
            if reads(query):
                self._read(Reading(corpus, question, query))
        self._ranks: _Ranks | None = None

    def score(self, note: NoteId) -> float:
        """Return the score of a note, also of one that nothing speaks for."""
        if note not in self.scores:
            self._found.score([note])
            self.scores[note] = self._found.scores.get(note, float("-inf"))
        return self.scores[note]

    def passages(self, note: NoteId, count: int) -> list[tuple[int, float]]:
        """Return the best passages of a note, with what each falls short of the first."""
        best = best_passages(self._corpus, self._found, note, count)
        first = self._found.passage_score(best[0]) if best else 0.0
        return [(one, self._found.passage_score(one) - first) for one in best]

    def evidence(self, note: NoteId, passage: int) -> tuple[Evidence, ...]:
        """Return what brought a passage of a note; nothing when it was only assumed."""
        if self._ranks is None:
            self._ranks = _Ranks(self._corpus, self._found, self._expansion)
        return self._ranks.evidence(note, passage)

    def _sum(self) -> dict[NoteId, float]:
        scores = self._found.scores
        return {note: score + self._gains.get(note, 0.0) for note, score in scores.items()}

    def _read(self, reading: Reading) -> None:
        """Read the best passages of the best notes word by word, and score these again.

        A note that a link leads to often says what the question does not: the score of the
        link stands in for words that the note does not hold.
        """
        admitted = first_stage.best(self.scores, ADMITTED)
        if not admitted:
            return
        passages = [best_passages(self._corpus, self._found, note, READ) for note in admitted]
        nearness = iter(reading.passages([one for some in passages for one in some]).tolist())
        for some in passages:
            self._found.late.update((one, LATE * next(nearness)) for one in some)
        read = [max(self._found.late[one] for one in some) for some in passages]
        least = min(read)
        for note, score in zip(admitted, read, strict=True):
            self.scores[note] += max(score - least, self._gains.get(note, 0.0))


def _expand(corpus: Corpus, question: str, found: FirstStage, hops: int) -> Expansion:
    expansion = Expansion()
    if not hops:
        return expansion
    sources = activations(found.scores, SEEDS)
    expansion.seeds = {note for note, _ in sources}
    named = sources[:NAME_SEEDS]
    passages = {note: best_passages(corpus, found, note, NAME_PASSAGES) for note, _ in named}
    folded = f" {' '.join(tokens(question))} "
    expansion.names = along_names(corpus, named, passages, folded)
    _follow_asked(corpus, question, expansion)
    for _ in range(hops):
        expansion.links.append(along_links(corpus, sources))
        layer = expansion.links[-1]
        onward = sorted(layer, key=lambda note: (-layer[note].score, note))[:SEEDS]
        sources = [(note, layer[note].score * FADING) for note in onward]
    return expansion


def _follow_asked(corpus: Corpus, question: str, expansion: Expansion) -> None:
    """Note where the edges lead that a question asks for, and the note that has them."""
    asked = relation_questions.answerable(corpus, question)
    if asked is None or not asked.relations:
        return
    here = asked.subject
    if here not in corpus.notes:
        # Who links to a note that is not written names it, as the question does.
        expansion.names |= {relation.source: ASKED for relation in asked.relations}
        return
    expansion.names[here] = ASKED
    for number, relation in enumerate(asked.relations):
        end = relation.target if relation.source == here else relation.source
        way = (relation,) if asked.kind == "edges" else asked.relations[: number + 1]
        if end is not None and end != asked.subject:
            expansion.asked.setdefault(end, way)
        if end is not None and asked.kind != "edges":
            here = end


def best_passages(corpus: Corpus, found: FirstStage, note: NoteId, count: int) -> list[int]:
    """Return the passages of a note that answer best, best first."""
    own = corpus.passages_of(note)
    return sorted(own, key=found.passage_score, reverse=True)[:count]


class _Ranks:
    """Rank and score of every passage and note with each retriever: 1 is best."""

    def __init__(self, corpus: Corpus, found: FirstStage, expansion: Expansion) -> None:
        self._corpus = corpus
        self._found = found
        self._expansion = expansion
        self._dense = _ranked(found.dense)
        self._words = sorted(found.words.values())
        self._named = first_stage.name_scores(found.named)
        for note, score in expansion.names.items():
            self._named[note] = self._named.get(note, 0.0) + score
        self._names = _ranked(_by_score(self._named))
        self._linked = expansion.link_scores()
        self._links = _ranked(_by_score(self._linked))

    def evidence(self, note: NoteId, passage: int) -> tuple[Evidence, ...]:
        words = self._found.words
        found: list[Evidence] = []
        if passage in self._dense:
            rank, score = self._dense[passage], self._found.cosines[passage]
            found.append(Evidence("dense", rank, float(score)))
        if passage in words:
            better = len(self._words) - bisect_right(self._words, words[passage])
            found.append(Evidence("bm25", 1 + better, words[passage]))
        if note in self._names:
            found.append(Evidence("names", self._names[note], self._named[note]))
        if note in self._links:
            path = self._expansion.path(self._corpus.graph, note)
            found.append(Evidence("graph", self._links[note], self._linked[note], path))
        return tuple(found)


def _by_score(scores: Mapping[NoteId, float]) -> list[NoteId]:
    return sorted(scores, key=lambda note: (-scores[note], note))


def _ranked(items: Sequence[Item]) -> dict[Item, int]:
    return {item: rank for rank, item in enumerate(items, start=1)}
