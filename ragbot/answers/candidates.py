"""The sentences that may answer a question, from the passages of the notes that were found.

A hit is the best passage of a note, but another passage may have the sentence that answers. So the
passages of every note found are ranked, and the best of them are cut into sentences.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.models import Hit, Note, NoteId, Passage, Span
from ragbot.notes.link_scanner import scan
from ragbot.notes.plain_text import inline_text
from ragbot.notes.units import (
    QUOTED,
    Unit,
    sentence_spans,
    units,
    units_in,
)
from ragbot.questions.question import Question
from ragbot.questions.values import are_cards, first_line
from ragbot.text.folding import stem
from ragbot.text.sentences import is_question, sentences
from ragbot.text.synonyms import ASKING
from ragbot.text.tokenize import STOP_WORDS, tokens

LISTED = ("item", "task", "row")
"""Kinds of units that lists and tables consist of."""

LIST_WORDS = 150
"""Words of the longest list that is one candidate; a longer list is quoted by items."""

LEAST_TOKENS = 4
"""Least tokens (pairs of characters) of a text without spaces that can be an answer."""

LEAST_STEM = 4
"""Letters of the shortest stem that counts as the beginning of another word."""

SUMMARY_FIELDS = frozenset(["brief_summary", "summary", "description", "abstract", "tagline"])
"""Properties with prose about their note."""

_STOPPED = frozenset(map(stem, STOP_WORDS))
_BIBLIOGRAPHIES = (
    "sources source references reference bibliography citations literature further_reading "
    "works_cited external_links quellen literatur fuentes"
)
_BIBLIOGRAPHY = frozenset(_BIBLIOGRAPHIES.split())
_ASKS_FOR_SOURCES = re.compile(
    r"\b(sources?|references?|cit(e[sd]?|ing|ations?)|papers?|articles?|books?|stud(y|ies)|publish\w*"
    r"|links?|urls?|author\w*|wr(ote|itten))\b",
    re.IGNORECASE,
)
_TAKING = r"(clipped|retrieved|archived|accessed|captured|saved|downloaded)"
_ASKS_WHERE_FROM = re.compile(rf"\b{_TAKING}\b", re.IGNORECASE)
# "Clipped from [a page](...) on ...": the source of a text, not its content.
_TAKEN_FROM = re.compile(
    rf"[*_]*{_TAKING}\s+([\w,./-]+\s+){{0,3}}(from|on|at|via)\b.*(://|\]\()",
    re.IGNORECASE | re.DOTALL,
)
# A sentence that is only a link or an address answers nothing.
_ONLY_A_LINK = re.compile(
    r"\s*(?:[\w-]+::\s*)?!?\[(?:\\.|[^\[\]\\])*\]\([^()\s]*\)[\s.]*|\W*https?://\S+(?:\W+[\w-]+){0,3}\W*"
)
_ANAPHORIC = re.compile(
    r"(it|its|this|these|that|those|they|their|such|he|she|his|her|both|here|instead|however"
    r"|therefore|thus|but|and|so)\b",
    re.IGNORECASE,
)
_TAGS = re.compile(r"(?:#\S+\s*)+")
_LABEL = re.compile(r"\w{1,10}[:：]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence, row, task, property or code block of a note.

    `text` has no markup. `passage_score` is the hit's score minus the distance
    of the passage from the best one of its note. `context` is `span` with the question that
    precedes it in the note: a flash card is found by its question. `listed` marks a whole list
    or table as one candidate.
    """

    note: NoteId
    span: Span
    text: str
    headings: tuple[str, ...]
    passage: int
    passage_score: float
    unit: Unit
    context: Span
    listed: bool = False

    @property
    def introduces(self) -> bool:
        """True if it only introduces the text after it, mostly a list."""
        return self.text.endswith((":", "："))

    @property
    def anaphoric(self) -> bool:
        """True if it begins with a word that refers to the text before it."""
        return _ANAPHORIC.match(self.text) is not None


def gather(corpus: Corpus, question: Question, hits: Sequence[Hit], most: int) -> list[Candidate]:
    """Return the sentences of the best passages of the notes found.

    Passages of a bibliography, and sentences that only name the source of a text, are left out
    unless the question asks for sources. A question in the notes is never a candidate.

    Returns
    -------
    list of Candidate
        In order of the passage's score, then of the file.
    """
    line = " ".join(question.words)
    sources_too = _ASKS_FOR_SOURCES.search(line) is not None
    origins_too = sources_too or _ASKS_WHERE_FROM.search(line) is not None
    vector = question.vectors.whole if question.vectors else None
    lists = question.type == "list" or question.number is not None
    ranked = [
        (number, score)
        for number, score in best_passages(corpus, question.words, vector, hits)
        if sources_too or not _is_bibliography(corpus.passage(number))
    ]
    # The best note may answer under a heading that shares few words with the question.
    best = set(corpus.passages_of(hits[0].passage.note)) if hits else set()
    words = frozenset(map(stem, question.words))
    found: list[Candidate] = []
    for place, (number, score) in enumerate(ranked[: 2 * most]):
        if place >= most and number not in best:
            continue
        note = corpus.notes[corpus.passage(number).note]
        sentences_here = [
            one
            for one in cut(corpus, number, score, words)
            if origins_too or not _TAKEN_FROM.match(note.text, *one.span)
        ]
        found += sentences_here
        if lists:
            found += _lists(note, sentences_here, question.number)
    return found


def whole_list(note: Note, unit: Unit) -> list[Unit]:
    """Return the units of the list or table of a unit, with the line that introduces it."""
    found = [one for one in units(note) if one.group == unit.group and one.kind != "header"]
    lead = introduction(note, unit) if unit.kind != "row" else None
    return found if lead is None else [lead, *found]


def _lists(note: Note, found: Sequence[Candidate], number: int | None) -> Iterator[Candidate]:
    """Yield each list of a passage as one candidate; with `number`, lists of that length only."""
    first_of = {one.unit.group: one for one in reversed(found) if one.unit.kind in LISTED}
    for one in first_of.values():
        listed = whole_list(note, one.unit)
        items = [unit for unit in listed if unit.group == one.unit.group]
        top = [unit for unit in items if unit.level == items[0].level]
        text = " ".join(unit.text for unit in listed)
        is_short = len(text.split()) <= LIST_WORDS
        if len(items) > 1 and is_short and not are_cards(items) and number in (None, len(top)):
            span = (listed[0].span[0], listed[-1].span[1])
            yield replace(one, span=span, text=text, context=span, listed=True)


def best_passages(
    corpus: Corpus, words: Sequence[str], vector: FloatArray | None, hits: Sequence[Hit]
) -> list[tuple[int, float]]:
    """Return the passages of the notes found with their scores, best first."""
    bm25 = corpus.bm25(words)
    top = max(bm25.values(), default=0.0) or 1.0
    best: dict[NoteId, float] = {}
    for hit in hits:
        best.setdefault(hit.passage.note, hit.score)
    ranked: list[tuple[int, float]] = []
    for note, score in best.items():
        numbers = corpus.passages_of(note)
        scores = np.array([bm25.get(number, 0.0) / top for number in numbers])
        if vector is not None and corpus.embedded:
            scores = scores + corpus.vectors.similarities(vector, numbers)
        ranked += zip(numbers, (score + scores - scores.max()).tolist(), strict=True)
    return sorted(ranked, key=lambda pair: -pair[1])


def cut(
    corpus: Corpus, number: int, score: float = 0.0, words: frozenset[str] = frozenset()
) -> Iterator[Candidate]:
    """Yield the candidates of a passage, in the order of the file.

    Parameters
    ----------
    words
        Stems of the question: a property is a candidate only if its key is among them.
    """
    passage = corpus.passage(number)
    note = corpus.notes[passage.note]
    if number == corpus.passages_of(note.id)[0] and _is_only_named(note):
        place = first_line(note)
        if not set(map(stem, tokens(note.title))) <= words:
            name = Unit("heading", place, note.title)
            yield Candidate(note.id, place, note.title, (), number, score, name, place)
    asked: int | None = None
    last: Unit | None = None
    for unit in units_in(note, passage.span):
        if not _is_asked_for(note, unit, words):
            continue
        for span in _spans(note, unit, passage.span):
            text = shown(note, unit, span)
            if unit.kind not in ("code", "row") and is_question(text):
                # The question of another card is not the one before.
                asked = span[0] if asked is None or unit is not last else asked
                last = unit
                continue
            if asked is not None and _LABEL.fullmatch(text):
                asked = None  # a flash card without its answer
                continue
            if asked is not None or _says_something(note, unit, span, text):
                context = (span[0] if asked is None else asked, span[1])
                asked = None
                yield Candidate(note.id, span, text, passage.headings, number, score, unit, context)


def _is_only_named(note: Note) -> bool:
    """Check whether a note says something by its name alone: it has at most properties and tags."""
    return all(unit.kind == "property" or _TAGS.fullmatch(unit.text) for unit in units(note))


def shown(note: Note, unit: Unit, span: Span) -> str:
    """Return a slice of a unit as plain text; code unchanged."""
    if span == unit.span or unit.kind in ("row", "code", "math", "html"):
        return unit.text
    begins = span[0] == unit.span[0]
    item = begins and unit.kind == "task"
    return readable(note.text[slice(*span)], block=begins, item=item)


def readable(source: str, *, block: bool = False, item: bool = False) -> str:
    """Return a slice of running text without markup (see `inline_text`)."""
    return inline_text(scan(QUOTED.sub("", source)), block=block, item=item)


def introduction(note: Note, unit: Unit) -> Unit | None:
    """Return the line that introduces the list of an item, if there is one."""
    every = units(note)
    above = unit
    while above.group == unit.group and above.parent is not None:
        above = every[above.parent]
    return above if above.group != unit.group else None


def _is_asked_for(note: Note, unit: Unit, words: frozenset[str]) -> bool:
    """Check that a question names the key of a property and, if it has other words, the note."""
    if unit.kind != "property" or unit.columns[0][0].casefold() in SUMMARY_FIELDS:
        return True
    for key, _ in unit.columns:
        named = {stem(word) for word in tokens(key)} - _STOPPED
        rest = words - named - _STOPPED - ASKING
        if named <= words and (not rest or _speaks_of(note, rest)):
            return True
    return False


def _speaks_of(note: Note, words: Collection[str]) -> bool:
    """Check whether a note contains one of some stems, or a prefix of one: "wash" of "washer"."""
    text = " ".join((note.title, *note.aliases, note.id, note.text))
    stems = {stem(word) for word in tokens(text)}
    return any(
        word in stems or any(word[:size] in stems for size in range(LEAST_STEM, len(word)))
        for word in words
    )


def _spans(note: Note, unit: Unit, passage: Span) -> Iterator[Span]:
    if unit.kind == "header" or (unit.kind == "heading" and passage != unit.span):
        return
    if unit.kind == "property":
        if unit.columns[0][0].casefold() not in SUMMARY_FIELDS:
            yield unit.span
            return
        # The value of a summary is prose: its passage is the value alone.
        first, last = max(unit.span[0], passage[0]), min(unit.span[1], passage[1])
        yield from sentences(note.text[first:last], first)
        return
    for first, last in sentence_spans(note, unit):
        if first < passage[1] and passage[0] < last:
            yield first, last


def _says_something(note: Note, unit: Unit, span: Span, text: str) -> bool:
    if unit.kind in ("code", "math", "row", "property", "task"):
        return bool(text.strip())
    if _ONLY_A_LINK.fullmatch(note.text, *span):
        return False
    if unit.kind in ("item", "heading"):
        return any(char.isalnum() for char in text)
    return len(text.split()) > 1 or (not text.isascii() and len(tokens(text)) >= LEAST_TOKENS)


def _is_bibliography(passage: Passage) -> bool:
    """Check whether a passage lists the sources of a note."""
    last = passage.headings[-1] if passage.headings else ""
    return "_".join(last.casefold().split()) in _BIBLIOGRAPHY
