"""Abstention: whether the notes answer at all, and what to say when they don't."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragbot.answers.compose import ASKING, escaped
from ragbot.answers.layout import Quote
from ragbot.answers.sentence_ranker import RankedSentence
from ragbot.index.corpus import Corpus
from ragbot.inference import token_codes
from ragbot.models import Answer, Hit, NoteId
from ragbot.questions.answer_type import fit
from ragbot.questions.language import PHRASES
from ragbot.questions.question import Question
from ragbot.text.dates import find_dates
from ragbot.text.language import COMMON_WORDS, is_known, language_of
from ragbot.text.stemming import stem
from ragbot.text.tokenize import STOP_WORDS, content_words, terms, tokens

NEAREST = 3
"""Notes named as the nearest."""

SHORTEST_NAME = 2
"""A name whose words have no more characters is in too many questions by chance."""

MET, UNKNOWN, FITTING = 5.25, -1.0, 4.0
"""What each signal weighs: the first by a logistic regression on some 740 questions over two
vaults, the others as did best on 1,640 over other texts; see docs/answers.md."""

ENOUGH = 4.7
"""Weighted signals from which an answer is given: one in twenty answers is lost below it."""

DAY = 2
"""Unknown names that a day counts as which the best passages do not speak of."""

QUOTED = 3
"""Sentences, the best for each thing asked, that are compared with the words of the question."""

ALIKE = 0.6
"""Share of a word's letters, from its first, by which another is a form of it."""

ROOT = 3
"""Letters of the shortest word that another may begin or end with: "Uhr" of "Kuckucksuhr"."""

UNSPACED_FROM = "\u0e00"
"""First character of the scripts that are written without spaces, from Thai on."""

COVERED = 0.25
"""Share of the question's words, by rarity, that must be there without vectors."""

WHOLE_PIECES = 3.0
"""Letters of the mean word piece from which an encoder knows a language."""

LACKING = 0.5
"""Taken off that share where the number, date or name asked for is missing."""

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
        How much of the numbers, dates and names that are asked for is in the best sentence,
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
    corpus: Corpus, question: Question, ranked: Sequence[RankedSentence], said: Sequence[Quote]
) -> Signals:
    """Return what speaks for an answer.

    Parameters
    ----------
    ranked
        The sentences found, best first; not empty.
    said
        The quotes that an answer would hold.
    """
    query, encoded = question.standalone, question.encoded
    meaning = met = 0.0
    if encoded is not None and corpus.embedded:
        read = [one.candidate.passage for one in ranked]
        meaning = float(corpus.similarities(encoded.vector, read).max())
    if encoded is not None and ranked[0].near.size:
        things = 4 if question.type == "compare" else max(1, len(question.parts))
        nearest = np.max([one.near for one in ranked[: QUOTED * things]], axis=0)
        met = float(nearest @ token_codes.weights(query, encoded.words.spans, corpus.rarity))
    passages = {
        stem(word)
        for one in ranked[:3]
        for word in _words(corpus, one, corpus.passage(one.candidate.passage).text)
    }
    texts = [
        f"{one.candidate.note} {corpus.passage(one.candidate.passage).text}" for one in ranked[:3]
    ]
    known = [when for text in texts for when in find_dates(text)]
    days = [when for when in find_dates(question.text) if when.first == when.last]
    foreign = [
        day
        for day in days
        if not any(day.covers(one.first) or one.covers(day.first) for one in known)
    ]
    named = {stem(word) for name in _names(question) for word in tokens(name)}
    best = [one.candidate.text for one in ranked[:3]]
    return Signals(
        meaning,
        met,
        _covered(corpus, query, ranked, said),
        len(named - passages - STOP_WORDS) + DAY * len(foreign),
        (fit(question.text, best[:1]) + fit(question.text, best)) / 2,
    )


def confidence(
    corpus: Corpus, question: Question, ranked: Sequence[RankedSentence], said: Sequence[Quote]
) -> float:
    """Return how much speaks for an answer beyond what is needed; below 0, the notes don't say."""
    if not ranked or not said:
        return -ENOUGH
    found = signals(corpus, question, ranked, said)
    by_words = found.covered - COVERED - found.unknown - LACKING * (1 - found.fitting)
    # No vectors at all, or none yet of the passage that answers best.
    if not ranked[0].near.size or not len(corpus.codes([ranked[0].candidate.passage])[0]):
        return by_words
    by_meaning = found.weight - ENOUGH
    return min(by_meaning, by_words) if _is_fragmented(question) else by_meaning


def _is_fragmented(question: Question) -> bool:
    """Check whether an encoder cuts a question in a foreign language into small pieces.

    It was then not trained on that language, and finds a meaning in anything.
    """
    if question.encoded is None or is_known(question.text):
        return False
    sizes = [last - first for first, last in set(question.encoded.words.spans)]
    return sum(sizes) < WHOLE_PIECES * len(sizes)


def _covered(
    corpus: Corpus, query: str, ranked: Sequence[RankedSentence], said: Sequence[Quote]
) -> float:
    """Return the share of a question's words, by rarity, that some quotes and their places hold.

    A quote that answers a question of the notes has that question's words too.
    """
    language = language_of(query)
    common = COMMON_WORDS.get(language, frozenset())
    words = {stem(word): word for word in terms(query) if word not in common}
    words = {root: word for root, word in words.items() if root not in ASKING} or words
    # Short words mostly join others, but for scripts without spaces.
    words = {
        root: word
        for root, word in words.items()
        if root.isascii() or len(root) > 2 or root[0] >= UNSPACED_FROM
    } or words
    asked = [
        corpus.notes[one.candidate.note].text[slice(*one.candidate.context)]
        for one in ranked[:QUOTED]
        if one.candidate.context != one.candidate.span
    ]
    around = [word for quote in said for word in _around(corpus, quote)]
    here = {stem(word) for word in (*around, *terms(" ".join(asked)))}
    rarity = {root: corpus.rarity(word) for root, word in words.items()}
    total = sum(rarity.values()) or 1.0
    return sum(worth for root, worth in rarity.items() if _is_among(root, here, language)) / total


def _is_among(root: str, words: set[str], language: str) -> bool:
    """Check for a word; beside English, for one that begins alike or is composed with it too."""
    if root in words or language == "en" or len(root) < ROOT:
        return root in words
    least = max(ROOT, math.ceil(ALIKE * len(root)))
    return any(word[:least] == root[:least] or word.endswith(root) for word in words)


def _around(corpus: Corpus, quote: Quote) -> list[str]:
    note = corpus.notes[quote.note]
    headings = next(
        (s.headings for s in note.sections if s.span[0] <= quote.span[0] < s.span[1]), ()
    )
    return terms(" ".join((note.title, *headings, *(line.text for line in quote.lines))))


def _words(corpus: Corpus, one: RankedSentence, text: str) -> list[str]:
    """Return the words of a text in place of a sentence, with title and headings."""
    note = corpus.notes[one.candidate.note]
    return content_words(" ".join((text, note.title, *note.aliases, *one.candidate.headings)))


def _names(question: Question) -> list[str]:
    """Return the names and numbers in a question; German writes any noun with a capital."""
    found = _NAMED.findall(question.text)
    if question.language == "de":
        return [name for name in found if any(char.isdigit() for char in name)]
    return found


def answer(corpus: Corpus, question: Question, hits: Sequence[Hit], notice: str = "") -> Answer:
    """Return that the notes don't say, with what they hold that is nearest or yet unwritten."""
    phrases = PHRASES[question.language]
    lines = [phrases.silent]
    for ghost in corpus.graph.ghosts_in(question.standalone):
        if len(" ".join(tokens(ghost))) > SHORTEST_NAME:
            sources = [relation.source for relation in corpus.graph.neighbours(ghost)]
            name = f"*{escaped(ghost)}*"
            lines.append(phrases.ghost.format(name=name, names=_titles(corpus, sources)))
    if hits:
        titles = _titles(corpus, [hit.passage.note for hit in hits], cut="")
        lines.append(phrases.nearest.format(names=titles))
    text = " ".join(lines)
    query = question.standalone
    return Answer(question.text, text, "extractive", True, (), (), tuple(hits), query, notice)


def _titles(corpus: Corpus, notes: Sequence[NoteId], cut: str = ", …") -> str:
    titles = list(dict.fromkeys(corpus.notes[note].title for note in notes))
    shown = ", ".join(f"*{escaped(title)}*" for title in titles[:NEAREST])
    return shown + (cut if len(titles) > NEAREST else "")
