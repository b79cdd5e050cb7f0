"""Retrieve the hits for a question, each with its evidence.

A question that asks several things is searched as a whole and clause by clause. The score of a
note is the mean of its score for the whole and of its score for the clause that it answers best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ragbot.index.corpus import Corpus
from ragbot.inference.reranker import CANDIDATES, Reranker
from ragbot.models import Filters, Hit, NoteId
from ragbot.notes.conflicts import conflict_copies
from ragbot.questions.question import Question
from ragbot.retrieval import first_stage
from ragbot.retrieval.filters import allowed_notes
from ragbot.retrieval.scoring import ADMITTED, QueryScoring

HOPS = 1
"""Links followed from a seed, unless asked otherwise."""

NO_FILTERS = Filters()


def retrieve(
    corpus: Corpus,
    question: Question,
    *,
    k: int = 10,
    filters: Filters = NO_FILTERS,
    hops: int = HOPS,
    per_note: int = 1,
) -> list[Hit]:
    """Find the passages that answer a question.

    Parameters
    ----------
    corpus
        One snapshot of an index.
    question
        The question; each of its parts is searched too.
    k
        Number of hits wanted, >= 1.
    filters
        Which notes may be found.
    hops
        Links to follow from a seed; 0 leaves the graph out.
    per_note
        Greatest number of hits in one note, >= 1.

    Returns
    -------
    list of Hit
        At most `k`, best first. A hit found over relations carries the path
        from the seed. A passage that shares no word, meaning or link with the
        question is not returned.

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
    scorings = [QueryScoring(corpus, one, allowed, hops) for one in (question, *question.parts)]
    return _hits(corpus, scorings, k, per_note)


class Retriever:
    """Retrieval, and after it a cross-encoder that reads the best hits again.

    Parameters
    ----------
    model
        Name or folder of the cross-encoder, loaded when it is first needed; empty for none.
    """

    def __init__(self, model: str = "") -> None:
        self._reranker = Reranker(model) if model else None

    def retrieve(
        self, corpus: Corpus, question: Question, k: int, filters: Filters, hops: int
    ) -> list[Hit]:
        """Find the passages that answer a question, see `retrieve`."""
        if self._reranker is None:
            return retrieve(corpus, question, k=k, filters=filters, hops=hops)
        hits = retrieve(corpus, question, k=max(k, CANDIDATES), filters=filters, hops=hops)
        notes = [corpus.notes[hit.passage.note] for hit in hits]
        return self._reranker.rerank(question.standalone, hits, notes)[:k]


def _hits(corpus: Corpus, scorings: Sequence[QueryScoring], k: int, per_note: int) -> list[Hit]:
    scores, best = _together(scorings)
    hits: list[Hit] = []
    # Notes without evidence are skipped, so more than k are tried.
    for note in first_stage.best(scores, 2 * k + ADMITTED):
        if len(hits) >= k * per_note:
            break
        scoring = scorings[best[note]]
        for passage, short in scoring.passages(note, per_note):
            if evidence := scoring.evidence(note, passage):
                hits.append(Hit(corpus.passage(passage), scores[note] + short, evidence))
    return _copies_behind(sorted(hits, key=lambda hit: -hit.score))[:k]


def _copies_behind(hits: Sequence[Hit]) -> list[Hit]:
    """Move conflict copies right behind the original, if that is found too."""
    scores = {hit.passage.note: hit.score for hit in reversed(hits)}
    copies = conflict_copies(scores)
    if not copies:
        return list(hits)
    # The next lower float: of equal sentences in both notes, the original's comes first.
    below = {copy: math.nextafter(scores[note], -math.inf) for copy, note in copies.items()}
    lowered = [
        replace(hit, score=min(hit.score, below.get(hit.passage.note, hit.score))) for hit in hits
    ]
    return sorted(lowered, key=lambda hit: -hit.score)


def _together(
    scorings: Sequence[QueryScoring],
) -> tuple[dict[NoteId, float], dict[NoteId, int]]:
    """Score notes by the whole question and its clauses; return each with its best clause.

    Scores are relative to that of the best note, because a clause of two rare words and one of ten
    common words have different scales.
    """
    whole = scorings[0].scores
    if len(scorings) == 1 or not whole:
        return whole, dict.fromkeys(whole, 0)
    tops = [max(scoring.scores.values(), default=0.0) for scoring in scorings]
    scores: dict[NoteId, float] = {}
    best: dict[NoteId, int] = {}
    for note in sorted({note for scoring in scorings for note in scoring.scores}):
        below = [
            scoring.scores.get(note, scoring.least) - top
            for scoring, top in zip(scorings, tops, strict=True)
        ]
        # A part that did not find the note has no evidence for it.
        finders = [number for number, one in enumerate(scorings) if note in one.scores]
        best[note] = max(finders, key=lambda number: below[number])
        scores[note] = tops[0] + (below[0] + max(below[1:])) / 2
    return scores, best
