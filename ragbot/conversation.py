"""Conversation: a question in its context becomes one that stands alone.

Floor 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragbot.corpus import Corpus
from ragbot.schema import NoteId, Turn


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question as it is searched.

    `subjects` are notes carried over from earlier turns; `reply` is set when
    no search is needed, for a greeting and the like.
    """

    query: str
    subjects: tuple[NoteId, ...] = ()
    reply: str = ""


def standalone(question: str, history: Sequence[Turn], corpus: Corpus) -> Standalone:
    """Join the last questions of the conversation to this one."""
    return Standalone(" ".join([*(turn.question for turn in history[-2:]), question]))
