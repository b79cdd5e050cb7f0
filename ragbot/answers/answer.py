"""Answer: hits become an answer whose every sentence quotes a note, or honest silence.

Floor 4: pure of configuration; reads a corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ragbot.answers import (
    abstention,
    compose,
    grounding,
    layout,
    llm_answer,
    relation_answers,
    sentence_ranker,
    suggestions,
)
from ragbot.answers.compose import Composed
from ragbot.answers.llm_answer import Encode
from ragbot.answers.sentence_ranker import Picked
from ragbot.errors import ModelUnavailableError
from ragbot.index.corpus import Corpus
from ragbot.inference.llm import LanguageModel
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import Answer, Hit, Turn
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


def stream(
    corpus: Corpus,
    question: str,
    asked: Standalone,
    hits: Sequence[Hit],
    *,
    encode: Encode | None,
    query: EncodedQuestion | None,
    encode_clause: EncodeQuestion | None = None,
    model: LanguageModel | None = None,
    failed: ModelUnavailableError | None = None,
    history: Sequence[Turn] = (),
    notice: str = "",
) -> Iterator[str | Answer]:
    """Answer piece by piece: text as it comes, then the `Answer`.

    Parameters
    ----------
    encode
        Texts to unit vectors, shape (n, d), to hold a model's sentences against
        what they cite; None to compare their words.
    query, encode_clause
        As for `answer`.
    model
        Writes the answer; None for an extractive one. When it fails, the
        extractive answer comes instead, with a notice that says why.
    failed
        How the model has failed already; it is then not tried again.
    history
        Earlier turns, oldest first, for the model.

    Yields
    ------
    str or Answer
        Pieces of text, the last item is the whole answer. Its text is what
        counts: what was given before is void when the model breaks off.
    """
    why = notice
    if model is not None and hits and not asked.reply:
        try:
            if failed is not None:
                raise failed
            for piece in llm_answer.stream(
                model,
                corpus,
                asked.query,
                hits,
                encode=encode,
                vector=None if query is None else query.vector,
                history=history,
            ):
                if isinstance(piece, str):
                    yield piece
                elif written := _written(corpus, question, asked, hits, piece, notice):
                    yield written
                    return
            why = f"{model.spec} wrote nothing that the notes support, so this is quoted from them."
        except ModelUnavailableError as error:
            why = f"{model.spec} did not answer ({error.found}), so this is quoted from the notes."
        why = f"{why} {notice}".strip()
    final = answer(
        corpus, question, asked, hits, query=query, encode_clause=encode_clause, notice=why
    )
    yield final.text
    yield final


def _written(
    corpus: Corpus,
    question: str,
    asked: Standalone,
    hits: Sequence[Hit],
    written: llm_answer.Written,
    notice: str,
) -> Answer | None:
    """Make an answer of what a model wrote; None when nothing of it holds."""
    if not any(statement.supported for statement in written.statements):
        if written.silent and not written.statements:
            return abstention.answer(corpus, question, asked.query, hits, notice)
        return None
    if written.dropped:
        times = "One sentence" if written.dropped == 1 else f"{written.dropped} sentences"
        notice = f"{times} without a source left out. {notice}".strip()
    return Answer(
        question,
        compose.render(written.statements),
        "generated",
        False,
        written.statements,
        written.citations,
        tuple(hits),
        asked.query,
        notice,
        suggestions.suggest(corpus, asked.query, written.citations),
    )
