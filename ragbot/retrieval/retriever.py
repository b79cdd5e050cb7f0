"""Retrieve the hits for a question, each with its evidence.

A question that asks several things is searched as a whole and clause by clause. The score of a
note is the mean of its score for the whole and of its score for the clause that it answers best.

The first stage finds notes by meaning, words and names. The best of them are read word by word,
and their links are followed. A note's score is its own plus the best that a link passes on.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ragbot.index.corpus import Corpus
from ragbot.inference.sentence_transformer import CANDIDATES, Reranker
from ragbot.models import Evidence, Filters, Hit, NoteId
from ragbot.notes.conflicts import conflict_copies
from ragbot.questions.question import Question
from ragbot.retrieval import first_stage
from ragbot.retrieval.expansion import expand
from ragbot.retrieval.late_interaction import Reading, reads

HOPS = 1
"""Links followed from a seed by default."""

ADMITTED = 30
"""Notes that are read word by word."""

READ = 5
"""Best passages of such a note that are read."""

LATE = 1.5
"""Score of a passage that contains every word of the question."""

NO_FILTERS = Filters()

Item = TypeVar("Item")


def retrieve(
    corpus: Corpus,
    question: Question,
    *,
    k: int = 10,
    filters: Filters = NO_FILTERS,
    hops: int = HOPS,
    per_note: int = 1,
) -> list[Hit]:
    """Return the passages that answer a question.

    Parameters
    ----------
    question
        Each of its parts is searched too.
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
    """Retrieval, followed by a cross-encoder that ranks the best hits again.

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
        """Return the passages that answer a question, see `retrieve`."""
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
    return _copies_behind(corpus, sorted(hits, key=lambda hit: -hit.score))[:k]


def _copies_behind(corpus: Corpus, hits: Sequence[Hit]) -> list[Hit]:
    """Return hits with conflict copies directly behind their original, if it is found too."""
    scores = {hit.passage.note: hit.score for hit in reversed(hits)}
    copies = conflict_copies(scores, lambda note: corpus.notes[note].text)
    if not copies:
        return list(hits)
    # The next lower float, so that of two equal sentences the original's comes first.
    below = {copy: math.nextafter(scores[note], -math.inf) for copy, note in copies.items()}
    lowered = [
        replace(hit, score=min(hit.score, below.get(hit.passage.note, hit.score))) for hit in hits
    ]
    return sorted(lowered, key=lambda hit: -hit.score)


def _together(
    scorings: Sequence[QueryScoring],
) -> tuple[dict[NoteId, float], dict[NoteId, int]]:
    """Return the score of each note by the whole question and its clauses, and its best clause.

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


class QueryScoring:
    """The scores of notes and passages for one question or clause.

    `scores` has each note that was found by meaning, words, name or links; `least` is the score of
    any other note.
    """

    def __init__(
        self,
        corpus: Corpus,
        question: Question,
        allowed: Collection[NoteId] | None,
        hops: int,
    ) -> None:
        self._corpus = corpus
        vectors = question.vectors
        query = vectors.whole if vectors else None
        found = first_stage.find(corpus, question.words, query, question.notes, allowed)
        found.complete(first_stage.best(found.scores, ADMITTED))
        self._found = found
        self._expansion = expand(corpus, question.relation, found.scores, hops)
        gains = self._expansion.gains()
        found.score(note for note in gains if note not in found.scores)
        admitted = first_stage.best(_sum(found.scores, gains), ADMITTED)
        found.complete(admitted)
        read: dict[NoteId, float] = {}
        if reads(vectors) and corpus.embedded:
            admitted = first_stage.best(_sum(found.scores, gains), ADMITTED)
            read = self._read(Reading(corpus, vectors), admitted)
        self.scores = self._scores(read, gains)
        self.least = min(self.scores.values(), default=0.0)
        self._ranks: _Ranks | None = None

    def passages(self, note: NoteId, count: int) -> list[tuple[int, float]]:
        """Return the best passages of a note, each with its score minus that of the first one."""
        best = self._found.best_passages(note, count)
        first = self._found.passage_score(best[0]) if best else 0.0
        return [(one, self._found.passage_score(one) - first) for one in best]

    def evidence(self, note: NoteId, passage: int) -> tuple[Evidence, ...]:
        """Return the evidence for a passage of a note; empty if no retriever found it."""
        if self._ranks is None:
            self._ranks = _Ranks(self)
        return self._ranks.evidence(note, passage)

    def _read(self, reading: Reading, notes: Sequence[NoteId]) -> dict[NoteId, float]:
        """Return the score that each note gains when its best passages are compared word by word.

        The least similar note gains nothing, like one that is not read.
        """
        passages = [self._found.best_passages(note, READ) for note in notes]
        nearness = iter(reading.passages([one for some in passages for one in some]).tolist())
        for some in passages:
            self._found.late.update((one, LATE * next(nearness)) for one in some)
        read = [max((self._found.late[one] for one in some), default=0.0) for some in passages]
        least = min(read, default=0.0)
        return {note: score - least for note, score in zip(notes, read, strict=True)}

    def _scores(
        self, read: Mapping[NoteId, float], gains: Mapping[NoteId, float]
    ) -> dict[NoteId, float]:
        """Return the scores of the first stage plus those of late interaction and links.

        A linked note often lacks the words of the question; the score of the link makes up for
        them. But no link raises a note as high as its source.
        """
        expansion, base = self._expansion, self._found.scores
        own = _sum(_sum(base, read), expansion.named)
        scores = {
            note: score + gains.get(note, 0.0) + max(read.get(note, 0.0), gains.get(note, 0.0))
            for note, score in base.items()
        }
        linked = dict(own)
        for layer in expansion.layers:
            lifted = {
                note: max(own[note], min(scores[note], _below(linked[step.origin])))
                for note, step in layer.items()
                if note in own and step.origin in linked and note not in expansion.asked
            }
            linked |= lifted
            scores |= lifted
        return scores


def _below(score: float) -> float:
    return math.nextafter(score, -math.inf)


def _sum(scores: Mapping[NoteId, float], more: Mapping[NoteId, float]) -> dict[NoteId, float]:
    return {note: score + more.get(note, 0.0) for note, score in scores.items()}


class _Ranks:
    """Rank and score of every passage and note with each retriever: 1 is best."""

    def __init__(self, scoring: QueryScoring) -> None:
        self._corpus = scoring._corpus
        self._found = scoring._found
        self._expansion = scoring._expansion
        self._dense = _ranked(self._found.dense)
        self._words = sorted(self._found.bm25.values())
        self._named = dict(self._found.names)
        for note, score in self._expansion.named.items():
            self._named[note] = self._named.get(note, 0.0) + score
        self._names = _ranked(first_stage.best(self._named, len(self._named)))
        self._linked = self._expansion.link_scores()
        self._links = _ranked(first_stage.best(self._linked, len(self._linked)))

    def evidence(self, note: NoteId, passage: int) -> tuple[Evidence, ...]:
        bm25 = self._found.bm25
        found: list[Evidence] = []
        if passage in self._dense:
            score = float(self._found.cosines[passage])
            found.append(Evidence("dense", self._dense[passage], score))
        if passage in bm25:
            better = len(self._words) - bisect_right(self._words, bm25[passage])
            found.append(Evidence("bm25", 1 + better, bm25[passage]))
        if note in self._names:
            found.append(Evidence("names", self._names[note], self._named[note]))
        if note in self._links:
            path = self._expansion.path(self._corpus, note)
            found.append(Evidence("graph", self._links[note], self._linked[note], path))
        return tuple(found)


def _ranked(items: Sequence[Item]) -> dict[Item, int]:
    return {item: rank for rank, item in enumerate(items, start=1)}


# Filters


def allowed_notes(corpus: Corpus, filters: Filters) -> Collection[NoteId] | None:
    """Return the notes that pass all filters; None when nothing is filtered."""
    if not filters:
        return None
    allowed = corpus.matching(filters)
    if filters.near or filters.predicate:
        return set(allowed) & _joined(corpus, filters)
    return allowed


def filter_notice(corpus: Corpus, filters: Filters) -> str:
    """Return sentences on folders and tags that no note has, and on notes left out; else ""."""
    unknown = [
        f"No note is below the folder {folder!r}."
        for folder in filters.folders
        if not corpus.matching(Filters(folders=(folder,)))
    ]
    unknown += [
        f"No note has the tag {tag!r}."
        for tag in filters.tags
        if not corpus.matching(Filters(tags=(tag,)))
    ]
    if unknown:
        return " ".join(unknown)
    allowed = allowed_notes(corpus, filters)
    if allowed is not None and not allowed:
        return "No note passes the filters."
    undated = corpus.undated() if filters.since or filters.until else 0
    if not undated:
        return ""
    return f"{undated:,} note{'s' * (undated > 1)} without a known date left out."


def _joined(corpus: Corpus, filters: Filters) -> set[NoteId]:
    """Return the notes joined to `near` by `predicate`; without `near`, those at either end."""
    graph = corpus.graph
    if not filters.near:
        relations = list(graph.with_predicate(filters.predicate))
    else:
        near = filters.near if filters.near in corpus.notes else corpus.names.named(filters.near)
        relations = graph.neighbours(near, filters.predicate or None, "both") if near else []
    ends = {relation.source for relation in relations}
    return ends | {relation.target for relation in relations if relation.target is not None}
