"""Cut a note into passages, the slices that are embedded and found.

A passage never crosses a heading, starts and ends with a unit or a sentence, and is one
slice of the file, so it can be quoted unchanged. The title and the headings are embedded
with it, and the names of the columns with a row: a passage that says "it degrades
capabilities" is found only if the embedded text names *it*.
"""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragbot.models import Note, Passage, Span
from ragbot.notes.units import Unit, body_start, plain, touched, units
from ragbot.text.dates import day_of, spoken
from ragbot.text.folding import fold_name
from ragbot.text.sentences import sentences

BUDGET = 250
"""Word pieces of an embedded text; the built-in encoder reads 256, two of which are special."""

_LEAST_PROSE = 60
"""Word pieces that a passage may have even if the title and the headings are long."""

SUMMARIES = ("brief_summary", "summary", "description", "abstract", "tagline")
"""Frontmatter fields that summarise a note; the first of them is a passage of its own."""

_WORD = re.compile(r"[a-z]+|[0-9]+|[^\s]", re.IGNORECASE)

# Addresses of links are not embedded. Marks of lists and quotes may be between two stretches.
_DESTINATION = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_BETWEEN = re.compile(r"[\s>*+|:-]*(?:\d{1,9}[.)][\s>]*)?(?:\[.\]\s*)?")
_LINES = re.compile(r"[^\r\n]+")
_ATOMS = frozenset({"row", "header", "code", "math", "property"})


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A visible part of a note; an `atom` is cut at line ends, not at sentences.

    `above` counts the word pieces of the column names that are embedded before a row.
    """

    start: int
    end: int
    atom: bool
    above: int = 0


def chunk(note: Note) -> list[Passage]:
    """Return the passages of a note, in the order of the file, without overlap.

    Every visible word of the note is in one of them, in the headings above it or in the title. An
    empty note has an empty passage at its start, embedded as its title alone.
    """
    body = body_start(note)
    found = units(note)
    passages = [_passage(note, span, ()) for span in _matter(note, found, body)]
    starts = [section.span[0] for section in note.sections]
    runs: list[list[list[_Stretch]]] = [[] for _ in note.sections]
    for run in _runs(note, [unit for unit in found if unit.span[0] >= body]):
        runs[bisect_right(starts, run[0].start) - 1].append(run)
    bare = _bare_headings(note, found, runs)
    for number, section in enumerate(note.sections):
        spans = [span for run in runs[number] for span in _cut_run(note, section.headings, run)]
        spans += bare.get(number, [])
        passages += [_passage(note, span, section.headings) for span in spans]
    return passages or [Passage(note.id, (0, 0), "")]


def _passage(note: Note, span: Span, headings: tuple[str, ...]) -> Passage:
    return Passage(note.id, span, note.text[slice(*span)], headings)


def _matter(note: Note, found: Sequence[Unit], body: int) -> list[Span]:
    """Return the spans of the frontmatter's passages: its summary, and the fields around it."""
    summary = next((name for name in SUMMARIES if isinstance(note.metadata.get(name), str)), None)
    spans: list[Span] = []
    run: list[_Stretch] = []
    for unit in found:
        if unit.span[0] >= body:
            break
        if unit.columns and unit.columns[0][0] == summary and unit.columns[0][1]:
            spans += _cut_run(note, (), run)
            spans.append(_summary(note.text, unit))
            run = []
        else:
            run.append(_Stretch(*unit.span, atom=True))
    return spans + _cut_run(note, (), run)


def _summary(text: str, unit: Unit) -> Span:
    """Return the span of a field's value, without its key and its quotes."""
    source = text[slice(*unit.span)]
    value = re.match(r"[^:]*:[ \t]*(?:[>|][+-]?[0-9]?[ \t]*(?=[\r\n]))?[\s\"']*", source)
    start = value.end() if value else 0
    return unit.span[0] + start, unit.span[0] + len(source.rstrip(" \t\r\n\"'"))


def _runs(note: Note, found: Sequence[Unit]) -> Iterator[list[_Stretch]]:
    """Yield the runs of visible parts of a section: paragraphs, list items, rows."""
    run: list[_Stretch] = []
    for unit in found:
        if unit.kind == "heading":
            continue
        atom = unit.kind in _ATOMS
        for start, end in unit.pieces:
            start, end = unit.fenced or (start, end)
            if run and not _BETWEEN.fullmatch(note.text, run[-1].end, start):
                yield run
                run = []
            names = "; ".join(name for name, _ in unit.columns) if unit.kind == "row" else ""
            run.append(_Stretch(start, end, atom, pieces(names)))
    if run:
        yield run


def _bare_headings(
    note: Note, found: Sequence[Unit], runs: Sequence[Sequence[object]]
) -> dict[int, list[Span]]:
    """Return the headings without text below them, by the number of their section."""
    starts = [section.span[0] for section in note.sections]
    bare: dict[int, list[Span]] = {}
    for unit in found:
        if unit.kind == "heading":
            number = bisect_right(starts, unit.span[0]) - 1
            following = note.sections[number + 1 : number + 2]
            above = any(len(other.headings) > len(unit.headings) for other in following)
            if not runs[number] and not above:
                bare[number] = [unit.span]
    return bare


def embedding_text(note: Note, passage: Passage) -> str:
    r"""Return the text that is embedded for a passage: title, headings, plain prose.

    Examples
    --------
    >>> note = Note("a.md", "Heat", "# Heat\n## Limits\nIt has [[Entropy|some]].")
    >>> embedding_text(note, Passage("a.md", (17, 41), note.text[17:41], ("Heat", "Limits")))
    'Heat. Limits. It has some.'
    """
    parts = (context(note, passage), _header_above(note, passage), _prose(note, passage))
    return " ".join(part for part in parts if part)


def context(note: Note, passage: Passage) -> str:
    """Return the title and headings that are embedded before the text of a passage."""
    return _context(note.title, passage.headings)


def _context(title: str, headings: Sequence[str]) -> str:
    path = list(headings)
    if path and fold_name(path[0]) == fold_name(title):
        path = path[1:]
    return " ".join(f"{part}." for part in (_dated(title), *path) if part)


@lru_cache(maxsize=4096)
def _dated(title: str) -> str:
    """Return a title; for a daily note with its day in words, as questions name it."""
    day = day_of(title)
    return title if day is None or spoken(day) in title else f"{title}, {spoken(day)}"


def _header_above(note: Note, passage: Passage) -> str:
    """Return the column names of a passage that begins with rows below their header."""
    if "|" not in passage.text:
        return ""
    inside = touched(units(note), passage.span)
    row = next((unit for unit in inside if unit.kind in ("header", "row")), None)
    names = [name for name, _ in row.columns if name] if row else []
    return "; ".join(names) + "." if names else ""


def _prose(note: Note, passage: Passage) -> str:
    """Return the plain text of a passage, a line for each unit."""
    shown = (_shown(note, unit, passage.span) for unit in touched(units(note), passage.span))
    return "\n".join(text for text in shown if text)


def _shown(note: Note, unit: Unit, span: Span) -> str:
    """Return the text of a unit as it is embedded; if a span cuts it, the part inside."""
    start, end = max(unit.span[0], span[0]), min(unit.span[1], span[1])
    if (start, end) != unit.span:
        source = note.text[start:end]
        return source if unit.kind == "code" else plain(source)
    if unit.kind == "row":  # the names of the columns come once, before the first row
        return "; ".join(cell for _, cell in unit.columns if cell)
    # Checked last, because it may parse the note again.
    if unit.kind == "property" and start >= body_start(note):
        return plain(note.text[start:end])
    return unit.text


def text_key(text: str) -> str:
    """Return the key of an embedded text, under which its vectors are stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def pieces(text: str) -> int:
    """Return an estimate, rather too high, of the word pieces of a text for a BERT encoder.

    A short word counts as one piece, a long one as a piece per four letters, and
    each sign or non-ASCII letter as one. The tokenizer itself is slow to import.
    """
    return sum(map(_pieces_of, _WORD.findall(text)))


@lru_cache(maxsize=50_000)
def _pieces_of(word: str) -> int:
    if len(word) <= 1:
        return 1
    if word[0].isdigit():
        return math.ceil(len(word) / 2)
    return 1 if len(word) <= 6 else math.ceil(len(word) / 4)


def _cut_run(note: Note, headings: Sequence[str], run: Sequence[_Stretch]) -> list[Span]:
    """Return the spans of the passages of one run, cut at sentences and of about equal size."""
    above = pieces(_context(note.title, headings)) + max((part.above for part in run), default=0)
    room = max(_LEAST_PROSE, BUDGET - above)
    sized = [
        (span, pieces(_DESTINATION.sub(r"\1", note.text[slice(*span)])))
        for part in _parts(note.text, run, room)
        for span in _cut(note.text, part, room)
    ]
    return _packed(sized, room)


def _parts(text: str, run: Sequence[_Stretch], room: int) -> Iterator[Span]:
    """Yield the sentences and atoms of a run; an atom that is too large by its lines."""
    start = end = -1
    for stretch in run:
        if not stretch.atom:
            start, end = (stretch.start if start < 0 else start), stretch.end
            continue
        if start >= 0:
            yield from sentences(text[start:end], start)
            start = -1
        if stretch.end - stretch.start <= room or pieces(text[stretch.start : stretch.end]) <= room:
            yield stretch.start, stretch.end
        else:
            lines = _LINES.finditer(text, stretch.start, stretch.end)
            yield from (match.span() for match in lines if match.group().strip())
    if start >= 0:
        yield from sentences(text[start:end], start)


def _packed(sized: Sequence[tuple[Span, int]], room: int) -> list[Span]:
    total = sum(size for _, size in sized)
    goal = total / max(1, math.ceil(total / room))
    packed: list[Span] = []
    filled = 0
    for span, size in sized:
        if packed and filled + size <= room and filled < goal:
            packed[-1] = (packed[-1][0], span[1])
            filled += size
        else:
            packed.append(span)
            filled = size
    return packed


def _cut(text: str, sentence: Span, room: int) -> Iterator[Span]:
    """Yield the parts of a sentence that is too long for an encoder, cut at spaces if possible."""
    first, last = sentence
    while (
        last - first > room and pieces(text[first:last]) > room
    ):  # a piece has at least one letter
        cut = _last_that_fits(text, first, last, room)
        yield first, first + len(text[first:cut].rstrip())
        first = cut + len(text[cut:last]) - len(text[cut:last].lstrip())
    if first < last:
        yield first, last


def _last_that_fits(text: str, first: int, last: int, room: int) -> int:
    filled = 0
    space = first
    for match in _WORD.finditer(text, first, last):
        if match.start() > first and text[match.start() - 1].isspace():
            space = match.start()
        filled += _pieces_of(match.group())
        if filled > room:
            return space if space > first else max(match.start(), first + 1)
    return last
