"""Silence: whether the notes answer at all, and what to say when they don't.

Floor 4: reads a corpus.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragbot.compose import escaped
from ragbot.corpus import Corpus, FloatArray
from ragbot.extract import Picked
from ragbot.kinds import fits, kind_of
from ragbot.phrasing import stem
from ragbot.schema import Answer, Hit
from ragbot.words import STOP_WORDS, content_words, tokens

NEAREST = 3
"""Notes named as the nearest."""

MEANING, CLEARNESS, MATCHED, UNKNOWN, FITTING = 1.5, 1.1, 2.2, -1.3, 1.4
"""What each signal weighs: a logistic regression on 191 questions, a quarter of them without
an answer, over two vaults; see docs/answers.md for how well it holds under cross-validation."""

ENOUGH = 4.35
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
        Highest cosine of the question and a passage that holds one of the best ten sentences.
    clearness
        How far the best sentence scores above the sixth to fifteenth.
    matched
        Rarity of the question's words that the chosen sentences hold, summed, as a logarithm.
    covered
        The same as a share of all of the question's words, in [0, 1].
    unknown
        Names and numbers in the question that the three best passages don't hold.
    fitting
        Whether the best sentence has the number or date that is asked for.
    """

    meaning: float
    clearness: float
    matched: float
    covered: float
    unknown: int
    fitting: bool

    @property
    def weight(self) -> float:
        """How much speaks for an answer; compare with `ENOUGH`."""
        return (
            MEANING * self.meaning
            + CLEARNESS * self.clearness
            + MATCHED * self.matched
            + UNKNOWN * self.unknown
            + FITTING * self.fitting
        )


def signals(
    corpus: Corpus,
    question: str,
    query: str,
    picked: Sequence[Picked],
    chosen: Sequence[Picked],
    vector: FloatArray | None,
) -> Signals:
    """Gather what speaks for an answer.

    Parameters
    ----------
    question, query
        As asked, and standing alone.
    picked, chosen
        The sentences found, best first, and those that an answer would hold; not empty.
    vector
        `query` encoded, shape (d,), or None.
    """
    meaning = 0.0
    if vector is not None and corpus.embedded:
        rows = [pick.candidate.row for pick in picked[:10]]
        meaning = float(corpus.similarities(vector, rows).max())
    others = [pick.score for pick in picked[5:15]]
    asked = {stem(word): corpus.lexical.rarity(word) for word in content_words(query)}
    held = set().union(*(_held(corpus, pick, pick.candidate.text) for pick in chosen))
    matched = sum(rarity for word, rarity in asked.items() if word in held)
    covered = matched / (sum(asked.values()) or 1.0)
    passages = set().union(
        *(_held(corpus, pick, corpus.chunks[pick.candidate.row].text) for pick in picked[:3])
    )
    named = {stem(word) for name in _NAMED.findall(question) for word in tokens(name)}
    return Signals(
        meaning,
        picked[0].score - sum(others) / len(others) if others else 0.0,
        math.log1p(covered * len(asked)),
        covered,
        len(named - passages - STOP_WORDS),
        fits(kind_of(question), picked[0].candidate.text),
    )


def confidence(
    corpus: Corpus,
    question: str,
    query: str,
    picked: Sequence[Picked],
    chosen: Sequence[Picked],
    vector: FloatArray | None,
) -> float:
    """Weigh whether the notes answer: below 0, silence is better."""
    if not picked or not chosen:
        return -ENOUGH
    found = signals(corpus, question, query, picked, chosen, vector)
    if vector is None or not corpus.embedded:
        return found.covered - COVERED - found.unknown
    return found.weight - ENOUGH


def _held(corpus: Corpus, pick: Picked, text: str) -> set[str]:
    candidate = pick.candidate
    above = " ".join((corpus.notes[candidate.note].title, *candidate.headings))
    return {stem(word) for word in content_words(f"{text} {above}")}


def answer(
    corpus: Corpus, question: str, query: str, hits: Sequence[Hit], notice: str = ""
) -> Answer:
    """Say that the notes don't say, what they hold that is nearest, and what is yet unwritten."""
    lines = ["The notes don't say."]
    lines += [_ghost_line(corpus, name, count) for name, count in _ghosts(corpus, query)]
    titles = dict.fromkeys(corpus.notes[hit.chunk.note].title for hit in hits)
    if titles:
        names = ", ".join(f"*{escaped(title)}*" for title in list(titles)[:NEAREST])
        lines.append(f"Nearest to the question: {names}.")
    text = " ".join(lines)
    return Answer(question, text, "extractive", True, (), (), tuple(hits), query, notice)


def _ghosts(corpus: Corpus, query: str) -> list[tuple[str, int]]:
    """Names in the question that notes link to, but no note answers to."""
    asked = f" {' '.join(tokens(query))} "
    found = []
    for name, count in corpus.graph.ghosts().items():
        words = " ".join(tokens(name))
        if len(words) > 2 and f" {words} " in asked:
            found.append((name, count))
    return found


def _ghost_line(corpus: Corpus, name: str, count: int) -> str:
    sources = dict.fromkeys(
        corpus.notes[relation.source].title
        for note in corpus.notes.values()
        for relation in note.relations
        if relation.target is None and relation.written.casefold() == name.casefold()
    )
    shown = ", ".join(f"*{escaped(title)}*" for title in list(sources)[:NEAREST])
    more = ", …" if len(sources) > NEAREST else ""
    verb = "note mentions" if len(sources) == 1 else "notes mention"
    return (
        f"There is no note called *{escaped(name)}* yet; {len(sources)} {verb} it: {shown}{more}."
    )
