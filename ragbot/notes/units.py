"""The units of a note: the smallest parts that are quoted whole.

A unit is a paragraph, list item, task, table row, code block, heading or property. Its
`span` is its place in the file, without fences and bullets; its `text` has no markup.
Passages are cut along units, and answers quote whole units.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from typing import Literal

from ragbot.models import Note, Section, Span
from ragbot.notes.blocks import Block
from ragbot.notes.document import Page, Places, Text, page_of, read_page, without
from ragbot.notes.frontmatter import Value
from ragbot.notes.link_scanner import scan
from ragbot.notes.plain_text import TASK, html_text, inline_text, visible
from ragbot.notes.typed_links import properties
from ragbot.text.sentences import is_question, sentences

UnitKind = Literal[
    "property", "heading", "paragraph", "item", "task", "header", "row", "code", "math", "html"
]
TaskState = Literal["", "open", "done", "cancelled"]

_STATES: dict[str, TaskState] = {"x": "done", "X": "done", "-": "cancelled"}
_WORD = re.compile(r"\w")
# Most sentences: one line that begins with a letter, without characters of Markdown.
_UNMARKED = re.compile(r"[^\W\d_](?:[^\W_]|[ ,.;?!'\"()/‘’“”–—-]|:(?= ))*")
QUOTED = re.compile(r"(?<![^\r\n])[ \t]*(?:>[ \t]?)+")
"""The marks of a quote at the start of a line."""
_BOLD = re.compile(r"(\*\*|__)[^*_\n]+\1")


@dataclass(slots=True)
class Unit:
    """One unit of a note.

    Attributes
    ----------
    span
        Its place in the file: the whole row, the whole code block without its fence.
    text
        Its text without syntax; code unchanged.
    pieces
        Its visible parts in the file: `span` without comments.
    headings
        The headings above it, outermost first; of a heading, itself too.
    columns
        Of a row, the name and text of each cell; of a property, its key and value.
    level
        Of a heading, 1 to 6; of an item or task, how many items it is in.
    group
        A number that the units of one list, one table or one frontmatter share; None for others.
    parent
        Index of the unit above it: the item it is in, or the line that leads in its list.
    quoted
        Whether it is in a quote or callout.
    fenced
        Of code, its place with its fence.
    """

    kind: UnitKind
    span: Span
    text: str
    pieces: tuple[Span, ...] = ()
    headings: tuple[str, ...] = ()
    state: TaskState = ""
    columns: tuple[tuple[str, str], ...] = ()
    language: str = ""
    level: int = 0
    group: int | None = None
    parent: int | None = None
    quoted: bool = False
    fenced: Span | None = None

    @property
    def question(self) -> bool:
        """True if it is a question, which cannot be an answer."""
        return self.kind not in ("code", "math", "row") and is_question(self.text)


def units(note: Note) -> tuple[Unit, ...]:
    """Return all visible units of a note, in file order."""
    return _units(note.text, note.sections)


def units_in(note: Note, span: Span) -> list[Unit]:
    """Return the units of a note that a span touches, in file order."""
    return touched(units(note), span)


def touched(found: Sequence[Unit], span: Span) -> list[Unit]:
    """Return the units, of those in file order, that a span touches."""
    first = bisect_right(found, span[0], key=lambda unit: unit.span[1])
    return list(takewhile(lambda unit: unit.span[0] < span[1], islice(found, first, None)))


def members(found: Sequence[Unit], group: int | None) -> list[Unit]:
    """Return the units of a list or table, with those of nested lists."""
    numbers: set[int] = set()
    for number, unit in enumerate(found):
        nested = unit.parent in numbers and unit.group is not None
        if unit.group == group or nested:
            numbers.add(number)
    return [found[number] for number in sorted(numbers)]


def sentence_spans(note: Note, unit: Unit) -> list[Span]:
    """Return the spans of a unit that can be quoted: its sentences; a row or code block whole."""
    if unit.kind not in ("paragraph", "item", "task"):
        return [unit.span]
    return [
        sentence
        for start, end in unit.pieces
        for sentence in sentences(note.text[start:end], start)
    ]


@lru_cache(maxsize=64)
def _units(text: str, sections: tuple[Section, ...]) -> tuple[Unit, ...]:
    page = page_of(text)
    places = Places(text)
    starts = [section.span[0] for section in sections]
    found = (*_matter(page), *_body(page))
    for unit in found:
        if places.pairs:
            unit.span = places.span(unit.span)
            unit.pieces = tuple(map(places.span, unit.pieces))
            unit.fenced = places.span(unit.fenced) if unit.fenced else None
        if sections:
            unit.headings = sections[bisect_right(starts, unit.span[0]) - 1].headings
    return found


@lru_cache(maxsize=20_000)  # a question reads the same sentences in several places
def plain(text: str) -> str:
    """Return a slice of Markdown as plain text: links as the text they show, no markup.

    Examples
    --------
    >>> plain("- **Bold** [[Note|name]] and [page](a.md) `code`")
    'Bold name and page code'
    """
    if _UNMARKED.fullmatch(text):
        return " ".join(text.split())
    box = TASK.match(text)  # the quote of a task begins with it
    page = read_page(text[box.end() :] if box else text)
    return "\n".join(_plain(page, unit) for unit in (*_matter(page), *_body(page)))


def _plain(page: Page, unit: Unit) -> str:
    if unit.kind == "row":
        return "; ".join(cell for _, cell in unit.columns if cell)
    if unit.kind == "property":
        return inline_text(scan(page.text[slice(*unit.span)], page.layout.references), block=True)
    return unit.text


def body_start(note: Note) -> int:
    """Return the offset of the body of a note, after its frontmatter."""
    return Places(note.text).offset(page_of(note.text).layout.line_starts[0])


def _matter(page: Page) -> Iterator[Unit]:
    """Yield one unit for each field of the frontmatter; broken YAML is one unit of code."""
    matter = page.matter
    if _is_broken(page):
        start = page.text.find("\n") + 1
        end = page.text.rfind("\n---", 0, matter.end)
        source = page.text[start:end]
        if source.strip():
            yield Unit("code", (start, end), source, ((start, end),), language="yaml")
    group = -2 - len(page.layout.rows)
    values, starts = matter.values + page.stray.values, matter.starts + page.stray.starts
    for (key, value), start in zip(values, starts, strict=True):
        end = start + len(page.text[start : max(value.span[1], start)].rstrip())
        end = max(end, start + len(page.text[start : page.text.find("\n", start)].rstrip()))
        shown = _value_text(value)
        text = f"{key}: {shown}".rstrip()
        columns = ((key, shown), *_nested(value))
        yield Unit("property", (start, end), text, ((start, end),), columns=columns, group=group)


def _nested(value: Value) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of a mapping and of nested mappings."""
    for key, item in zip(value.keys, value.items, strict=False):
        yield key, _value_text(item)
        yield from _nested(item)


def _value_text(value: Value) -> str:
    if value.data is None:
        return ""
    if isinstance(value.data, str):
        return inline_text(scan(value.data))
    if value.keys:
        pairs = zip(value.keys, value.items, strict=True)
        return "; ".join(f"{key}: {_value_text(item)}" for key, item in pairs)
    return ", ".join(_value_text(item) for item in value.items)


def _body(page: Page) -> Iterator[Unit]:
    hidden = page.comments()
    rows: set[int] = set()
    count = len(page.matter.values) + len(page.stray.values) + _is_broken(page)
    items = _Items(page, count)
    made: Iterable[Unit]
    for number, block in enumerate(page.layout.blocks):
        if block.row is not None:
            made = [] if block.row in rows else [_row(page, block.row)]
            rows.add(block.row)
        elif text := page.texts.get(number):
            made = _text_units(page, number, text)
        else:
            made = _opaque(page, block)
        for unit in made:
            if _show(page, unit, hidden):
                unit.quoted = block.quoted
                items.place(unit, block.item)
                yield unit


def _is_broken(page: Page) -> bool:
    """Check whether the frontmatter could not be read; it is then one unit."""
    return bool(page.matter.error and not page.matter.values)


class _Items:
    """Numbers the lists of a note, and finds the parent of each unit."""

    def __init__(self, page: Page, count: int) -> None:
        self.page = page
        self.items = page.layout.items
        self.count = count
        self.first: dict[int, int] = {}
        self.leads: dict[int, int | None] = {}
        self.previous: Unit | None = None

    def place(self, unit: Unit, number: int | None) -> None:
        """Update list, depth and parent of a unit in an item; the item is None outside of lists."""
        if number is not None:
            item = self.items[number]
            if item.list not in self.leads:
                leads = self.previous is not None and _leads(self.page, self.previous)
                self.leads[item.list] = self.count - 1 if leads else None
            above = self.leads[item.list] if item.parent is None else self.first.get(item.parent)
            own = self.first.setdefault(number, self.count)
            unit.parent = above if own == self.count else own
            unit.group = item.list
            unit.level = self._depth(number)
        self.previous = unit
        self.count += 1

    def _depth(self, number: int) -> int:
        above = self.items[number].parent
        return 0 if above is None else 1 + self._depth(above)


def _leads(page: Page, unit: Unit) -> bool:
    """Check whether a line introduces the list below it: `Tools:` and `**Tools**` do."""
    source = page.text[slice(*unit.span)]
    return unit.text.endswith((":", "：")) or _BOLD.fullmatch(source) is not None


def _show(page: Page, unit: Unit, hidden: Sequence[Span]) -> bool:
    """Remove the comments from a unit; return whether visible text is left."""
    if not hidden:
        return bool(unit.text)
    pieces = tuple(part for piece in unit.pieces for part in without(piece, hidden))
    if pieces == unit.pieces:
        return bool(unit.text)
    pieces = tuple(piece for piece in pieces if _WORD.search(page.text[slice(*piece)]))
    if not pieces:
        return False
    inner = unit.span[0] >= pieces[0][0] and unit.span[1] <= pieces[-1][1]
    unit.span, unit.pieces = (pieces[0][0], pieces[-1][1]), pieces
    if not inner and unit.kind not in ("row", "header", "code", "math"):
        shown = (inline_text(scan(page.text[slice(*piece)]), block=True) for piece in pieces)
        unit.text = " ".join(shown)
    return bool(unit.text)


def _row(page: Page, number: int) -> Unit:
    row = page.layout.rows[number]
    cells = [_cell(page, span) for span in row.cells]
    group = -2 - row.header
    if number == row.header:
        text = "; ".join(cell for cell in cells if cell)
        return Unit("header", row.span, text, (row.span,), group=group)
    names = [_cell(page, span) for span in page.layout.rows[row.header].cells]
    names += [""] * (len(cells) - len(names))
    columns = tuple(zip(names, cells, strict=False))
    text = "; ".join(f"{name}: {cell}" if name else cell for name, cell in columns if cell)
    return Unit("row", row.span, text, (row.span,), columns=columns, group=group)


def _cell(page: Page, span: Span) -> str:
    # A table takes the backslash before a bar away, even in code.
    source = page.text[slice(*span)].replace("\\|", "|")
    return inline_text(scan(source, page.layout.references))


def _opaque(page: Page, block: Block) -> Iterator[Unit]:
    source = page.text[slice(*block.span)]
    plain_source = QUOTED.sub("", source) if block.quoted else source
    if block.kind == "code":
        if block.code.strip():
            span = (block.lines[0][0], block.lines[-1][1])
            fenced = block.span if block.lines[0][0] > block.span[0] else span
            yield Unit("code", span, block.code, (span,), language=block.language, fenced=fenced)
    elif block.kind == "math":
        text = plain_source.strip().removeprefix("$$").removesuffix("$$").strip()
        if text:
            yield Unit("math", block.span, text, (block.span,))
    elif shown := html_text(plain_source):
        start = block.span[0]
        pieces = tuple((start + a, start + b) for a, b in visible(source))
        pieces = tuple(piece for piece in pieces if html_text(page.text[slice(*piece)]))
        if pieces:
            yield Unit("html", (pieces[0][0], pieces[-1][1]), shown, pieces)


def _text_units(page: Page, number: int, text: Text) -> Iterator[Unit]:
    """Yield the units of a text block: each line with only fields, and the lines between."""
    block = text.block
    if block.kind == "heading" and not block.nested:
        shown = inline_text(text.inline, block=True)
        if shown:
            yield Unit("heading", block.span, shown, (block.span,), level=block.level)
        return
    lines = list(text.lines())
    fields = _property_lines(page, text, lines)
    first = block.item is not None and page.layout.items[block.item].blocks[0] == number
    if not fields:
        yield _prose_unit(page, text, (0, len(lines)), first)
        return
    start = 0
    for at, columns in fields.items():
        if start < at:
            yield _prose_unit(page, text, (start, at), first and not start)
        span = text.span(*lines[at])
        shown = "; ".join(f"{key}: {value}" for key, value in columns)
        yield Unit("property", span, shown, (span,), columns=columns)
        start = at + 1
    if start < len(lines):
        yield _prose_unit(page, text, (start, len(lines)), False)


def _property_lines(
    page: Page, text: Text, lines: Sequence[Span]
) -> dict[int, tuple[tuple[str, str], ...]]:
    """Return the keys and values of each line that has only fields."""
    if "::" not in text.inline.masked:
        return {}
    references, found = page.layout.references, {}
    for number, (start, end) in enumerate(lines):
        columns = [
            (key, value)
            for key, at, stop in properties(text.inline, start, end)
            if (value := inline_text(scan(text.inline.text[at:stop].strip("*_ "), references)))
        ]
        if columns:
            found[number] = tuple(columns)
    return found


def _prose_unit(page: Page, text: Text, window: tuple[int, int], first: bool) -> Unit:
    lines = list(text.lines())[window[0] : window[1]]
    start, end = lines[0][0], lines[-1][1]
    block = text.block
    span = (block.lines[window[0]][0], block.lines[window[1] - 1][1])
    source = text.inline.text[start:end]
    whole = (start, end) == (0, len(text.inline.text))
    inline = text.inline if whole else scan(source, page.layout.references)
    bars = source.startswith("|")
    shown = _rows_text(source) if bars else inline_text(inline, block=True, item=first)
    task = TASK.match(source) if first else None
    state: TaskState = _STATES.get(task.group(1), "open") if task else ""
    kind: UnitKind = "task" if task else "item" if first else "paragraph"
    return Unit(kind, span, shown, (span,), state=state)


def _rows_text(source: str) -> str:
    """Return rows of a table, without their header, as plain text."""
    lines = []
    for line in source.split("\n"):
        cells = [
            inline_text(scan(cell)) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))
        ]
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            lines.append("; ".join(cell for cell in cells if cell))
    return "\n".join(lines)
