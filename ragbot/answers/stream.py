"""Stream an answer: quotes at once, then the sentences of a language model that they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ragbot.answers import compose, evidence, llm_answer, sentence_ranker
from ragbot.answers.evidence import EvidenceLine
from ragbot.answers.llm_answer import Encode, Written
from ragbot.errors import ModelUnavailableError
from ragbot.index.corpus import Corpus
from ragbot.inference.llm import LanguageModel
from ragbot.models import Answer, Citation, Hit, Note, NoteId
from ragbot.questions.question import Question


@dataclass(frozen=True, slots=True)
class Writer:
    """A language model with its evidence.

    Attributes
    ----------
    model
        Writes the answer.
    lines
        The evidence that it reads.
    notes
        The notes that the evidence quotes.
    encode
        Returns unit vectors of texts, to find the nearest sentence; None to compare words only.
    parts
        The questions that it consists of, if it has several: an answer that is shown answers all.
    """

    model: LanguageModel
    lines: Sequence[EvidenceLine]
    notes: Mapping[NoteId, Note]
    encode: Encode | None = None
    parts: Sequence[str] = ()


def reading(
    corpus: Corpus,
    question: Question,
    hits: Sequence[Hit],
    model: LanguageModel,
    encode: Encode | None,
) -> Writer:
    """Return a model with the evidence that it reads, the best for each part of a question."""
    ranking = sentence_ranker.rank(corpus, question, hits)
    lines = evidence.collect(corpus, ranking.in_turn, model.evidence_tokens)
    notes = {line.note: corpus.notes[line.note] for line in lines}
    return Writer(model, lines, notes, encode, [part.text for part in question.parts])


def stream(quoted: Answer, writer: Writer | None) -> Iterator[Answer]:
    """Yield snapshots of one answer, each of which replaces the one before.

    1. The first snapshot is `quoted`, the answer made without a language model.
    2. Then comes a snapshot for each sentence that the model wrote and the quotes carry: an
       `Answer` of kind `generated` that holds all carried sentences so far.
    3. The last snapshot is the answer: the written one, with a notice if sentences were left out;
       or `quoted` again, with a notice that says in one line why nothing was written.

    Without a model there is only the first. So it is if relations answer, if the notes don't, and
    for small talk. Every snapshot is complete: its citations quote the notes, and its text has only
    sentences that they carry. While nothing new comes, the same object is yielded again, so that a
    caller can close the stream, which stops the model's server.

    Parameters
    ----------
    quoted
        The answer made without a language model.
    writer
        The model and its evidence; None to quote only.
    """
    yield quoted
    # Ask no model if the evidence does not answer, because small models hardly ever decline.
    if writer is None or not writer.lines or quoted.kind != "extractive" or quoted.abstained:
        return
    shown, last, broke = quoted, Written(), ""
    try:
        pieces = llm_answer.stream(
            writer.model,
            writer.notes,
            quoted.query or quoted.question,
            writer.lines,
            writer.encode,
        )
        for written in pieces:
            more = len(written.statements) > len(last.statements)
            last = written
            if more and _answers_all(last, writer.parts):
                shown = _generated(quoted, last)
            yield shown
    except ModelUnavailableError as error:
        broke = error.found
    if _answers_all(last, writer.parts):
        yield _generated(quoted, last, _left_out(writer.model.spec, last, broke))
    else:
        notice = _why_quoted(writer.model.spec, last, broke)
        yield replace(quoted, notice=f"{notice} {quoted.notice}".strip())


def _answers_all(written: Written, parts: Sequence[str]) -> bool:
    """Check for a sentence for each part of a question, or for words that only this part has."""
    if len(written.statements) >= max(1, len(parts)):
        return True
    said = llm_answer.lemmas(" ".join(one.text for one in written.statements))
    asked = [llm_answer.lemmas(part) for part in parts]
    others = [set().union(*asked[:at], *asked[at + 1 :]) for at in range(len(asked))]
    return bool(said) and all(said & (one - rest) for one, rest in zip(asked, others, strict=True))


def _generated(quoted: Answer, written: Written, notice: str = "") -> Answer:
    return replace(
        quoted,
        text=compose.render(written.statements),
        kind="generated",
        statements=written.statements,
        citations=(*written.citations, *_other_quotes(quoted, written.citations)),
        notice=f"{notice} {quoted.notice}".strip(),
    )


def _other_quotes(quoted: Answer, cited: Sequence[Citation]) -> list[Citation]:
    """Return the quotes that the written answer lacks, numbered after its own."""
    written = [(one.note, one.span) for one in cited]
    others = [
        one
        for one in quoted.citations
        if not any(note == one.note and a <= one.span[0] and one.span[1] <= b
                   for note, (a, b) in written)
    ]  # fmt: skip
    return [replace(one, number=len(cited) + place) for place, one in enumerate(others, start=1)]


def _left_out(spec: str, written: Written, broke: str) -> str:
    parts = []
    if written.replaced:
        parts.append(f"{_counted(written.replaced, spec)} given in the words of the notes.")
    if left_out := written.refused - written.replaced:
        counted = f"{_counted(left_out, spec)} left out"
        parts.append(f"{counted}, because the notes do not carry it.")
    if broke:
        parts.append(f"{spec} broke off: {broke}.")
    return " ".join(parts)


def _counted(sentences: int, spec: str) -> str:
    return (
        f"One sentence of {spec} is" if sentences == 1 else f"{sentences} sentences of {spec} are"
    )


def _why_quoted(spec: str, written: Written, broke: str) -> str:
    if broke:
        return f"{spec} did not answer ({broke}), so this is quoted from the notes."
    if written.statements:
        return f"{spec} wrote less than the notes say, so this is quoted from them."
    if written.refused:
        return f"{spec} wrote nothing that can be shown: {written.why}."
    if written.declined:
        return f"{spec} found no answer; these quotes come nearest."
    return f"{spec} wrote nothing, so this is quoted from the notes."
