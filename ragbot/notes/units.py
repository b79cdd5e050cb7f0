"""The units of a note: what a reader sees as one thing, with its place and its text.

A unit is a paragraph, list item, task, table row, code block, heading or property. Its
`span` is its place in the file, without fences and bullets; its `text` is how it reads.
Passages are cut along units, and answers quote whole units.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ragbot.models import Note, Section, Span
from ragbot.notes.blocks import Block, Item
from ragbot.notes.document import Page, Places, Text, page_of
from ragbot.notes.frontmatter import Value
from ragbot.notes.html_text import html_text, visible
from ragbot.notes.inline_text import inline_text
from ragbot.notes.link_scanner import scan
from ragbot.notes.typed_links import properties
from ragbot.text.sentences import is_question, sentences

UnitKind = Literal[
    "property", "heading", "paragraph", "item", "task", "header", "row", "code", "math", "html"
]
TaskState = Literal["", "open", "done", "cancelled"]

_TASK = re.compile(r"\[(.)\](?=[ \t]|$)")
_STATES: dict[str, TaskState] = {"x": "done", "X": "done", "-": "cancelled"}
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a note.

    Attributes
    ----------
    span
        Its place in the file: the whole row, the whole code block without its fence.
    text
        How it reads, without syntax; code as it is written.
    pieces
        Its visible parts in the file: `span` without comments.
    headings
        The headings above it, outermost first; of a heading, itself too.
    state
        Of a task: open, done or cancelled.
    columns
        Of a row, the name and text of each cell; of a property, its key and value.
    language
        Of code, what its fence says.
    level
        Of a heading, 1 to 6; of an item or task, how many items it stands in.
    group
        A number that the units of one list, one table or one frontmatter share; else -1.
    parent
        Index of the unit above it: the item it stands in, or the line that leads in its list.
    quoted
        Whether it stands in a quote or callout.
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
    group: int = -1
    parent: int = -1
    quoted: bool = False

    @property
    def question(self) -> bool:
        """Whether it asks something, and so answers nothing by itself."""
        return self.kind not in ("code", "math", "row") and is_question(self.text)


def units(note: Note) -> tuple[Unit, ...]:
    """Return all visible units of a note, in file order."""
    return _units(note.text, note.sections)


def units_in(note: Note, span: Span) -> list[Unit]:
    """Return the units of a note that a span touches, in file order."""
    return [unit for unit in units(note) if unit.span[0] < span[1] and span[0] < unit.span[1]]


def sentence_spans(note: Note, unit: Unit) -> list[Span]:
    """Return the spans that may be quoted of a unit: sentences; rows and code are one."""
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
    found = [*_matter(page), *_body(page)]
    places = Places(text)
    starts = [section.span[0] for section in sections]
    return tuple(
        replace(
            unit,
            span=span,
            pieces=tuple(places.span(piece) for piece in unit.pieces),
            headings=sections[bisect_right(starts, span[0]) - 1].headings if sections else (),
        )
        for unit in found
        for span in [places.span(unit.span)]
    )


def _matter(page: Page) -> Iterator[Unit]:
    """Yield a unit for each field of the frontmatter; broken YAML is one unit of code."""
    matter = page.matter
    if matter.end and matter.error and not matter.values:
        start = page.text.find("\n") + 1
        end = page.text.rfind("\n---", 0, matter.end)
        source = page.text[start:end]
        if source.strip():
            yield Unit("code", (start, end), source, ((start, end),), language="yaml")
    group = -2 - len(page.layout.rows)
    for (key, value), start in zip(matter.values, matter.starts, strict=True):
        end = start + len(page.text[start : max(value.span[1], start)].rstrip())
        end = max(end, start + len(page.text[start : page.text.find("\n", start)].rstrip()))
        shown = _value_text(value)
        text = f"{key}: {shown}".rstrip()
        columns = ((key, shown),)
        yield Unit("property", (start, end), text, ((start, end),), columns=columns, group=group)


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
    first_of_item: dict[int, int] = {}
    rows: set[int] = set()
    count = len(page.matter.values) + bool(page.matter.error and not page.matter.values)
    previous: Unit | None = None
    lead = -1
    for number, block in enumerate(page.layout.blocks):
        if block.row >= 0:
            made = [] if block.row in rows else [_row(page, block.row)]
            rows.add(block.row)
        elif text := page.texts.get(number):
            made = list(_text_units(page, number, text, hidden))
        else:
            made = list(_opaque(page, block))
        for unit in made:
            unit = _visible(page, unit, hidden)
            if not unit.pieces:
                continue
            items = page.layout.items
            if block.item >= 0:
                item = items[block.item]
                if previous is None or previous.group != item.list:
                    leads = previous is not None and previous.text.endswith((":", "："))
                    lead = count - 1 if leads and item.parent < 0 else lead if previous else -1
                above = first_of_item.get(item.parent, -1) if item.parent >= 0 else lead
                own = first_of_item.setdefault(block.item, count)
                unit = replace(
                    unit,
                    parent=above if own == count else own,
                    group=item.list,
                    level=_depth(items, block.item),
                    quoted=block.quoted,
                )
            else:
                lead = -1
                unit = replace(unit, quoted=block.quoted) if block.quoted else unit
            yield unit
            previous = unit
            count += 1


def _depth(items: Sequence[Item], number: int) -> int:
    depth = 0
    while (number := items[number].parent) >= 0:
        depth += 1
    return depth


def _visible(page: Page, unit: Unit, hidden: Sequence[Span]) -> Unit:
    """Take the comments out of a unit; what is left of its text is read again."""
    pieces = [part for piece in unit.pieces for part in without(piece, hidden)]
    pieces = [part for part in pieces if _WORD.search(page.text[slice(*part)]) or unit.kind == "code"]
    if tuple(pieces) == unit.pieces or not pieces:
        return replace(unit, pieces=tuple(pieces)) if not pieces else unit
    whole = unit.span[0] >= pieces[0][0] and unit.span[1] <= pieces[-1][1]
    span = (pieces[0][0], pieces[-1][1])
    if whole or unit.kind in ("row", "header", "code", "math"):
        return replace(unit, span=span, pieces=tuple(pieces))
    text = " ".join(inline_text(scan(page.text[slice(*piece)]), block=True) for piece in pieces)
    return replace(unit, span=span, pieces=tuple(pieces), text=text)


def without(span: Span, hidden: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a span outside the hidden ones, which are in order."""
    start, end = span
    for a, b in hidden:
        if b <= start:
            continue
        if a >= end:
            break
        if start < a:
            yield start, a
        start = max(start, b)
    if start < end:
        yield start, end


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
    return inline_text(scan(page.text[slice(*span)], page.layout.references))


def _opaque(page: Page, block: Block) -> Iterator[Unit]:
    source = page.text[slice(*block.span)]
    if block.kind == "code":
        if block.code.strip():
            span = (block.lines[0][0], block.lines[-1][1])
            yield Unit("code", span, block.code, (span,), language=block.language)
    elif block.kind == "math":
        text = source.strip().removeprefix("$$").removesuffix("$$").strip()
        if text:
            yield Unit("math", block.span, text, (block.span,))
    elif shown := html_text(source):
        start = block.span[0]
        pieces = tuple((start + a, start + b) for a, b in visible(source))
        pieces = tuple(piece for piece in pieces if html_text(page.text[slice(*piece)]))
        if pieces:
            yield Unit("html", (pieces[0][0], pieces[-1][1]), shown, pieces)


def _text_units(page: Page, number: int, text: Text, hidden: Sequence[Span]) -> Iterator[Unit]:
    """Yield the units of a block of text: a line of fields is one, lines of text are one."""
    block = text.block
    if block.kind == "heading":
        shown = inline_text(text.inline, block=True)
        if shown:
            yield Unit("heading", block.span, shown, (block.span,), level=block.level)
        return
    lines = list(text.lines())
    fields = _property_lines(text, lines)
    first = block.item >= 0 and page.layout.items[block.item].blocks[0] == number
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
    text: Text, lines: Sequence[Span]
) -> dict[int, tuple[tuple[str, str], ...]]:
    """Return the keys and values of each line that is nothing but fields."""
    if "::" not in text.inline.masked:
        return {}
    found = {}
    for number, (start, end) in enumerate(lines):
        columns = [
            (key, value)
            for key, at, stop in properties(text.inline, start, end)
            if (value := inline_text(scan(text.inline.text[at:stop].strip("*_ "))))
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
    rows = source.startswith("|")
    shown = rows_text(source) if rows else inline_text(inline, block=True)
    task = _TASK.match(source) if first else None
    state: TaskState = _STATES.get(task.group(1), "open") if task else ""
    kind: UnitKind = "task" if task else "item" if first else "paragraph"
    return Unit(kind, span, shown, (span,), state=state)


def rows_text(source: str) -> str:
    """Return rows of a table that stand without their header as they read."""
    lines = []
    for line in source.split("\n"):
        cells = [inline_text(scan(cell)) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            lines.append("; ".join(cell for cell in cells if cell))
    return "\n".join(lines)
