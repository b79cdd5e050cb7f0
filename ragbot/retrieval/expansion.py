"""Expansion: what the notes at the top lead to, by their links and by rare names.

A note's score flows along its links to where they lead. What arrives is less
the lower the note stands, the more links it has, and the more notes link to
the target: a link to a hub says little. Of several ways to a note the best one
counts, so that a hub gains nothing from its many links.

Floor 4: array work on the graph and the names of one generation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.arcs import GHOST
from ragbot.index.shared_names import SharedNames
from ragbot.retrieval.first_stage import best

Scores = NDArray[np.float64]

SHARPNESS = 0.6
"""Score below the best seed at which a seed passes on 1/e of what the best one does."""

FORWARD = 1.2
"""Worth of a link from the best seed to a note that nothing else links to."""

BACK = 0.3
"""The same for a link to the seed: what speaks of an answer is less often one itself."""

NAMES = 0.7
"""Worth of a name that the best seed shares with one other note."""

CROWDING = 0.25
"""Exponent of the number of links that the giver holds."""


MOST_EDGES = 500
"""Edges of one note that are followed, those worth most: a hub's thousand weigh little each."""


@dataclass(frozen=True, slots=True)
class Step:
    """The best way found to a note: its worth, and the row of the note it came from."""

    worth: float
    origin: int


def activations(scores: Scores, count: int) -> list[tuple[int, float]]:
    """Return the `count` best rows with what they pass on, 1 for the best, best first."""
    rows = best(scores, count)
    return [(row, float(np.exp((scores[row] - scores[rows[0]]) / SHARPNESS))) for row in rows]


def along_links(graph: RelationGraph, seeds: Iterable[tuple[int, float]]) -> dict[int, Step]:
    """Follow the links of the seeds, one step in either direction.

    Parameters
    ----------
    seeds
        Rows of notes with what they pass on, in (0, 1].

    Returns
    -------
    dict of row to Step
        Every note reached with the best way to it.
    """
    reached: dict[int, Step] = {}
    for row, strength in seeds:
        out = graph.edges_out(row)
        out = out[graph.target[out] != GHOST]
        forward = FORWARD * strength * graph.trust[out] * graph.rarity[graph.target[out]]
        forward *= max(1, int(graph.out_degree[row])) ** -CROWDING
        _keep_best(reached, row, graph.target[out], forward)

        back = graph.edges_in(row)
        backward = graph.out_degree[graph.source[back]].astype(np.float64) ** -CROWDING
        backward *= BACK * strength * graph.trust[back] * float(graph.rarity[row])
        _keep_best(reached, row, graph.source[back], backward)
    return reached


def along_names(
    shared: SharedNames,
    seeds: Sequence[tuple[int, float]],
    rows: Mapping[int, Sequence[int]],
    question: str,
) -> dict[int, float]:
    """Follow the rare names of the seeds to the notes that hold them too.

    Parameters
    ----------
    rows
        Chunks of each seed whose names count.
    question
        The question's words, folded, with a space at either end: a name that
        stands in it was searched for already.

    Returns
    -------
    dict of row to worth
    """
    reached: dict[int, float] = {}
    for row, strength in seeds:
        for name, weight, notes in shared.shared(rows[row]):
            if f" {name} " in question:
                continue
            worth = NAMES * strength * weight
            for note in notes.tolist():
                if note != row and worth > reached.get(note, 0.0):
                    reached[note] = worth
    return reached


def _keep_best(
    reached: dict[int, Step], origin: int, notes: NDArray[np.int64], worths: Scores
) -> None:
    if len(notes) > MOST_EDGES:
        kept = np.argpartition(-worths, MOST_EDGES)[:MOST_EDGES]
        notes, worths = notes[kept], worths[kept]
    for note, worth in zip(notes.tolist(), worths.tolist(), strict=True):
        if worth > 0 and (note not in reached or worth > reached[note].worth):
            reached[note] = Step(worth, origin)
