"""Evaluation of answers: evidence, completeness, and abstention."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ragbot.answers import grounding
from ragbot.evaluation import metrics
from ragbot.evaluation.metrics import Mean
from ragbot.evaluation.retrieval import Question
from ragbot.models import Answer, Note, NoteId
from ragbot.text.sentences import sentences

Stream = Callable[[str, Sequence[str]], Iterator[Answer]]

MEASURES = ("lead", "evidence", "facts", "parts", "off_topic", "words", "valid", "declined")

LEAST_WORDS = 3
"""Words of the shortest sentence of the evidence that counts by itself."""


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """The measures of one answer, by their names; None where a measure does not apply.

    lead
        1 if the first quote contains a sentence of the evidence, else 0.
    evidence, facts
        Shares of the evidence and of the key facts in the answer.
    parts
        Share of the groups of gold notes, one for each part of the question, that are quoted.
    off_topic
        Statements that quote no gold note.
    words
        Words of the statements.
    valid
        Share of the citations whose quote is in the note at its place.
    declined
        1 for an abstention, else 0.

    `first` is the seconds to the first sentence of a language model, None if none is shown;
    `seconds` those to the end.
    """

    expected: Question
    answer: Answer
    measures: dict[str, float | None]
    first: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of all answers, with means by type of question, and for "answerable" ones."""

    scores: tuple[AnswerScore, ...]
    by_type: dict[str, dict[str, Mean]]


def run(notes: Mapping[NoteId, Note], stream: Stream, questions: Iterable[Question]) -> Report:
    """Return the scores of the answers to all questions; citations are checked against `notes`.

    `stream` yields the snapshots of an answer as `Ragbot.stream` does, given a question and the
    earlier questions of a conversation.
    """
    scores = []
    for question in questions:
        started, first = time.perf_counter(), None
        for answer in stream(question.question, question.history):
            if answer.kind == "generated" and first is None:
                first = time.perf_counter() - started
        seconds = time.perf_counter() - started
        scores.append(replace(score(notes, question, answer), first=first, seconds=seconds))
    rows = [([one.expected.type], one.measures) for one in scores]
    rows += [(["answerable"], one.measures) for one in scores if one.expected.gold]
    return Report(tuple(scores), metrics.by_type(rows))


def score(notes: Mapping[NoteId, Note], expected: Question, answer: Answer) -> AnswerScore:
    """Return the measures of an answer."""
    quotes = [_folded(citation.quote) for citation in answer.citations]
    first = quotes[:1]
    said = _folded(" ".join((answer.text, *quotes)))
    gold = {note for group in expected.gold for note in group}
    cited = answer.citations
    notes_of = {citation.number: citation.note for citation in cited}
    strays = [s for s in answer.statements if not gold & {notes_of.get(n) for n in s.citations}]
    words = sum(len(f"{s.lead} {s.text}".split()) for s in answer.statements)
    measures = {
        "lead": _share([any(_pieces_in(one, first) for one in expected.evidence)]),
        "evidence": _share(_quoted(evidence, quotes) for evidence in expected.evidence),
        "facts": _share(_folded(fact) in said for fact in expected.facts),
        "parts": _share(any(one.note in group for one in cited) for group in expected.gold),
        "off_topic": float(len(strays)),
        "words": None if answer.abstained else float(words),
        "valid": _share(grounding.is_exact(citation, notes) for citation in cited),
        "declined": float(answer.abstained),
    }
    if not gold:  # an abstention is right
        measures |= dict.fromkeys(("facts", "off_topic"))
    if not expected.evidence:
        measures["lead"] = None
    return AnswerScore(expected, answer, measures)


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as values of JSON."""
    return {
        "types": {
            kind: {measure: asdict(mean) for measure, mean in measures.items()}
            for kind, measures in report.by_type.items()
        },
        "answers": [
            {"id": one.expected.id, "type": one.expected.type, "kind": one.answer.kind}
            | one.measures
            | {"first": one.first, "seconds": one.seconds}
            for one in report.scores
        ],
    }


def as_text(report: Report) -> str:
    """Return a report as a table by type."""
    lines = [f"{'type':14s} {'n':>4s}  " + "  ".join(f"{m:>20s}" for m in MEASURES)]
    for kind, measures in report.by_type.items():
        cells = "  ".join(
            f"{m.value:6.2f} [{m.low:5.2f}, {m.high:5.2f}]" if m else " " * 20
            for m in (measures.get(name) for name in MEASURES)
        )
        lines.append(f"{kind:14s} {measures['declined'].n:4d}  {cells}")
    median = float(np.median([one.seconds for one in report.scores]))
    longest = max(one.measures["words"] or 0.0 for one in report.scores)
    lines += ["", f"{median:.2f} s a question (median); longest answer {longest:.0f} words"]
    written = [one for one in report.scores if one.first is not None]
    if written:
        words = _spread([one.measures["words"] or 0.0 for one in written], "words")
        lines += [
            f"{len(written)} of {len(report.scores)} answers written by the language model",
            f"a written answer has {words}",
            f"its first sentence comes after {_spread([one.first or 0.0 for one in written], 's')}",
        ]
    return "\n".join(lines)


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{np.median(values):.0f} {unit} (median), {max(values):.0f} (most)"


def _pieces_in(evidence: str, quotes: Sequence[str]) -> bool:
    """Return whether a quote contains the evidence, or a sentence of it of `LEAST_WORDS`."""
    pieces = [evidence[a:b] for a, b in sentences(evidence)]
    texts = [evidence, *(piece for piece in pieces if len(piece.split()) >= LEAST_WORDS)]
    return any(_folded(text) in quote for text in texts for quote in quotes)


def _quoted(evidence: str, quotes: Sequence[str]) -> bool:
    """Return whether the quotes contain every sentence of a piece of evidence."""
    whole = _folded(evidence)
    pieces = [_folded(evidence[a:b]) for a, b in sentences(evidence)]
    return any(whole in quote for quote in quotes) or all(
        any(piece in quote for quote in quotes) for piece in pieces
    )


def _share(checks: Iterable[bool]) -> float | None:
    found = list(checks)
    return sum(found) / len(found) if found else None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
