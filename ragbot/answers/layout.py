"""The quotes of an answer: sentences with their neighbours in the note.

A list, row, step or code block is quoted whole. Another sentence is quoted with the next sentences
of its paragraph, up to a number of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragbot.answers.candidates import LISTED, Candidate, shown, whole_list
from ragbot.index.corpus import Corpus
from ragbot.models import Note, NoteId, Span
from ragbot.notes.units import Unit, sentence_spans, units
from ragbot.text.sentences import is_question

WHOLE_WORDS = 45
"""Most words of a paragraph or list that is quoted whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote without markup: running text, an item of a list, or code."""

    text: str
    item: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """A slice of a note, and its lines without markup."""

    note: NoteId
    span: Span
    lines: tuple[Line, ...]

    @property
    def words(self) -> int:
        """Words of its lines."""
        return sum(len(line.text.split()) for line in self.lines)

    def overlaps(self, other: Quote) -> bool:
        """Check whether two quotes share a character of a note."""
        return (
            self.note == other.note
            and self.span[0] < other.span[1]
            and other.span[0] < self.span[1]
        )


def quote(corpus: Corpus, candidate: Candidate, words: int = WHOLE_WORDS) -> Quote | None:
    """Return the quote around a sentence.

    Parameters
    ----------
    words
        Most words of the sentence with its neighbours; a row, item or code block may have more.

    Returns
    -------
    Quote or None
        None for a line that introduces a list which is too long to quote.
    """
    note, unit = corpus.notes[candidate.note], candidate.unit
    if candidate.listed:
        return _lines(note, whole_list(note, unit))
    if unit.kind in ("code", "math", "html", "heading", "property"):
        return _lines(note, [unit]) if candidate.span == unit.span else _prose(note, candidate, 0)
    if candidate.introduces:
        return _introduced(note, unit, words)
    if unit.kind == "row":
        return _lines(note, [unit])
    if unit.group is not None:
        group = whole_list(note, unit)
        found = _lines(note, group)
        if len(group) > 1 and found.words <= words and not any(one.question for one in group):
            return found
        own = _lines(note, [unit])
        return own if own.words <= words else _prose(note, candidate, words)
    return _prose(note, candidate, words)


def _introduced(note: Note, unit: Unit, words: int) -> Quote | None:
    """Return a line that ends with a colon together with the list or code that follows it."""
    every = units(note)
    place = every.index(unit)
    after = every[place + 1 : place + 2]
    if not after:
        return None
    group = after[0].group
    listed = after if group is None else [one for one in every if one.group == group]
    listed = [one for one in listed if one.span[0] > unit.span[0] and one.kind != "header"]
    found = _lines(note, [unit, *listed])
    return found if listed and found.words <= words else None


def _prose(note: Note, candidate: Candidate, words: int) -> Quote:
    """Return a sentence with its neighbours: the paragraph if it fits, else the next sentences."""
    unit = candidate.unit
    spans = sentence_spans(note, unit)
    texts = [shown(note, unit, span) for span in spans]
    sizes = [len(text.split()) for text in texts]
    at = next((n for n, span in enumerate(spans) if span == candidate.span), None)
    if at is None:
        return Quote(note.id, candidate.span, (Line(candidate.text),))
    first, last, room = at, at, words - sizes[at]
    # A question before the sentence is not part of the answer.
    apart = [is_question(text) or "::" in text for text in texts]
    start = max((n + 1 for n in range(at) if apart[n] or apart[at]), default=0)
    asked = (n for n in range(at + 1, len(spans)) if apart[n] or apart[at])
    end = next(asked, len(spans))
    if sum(sizes[start:end]) <= words:
        first, last = start, end - 1
    else:
        if at > start and candidate.anaphoric and sizes[at - 1] <= room:
            first, room = at - 1, room - sizes[at - 1]
        while last + 1 < end and sizes[last + 1] <= room:
            last, room = last + 1, room - sizes[last + 1]
    span = (spans[first][0], spans[last][1])
    return Quote(note.id, span, (Line(" ".join(texts[first : last + 1]), unit.kind in LISTED),))


def _lines(note: Note, found: Sequence[Unit]) -> Quote:
    span = (found[0].span[0], max(unit.span[1] for unit in found))
    return Quote(note.id, span, tuple(_line(unit) for unit in found))


def _line(unit: Unit) -> Line:
    mark = {"open": "☐ ", "done": "☑ ", "cancelled": "☒ "}.get(unit.state, "")
    return Line(mark + unit.text, unit.kind in LISTED, unit.kind in ("code", "math"))
