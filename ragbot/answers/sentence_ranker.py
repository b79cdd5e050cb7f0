"""The sentences of the notes that answer a question, best first.

Each word of the question is compared with the nearest word of a sentence (with title and
headings), of the sentences before and after it, and of its passage. The score of retrieval
counts a little.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, zip_longest

import numpy as np
from numpy.typing import NDArray

from ragbot.answers.candidates import Candidate, gather
from ragbot.index.corpus import Corpus
from ragbot.index.notes import NameMatch
from ragbot.models import Hit, NoteId, Span
from ragbot.questions.answer_type import fit
from ragbot.questions.question import Question, QuestionVectors
from ragbot.questions.question_type import defines
from ragbot.retrieval.late_interaction import Reading, reads
from ragbot.text.folding import stem
from ragbot.text.tokenize import content_words, terms

Scores = NDArray[np.float64]

PASSAGES = 60
"""Best passages whose sentences are scored; twice as many gave no better answers."""

IN_CONTEXT, ALONE, NEIGHBOURS, PASSAGE = 2.0, 0.5, 0.3, 0.8
"""Weights of the similarity to the question: of a sentence with its title and headings, of the
sentence alone, of the better of its two neighbours, and of its passage."""

RETRIEVAL, MISSING_VALUE = 0.1, 0.2
"""Weight of the passage's score in retrieval; penalty of a sentence that lacks the number, date or
name asked for."""

ANNOTATION = 0.2
"""Penalty of the annotation of a typed relation, which names notes but explains little."""

DEFINES, NAMED_NOTE = 0.3, 0.15
"""For a "what is X?" question, added to a sentence that defines X, and to those of a note named
X."""

REASON, EXPLAINING_HEADING = 0.25, 0.6
"""For a "why" question, added to a sentence with a reason, and to those of the best note under a
heading such as "Mechanism"."""

WHOLE_LIST = 0.2
"""Added to a whole list, if a list is asked for."""

WORDS_WITHOUT_VECTORS, RETRIEVAL_WITHOUT_VECTORS = 0.5, 0.3
"""Without vectors: weights of the share of the question's words, and of the passage's score."""

NAME_SIMILARITY = 0.9
"""Similarity of a note to the words of the question that name it, such as its alias."""

PART_WEIGHT = 0.5
"""Weight of a part of the question; the whole question has the rest."""

LEAST_REPEATED = 0.8
"""Share of common words from which two sentences count as repeats."""


_REASON = re.compile(
    r"\b(because|since|therefore|thus|hence|due to|so that|in order to|as a result|which is why"
    r"|leads? to|causes?d?|explains?|the reason)\b|, so\b",
    re.IGNORECASE,
)
_REASONS = re.compile(r"\b(why|how|mechanisms?|explanations?|reasons?|causes?|rationale)\b", re.I)


@dataclass(frozen=True, slots=True)
class RankedSentence:
    """A sentence with its score; `word_cosines` holds its cosine with each piece of the question.

    `word_cosines` is of shape (word pieces,), empty without vectors.
    """

    candidate: Candidate
    score: float
    word_cosines: Scores


@dataclass(frozen=True, slots=True)
class Ranking:
    """The sentences for a question, best first, near-repeats left out.

    `parts` holds one ranking for each part of the question; `whole` alone if it has none.
    """

    whole: tuple[RankedSentence, ...]
    parts: tuple[tuple[RankedSentence, ...], ...]

    @property
    def in_turn(self) -> list[RankedSentence]:
        """The best sentence for each part of the question, then the second best of each, ..."""
        if len(self.parts) == 1:
            return list(self.parts[0])
        turns = chain.from_iterable(zip_longest(*self.parts))
        return list(_without_repeats(one for one in turns if one is not None))


def rank(corpus: Corpus, question: Question, hits: Sequence[Hit]) -> Ranking:
    """Return the ranked sentences of the notes found."""
    pool = gather(corpus, question, hits, PASSAGES)
    if not pool:
        return Ranking((), ())
    whole = score(corpus, question, pool)
    best = tuple(_without_repeats(_best_first(whole)))
    parts = [_for_part(whole, score(corpus, part, pool)) for part in question.parts]
    ranked = tuple(tuple(_without_repeats(_best_first(part))) for part in parts)
    return Ranking(best, ranked or (best,))


def score(corpus: Corpus, question: Question, pool: Sequence[Candidate]) -> list[RankedSentence]:
    """Return the scores of candidates, in their order; those of one passage must be adjacent."""
    retrieval = np.array([one.passage_score for one in pool])
    retrieval -= retrieval.max()
    missing = 1 - np.array([fit(question.wanted, [one.text]) for one in pool])
    if reads(question.vectors) and corpus.embedded:
        scores, word_cosines = _similarities(corpus, question.vectors, question.names, pool)
        scores += RETRIEVAL * retrieval
    else:
        scores = (
            WORDS_WITHOUT_VECTORS * overlap(corpus, question.terms, pool)
            + RETRIEVAL_WITHOUT_VECTORS * retrieval
        )
        word_cosines = np.zeros((len(pool), 0))
    scores -= MISSING_VALUE * missing
    scores -= ANNOTATION * _annotations(corpus, pool)
    scores += [WHOLE_LIST * one.listed for one in pool]
    if question.type == "why":
        scores += _explaining(pool)
    if question.term:
        scores += _defining(question.term, question.names, pool)
    return [
        RankedSentence(candidate, float(value), row)
        for candidate, value, row in zip(pool, scores, word_cosines, strict=True)
    ]


def overlap(corpus: Corpus, asked_terms: Iterable[str], pool: Sequence[Candidate]) -> Scores:
    """Return the share of the question's words, by rarity, that each sentence contains.

    The words of title and headings count too. Shape (candidates,).
    """
    asked = {stem(word): corpus.rarity(word) for word in asked_terms}
    total = sum(asked.values()) or 1.0
    context: dict[tuple[str, ...], set[str]] = {}
    shares = []
    for one in pool:
        above = (corpus.notes[one.note].title, *one.headings)
        if above not in context:
            context[above] = {stem(word) for word in terms(" ".join(above))}
        words = context[above] | {stem(word) for word in terms(one.text)}
        shares.append(sum(rarity for word, rarity in asked.items() if word in words) / total)
    return np.array(shares)


def _annotations(corpus: Corpus, pool: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Return which candidates are what an author wrote below a typed relation."""
    spans = {
        note: [one.annotation_span for one in corpus.notes[note].relations if one.annotation_span]
        for note in {one.note for one in pool}
    }
    return np.array(
        [
            one.unit.kind != "property"
            and any(first < one.span[1] and one.span[0] < last for first, last in spans[one.note])
            for one in pool
        ],
        bool,
    )


def _for_part(
    whole: Sequence[RankedSentence], part: Sequence[RankedSentence]
) -> list[RankedSentence]:
    """Return the scores for one part, shifted so that the best equals the best of the whole."""
    means = [
        (1 - PART_WEIGHT) * one.score + PART_WEIGHT * other.score
        for one, other in zip(whole, part, strict=True)
    ]
    more = max(one.score for one in whole) - max(means)
    return [replace(one, score=mean + more) for one, mean in zip(whole, means, strict=True)]


def _best_first(ranked: Sequence[RankedSentence]) -> list[RankedSentence]:
    return sorted(ranked, key=lambda one: -one.score)


def _explaining(pool: Sequence[Candidate]) -> Scores:
    best = max(pool, key=lambda one: one.passage_score).note
    return np.array(
        [
            REASON * (_REASON.search(one.text) is not None)
            + EXPLAINING_HEADING * (one.note == best and _explains(one.headings))
            for one in pool
        ]
    )


def _explains(headings: Sequence[str]) -> bool:
    return _REASONS.search(" ".join(headings[1:])) is not None


def _defining(
    term: frozenset[str], names: Sequence[NameMatch], pool: Sequence[Candidate]
) -> Scores:
    named = {
        note
        for name in names
        if term <= {stem(word) for word in name.name.split()}
        for note in name.notes
    }
    return np.array(
        [DEFINES * defines(term, one.text) + NAMED_NOTE * (one.note in named) for one in pool]
    )


def _similarities(
    corpus: Corpus,
    vectors: QuestionVectors,
    names: Sequence[NameMatch],
    pool: Sequence[Candidate],
) -> tuple[Scores, Scores]:
    """Return the scores by late interaction, and the similarity to each word of the question."""
    spans = [
        (number, [one.context for one in group])
        for number, group in groupby(pool, key=lambda one: one.passage)
    ]
    scores: list[Scores] = []
    word_cosines: list[Scores] = []
    reading = Reading(corpus, vectors)
    for (number, _), found in zip(spans, reading.pieces(spans), strict=True):
        others = np.concatenate(([0.0], found.own, [0.0]))
        neighbours = np.maximum(others[:-2], others[2:])
        # A question may use a note's alias, which its passages need not contain.
        named = _naming(vectors.spans, names, corpus.passage(number).note)
        pieces = np.where(named, np.maximum(found.words, NAME_SIMILARITY), found.words)
        in_context = pieces @ reading.weights
        scores.append(
            IN_CONTEXT * in_context
            + ALONE * found.own
            + NEIGHBOURS * neighbours
            + PASSAGE * found.passage
        )
        word_cosines.append(pieces)
    return np.concatenate(scores), np.concatenate(word_cosines)


def _naming(pieces: Sequence[Span], names: Sequence[NameMatch], note: NoteId) -> NDArray[np.bool_]:
    """Return which word pieces of a question belong to a name of a note."""
    spans = [name.span for name in names if note in name.notes]
    return np.array(
        [any(first <= a and b <= last for first, last in spans) for a, b in pieces], bool
    )


def _without_repeats(ranked: Iterable[RankedSentence]) -> Iterator[RankedSentence]:
    kept: dict[int, list[set[str]]] = {}
    for one in ranked:
        words = {stem(word) for word in content_words(one.candidate.text)}
        # Sets with the same words have about the same size.
        least, most = LEAST_REPEATED * len(words), len(words) / LEAST_REPEATED
        alike = chain.from_iterable(
            kept.get(size, ()) for size in range(math.floor(least), math.ceil(most) + 1)
        )
        if not any(len(words & other) >= LEAST_REPEATED * len(words | other) for other in alike):
            kept.setdefault(len(words), []).append(words)
            yield one
