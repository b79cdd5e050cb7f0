"""Analyse a question once, for retrieval and answers."""

from __future__ import annotations

from dataclasses import dataclass

from ragbot.index.corpus import Corpus
from ragbot.index.names import NameMatch
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import NoteId, Span
from ragbot.questions.conversation import Standalone
from ragbot.questions.language import Language, is_readable, language_of
from ragbot.questions.question_type import QuestionType, question_type
from ragbot.questions.relation_questions import RelationQuestion, answerable
from ragbot.questions.subquestions import clauses


@dataclass(frozen=True, slots=True)
class Question:
    """An analysed question.

    Attributes
    ----------
    text
        As it was typed.
    standalone
        The text to search: a follow-up is completed with its subject.
    type
        The form of its answer: a definition, a list, a comparison, ...
    names
        Names of notes in it.
    relation
        The relations that it asks for, with those found; None if it asks for none.
    language
        Of `text`.
    encoded
        Vectors of `standalone`; None without an encoder, and for scripts that the encoder does
        not know: then words and links alone are searched.
    parts
        The questions that it consists of, at least two; empty if it is one.
    shown
        Places that the last answer quoted: the answer to a follow-up begins with others.
    """

    text: str
    standalone: str
    type: QuestionType
    names: tuple[NameMatch, ...] = ()
    relation: RelationQuestion | None = None
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
    """Return an analysed question.

    Parameters
    ----------
    text
        As it was typed.
    asked
        The question completed from its conversation; None without a conversation.
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
        tuple(corpus.names_in(query)),
        answerable(corpus, query),
        language_of(text),
        _encoded(query, encode),
        parts,
        asked.shown,
    )


def _encoded(query: str, encode: EncodeQuestion | None) -> EncodedQuestion | None:
    found = encode(query) if encode else None
    # An encoder without vectors of words does not show which words it knows.
    if found is None or (found.words.spans and not is_readable(query, found.words.spans)):
        return None
    return found
