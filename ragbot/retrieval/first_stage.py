"""Seeds: how well each note answers a question by meaning, by words and by its name.

Floor 4: reads a corpus; knows nothing of relations, but how many a note has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.index.lexical import Spotted

Scores = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DEPTH = 200
"""Chunks asked of the vector store; those beyond count as if they were the last of these."""

EXACT = 20
"""Notes at the top that words alone brought, whose cosine is then asked for."""

MEANING = 1.5
"""Worth of a cosine of 1 beside the best BM25 score, which counts 1."""

LINK_PRIOR = 0.05
"""Taken off a note per factor e of links it holds: directories speak of all, answer little."""

LENGTH_PRIOR = 0.02
"""Taken off a note per factor e of chunks: the best of many draws is high by chance."""


@dataclass(slots=True)
class Seeds:
    """What the question found, before any relation is followed.

    Attributes
    ----------
    notes
        Shape (notes,): cosine plus normalised BM25 of the note's best chunks,
        plus what its name is worth; `-inf` for a note that may not be found.
    cosines, words
        Shape (chunks,): cosine, as far as it is known (`known`), and BM25.
    dense
        Rows the vector store gave, best first.
    named
        Names of notes in the question.
    late
        What being read word by word is worth, by row, of the chunks that were.
    direct
        Shape (notes,): whether anything of the note was found, rather than assumed.
    """

    notes: Scores
    direct: BoolArray
    cosines: Scores
    words: Scores
    known: BoolArray
    dense: list[int]
    named: list[Spotted]
    late: dict[int, float] = field(default_factory=dict)

    def chunk_scores(self, rows: Sequence[int]) -> Scores:
        """Score chunks by cosine, normalised BM25, and what was read word by word."""
        scores: Scores = MEANING * self.cosines[rows] + self.words[rows] / _top(self.words)
        return scores + [self.late.get(row, 0.0) for row in rows]


def find(
    corpus: Corpus, question: str, query: FloatArray | None, allowed: BoolArray | None = None
) -> Seeds:
    """Score every note by the question alone.

    Parameters
    ----------
    query
        The encoded question, a unit vector; None to search by words and names.
    allowed
        Shape (notes,): which notes may be found; None for all.
    """
    lexical = corpus.lexical
    size = int(lexical.first_chunk[-1])
    words = lexical.passages(question).astype(np.float64)
    seeds = Seeds(
        np.full(len(lexical.notes), -np.inf),
        np.zeros(len(lexical.notes), dtype=bool),
        np.zeros(size),
        words,
        np.ones(size, dtype=bool),
        [],
        lexical.names(question),
    )
    if query is not None and corpus.embedded:
        _ask_nearest(corpus, query, seeds, allowed)
    score(corpus, seeds, allowed)
    if query is not None and corpus.embedded:
        complete(corpus, query, seeds, best(seeds.notes, EXACT))
        score(corpus, seeds, allowed)
    return seeds


def score(corpus: Corpus, seeds: Seeds, allowed: BoolArray | None) -> None:
    """Score every note by what is known of its chunks and its name."""
    first = corpus.lexical.first_chunk
    prior = LENGTH_PRIOR * np.log(np.maximum(np.diff(first), 1))
    prior += LINK_PRIOR * np.log1p(corpus.graph.out_degree)
    seeds.notes = MEANING * by_note(corpus, seeds.cosines) - prior
    seeds.notes += by_note(corpus, seeds.words) / _top(seeds.words)
    seeds.direct = by_note(corpus, seeds.words) > 0
    seeds.direct[np.searchsorted(first[1:], seeds.dense, side="right")] = True
    for row, worth in name_worth(corpus, seeds.named).items():
        seeds.notes[row] += worth
        seeds.direct[row] = True
    if allowed is not None:
        seeds.notes[~allowed] = -np.inf


def complete(corpus: Corpus, query: FloatArray, seeds: Seeds, notes: Iterable[int]) -> None:
    """Put exact cosines in place for all chunks of some notes."""
    first = corpus.lexical.first_chunk
    rows = [row for note in notes for row in range(first[note], first[note + 1])]
    missing = [row for row in rows if not seeds.known[row]]
    if missing:
        seeds.cosines[missing] = corpus.similarities(query, missing)
        seeds.known[missing] = True


def best(scores: Scores, count: int) -> list[int]:
    """Rows of the highest finite scores, best first, the lower row first among equals."""
    count = min(count, int(np.isfinite(scores).sum()))
    if not count:
        return []
    # Every row as good as the last one wanted, so that ties fall alike at every call.
    least = -np.partition(-scores, count - 1)[count - 1]
    rows = np.flatnonzero(scores >= least)
    return [int(row) for row in rows[np.argsort(-scores[rows], kind="stable")][:count]]


def by_note(corpus: Corpus, scores: Scores) -> Scores:
    """Best score among the chunks of each note, shape (notes,)."""
    first = corpus.lexical.first_chunk
    best = np.full(len(first) - 1, -np.inf)
    filled = first[:-1] < first[1:]
    if filled.any():
        best[filled] = np.maximum.reduceat(scores, first[:-1][filled])
    return best


def _ask_nearest(
    corpus: Corpus, query: FloatArray, seeds: Seeds, allowed: BoolArray | None
) -> None:
    if allowed is None:
        found = corpus.nearest(query, DEPTH)
    else:
        rows = np.flatnonzero(np.repeat(allowed, np.diff(corpus.lexical.first_chunk))).tolist()
        cosines = corpus.similarities(query, rows) if rows else np.zeros(0)
        best = np.argsort(-cosines, kind="stable")[:DEPTH]
        found = [(rows[place], float(cosines[place])) for place in best]
    near = [row for row, _ in found]
    seeds.known[:] = False
    seeds.known[near] = True
    seeds.cosines[:] = found[-1][1] if found else 0.0
    seeds.cosines[near] = [cosine for _, cosine in found]
    seeds.dense = [row for row, cosine in found if cosine > 0]


def name_worth(corpus: Corpus, named: Sequence[Spotted]) -> dict[int, float]:
    """Return what its name in the question is worth to each note: the rarer, the more."""
    worth: dict[int, float] = {}
    for spotted in named:
        for note in spotted.notes:
            row = corpus.graph.row(note)
            worth[row] = max(worth.get(row, 0.0), spotted.rarity * (1.0 if spotted.title else 0.9))
    return worth


def _top(scores: Scores) -> float:
    return float(scores.max(initial=0.0)) or 1.0
