"""A question, analysed once: retrieval and answers read what is found here."""

from __future__ import annotations

from dataclasses import dataclass

from ragbot.index.corpus import Corpus
from ragbot.index.name_spotter import NameMatch
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import NoteId, Span
from ragbot.questions.answer_type import AnswerType, answer_types
from ragbot.questions.conversation import Standalone
from ragbot.questions.language import Language, is_readable, language_of
from ragbot.questions.question_type import QuestionType, question_type
from ragbot.questions.subquestions import clauses


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes
    ----------
    text
        As it was typed.
    standalone
        The same so that it can be searched by itself: a follow-up with its subject.
    type
        The form of its answer: a definition, a list, a comparison, ...
    answer_types
        What an answer must hold: a number of things, a date, a name, ...
    names
        Names of notes in it.
    language
        Of `text`.
    encoded
        Vectors of `standalone`; None where words alone decide: without an encoder, and for
        scripts that the encoder does not know.
    parts
        The questions that it consists of, at least two; empty when it asks one thing.
    shown
        Where the last answer was quoted from: a follow-up does not lead with it again.
    """

    text: str
    standalone: str
    type: QuestionType
    answer_types: tuple[AnswerType, ...] = ()
    names: tuple[NameMatch, ...] = ()
    language: Language = "en"
    encoded: EncodedQuestion | None = None
    parts: tuple[Question, ...] = ()
    shown: frozenset[tuple[NoteId, Span]] = frozenset()


def analyse(
    corpus: Corpus,
    text: str,
    asked: Standalone | None = None,
    encode: EncodeQuestion | None = None,
) -> Question:
    """Return a question with all that can be said of it before the search.

    Parameters
    ----------
    text
        As it was typed.
    asked
        The same completed by its conversation; None where it stands alone.
    encode
        Encodes a question; None to search by words and relations only.
    """
    asked = asked or Standalone(text)
    query = asked.query
    parts = tuple(analyse(corpus, part, encode=encode) for part in clauses(query) if part != query)
    return Question(
        text,
        query,
        question_type(query),
        answer_types(text),
        tuple(corpus.names_in(query)),
        language_of(text),
        _encoded(query, encode),
        parts,
        asked.shown,
    )


def _encoded(query: str, encode: EncodeQuestion | None) -> EncodedQuestion | None:
    found = encode(query) if encode else None
    # An encoder that has no vectors of words does not say which words it knows.
    if found is None or (found.words.spans and not is_readable(query, found.words.spans)):
        return None
    return found
