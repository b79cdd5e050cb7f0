"""Expansion: score the notes that the best notes link to.

A note passes a share of its score on to the notes that it links to: the lower its rank, the less.
The more notes link to a target, the less it gains, because a link to a hub says little. Of several
links to a note only the one from the best note counts, so that a hub gains nothing from its many
links.

The weight of links depends on the graph. Links that join notes of similar meaning count in full;
links between random notes, as in a graph whose edges were shuffled, do not count.

References
----------
Crestani (1997), "Application of spreading activation techniques in information retrieval",
doi:10.1023/A:1006569829653.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ragbot.index.corpus import Corpus
from ragbot.models import NoteId, Relation
from ragbot.questions.relation_questions import RelationQuestion
from ragbot.retrieval.first_stage import best

SEEDS = 10
"""Notes whose links are followed."""

DECAY = 0.25
"""Score below that of the best seed at which a seed passes on 1/e of the share."""

LINK = 0.5
"""Score of a link from the best seed to a note with no other link, at full trust."""

FADING = 0.5
"""Share of the score that a further hop passes on."""

ASKED = 1.0
"""Score of an edge that the question asks for by its predicate."""


@dataclass(frozen=True, slots=True)
class Step:
    """The last step of the best path to a note: the score of the path, and the note before."""

    score: float
    origin: NoteId


@dataclass(frozen=True, slots=True)
class Expansion:
    """The notes that links led to.

    Attributes
    ----------
    seeds
        The notes that links were followed from.
    layers
        The steps of each hop.
    asked
        The paths that a question about relations asks for.
    named
        Score of the notes that such a question asks about.
    """

    seeds: Collection[NoteId] = ()
    layers: Sequence[Mapping[NoteId, Step]] = ()
    asked: Mapping[NoteId, tuple[Relation, ...]] = field(default_factory=dict)
    named: Mapping[NoteId, float] = field(default_factory=dict)

    def link_scores(self) -> dict[NoteId, float]:
        """Return the score of the best way to each note that links led to."""
        scores = dict.fromkeys(self.asked, ASKED)
        for layer in self.layers:
            for note, step in layer.items():
                scores[note] = max(scores.get(note, 0.0), step.score)
        return scores

    def gains(self) -> dict[NoteId, float]:
        """Return the score that links, and the relations asked for, add to each note."""
        gains = self.link_scores()
        for note, score in self.named.items():
            gains[note] = gains.get(note, 0.0) + score
        return gains

    def path(self, corpus: Corpus, note: NoteId) -> tuple[Relation, ...]:
        """Return the relations from a seed to a note that links led to."""
        if note in self.asked:
            return self.asked[note]
        number = next(number for number, layer in enumerate(self.layers) if note in layer)
        path: list[Relation] = []
        for layer in reversed(self.layers[: number + 1]):
            path.append(corpus.graph.between(note, layer[note].origin))
            note = layer[note].origin
            if note in self.seeds:
                break
        return tuple(reversed(path))


def expand(
    corpus: Corpus, asked: RelationQuestion | None, scores: Mapping[NoteId, float], hops: int
) -> Expansion:
    """Return the notes that the best notes link to, and the relations that the question asks for.

    `scores` are those of the first stage; `hops` is the number of links to follow, 0 for none.
    """
    if not hops:
        return Expansion()
    paths, named = _asked_for(corpus, asked) if asked and asked.relations else ({}, {})
    sources = activations(scores)
    seeds = {note for note, _ in sources}
    layers = []
    for _ in range(hops):
        layer = along_links(corpus, sources)
        layers.append(layer)
        onward = best({note: step.score for note, step in layer.items()}, SEEDS)
        sources = [(note, FADING * layer[note].score / LINK) for note in onward]
    return Expansion(seeds, layers, paths, named)


def activations(scores: Mapping[NoteId, float]) -> list[tuple[NoteId, float]]:
    """Return the best notes, best first, each with the share of its score that it passes on."""
    notes = best(scores, SEEDS)
    return [(note, math.exp((scores[note] - scores[notes[0]]) / DECAY)) for note in notes]


def along_links(corpus: Corpus, sources: Iterable[tuple[NoteId, float]]) -> dict[NoteId, Step]:
    """Return the best way to each note that the links of `sources` lead to in one step.

    These are notes, best first, with the share of a link's score that they pass on.
    """
    reached: dict[NoteId, Step] = {}
    trust = corpus.link_trust
    links = [(origin, share, corpus.graph.outgoing(origin)) for origin, share in sources]
    rarity = corpus.graph.rarities({note for _, _, linked in links for note in linked})
    for origin, share, linked in links:
        for note in linked:
            score = LINK * trust * share * rarity[note]
            known = reached.get(note)
            if score > 0 and (known is None or score > known.score):
                reached[note] = Step(score, origin)
    return reached


def _asked_for(
    corpus: Corpus, asked: RelationQuestion
) -> tuple[dict[NoteId, tuple[Relation, ...]], dict[NoteId, float]]:
    """Return the paths along the relations asked for, and the scores of the notes asked about."""
    here = asked.subject
    if here not in corpus.notes:
        # A note that links to a ghost contains its name, as the question does.
        return {}, {relation.source: ASKED for relation in asked.relations}
    paths: dict[NoteId, tuple[Relation, ...]] = {}
    for number, relation in enumerate(asked.relations):
        end = relation.target if relation.source == here else relation.source
        way = (relation,) if asked.kind == "edges" else asked.relations[: number + 1]
        if end is not None and end != asked.subject:
            paths.setdefault(end, way)
        if end is not None and asked.kind != "edges":
            here = end
    return paths, {asked.subject: ASKED}
