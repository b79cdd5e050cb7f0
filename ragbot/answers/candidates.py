"""Candidates: the sentences that may answer a question, from the passages that were found.

A hit names the best passage of a note; the sentence that answers may stand in
the next one. So the passages of every note found compete, and the best of them
are cut into sentences: as many as can be encoded while a person waits.

Floor 4: reads a corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.models import Hit, Note, NoteId, Passage, Span
from ragbot.notes.chunker import plain_prose
from ragbot.text.sentences import sentences
from ragbot.text.tokenize import tokens

Scores = NDArray[np.float64]

LEAST_WORDS = 2
"""Words of the shortest sentence that can answer."""

LEAST_TOKENS = 4
"""Tokens of one that is written without spaces: pairs of characters, so five of them."""

_BIBLIOGRAPHY = frozenset(
    [
        "sources",
        "source",
        "references",
        "reference",
        "bibliography",
        "citations",
        "literature",
        "further_reading",
        "works_cited",
        "external_links",
        "quellen",
        "literatur",
        "fuentes",
    ]
)
_ASKS_FOR_SOURCES = re.compile(
    r"\b(sources?|references?|cit(e[sd]?|ing|ations?)|papers?|articles?|books?|stud(y|ies)|publish\w*"
    r"|links?|urls?|author\w*|wr(ote|itten))\b",
    re.IGNORECASE,
)
_TAKING = r"(clipped|retrieved|archived|accessed|captured|saved|downloaded)"
_ASKS_WHERE_FROM = re.compile(rf"\b{_TAKING}\b", re.IGNORECASE)
# "Clipped from [a page](...) on ...": where a text was taken from, and nothing of what it says.
_TAKEN_FROM = re.compile(
    rf"[*_]*{_TAKING}\s+([\w,./-]+\s+){{0,3}}(from|on|at|via)\b.*(://|\]\()",
    re.IGNORECASE | re.DOTALL,
)

_RULE = re.compile(r"[\s|:-]*")
_ROW = re.compile(r"\s*(?:\|.*\|\s*|\|.*|(?:[^|\n]+\|){2}[^\n]*)\Z")
_UNDERLINED = re.compile(r"[^\n]*\r?\n[ \t>]*\|?[ \t]*:?-+:?[ \t]*\|[ \t|:-]*(?:\r|\n|\Z)")
_CELL = re.compile(r"(?<!\\)\|(?![^\[\]]*\]\])")
_STANDS_FOR = re.compile(
    r"(it|its|this|these|that|those|they|their|such|he|she|his|her|both|here|instead|however"
    r"|therefore|thus|but|and|so)\b",
    re.IGNORECASE,
)
# A field whose value is a link to a page says no more than the link alone.
_ONLY_A_LINK = re.compile(r"\s*(?:[\w-]+::\s*)?!?\[(?:\\.|[^\[\]\\])*\]\([^()\s]*\)[\s.]*")
BLOCK_MARK = re.compile(r"(?:[ \t]*(?:>|[-*+•](?=[ \t])|\d{1,3}[.)](?=[ \t])|\[[ xX]\])[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence, list item or table row of a note.

    `span` is its place in the note, without the mark of a list or quotation;
    `text` reads without markup. `worth` is that of its passage: the hit's
    score, less what the passage falls short of the best one of its note.
    `place` is that of its note among the notes found, from 0.
    """

    note: NoteId
    span: Span
    text: str
    headings: tuple[str, ...]
    passage_id: int
    worth: float
    place: int

    @property
    def introduces(self) -> bool:
        """Whether it only introduces what follows, a list mostly."""
        return self.text.endswith(":")

    @property
    def leans(self) -> bool:
        """Whether it begins with a word that stands for something said before it."""
        return _STANDS_FOR.match(self.text) is not None


def gather(
    corpus: Corpus,
    query: str,
    vector: FloatArray | None,
    hits: Sequence[Hit],
    most: int,
) -> list[Candidate]:
    """Cut the best passages of the notes found into sentences.

    Parameters
    ----------
    query
        The question, standing alone.
    vector
        The same encoded, a unit vector; None to judge passages by words.
    hits
        What retrieval found, best first.
    most
        Passages cut. Those of a bibliography are left out where no source is asked for, and of
        all of them the sentences that only say where a text was taken from.

    Returns
    -------
    list of Candidate
        In order of the passage's worth, then of the file.
    """
    found: list[Candidate] = []
    sources_too = _ASKS_FOR_SOURCES.search(query) is not None
    origins_too = sources_too or _ASKS_WHERE_FROM.search(query) is not None
    ranked = best_passages(corpus, query, vector, hits)
    telling = (
        (corpus.passage(one), one, worth)
        for one, worth in ranked
        if sources_too or not _is_bibliography(corpus.passage(one))
    )
    places = {
        note: place for place, note in enumerate(dict.fromkeys(hit.passage.note for hit in hits))
    }
    for chunk, one, worth in islice(telling, most):
        note = corpus.notes[chunk.note]
        found += (
            candidate
            for candidate in cut(note, chunk, one, worth, places[chunk.note])
            if origins_too or not _TAKEN_FROM.match(note.text, *candidate.span)
        )
    return found


def _is_bibliography(chunk: Passage) -> bool:
    """Tell whether a passage lists what a note rests on: it names a subject, and says nothing."""
    last = chunk.headings[-1] if chunk.headings else ""
    return "_".join(last.casefold().split()) in _BIBLIOGRAPHY


def best_passages(
    corpus: Corpus, query: str, vector: FloatArray | None, hits: Sequence[Hit]
) -> list[tuple[int, float]]:
    """Rank the passages of the notes found: id and worth, best first."""
    words = corpus.bm25(query)
    top = max(words.values(), default=0.0) or 1.0
    best: dict[NoteId, float] = {}
    for hit in hits:
        best.setdefault(hit.passage.note, hit.score)
    ranked: list[tuple[int, float]] = []
    for note, score in best.items():
        rows = corpus.passages_of(note)
        scores = np.array([words.get(one, 0.0) / top for one in rows])
        if vector is not None and corpus.embedded:
            scores = scores + corpus.similarities(vector, rows)
        ranked += zip(rows, (score + scores - scores.max()).tolist(), strict=True)
    return sorted(ranked, key=lambda pair: -pair[1])


def cut(
    note: Note, chunk: Passage, passage_id: int, worth: float, place: int
) -> Iterator[Candidate]:
    """Cut a passage into its sentences, list items and table rows, as they read."""
    columns: Sequence[str] = ()
    for first, last in sentences(chunk.text, chunk.span[0]):
        mark = BLOCK_MARK.match(note.text, first, last)
        first = mark.end() if mark else first
        source = note.text[first:last]
        if "|" in source and _UNDERLINED.match(note.text, first):
            columns = _cells(_from_line_start(note.text, first, last))
            continue
        skipped = _ONLY_A_LINK.fullmatch(source)
        text = "" if skipped else readable(source, columns)
        if len(text.split()) >= LEAST_WORDS or _runs_on(text):
            yield Candidate(note.id, (first, last), text, chunk.headings, passage_id, worth, place)


def _from_line_start(text: str, first: int, last: int) -> str:
    """Give a row with the empty cells before its first word."""
    start = max(text.rfind("\n", 0, first), text.rfind("\r", 0, first)) + 1
    mark = BLOCK_MARK.match(text, start, first)
    return text[mark.end() if mark else start : last]


def _runs_on(text: str) -> bool:
    """Tell whether a text without spaces is more than a word, as in Chinese, Japanese or Thai."""
    return not text.isascii() and len(tokens(text)) >= LEAST_TOKENS


def readable(source: str, columns: Sequence[str] = ()) -> str:
    r"""Give a slice of a note as a line to read; the cells of a table row become a list.

    Parameters
    ----------
    columns
        Names of the columns, for a row of three or more cells.

    Examples
    --------
    >>> readable("| **Heat** | flows | [[Work|worked]] |")
    'Heat: flows; worked'
    >>> readable("| Green | 80 | 2 |", ["Kind", "Degrees", "Minutes"])
    'Green (Degrees: 80; Minutes: 2)'
    """
    if not is_row(source):
        return _shown(source)
    if _RULE.fullmatch(source):
        return ""
    cells = _cells(source)
    if 1 < len(cells) <= len(columns) and len(columns) > 2:
        # The last row of a passage may lack empty cells at its end.
        named = zip(columns[1:], cells[1:], strict=False)
        told = "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)
        if cells[0] and told:
            return f"{cells[0]} ({told})"
    first, *rest = [cell for cell in cells if cell] or [""]
    return f"{first}: {'; '.join(rest)}" if rest else first


def is_row(source: str) -> bool:
    """Tell whether a slice of a note is a row of a table."""
    return _ROW.match(source) is not None


def _cells(source: str) -> list[str]:
    """Give the cells of a table row to read, without the bars at either end."""
    cells = [_shown(cell) for cell in _CELL.split(source.strip())]
    first = 1 if source.lstrip().startswith("|") else 0
    return cells[first : len(cells) - (not cells[-1])]


def _shown(source: str) -> str:
    return " ".join(plain_prose(source).split())
