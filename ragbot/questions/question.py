"""Analyse a question once: its words, names, dates, language, type, parts and vectors.

Later steps compare notes with these values. None of them reads the text again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.index.notes import NameMatch
from ragbot.index.stored_graph import link_rarity
from ragbot.inference import token_codes
from ragbot.inference.token_codes import EncodeQuestion
from ragbot.models import Filters, NoteId, Span
from ragbot.questions.answer_type import Wanted, wanted
from ragbot.questions.attribute import Attribute, attribute
from ragbot.questions.conversation import Standalone
from ragbot.questions.question_type import (
    QuestionType,
    clauses,
    defined_term,
    question_type,
    things_asked,
)
from ragbot.questions.relation_questions import RelationQuestion, answerable
from ragbot.text.dates import When, find_dates
from ragbot.text.folding import stem
from ragbot.text.language import COMMON_WORDS, is_readable, language_of
from ragbot.text.tokenize import STOP_WORDS, Word, spoken_words, terms, tokens

MOST_DAYS = 10
"""Most notes that are checked because their names share the numbers of a day."""

_TAG = re.compile(
    r"""(?<![\w#])#([^\W\d][\w/-]*)|\btag(?:ged)?\b(?:\s+(?:as|with))?\s+["'“‘]?([\w/-]+)"""
)
_WRITTEN_AS_NAME = re.compile(r"(?<=[\s\"'(])[\"'(]*(?=[\w.'-]*[A-Z0-9])(\w[\w.%-]*)")
FULL_NAME = re.compile(r"(?:[^\W\d_a-z][\w'’-]+ )+[^\W\d_a-z][\w'’-]+")
"""A name of two words or more with capitals."""


@dataclass(frozen=True, slots=True)
class QuestionVectors:
    """The vectors of a question and of its word pieces.

    Attributes
    ----------
    whole
        Unit vector, shape (dimension,).
    pieces
        Unit rows, shape (pieces, dimension); no rows from encoders that return one vector only.
    spans
        Place of each piece in the question.
    words
        Folded word of each piece; empty for a piece outside any word.
    weights
        Weight of each piece by the rarity of its word; the sum is 1.
    """

    whole: FloatArray
    pieces: FloatArray
    spans: tuple[Span, ...]
    words: tuple[str, ...]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """An analysed question.

    Attributes
    ----------
    text
        The question as typed.
    standalone
        The text to search: the question, completed with its subject if it is a follow-up. The
        values below are those of this text.
    words
        Its words, folded.
    terms
        The words that carry its subject, see `ragbot.text.tokenize.terms`.
    language
        Its ISO 639 code.
    type
        The form of its answer: a definition, a list, a comparison, ...
    wanted
        The values that an answer must contain.
    attribute
        The attribute that it looks up; None if it is no lookup.
    number
        Number of things that it asks for; None for one, or without a number.
    term
        Stems of X in "what is X?".
    dates
        Dates in it.
    names
        Names of notes in the question.
    ghosts
        Ghosts that it names.
    notes
        The notes that it names by title, alias, ghost, tag or day, with the rarity of that name in
        [0, 1].
    capitals
        Stems of the words that are written as names or numbers.
    full_names
        Stems of each name of several words.
    relation
        The relations that it asks for, with the ones found; None if it asks for none.
    vectors
        None without an encoder, and for a script that the encoder does not know: then only words
        and links are searched.
    parts
        The questions that it consists of, at least two; empty if it is one.
    new_subject
        Stems of the subject that replaces the last one; empty for other questions.
    shown
        Places that the last answer quoted; the answer to a follow-up begins with others.
    """

    text: str
    standalone: str
    words: tuple[str, ...]
    terms: tuple[str, ...]
    language: str
    type: QuestionType
    wanted: Wanted
    attribute: Attribute | None = None
    number: int | None = None
    term: frozenset[str] = frozenset()
    dates: tuple[When, ...] = ()
    names: tuple[NameMatch, ...] = ()
    ghosts: tuple[str, ...] = ()
    notes: Mapping[NoteId, float] = field(default_factory=dict)
    capitals: frozenset[str] = frozenset()
    full_names: tuple[frozenset[str], ...] = ()
    relation: RelationQuestion | None = None
    vectors: QuestionVectors | None = None
    parts: tuple[Question, ...] = ()
    new_subject: frozenset[str] = frozenset()
    shown: frozenset[tuple[NoteId, Span]] = frozenset()

    @property
    def stems(self) -> frozenset[str]:
        """Stems of its content words."""
        return _stems(self.words)


def analyse(
    corpus: Corpus,
    text: str,
    asked: Standalone | None = None,
    encode: EncodeQuestion | None = None,
) -> Question:
    """Return an analysed question.

    `asked` is the question completed from its conversation. Without `encode`, only words and
    relations are searched.
    """
    asked = asked or Standalone(text)
    query = asked.query
    parts = tuple(analyse(corpus, part, encode=encode) for part in clauses(query) if part != query)
    kind, number = question_type(query), things_asked(query)
    language = language_of(query)
    words, spoken = tuple(tokens(query)), spoken_words(query)
    dates = tuple(find_dates(query, years=True))
    names = tuple(corpus.names_in(spoken))
    ghosts = tuple(corpus.graph.ghosts_in(words))
    tags = [hashed or spelled for hashed, spelled in _TAG.findall(query)]
    return Question(
        text,
        query,
        words,
        tuple(terms(query)),
        language,
        kind,
        wanted(query, words),
        attribute(query, language),
        number,
        defined_term(words) if kind == "definition" else frozenset(),
        dates,
        names,
        ghosts,
        _named(corpus, names, ghosts, tags, dates),
        _stems(word for name in _WRITTEN_AS_NAME.findall(query) for word in tokens(name)),
        tuple(_stems(tokens(name)) for name in FULL_NAME.findall(query)),
        answerable(corpus, spoken, names, ghosts),
        _vectors(corpus, query, spoken, encode),
        parts,
        _stems(set(terms(text)) - COMMON_WORDS.get(language, set()))
        if asked.replaces_subject
        else frozenset(),
        asked.shown,
    )


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(stem(word) for word in words if word not in STOP_WORDS)


def _named(
    corpus: Corpus,
    names: Sequence[NameMatch],
    ghosts: Sequence[str],
    tags: Sequence[str],
    dates: Sequence[When],
) -> dict[NoteId, float]:
    """Return the notes that a question names, each with the rarity of its rarest name.

    "What is tagged flashcards?" and "What did I do on June 19th?" share no word with the notes
    that answer: the tag is in the frontmatter, and the day in the name of the note.
    """
    found: dict[NoteId, float] = {}

    def add(notes: Iterable[NoteId], rarity: float) -> None:
        found.update((note, max(found.get(note, 0.0), rarity)) for note in notes)

    size = len(corpus.notes)
    for match in names:
        add(match.notes, match.rarity)
    for ghost in ghosts:
        sources = {relation.source for relation in corpus.graph.neighbours(ghost)}
        add(sources, link_rarity(len(sources), size))
    for tag in tags:
        tagged = corpus.matching(Filters(tags=(tag,)))
        add(tagged, link_rarity(len(tagged), size))
    add(_of_days(corpus, dates), 1.0)
    return found


def _of_days(corpus: Corpus, dates: Sequence[When]) -> Iterator[NoteId]:
    """Yield the notes whose name is a day, such as `2026-06-19`."""
    for when in dates:
        if when.first == when.last:
            day = when.first.strftime("%m-%d" if when.yearless else "%Y-%m-%d")
            for note in corpus.by_title(day.split("-"), MOST_DAYS):
                if day in corpus.notes[note].title:
                    yield note


def _vectors(
    corpus: Corpus, query: str, spoken: Sequence[Word], encode: EncodeQuestion | None
) -> QuestionVectors | None:
    found = encode(query) if encode else None
    # Without vectors of words it is not known which words an encoder knows.
    if found is None or (found.words.spans and not is_readable(query, found.words.spans)):
        return None
    spans = found.words.spans
    starts = [word.span[0] for word in spoken]
    words = []
    for first, _ in spans:
        place = bisect_right(starts, first) - 1
        word = spoken[place] if place >= 0 else None
        words.append(word.folded if word and first < word.span[1] else "")
    weights = token_codes.weights(words, corpus.rarity)
    return QuestionVectors(found.vector, found.words.vectors, spans, tuple(words), weights)
