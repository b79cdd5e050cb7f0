"""Measure how often a language model writes the answer, how much, and how soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ragbot.models import Answer

Stream = Callable[[str, Sequence[str]], Iterator[Answer]]


@dataclass(frozen=True, slots=True)
class Timing:
    """One answer with the seconds to its quotes, to its first written sentence, and to its end.

    `first` is None if no written sentence was shown.
    """

    answer: Answer
    quotes: float
    first: float | None
    end: float

    @property
    def words(self) -> int:
        """Words of the written sentences; 0 if only quotes were shown."""
        if self.answer.kind != "generated":
            return 0
        return sum(len(statement.text.split()) for statement in self.answer.statements)


class Timed:
    """A function that asks as `Ragbot.ask` does, and records the timing of each answer."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.timings: list[Timing] = []

    def __call__(self, question: str, history: Sequence[str]) -> Answer:
        """Return the last snapshot of the answer to a question."""
        started = time.perf_counter()
        quotes, first, answer = 0.0, None, None
        for answer in self._stream(question, history):
            now = time.perf_counter() - started
            quotes = quotes or now
            if first is None and answer.kind == "generated":
                first = now
        assert answer is not None  # a stream has one snapshot at least
        self.timings.append(Timing(answer, quotes, first, time.perf_counter() - started))
        return answer


def as_text(timings: Sequence[Timing]) -> str:
    """Return the measures as lines of text."""
    written = [one for one in timings if one.words]
    answered = [one for one in timings if not one.answer.abstained]
    lines = [
        f"written answers: {len(written)} of {len(answered)} answered, {len(timings)} asked",
        f"declined: {len(timings) - len(answered)} of {len(timings)}",
    ]
    if written:
        words = [one.words for one in written]
        first = [one.first for one in written if one.first is not None]
        lines.append(
            f"words of a written answer: {median(words):.0f} (median), {max(words)} (most)"
        )
        lines.append(f"seconds to the first written sentence: {_spread(first)}")
    lines.append(f"seconds to the quotes: {_spread([one.quotes for one in timings])}")
    lines.append(f"seconds to the end: {_spread([one.end for one in timings])}")
    return "\n".join(lines)


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} (median), {max(seconds):.1f} (most)" if seconds else "none"
