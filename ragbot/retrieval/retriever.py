"""Retrieve: a question becomes hits, each with the evidence that brought it.

A question that asks several things is put to the corpus as a whole and clause
by clause; a note is worth what it is to the clause that it answers best, and,
with a smaller weight, to the whole.

Floor 4: pure of configuration; reads a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus
from ragbot.inference.reranker import CANDIDATES, Reranker
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import Filters, Hit
from ragbot.questions.subquestions import clauses
from ragbot.retrieval import first_stage
from ragbot.retrieval.filters import allowed_notes
from ragbot.retrieval.scoring import ADMITTED, Asking, Scores

CLAUSE = 0.65
"""Share of a note's worth that is its worth to a clause, where a question has several."""

HOPS = 1
"""Links followed from a seed, unless asked otherwise."""

NO_FILTERS = Filters()

IntArray = NDArray[np.int64]


def retrieve(
    corpus: Corpus,
    question: str,
    query: EncodedQuestion | None,
    *,
    k: int = 10,
    filters: Filters = NO_FILTERS,
    hops: int = HOPS,
    per_note: int = 1,
    reranker: Reranker | None = None,
    encode: EncodeQuestion | None = None,
) -> list[Hit]:
    """Find the passages that answer a question.

    Parameters
    ----------
    corpus
        One generation of an index.
    question
        A question that stands alone.
    query
        The question encoded; None for words and graph only.
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
    encode
        Encodes a clause of the question; None to search clauses by words
        and graph only.

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
    askings = [Asking(corpus, question, query, allowed, hops)]
    for clause in clauses(question):
        told = None if query is None or encode is None else encode(clause)
        askings.append(Asking(corpus, clause, told, allowed, hops))
    if reranker is None:
        return _hits(corpus, askings, k, per_note)
    hits = _hits(corpus, askings, max(k, CANDIDATES), per_note)
    return reranker.rerank(question, hits, [corpus.notes[hit.passage.note] for hit in hits])[:k]


def retriever(model: str = "", encode: EncodeQuestion | None = None) -> partial[list[Hit]]:
    """Give `retrieve` with an encoder of clauses, and with the cross-encoder of that name.

    The cross-encoder is loaded when it is first needed.
    """
    return partial(retrieve, reranker=Reranker(model) if model else None, encode=encode)


def _hits(corpus: Corpus, askings: Sequence[Asking], k: int, per_note: int) -> list[Hit]:
    scores, speaks = _together(askings)
    hits: list[Hit] = []
    # A note without evidence is passed over, so a few more than k are looked at.
    for note in first_stage.best(scores, 2 * k + ADMITTED):
        if len(hits) >= k * per_note:
            break
        asking = askings[speaks[note]]
        for row, short in asking.passages(note, per_note):
            if evidence := asking.evidence(note, row):
                hits.append(Hit(corpus.chunks[row], float(scores[note]) + short, evidence))
    return sorted(hits, key=lambda hit: -hit.score)[:k]


def _together(askings: Sequence[Asking]) -> tuple[Scores, IntArray]:
    """Score notes by the whole question and its clauses; say which of these is each one's best.

    Worth counts from that of the best note, since a clause of two rare words
    and one of ten common ones share no scale.
    """
    top = askings[0].scores.max(initial=-np.inf)
    below = np.stack([asking.scores - _top(asking.scores) for asking in askings])
    speaks = below.argmax(axis=0)
    if len(askings) == 1 or not np.isfinite(top):
        return askings[0].scores, speaks
    return top + (1 - CLAUSE) * below[0] + CLAUSE * below[1:].max(axis=0), speaks


def _top(scores: Scores) -> float:
    top = float(scores.max(initial=-np.inf))
    return top if np.isfinite(top) else 0.0
