"""Answer: hits become an answer whose every sentence quotes a note, or honest silence.

Floor 4: pure of configuration; reads a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ragbot.answers import (
    abstention,
    compose,
    grounding,
    layout,
    relation_answers,
    sentence_ranker,
    suggestions,
)
from ragbot.answers.compose import Composed
from ragbot.answers.sentence_ranker import Picked
from ragbot.index.corpus import Corpus
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import Answer, Hit
from ragbot.questions import relation_questions
from ragbot.questions.conversation import Standalone, starters
from ragbot.questions.question_type import kind_of

LEAST_ROOM = 25
"""Words left beside what the edges say, from which more sentences are worth adding."""

LEFT_OPEN = 0.3
"""Share of the question's words that the edges leave open, from which sentences are added."""


def answer(
    corpus: Corpus,
    question: str,
    asked: Standalone,
    hits: Sequence[Hit],
    *,
    query: EncodedQuestion | None,
    encode_clause: EncodeQuestion | None = None,
    notice: str = "",
    words: int = compose.WORDS,
) -> Answer:
    """Answer a question from the passages found, without a language model.

    Parameters
    ----------
    question
        As it was asked.
    asked
        The same standing alone, or the reply to what is no question.
    hits
        What retrieval found for `asked.query`, best first.
    query
        `asked.query` encoded; None to choose sentences by words alone.
    encode_clause
        Encodes one of several things that are asked.
    notice
        What a reader should know of how the answer came to be.
    words
        Words of the longest answer, >= 1.

    Returns
    -------
    Answer
        Of kind `graph` when edges answer, else `extractive`; `smalltalk` for
        what is no question. Every citation stands in its note. Abstains when
        the notes do not say.

    Raises
    ------
    ValueError
        If `words` is below 1.
    """
    if words < 1:
        raise ValueError(f"words must be at least 1, got {words}")
    if asked.reply:
        return Answer(question, asked.reply, "smalltalk", False, followups=starters(corpus))
    picked = sentence_ranker.rank(corpus, asked.query, hits, query, encode_clause)
    chosen = compose.choose(corpus.notes, picked, words)
    sure = abstention.confidence(corpus, question, asked.query, picked, chosen, query)
    related = relation_questions.answerable(corpus, asked.query)
    if related is not None and related.relations:
        told = relation_answers.tell(corpus, related, words)
        made = _with_more(corpus, asked.query, told, picked, words)
    elif sure < 0:
        silent = abstention.answer(corpus, question, asked.query, hits, notice)
        return replace(silent, confidence=sure)
    else:
        groups = layout.arrange(corpus, asked.query, hits, picked, query, encode_clause, words)
        made = compose.compose(corpus.notes, corpus.passage, groups, words)
    if not all(grounding.stands(citation, corpus.notes) for citation in made.citations):
        raise AssertionError("a quotation was cut wrongly: a fault of ragbot, not of the notes")
    return Answer(
        question,
        made.text,
        "extractive" if related is None or not related.relations else "graph",
        False,
        made.statements,
        made.citations,
        tuple(hits),
        asked.query,
        notice,
        suggestions.suggest(corpus, asked.query, made.citations),
        sure if related is None or not related.relations else None,
    )


def _with_more(
    corpus: Corpus, query: str, told: relation_answers.Told, picked: Sequence[Picked], words: int
) -> Composed:
    """Add sentences to what the edges say, where the question asks for more than they hold."""
    said = " ".join(f"{statement.lead} {statement.text}" for statement in told.statements)
    text = compose.render(told.statements)
    if told.left_out:
        text += f"\n\nAnd {told.left_out} more."
    room = words - len(said.split())
    missing = compose.unsaid(query, said)
    open_share = sum(map(corpus.rarity, missing)) / max(1, len(compose.stems(query)))
    fitting = [pick for pick in picked if missing.intersection(compose.stems(pick.candidate.text))]
    if not fitting or room < LEAST_ROOM or open_share < LEFT_OPEN:
        return Composed(text, told.statements, told.citations)
    chosen = compose.choose(corpus.notes, fitting, room)
    groups = compose.by_note(corpus.notes, kind_of(query), chosen)
    more = compose.compose(corpus.notes, corpus.passage, groups, room)
    more = compose.renumbered(more, len(told.citations))
    return Composed(
        f"{text}\n\n{more.text}",
        told.statements + more.statements,
        told.citations + more.citations,
    )
