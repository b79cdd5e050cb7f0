"""Rewrite: with a language model, a follow-up question becomes one that stands alone.

Without one, or when what it writes is no question, `conversation` carries the subject over.

Floor 4: pure of configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ragbot.errors import ModelUnavailableError
from ragbot.index.corpus import Corpus
from ragbot.inference.llm import LanguageModel, Message
from ragbot.models import Answer, Turn
from ragbot.questions.conversation import Standalone, standalone

TURNS = 4
"""Earlier turns that the model is told of."""

ANSWER_WORDS = 60
"""Words kept of an earlier answer."""

LONGEST = 400
"""Characters of a rewritten question; a longer text is no question."""

_RULES = """You rewrite the last question of a conversation so that it can be understood by \
someone who has not read the conversation. Put names where it says "it", "they", "that one" and \
the like. Change nothing else, and answer nothing. If it can be understood already, repeat it \
word for word. Write one line: the question."""


def understand(
    question: str, history: Sequence[Turn], corpus: Corpus, model: LanguageModel | None = None
) -> tuple[Standalone, ModelUnavailableError | None]:
    """Complete a question by what the conversation was about.

    Parameters
    ----------
    question, history, corpus
        As for `conversation.standalone`.
    model
        Rewrites a question that has turns before it; None to do without.

    Returns
    -------
    Standalone, ModelUnavailableError or None
        The question, and how the model failed if it did; then it is completed without.
    """
    asked = standalone(question, history, corpus)
    if model is None or not history or asked.reply:
        return asked, None
    try:
        written = _written(model, question, history)
    except ModelUnavailableError as error:
        return asked, error
    return (replace(asked, query=written) if written else asked), None


def _written(model: LanguageModel, question: str, history: Sequence[Turn]) -> str:
    """Have a question rewritten; empty when what comes is no question of one line."""
    text = ""
    for piece in model.stream(_prompt(question, history)):
        text += piece
        if len(text) > LONGEST or "\n" in text.strip():
            return ""
    return " ".join(text.strip().strip('"“”').split())


def _prompt(question: str, history: Sequence[Turn]) -> list[Message]:
    lines: list[str] = []
    for turn in history[-TURNS:]:
        said = turn.answer.text if isinstance(turn.answer, Answer) else turn.answer or ""
        lines.append(f"Question: {turn.question}")
        if said:
            lines.append(f"Answer: {' '.join(said.split()[:ANSWER_WORDS])}")
    lines.append(f"Last question: {question}")
    return [Message("system", _RULES), Message("user", "\n".join(lines))]
