"""Silence: whether the notes answer at all, and what to say when they don't.

Floor 4: reads a corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragbot.answers.compose import ASKING, escaped
from ragbot.answers.sentence_ranker import Picked
from ragbot.index.corpus import Corpus
from ragbot.inference import token_codes
from ragbot.inference.token_codes import EncodedQuestion
from ragbot.models import Answer, Hit
from ragbot.questions.answer_type import fit
from ragbot.questions.predicate_matcher import stem
from ragbot.text.tokenize import STOP_WORDS, content_words, tokens

Scores = NDArray[np.float64]

NEAREST = 3
"""Notes named as the nearest."""

SHORTEST_NAME = 2
"""A name whose words have no more characters is in too many questions by chance."""

MET, UNKNOWN, FITTING = 5.25, -1.0, 4.0
"""What each signal weighs: the first by a logistic regression on some 740 questions over two
vaults, the others as did best on 1,640 over other texts; see docs/answers.md."""

ENOUGH = 4.7
"""Weighted signals from which an answer is given: one in twenty answers is lost below it."""

COVERED = 0.4
"""Share of the question's words, by rarity, that must be held where no vectors tell."""

_NAMED = re.compile(r"(?<=[\s\"'(])[\"'(]*(?=[\w.'-]*[A-Z0-9])(\w[\w.%-]*)")


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for an answer in the sentences found.

    Attributes
    ----------
    meaning
        Highest cosine of the question and a passage that was read.
    met
        How near the chosen sentences together come to the words of the question, each to the
        nearest, in about [0, 1]; 0 without vectors.
    covered
        Share of the question's words, by rarity, that they hold, in [0, 1].
    unknown
        Names and numbers in the question that the three best passages don't hold.
    fitting
        How much of the numbers, dates and names that are asked for stands in the best sentence,
        what the next two have counting half; 1 where none is asked for.
    """

    meaning: float
    met: float
    covered: float
    unknown: int
    fitting: float

    @property
    def weight(self) -> float:
        """How much speaks for an answer; compare with `ENOUGH`."""
        met = self.meaning * self.met
        return MET * met + UNKNOWN * self.unknown + FITTING * self.fitting


def signals(
    corpus: Corpus,
    question: str,
    query: str,
    picked: Sequence[Picked],
    chosen: Sequence[Picked],
    asked: EncodedQuestion | None,
) -> Signals:
    """Gather what speaks for an answer.

    Parameters
    ----------
    question, query
        As asked, and standing alone.
    picked, chosen
        The sentences found, best first, and those that an answer would hold; not empty.
    asked
        `query` encoded, or None.
    """
    meaning = met = 0.0
    if asked is not None and corpus.embedded:
        read = [pick.candidate.passage_id for pick in picked]
        meaning = float(corpus.similarities(asked.vector, read).max())
    if asked is not None and picked[0].near.size:
        nearest = np.max([pick.near for pick in chosen], axis=0)
        met = float(nearest @ token_codes.weights(query, asked.words.spans, corpus.rarity))
    words = {stem(word): word for word in content_words(query)}
    words = {root: word for root, word in words.items() if root not in ASKING} or words
    rarity = np.array([corpus.rarity(word) for word in words.values()])
    said = {stem(word) for pick in chosen for word in _words(corpus, pick)}
    exact = np.array([float(root in said) for root in words])
    passages = {
        stem(word)
        for pick in picked[:3]
        for word in _words(corpus, pick, corpus.passage(pick.candidate.passage_id).text)
    }
    named = {stem(word) for name in _NAMED.findall(question) for word in tokens(name)}
    best = [pick.candidate.text for pick in picked[:3]]
    return Signals(
        meaning,
        met,
        float(rarity @ exact) / (float(rarity.sum()) or 1.0),
        len(named - passages - STOP_WORDS),
        (fit(question, best[:1]) + fit(question, best)) / 2,
    )


def confidence(
    corpus: Corpus,
    question: str,
    query: str,
    picked: Sequence[Picked],
    chosen: Sequence[Picked],
    asked: EncodedQuestion | None,
) -> float:
    """Weigh whether the notes answer: below 0, silence is better."""
    if not picked or not chosen:
        return -ENOUGH
    found = signals(corpus, question, query, picked, chosen, asked)
    # No vectors at all, or none yet of the passage that answers best.
    if not picked[0].near.size or not len(corpus.codes([picked[0].candidate.passage_id])[0]):
        return found.covered - COVERED - found.unknown
    return found.weight - ENOUGH


def _words(corpus: Corpus, pick: Picked, text: str = "") -> list[str]:
    """Words of a sentence, or of another text in its place, with its title and headings."""
    candidate = pick.candidate
    above = (corpus.notes[candidate.note].title, *candidate.headings)
    return content_words(" ".join((text or candidate.text, *above)))


def answer(
    corpus: Corpus, question: str, query: str, hits: Sequence[Hit], notice: str = ""
) -> Answer:
    """Say that the notes don't say, what they hold that is nearest, and what is yet unwritten."""
    lines = ["The notes don't say."]
    ghosts = [
        name
        for name in corpus.graph.ghosts_in(query)
        if len(" ".join(tokens(name))) > SHORTEST_NAME
    ]
    lines += [_ghost_line(corpus, name) for name in ghosts]
    titles = dict.fromkeys(corpus.notes[hit.passage.note].title for hit in hits)
    if titles:
        names = ", ".join(f"*{escaped(title)}*" for title in list(titles)[:NEAREST])
        lines.append(f"Nearest to the question: {names}.")
    text = " ".join(lines)
    return Answer(question, text, "extractive", True, (), (), tuple(hits), query, notice)


def _ghost_line(corpus: Corpus, name: str) -> str:
    sources = dict.fromkeys(
        corpus.notes[relation.source].title for relation in corpus.graph.neighbours(name)
    )
    shown = ", ".join(f"*{escaped(title)}*" for title in list(sources)[:NEAREST])
    more = ", …" if len(sources) > NEAREST else ""
    verb = "note mentions" if len(sources) == 1 else "notes mention"
    return (
        f"There is no note called *{escaped(name)}* yet; {len(sources)} {verb} it: {shown}{more}."
    )
