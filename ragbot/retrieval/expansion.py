"""Expansion: what the best notes lead to, by their links and by rare names.

A note's score flows along its links to the notes they lead to. What arrives is less
the lower the note ranks, the more links it has, and the more notes link to
the target: a link to a hub says little. Of several ways to a note the best one
counts, so that a hub gains nothing from its many links.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ragbot.index.corpus import Corpus
from ragbot.index.stored_graph import link_rarity
from ragbot.models import NoteId
from ragbot.retrieval.first_stage import best

SHARPNESS = 0.6
"""Score below the best seed at which a seed passes on 1/e of what the best one does."""

FORWARD = 1.2
"""Score of a link from the best seed to a note that nothing else links to."""

BACK = 0.3
"""The same for a link to the seed: what speaks of an answer is less often one itself."""

NAMES = 0.7
"""Score of a name that the best seed shares with one other note."""

CROWDING = 0.25
"""Exponent of the number of links that the source holds."""

MOST_EDGES = 500
"""Edges of one note that are followed, the best ones: a hub's thousand weigh little each."""


@dataclass(frozen=True, slots=True)
class Step:
    """The best way found to a note: its score, and the note it came from."""

    score: float
    origin: NoteId


def activations(scores: Mapping[NoteId, float], count: int) -> list[tuple[NoteId, float]]:
    """Return the `count` best notes with what they pass on, 1 for the best, best first."""
    notes = best(scores, count)
    return [(note, math.exp((scores[note] - scores[notes[0]]) / SHARPNESS)) for note in notes]


def along_links(corpus: Corpus, seeds: Iterable[tuple[NoteId, float]]) -> dict[NoteId, Step]:
    """Follow the links of the seeds, one step in either direction.

    Parameters
    ----------
    seeds
        Notes with what they pass on, in (0, 1].

    Returns
    -------
    dict of note to Step
        Every note reached with the best way to it.
    """
    reached: dict[NoteId, Step] = {}
    size = len(corpus.notes)
    seeds = list(seeds)
    sizes = corpus.sizes([note for note, _ in seeds])
    for note, strength in seeds:
        forward = FORWARD * strength * max(1, sizes[note].links_out) ** -CROWDING
        found = [
            (link.note, forward * link.trust * link_rarity(link.links_in, size))
            for link in corpus.graph.outgoing(note)
        ]
        _keep_best(reached, note, found)
        back = BACK * strength * link_rarity(sizes[note].links_in, size)
        found = [
            (link.note, back * link.trust * link.links_out**-CROWDING)
            for link in corpus.graph.incoming(note, MOST_EDGES)
        ]
        _keep_best(reached, note, found)
    return reached


def along_names(
    corpus: Corpus,
    seeds: Sequence[tuple[NoteId, float]],
    passages: Mapping[NoteId, Sequence[int]],
    question: str,
) -> dict[NoteId, float]:
    """Follow the rare names of the seeds to the notes that hold them too.

    Parameters
    ----------
    passages
        Passages of each seed whose names count.
    question
        The question's words, folded, with a space at either end: a name that
        occurs in it was searched for already.

    Returns
    -------
    dict of note to score
    """
    reached: dict[NoteId, float] = {}
    for note, strength in seeds:
        for name, weight, notes in corpus.shared_names(passages[note]):
            if f" {name} " in question:
                continue
            score = NAMES * strength * weight
            for other in notes:
                if other != note and score > reached.get(other, 0.0):
                    reached[other] = score
    return reached


def _keep_best(
    reached: dict[NoteId, Step], origin: NoteId, found: list[tuple[NoteId, float]]
) -> None:
    if len(found) > MOST_EDGES:
        found = sorted(found, key=lambda pair: -pair[1])[:MOST_EDGES]
    for note, score in found:
        if score > 0 and (note not in reached or score > reached[note].score):
            reached[note] = Step(score, origin)
