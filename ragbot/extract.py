"""Extract: the sentences of the notes that answer a question, best first.

A sentence is scored by its meaning and words under its title and headings, by
the part of the question that it meets best, and by the passage that holds it.

Floor 4: reads a corpus.

References
----------
Near-repeats are left out as in Carbonell and Goldstein (1998), "The use of MMR,
diversity-based reranking for reordering documents and producing summaries",
with a threshold in place of the weighted difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragbot.candidates import Candidate, gather
from ragbot.chunk import embedding_text
from ragbot.corpus import Corpus, FloatArray
from ragbot.expected import holds
from ragbot.kinds import parts
from ragbot.phrasing import stem
from ragbot.schema import Chunk, Hit
from ragbot.words import content_words

Scores = NDArray[np.float64]
Encode = Callable[[Sequence[str]], FloatArray]

POOL = 300
"""Sentences read; the best of them by passage and words are encoded."""

ENCODED = 64
"""Sentences encoded: about half a second on two slow cores, once per sentence."""

REPEATED = 0.92
"""Cosine from which two sentences say the same."""

PART_WEIGHT, PASSAGE_WEIGHT, WORDS_WEIGHT, WORTH_WEIGHT = 0.5, 0.5, 0.5, 0.3
"""What the best part of the question, the passage, the words and retrieval weigh beside the
cosine of question and sentence; chosen on the dev questions, flat around these values."""

MISFIT = 0.2
"""Taken off a sentence without a number, a date or a name, when one is asked for."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A sentence with its score.

    `meaning` is its cosine with the question (0 without vectors); `words` the
    share of the question's words that it and its headings hold, by rarity.
    """

    candidate: Candidate
    score: float
    meaning: float
    words: float


def rank(
    corpus: Corpus,
    query: str,
    hits: Sequence[Hit],
    encode: Encode | None = None,
    vector: FloatArray | None = None,
) -> list[Picked]:
    """Score the sentences of the notes found, best first, near-repeats left out.

    Parameters
    ----------
    query
        The question, standing alone.
    hits
        What retrieval found, best first.
    encode
        Texts to unit vectors, shape (n, d); None to judge by words alone.
    vector
        `query` encoded, shape (d,); None to judge by words alone.
    """
    pool = gather(corpus, query, vector, hits, POOL)
    if not pool:
        return []
    worth = np.array([candidate.worth for candidate in pool])
    rough = overlap(corpus, query, pool) + 0.5 * (worth - worth.max())
    pool = [pool[place] for place in np.argsort(-rough, kind="stable")[:ENCODED]]
    picked, told = score(corpus, query, pool, encode, vector, float(worth.max()))
    return _without_repeats(picked, told)


def score(
    corpus: Corpus,
    query: str,
    pool: Sequence[Candidate],
    encode: Encode | None,
    vector: FloatArray | None,
    best_worth: float,
) -> tuple[list[Picked], FloatArray | None]:
    """Score candidates in their order; with them their unit vectors, shape (n, d), if encoded.

    Parameters
    ----------
    best_worth
        Worth of the best passage: what others fall short of it counts against them.
    """
    words = overlap(corpus, query, pool)
    worth = np.array([candidate.worth for candidate in pool]) - best_worth
    scores = WORDS_WEIGHT * words + WORTH_WEIGHT * worth
    meaning = np.zeros(len(pool))
    told: FloatArray | None = None
    if encode is not None and vector is not None:
        asked = parts(query)
        vectors = encode([*asked, *(in_context(corpus, candidate) for candidate in pool)])
        told = vectors[len(asked) :]
        meaning = (told @ vector).astype(np.float64)
        part = (told @ vectors[: len(asked)].T).max(axis=1)
        scores = scores + meaning + PART_WEIGHT * part
        if corpus.embedded:
            rows = [candidate.row for candidate in pool]
            scores = scores + PASSAGE_WEIGHT * corpus.similarities(vector, rows)
    scores -= [0.0 if holds(query, candidate.text) else MISFIT for candidate in pool]
    picked = [
        Picked(candidate, float(score), float(near), float(share))
        for candidate, score, near, share in zip(pool, scores, meaning, words, strict=True)
    ]
    return picked, told


def in_context(corpus: Corpus, candidate: Candidate) -> str:
    """Give a sentence as it is encoded: under the title of its note and its headings."""
    note = corpus.notes[candidate.note]
    source = note.text[slice(*candidate.span)]
    return embedding_text(note, Chunk(note.id, candidate.span, source, candidate.headings))


def overlap(corpus: Corpus, query: str, pool: Sequence[Candidate]) -> Scores:
    """Share of the question's words, by rarity, that each sentence and its headings hold."""
    asked = {stem(word): corpus.lexical.rarity(word) for word in content_words(query)}
    total = sum(asked.values()) or 1.0
    context: dict[tuple[str, ...], set[str]] = {}
    shares = []
    for candidate in pool:
        above = (corpus.notes[candidate.note].title, *candidate.headings)
        if above not in context:
            context[above] = {stem(word) for word in content_words(" ".join(above))}
        held = context[above] | {stem(word) for word in content_words(candidate.text)}
        shares.append(sum(worth for word, worth in asked.items() if word in held) / total)
    return np.array(shares)


def _without_repeats(picked: Sequence[Picked], told: FloatArray | None) -> list[Picked]:
    order = sorted(range(len(picked)), key=lambda place: -picked[place].score)
    kept: list[int] = []
    seen: set[str] = set()
    for place in order:
        text = picked[place].candidate.text.casefold()
        near = told is not None and bool(kept) and float((told[kept] @ told[place]).max())
        if text not in seen and not (near and near > REPEATED):
            kept.append(place)
            seen.add(text)
    return [picked[place] for place in kept]
