"""Extract: the sentences of the notes that answer a question, best first.

Each word of the question looks for the nearest word of a sentence, under its title
and headings, of the sentences beside it, and of the passage around it; what
retrieval thought of the passage and of the note counts a little.

Floor 4: reads a corpus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, zip_longest

import numpy as np
from numpy.typing import NDArray

from ragbot.answers.candidates import Candidate, gather
from ragbot.index.corpus import Corpus
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import Hit
from ragbot.questions.answer_type import fit
from ragbot.questions.defining import defines, subject
from ragbot.questions.predicate_matcher import stem
from ragbot.questions.subquestions import clauses
from ragbot.retrieval.late_interaction import Reading, reads
from ragbot.text.tokenize import content_words

Scores = NDArray[np.float64]

PASSAGES = 60
"""Passages read, the best of the notes found; twice as many found no more that answers."""

UNDER, OWN, BESIDE, AROUND = 1.7, 0.45, 0.45, 0.8
"""Worth of meeting every word of the question: in a sentence under its title and headings, in
its own words, in the sentence beside it that does best, and in its passage."""

WORTH, LENGTH, MISFIT = 0.12, 0.1, 0.2
"""Worth of what retrieval thought of the passage; taken off per factor e of words, and off a
sentence that holds no number, date or name where one is asked for."""

LEANS, OPENS, PLACE = 0.1, 0.15, 0.02
"""Taken off a sentence that begins with "it" or "this"; off those that a note of several passages
begins with, unless it is asked what something is: they name the subject, so they come near to
whatever is asked about it; and for each note that was found before this one."""

DEFINES, NAMED = 0.3, 0.15
"""Where it is asked what something is, added to a sentence that says it, and to those of a note of
that name."""

WORDS_WEIGHT, WORTH_WEIGHT = 0.5, 0.3
"""Without vectors: worth of holding every word of the question, and of the passage."""

CLAUSE = 0.5
"""Share of a sentence's score that is its score for a clause, where a question has several."""

REPEATED = 0.8
"""Share of the words of two sentences that both hold, from which they say the same."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A sentence with its score; `near` says how near it comes to each piece of the question.

    `near` is of shape (word pieces,), empty without vectors.
    """

    candidate: Candidate
    score: float
    near: Scores


def rank(
    corpus: Corpus,
    query: str,
    hits: Sequence[Hit],
    asked: EncodedQuestion | None = None,
    encode_clause: EncodeQuestion | None = None,
) -> list[Picked]:
    """Score the sentences of the notes found, best first, near-repeats left out.

    Where a question asks several things, these take turns: what answers one of
    them well may say little of the others.

    Parameters
    ----------
    query
        The question, standing alone.
    hits
        What retrieval found, best first.
    asked
        `query` encoded; None to judge by words alone.
    encode_clause
        Encodes one of several things that are asked; without it, and with `asked`, the question
        is taken as a whole.
    """
    pool = gather(corpus, query, asked.vector if asked else None, hits, PASSAGES)
    if not pool:
        return []
    best = max(candidate.worth for candidate in pool)
    whole = score(corpus, query, pool, asked, best)
    parts = [
        score(corpus, clause, pool, encode_clause(clause) if encode_clause else None, best)
        for clause in (clauses(query) if asked is None or encode_clause else ())
    ]
    ranked = [_best_first(picked) for picked in _with_clauses(whole, parts) or [whole]]
    return list(_without_repeats(in_turn(*ranked)))


def _with_clauses(whole: Sequence[Picked], parts: Sequence[Sequence[Picked]]) -> list[list[Picked]]:
    """Score sentences for each clause, on the scale of the whole question: the best are equal."""
    found = []
    for part in parts:
        means = [
            (1 - CLAUSE) * one.score + CLAUSE * other.score
            for one, other in zip(whole, part, strict=True)
        ]
        more = max(pick.score for pick in whole) - max(means)
        found.append(
            [replace(pick, score=mean + more) for pick, mean in zip(whole, means, strict=True)]
        )
    return found


def _best_first(picked: Sequence[Picked]) -> list[Picked]:
    return sorted(picked, key=lambda pick: -pick.score)


def in_turn(*ranked: Sequence[Picked]) -> Iterator[Picked]:
    """Take the best of each ranking, then the second of each, and so on."""
    for turn in zip_longest(*ranked):
        yield from (pick for pick in turn if pick is not None)


def score(
    corpus: Corpus,
    query: str,
    pool: Sequence[Candidate],
    asked: EncodedQuestion | None,
    best_worth: float,
) -> list[Picked]:
    """Score candidates, in their order; those of a passage stand together, in that of the file.

    Parameters
    ----------
    best_worth
        Worth of the best passage: what others fall short of it counts against them.
    """
    worth = np.array([candidate.worth for candidate in pool]) - best_worth
    misfit = 1 - np.array([fit(query, [candidate.text]) for candidate in pool])
    if asked is None or not reads(asked) or not corpus.embedded:
        scores = WORDS_WEIGHT * overlap(corpus, query, pool) + WORTH_WEIGHT * worth
        near = np.zeros((len(pool), 0))
    else:
        scores, near = _met(corpus, query, pool, asked)
        scores += WORTH * worth
        scores -= _flaws(corpus, query, pool)
    scores -= MISFIT * misfit
    if what := subject(query):
        scores += _defining(corpus, query, what, pool)
    return [
        Picked(candidate, float(value), row)
        for candidate, value, row in zip(pool, scores, near, strict=True)
    ]


def _flaws(corpus: Corpus, query: str, pool: Sequence[Candidate]) -> Scores:
    """Weigh what a sentence loses by its length, by how it begins, and by where it stands."""
    opens = 0.0 if subject(query) else OPENS
    return np.array(
        [
            LENGTH * math.log(len(candidate.text.split()))
            + LEANS * candidate.leans
            + opens * _opens(corpus, candidate)
            + PLACE * candidate.place
            for candidate in pool
        ]
    )


def _defining(
    corpus: Corpus, query: str, what: frozenset[str], pool: Sequence[Candidate]
) -> Scores:
    named = {
        note
        for spotted in corpus.names_in(query)
        if what <= {stem(word) for word in spotted.name.split()}
        for note in spotted.notes
    }
    return np.array(
        [DEFINES * defines(what, one.text) + NAMED * (one.note in named) for one in pool]
    )


def _opens(corpus: Corpus, candidate: Candidate) -> bool:
    """Tell whether a sentence stands in the first of several passages of its note."""
    first, *more = corpus.passages_of(candidate.note)
    return bool(more) and candidate.passage_id == first


def _met(
    corpus: Corpus, query: str, pool: Sequence[Candidate], asked: EncodedQuestion
) -> tuple[Scores, Scores]:
    """Read the passages of candidates word by word."""
    spans = [
        (row, [candidate.span for candidate in group])
        for row, group in groupby(pool, key=lambda candidate: candidate.passage_id)
    ]
    scores: list[Scores] = []
    near: list[Scores] = []
    for met in Reading(corpus, query, asked).pieces(spans):
        others = np.concatenate(([0.0], met.own, [0.0]))
        beside = np.maximum(others[:-2], others[2:])
        scores.append(UNDER * met.under + OWN * met.own + BESIDE * beside + AROUND * met.passage)
        near.append(met.near)
    return np.concatenate(scores), np.concatenate(near)


def overlap(corpus: Corpus, query: str, pool: Sequence[Candidate]) -> Scores:
    """Share of the question's words, by rarity, that each sentence and its headings hold."""
    asked = {stem(word): corpus.rarity(word) for word in content_words(query)}
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


def _without_repeats(picked: Iterable[Picked]) -> Iterator[Picked]:
    kept: dict[int, list[set[str]]] = {}
    for pick in picked:
        words = {stem(word) for word in content_words(pick.candidate.text)}
        # Sets that hold the same words are about as large.
        least, most = math.floor(REPEATED * len(words)), math.ceil(len(words) / REPEATED)
        alike = chain.from_iterable(kept.get(size, ()) for size in range(least, most + 1))
        if not any(len(words & other) >= REPEATED * len(words | other) for other in alike):
            kept.setdefault(len(words), []).append(words)
            yield pick
