"""Abstention: whether the notes answer at all, and what to say when they don't."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from ragbot.answers.candidates import LISTED
from ragbot.answers.compose import ASKING, Quote, escaped
from ragbot.answers.sentence_ranker import RankedSentence
from ragbot.index.corpus import Corpus
from ragbot.models import Answer, Hit, NoteId, Span
from ragbot.notes.units import members, units
from ragbot.questions.answer_type import fit
from ragbot.questions.language import phrases
from ragbot.questions.question import Question, QuestionVectors
from ragbot.text.dates import When, find_dates
from ragbot.text.folding import stem
from ragbot.text.fuzzy import is_slip
from ragbot.text.language import COMMON_WORDS, language_of
from ragbot.text.synonyms import root, roots_of
from ragbot.text.tokenize import content_words, terms, tokens

MOST_NEAREST = 3
"""Notes named as the nearest."""

SHORTEST_NAME = 2
"""Characters of the longest name that is too short to be recognised in a question."""

SIMILARITY, UNKNOWN_NAME, WANTED_VALUES = 5.25, -1.0, 4.0
"""Weights of the signals. The first comes from a logistic regression on some 740 questions over
two vaults; the others did best on 1,640 questions over other texts. See docs/answers.md."""

THRESHOLD = 4.7
"""Threshold of the weighted signals, at which one answer in twenty is lost."""

UNMET = 3.0
"""Subtracted if no sentence is about the attribute that a lookup asks for."""

OF_ANOTHER = 5.0
"""Subtracted if the sentences state that attribute of another name."""

ATTRIBUTE, VERB = 0.46, 0.41
"""Least cosine of that word with a word of a sentence about it; of a verb, which notes paraphrase
more often."""

SLIP = 5
"""Letters of the shortest stem that may be misspelt."""

MISSING_DAY = 2
"""Weight of a day that the best passages lack, in unknown names."""

COMPARED = 3
"""Best sentences for each thing asked that are compared with the words of the question."""

SHARED_LETTERS = 0.6
"""Share of a word's letters, from the first on, that another form of it has too."""

SHORTEST_ROOT = 3
"""Letters of the shortest word that another may begin or end with: "Uhr" of "Kuckucksuhr"."""

UNSPACED_FROM = "\u0e00"
"""First character from which on scripts have no spaces: Thai."""

LEAST_COVERED = 0.25
"""Without vectors: least share of the question's words, by rarity, in the quotes."""

COVERED_IN = {
    "el": 0.4,
    "ru": 0.4,
    "ar": 0.5,
    "he": 0.5,
    "hi": 0.5,
    "ko": 0.5,
    "ja": 0.7,
    "zh": 0.7,
}
"""That share in some languages; in Chinese and Japanese it is one of characters."""

LEAST_PIECE = 3.0
"""Least mean length of word pieces, in letters, in a language that an encoder knows."""

MISSING_VALUE = 0.5
"""Without vectors: penalty if the number, date or name asked for is missing."""

_NAME = r"(?:[^\W\d_a-zß-öø-ÿ]|\d)[\w'’.-]*"
_NAMES = rf"({_NAME}(?: {_NAME})*)"
_THE = r"(?:(?:the|an?|my|our|his|her|their|de[mnrs]|l[aeo]s?) )?(?:[^\W\d_]+ )?"
_OWNED = re.compile(
    rf"(?:{_NAMES}['’]s? )?\b([\w-]+)(?: (?:of|for|von|vom|de[rs]?|du|del) {_THE}{_NAMES})?"
)
"""A noun with the name that it belongs to: "Heron's skipper", "the skipper of the Heron"."""


def confidence(
    corpus: Corpus, question: Question, ranked: Sequence[RankedSentence], said: Sequence[Quote]
) -> float:
    """Return the weighted signals for an answer minus the threshold; below 0 the notes don't say.

    `ranked` are the sentences found, best first, and `said` the quotes of the answer.
    """
    if not ranked or not said:
        return -THRESHOLD
    best = [one.candidate.text for one in ranked[:3]]
    # The two sentences after the best one count half; a heading answers by the text below it.
    first = [one.candidate.text for one in ranked if one.candidate.unit.kind != "heading"][:1]
    fitting = (fit(question.wanted, first or best) + fit(question.wanted, best)) / 2
    unknown = _unknown(corpus, question, ranked[:3])
    covered = _covered(corpus, question, ranked, said)
    least = COVERED_IN.get(question.language, LEAST_COVERED)
    by_words = covered - least - unknown - MISSING_VALUE * (1 - fitting)
    # No vectors at all, or none yet of the passage that answers best.
    if not ranked[0].word_cosines.size or not len(
        corpus.vectors.codes([ranked[0].candidate.passage])[0]
    ):
        return by_words
    assert question.vectors is not None
    things = 4 if question.type == "compare" else max(1, len(question.parts))
    similarity = _similarity(corpus, question.vectors, ranked, COMPARED * things)
    by_meaning = (
        SIMILARITY * similarity + UNKNOWN_NAME * unknown + WANTED_VALUES * fitting - THRESHOLD
    )
    # An encoder that was not trained on a language finds everything similar in it.
    foreign = question.language != "en" and _is_fragmented(question.vectors.spans)
    sure = min(by_meaning, by_words) if foreign else by_meaning
    return max(sure, 0.0) if _is_same_card(corpus, question, ranked) else sure


def _similarity(
    corpus: Corpus, vectors: QuestionVectors, ranked: Sequence[RankedSentence], count: int
) -> float:
    """Return the similarity of the best sentences to a question, in about [0, 1].

    It is the cosine of the question and the nearest passage, times the mean, over the words of
    the question, of the cosine to the nearest word of the first sentences.
    """
    passages = [one.candidate.passage for one in ranked]
    meaning = float(corpus.vectors.similarities(vectors.whole, passages).max())
    nearest = np.max([one.word_cosines for one in ranked[:count]], axis=0)
    return meaning * float(nearest @ vectors.weights)


def _unknown(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> int:
    """Return the number of names and numbers of a question that passages lack; days count twice."""
    known: set[str] = set()
    dates: list[When] = []
    for one in ranked:
        note, text = corpus.notes[one.candidate.note], corpus.passage(one.candidate.passage).text
        around = " ".join((text, note.title, *note.aliases, *one.candidate.headings))
        known.update(map(stem, content_words(around)))
        dates += find_dates(f"{note.id} {text}")
    missing = [
        day
        for day in question.dates
        if day.first == day.last
        and not any(day.covers(one.first) or one.covers(day.first) for one in dates)
    ]
    named = question.capitals
    if question.language == "de":  # every noun has a capital
        named = frozenset(word for word in named if any(char.isdigit() for char in word))
    return len(named - known) + MISSING_DAY * len(missing)


def missing(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> float:
    """Return what to subtract for sentences on the subject of a question that do not answer it.

    They lack the attribute that it looks up, or state it of another name, or the best is on a
    flash card of another question.
    """
    if _states_another(corpus, question, ranked) or _is_in_no_row(corpus, question, ranked):
        return OF_ANOTHER
    lacking = _lacks_attribute(corpus, question, ranked)
    return UNMET * (lacking or _is_other_card(corpus, question, ranked))


def _is_same_card(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> bool:
    """Check whether the best sentence follows the very question in the notes: it has its words."""
    card = ranked[0].candidate
    asked = set(map(stem, question.terms))
    text = corpus.notes[card.note].text[slice(*card.context)]
    return card.context != card.span and asked <= set(map(stem, terms(text)))


def _is_other_card(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> bool:
    """Check whether the best sentence is on a flash card that shares no word with a question."""
    card = ranked[0].candidate if ranked and not question.parts else None
    if card is None or card.context == card.span:
        return False
    note = corpus.notes[card.note]
    words = _roots(f"{note.text[slice(*card.context)]} {note.title}")
    asked = _roots(question.standalone) - ASKING
    return bool(asked) and not any(_is_among(one, words, question.language) for one in asked)


def _lacks_attribute(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> bool:
    """Check whether the sentences found lack the attribute that a lookup asks for.

    A sentence has it if it contains the word, or by meaning a similar one. In other languages than
    English, and without vectors, the word decides. Sentences of notes that do not name the thing
    do not count, if others do.
    """
    asked, query, language = question.attribute, question.standalone, question.language
    if asked is None:
        return False
    span, least = asked.span, VERB if asked.verb else ATTRIBUTE
    roots = _roots(query[slice(*span)])
    things = _roots(query[: span[0]] + query[span[1] :]) - ASKING
    things -= set(map(stem, COMMON_WORDS.get(language, ())))
    best = ranked[:COMPARED]
    about = [one for one in best if things & _roots(_around_thing(corpus, one))]
    for one in about or best:
        candidate, note = one.candidate, corpus.notes[one.candidate.note]
        context = note.text[slice(*candidate.context)]
        words = _roots(" ".join((context, candidate.text, note.title, *candidate.headings)))
        if language != "en" and language_of(note.text) != language:
            return False  # its words cannot be compared
        if any(roots <= _roots(n) and _roots(c) <= things for n, c in candidate.unit.columns):
            continue  # the cell says only what the question says
        if any(_is_among(r, words, language) for r in roots):
            return False
        if any(len(r) >= SLIP and is_slip(r, other) for r in roots for other in words):
            return False
        if language == "en" and question.vectors and one.word_cosines.size:
            pieces = [span[0] <= first < span[1] for first, _ in question.vectors.spans]
            if any(pieces) and float(one.word_cosines[pieces].mean()) >= least:
                return False
    return bool(best)


def _states_another(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> bool:
    """Check whether all sentences with the attribute that is looked up state it of another name.

    "The skipper of the Heron" is not that of the Petrel; "the skipper of the boat" may be.
    """
    asked = question.attribute
    attribute = _roots(question.standalone[slice(*asked.span)]) if asked else set()
    names = {name for name in question.capitals if root(name) not in attribute}
    found = False
    for one in ranked[:COMPARED] if attribute and names else ():
        candidate, note = one.candidate, corpus.notes[one.candidate.note]
        if not attribute <= _roots(candidate.text):
            continue
        owners = [
            set(map(stem, tokens(f"{before} {after}")))
            for before, word, after in _OWNED.findall(candidate.text)
            if (before or after) and _roots(word) == attribute
        ]
        around = " ".join((note.title, *note.aliases, *candidate.headings))
        if not owners or names.intersection(map(stem, tokens(around))):
            return False
        if not all(_differ(names, owner) for owner in owners):
            return False
        found = True
    return found


def _is_in_no_row(corpus: Corpus, question: Question, ranked: Sequence[RankedSentence]) -> bool:
    """Check whether the columns of the best table have all names of a question, but no row has.

    Two names of one column are compared, or listed: they need not be in one row.
    """
    best = ranked[0].candidate if ranked and not question.parts else None
    if best is None or best.unit.kind != "row" or best.listed:
        return False
    note = corpus.notes[best.note]
    around = " ".join((note.title, *note.aliases, *best.headings))
    names = question.capitals - set(map(stem, tokens(around)))
    rows = [
        [names.intersection(map(stem, tokens(cell))) for _, cell in row.columns]
        for row in members(units(note), best.unit.group)
        if row.kind == "row"
    ]
    columns = list(zip(*rows, strict=False))
    every = [set[str]().union(*cells) for cells in columns]
    together = all(one in cells for one, cells in zip(every, columns, strict=True))
    found = any(names == set().union(*cells) for cells in rows)
    return names == set().union(*every) and together and not found


def _differ(names: set[str], others: set[str]) -> bool:
    """Check whether two names share no number or, if one has none, no word."""
    numbers, other_numbers = (
        {word for word in one if any(map(str.isdigit, word))} for one in (names, others)
    )
    if numbers and other_numbers:
        return numbers.isdisjoint(other_numbers)
    return names.isdisjoint(others)


def _around_thing(corpus: Corpus, one: RankedSentence) -> str:
    """Return the text in which a sentence may name its thing.

    It is that of a row, or of an item and the one above it; else of the whole note.
    """
    candidate, note = one.candidate, corpus.notes[one.candidate.note]
    if candidate.unit.kind in LISTED and not candidate.listed:
        above = candidate.unit.parent
        text = candidate.text + (f" {units(note)[above].text}" if above is not None else "")
    else:
        text = f"{note.id} {note.text}"
    return " ".join((text, note.title, *candidate.headings))


def _roots(text: str) -> set[str]:
    """Return the roots of the content words of a text; foreign names of fields in English too."""
    words = terms(text)
    return roots_of(words) | set(map(root, words))


def _is_fragmented(pieces: Sequence[Span]) -> bool:
    """Check whether an encoder cuts a question into small pieces."""
    sizes = [last - first for first, last in set(pieces)]
    return sum(sizes) < LEAST_PIECE * len(sizes)


def _covered(
    corpus: Corpus, question: Question, ranked: Sequence[RankedSentence], said: Sequence[Quote]
) -> float:
    """Return the share of a question's words, by rarity, in quotes with title and headings.

    If a quote answers a question in the notes, the words of that question count too.
    """
    language = question.language
    common = COMMON_WORDS.get(language, frozenset())
    words = {stem(word): word for word in question.terms if word not in common}
    words = {root: word for root, word in words.items() if root not in ASKING} or words
    # Short words are mostly function words, except in scripts without spaces.
    words = {
        root: word
        for root, word in words.items()
        if root.isascii() or len(root) > 2 or root[0] >= UNSPACED_FROM
    } or words
    asked = [
        corpus.notes[one.candidate.note].text[slice(*one.candidate.context)]
        for one in ranked[:COMPARED]
        if one.candidate.context != one.candidate.span
    ]
    around = [word for quote in said for word in _around(corpus, quote)]
    here = {stem(word) for word in (*around, *terms(" ".join(asked)))}
    rarity = {root: corpus.rarity(word) for root, word in words.items()}
    total = sum(rarity.values()) or 1.0
    return sum(worth for root, worth in rarity.items() if _is_among(root, here, language)) / total


def _is_among(root: str, words: set[str], language: str) -> bool:
    """Check for a word; except in English, also for another form of it or a compound."""
    if root in words or language == "en" or len(root) < SHORTEST_ROOT:
        return root in words
    least = max(SHORTEST_ROOT, math.ceil(SHARED_LETTERS * len(root)))
    return any(word[:least] == root[:least] or word.endswith(root) for word in words)


def _around(corpus: Corpus, quote: Quote) -> list[str]:
    note = corpus.notes[quote.note]
    headings = next(
        (s.headings for s in note.sections if s.span[0] <= quote.span[0] < s.span[1]), ()
    )
    return terms(" ".join((note.title, *headings, *(line.text for line in quote.lines))))


def answer(corpus: Corpus, question: Question, hits: Sequence[Hit], notice: str = "") -> Answer:
    """Return an abstention that names the nearest notes, and ghosts that the question names."""
    said = phrases(question.language)
    lines = [said.silent]
    for ghost in question.ghosts:
        if len(" ".join(tokens(ghost))) > SHORTEST_NAME:
            sources = [relation.source for relation in corpus.graph.neighbours(ghost)]
            name = f"*{escaped(ghost)}*"
            lines.append(said.ghost.format(name=name, names=_titles(corpus, sources)))
    if hits:
        titles = _titles(corpus, [hit.passage.note for hit in hits], cut="")
        lines.append(said.nearest.format(names=titles))
    text = " ".join(lines)
    query = question.standalone
    return Answer(question.text, text, "extractive", True, (), (), tuple(hits), query, notice)


def _titles(corpus: Corpus, notes: Sequence[NoteId], cut: str = ", …") -> str:
    titles = list(dict.fromkeys(corpus.notes[note].title for note in notes))
    shown = ", ".join(f"*{escaped(title)}*" for title in titles[:MOST_NEAREST])
    return shown + (cut if len(titles) > MOST_NEAREST else "")
