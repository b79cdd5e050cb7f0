"""The block structure of a note: markdown-it-py's blocks, with exact offsets.

markdown-it-py gives each block its lines, but not where the text of a line starts
after `> `, `- ` and indentation. So the rules that make text blocks are wrapped here,
and record that position while it is known:

    > - a [[Link]]
        ^ bMarks + tShift
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.blockquote import blockquote
from markdown_it.rules_block.heading import heading
from markdown_it.rules_block.lheading import lheading
from markdown_it.rules_block.list import list_block
from markdown_it.rules_block.paragraph import paragraph
from markdown_it.rules_block.table import table
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_def

from ragbot.models import Span

MAX_NESTING = 100
"""Levels of quotes and lists that are read, two for each list. Deeper ones are text."""

Kind = Literal["text", "heading", "cell", "code", "html", "math"]
_Rule = Callable[[StateBlock, int, int, bool], bool]

_CELL_END = re.compile(r"(?<!\\)\|")
_CELL_END_OUTSIDE = re.compile(r"(?<![`\\])(`+)(?!`)[^`]+\1(?!`)|\[\[[^\[\]]+\]\]|(?<!\\)\|")
"""Also matches code and wikilinks, in which a bar may end no cell."""
_BLANKS = " \t\n\v\f"


@dataclass(frozen=True, slots=True)
class Block:
    """One leaf of the structure: a paragraph, heading, table cell, code, HTML or math.

    `lines` are the spans of its text, without block prefixes; `span` runs
    from the first to the last of them. `item` is the index of the innermost
    list item around it in `Layout.items`, or None. `nested` is true inside any
    list, quote or footnote, `quoted` inside a quote. `row` is the index of a
    cell's row in `Layout.rows`, or None. Code has its lines without the fence as
    `lines`, its text without the indentation as `code` and its `language`.
    """

    kind: Kind
    span: Span
    lines: tuple[Span, ...]
    item: int | None = None
    nested: bool = False
    quoted: bool = False
    level: int = 0
    row: int | None = None
    code: str = ""
    language: str = ""


@dataclass(slots=True)
class Item:
    """One list item: the index of the item around it or None, and where it starts and ends.

    Items of one list have the same `list`.
    """

    parent: int | None
    start: int
    end: int
    blocks: list[int] = field(default_factory=list)
    list: int = -1


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its whole line, all its cells, and the index of the header row."""

    span: Span
    cells: tuple[Span, ...]
    header: int


@dataclass(slots=True)
class _Leaf:
    """The needed part of a text block's tokens; all tokens take ten times the memory."""

    type: str
    tag: str
    markup: str
    level: int
    lines: list[Span]


@dataclass(slots=True)
class Layout:
    """All blocks of a note in file order, its list items, and its link definitions.

    `comments` are the spans of `%%` comments that take whole lines, signs included.
    """

    blocks: list[Block] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    line_starts: list[int] = field(default_factory=list)

    def line_of(self, offset: int) -> int:
        """Return the line number, from 0, of an offset."""
        return bisect_right(self.line_starts, offset) - 1


def layout(text: str, start: int = 0) -> Layout:
    """Return the blocks of a note with LF line ends, whose body begins at the line at `start`."""
    body = text[start:]
    tokens: list[Token] = []
    environment: dict[str, Any] = {}
    parser = _parser()
    if body:
        parser.block.parse(body, parser, environment, tokens)
    found = Layout()
    found.line_starts = [start, *(start + m.end() for m in re.finditer("\n", body))]
    references = environment.get("references", {})
    found.references = {label: definition["href"] for label, definition in references.items()}
    _Walk(text, start, found).run(tokens)
    return found


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"maxNesting": 2 * MAX_NESTING})
    parser.enable("table")
    rules = parser.block.ruler
    text, quote = ["paragraph", "reference"], ["paragraph", "reference", "blockquote"]
    every = [*quote, "list"]
    rules.at("paragraph", _located(paragraph))
    rules.at("heading", _located(heading), {"alt": quote})
    rules.at("lheading", _located(lheading))
    rules.at("table", _located(table), {"alt": text})
    rules.before("reference", "footnote_def", _bounded(footnote_def), {"alt": text})
    rules.at("list", _bounded(list_block), {"alt": quote})
    rules.at("blockquote", _bounded(blockquote), {"alt": every})
    rules.before("fence", "math_block", _math, {"alt": every})
    rules.before("math_block", "comment", _comment, {"alt": every})
    return parser


class _Parser(MarkdownIt):
    """Keeps destinations as written, because links are only parsed here."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  # markdown-it's name
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802  # markdown-it's name
        return bool(url)


def _located(rule: _Rule) -> _Rule:
    """Return a block rule that also records the span of the text of each line."""

    def located(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        before = len(state.tokens)
        if not rule(state, line, end, silent):
            return False
        if not silent:
            spans = [
                (state.bMarks[n] + state.tShift[n], state.eMarks[n])
                for n in range(line, state.line)
            ]
            first = state.tokens[before]
            leaf = _Leaf("leaf", first.tag, first.markup, first.level, spans)
            state.tokens[before:] = [leaf]  # type: ignore[list-item]  # only the walk reads it
        return True

    return located


def _bounded(rule: _Rule) -> _Rule:
    """Return a container rule that nests up to a limit; deeper blocks are text.

    markdown-it's own limit drops the rest of the note.
    """

    def bounded(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        return state.level < MAX_NESTING and rule(state, line, end, silent)

    return bounded


def _math(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """Read a block of display math: `$$` at the start of a line up to the next `$$`."""
    start = state.bMarks[line] + state.tShift[line]
    if state.is_code_block(line) or not state.src.startswith("$$", start):
        return False
    last = line
    position = state.src.find("$$", start + 2, state.eMarks[line])
    while position < 0:
        last += 1
        if last >= end or state.sCount[last] < state.blkIndent:
            return False
        first = state.bMarks[last] + state.tShift[last]
        position = state.src.find("$$", first, state.eMarks[last])
    if state.src[position + 2 : state.eMarks[last]].strip():
        return False
    if silent:
        return True
    state.line = last + 1
    state.push("math_block", "", 0).map = [line, state.line]
    return True


def _comment(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """Read a `%%` comment of several lines as a container, which also ends a fence in it."""
    start = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith("%%", start) or state.env.get("in comment"):
        return False
    if state.is_code_block(line) or state.src.find("%%", start + 2, state.eMarks[line]) >= 0:
        return False
    stop = state.src.find("%%", state.eMarks[line], state.eMarks[end - 1])
    if stop < 0:
        return False
    last = line + 1
    while last < end and state.eMarks[last] < stop:
        if state.sCount[last] < state.blkIndent and not state.isEmpty(last):
            return False
        last += 1
    if silent:
        return True
    # Text after the closing sign on its line is hidden too.
    state.push("comment", "", 0).map = [line, last + 1]
    state.env["in comment"] = True
    lines, state.lineMax = state.lineMax, last + 1
    state.md.block.tokenize(state, line, last + 1)
    state.lineMax, state.line = lines, last + 1
    del state.env["in comment"]
    return True


class _Walk:
    """One pass over the tokens of a note, with a stack of open containers."""

    def __init__(self, text: str, start: int, found: Layout) -> None:
        self.text = text
        self.start = start
        self.found = found
        self.items: list[int] = []
        self.lists: list[int] = []
        self.list_count = 0
        self.containers = 0
        self.quotes = 0

    def run(self, tokens: Sequence[Token | _Leaf]) -> None:
        for token in tokens:
            if isinstance(token, _Leaf):
                self._leaf(token)
            elif token.type == "list_item_open":
                self._open_item(token)
            elif token.type == "list_item_close":
                self.items.pop()
                self.containers -= 1
            elif token.type == "comment":
                self.found.comments.append(self._lines(token))
            elif token.type in ("fence", "code_block", "html_block", "math_block"):
                self._opaque(token)
            else:
                self._container(token.type)

    def _container(self, kind: str) -> None:
        """Update the open containers for a list, quote or footnote that opens or closes."""
        if kind in ("bullet_list_open", "ordered_list_open"):
            self.lists.append(self.list_count)
            self.list_count += 1
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self.lists.pop()
        elif kind in ("blockquote_open", "footnote_reference_open"):
            self.containers += 1
            self.quotes += kind == "blockquote_open"
        elif kind in ("blockquote_close", "footnote_reference_close"):
            self.containers -= 1
            self.quotes -= kind == "blockquote_close"

    def _open_item(self, token: Token) -> None:
        span = self._lines(token)
        parent = self.items[-1] if self.items else None
        self.items.append(len(self.found.items))
        self.found.items.append(Item(parent, *span, list=self.lists[-1]))
        self.containers += 1

    def _lines(self, token: Token) -> Span:
        """Return the span of all lines of a token, without the last line end."""
        first, last = token.map or (0, 1)
        return self._line(first)[0], self._line(last - 1)[1]

    def _line(self, number: int) -> Span:
        """Return the span of a line without its end."""
        starts = self.found.line_starts
        end = starts[number + 1] - 1 if number + 1 < len(starts) else len(self.text)
        return starts[number], max(end, starts[number])

    def _opaque(self, token: Token) -> None:
        kinds: dict[str, Kind] = {"html_block": "html", "math_block": "math"}
        kind = kinds.get(token.type, "code")
        span = self._lines(token)
        if kind != "code":
            self._add(Block(kind, span, (span,), *self._around()))
            return
        first, last = token.map or (0, 1)
        if token.type == "fence":
            first += 1
            content = token.content.removesuffix("\n")
            last = min(last, first + (content.count("\n") + 1 if token.content else 0))
        lines = tuple(self._line(number) for number in range(first, max(first, last)))
        language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
        code = token.content.removesuffix("\n")
        around = self._around()
        self._add(Block(kind, span, lines, *around, code=code, language=language))

    def _leaf(self, leaf: _Leaf) -> None:
        lines = [(self.start + a, self.start + b) for a, b in leaf.lines]
        if leaf.tag == "table":
            del lines[1]  # the row of dashes
            header = len(self.found.rows)
            for line in lines:
                self._row(line, header)
        elif leaf.tag == "p":
            self._inline("text", tuple(self._stripped(*line) for line in lines))
        else:
            if len(lines) > 1:  # setext: the last line is the underline
                lines.pop()
            else:
                lines[0] = self._without_hashes(*lines[0], len(leaf.markup))
            stripped = tuple(self._stripped(*line) for line in lines)
            self._inline("heading", stripped, int(leaf.tag[1:]))

    def _row(self, line: Span, header: int) -> None:
        line = self._stripped(*line)
        cells = self._cells(*line)
        number = len(self.found.rows)
        if number > header and len(cells) > len(self.found.rows[header].cells):
            cells = self._cells(*line, _CELL_END_OUTSIDE)
        self.found.rows.append(Row(line, tuple(cells), header))
        for start, end in cells:
            if start < end:
                cell = (start, end)
                self._add(Block("cell", cell, (cell,), *self._around(), row=number))

    def _cells(self, start: int, end: int, bar: re.Pattern[str] = _CELL_END) -> list[Span]:
        start += self.text.startswith("|", start)
        found = bar.finditer(self.text, start, end)
        ends = [match.start() for match in found if match.group() == "|"]
        starts = [start, *(position + 1 for position in ends)]
        cells = zip(starts, [*ends, end], strict=True)
        return [self._stripped(*cell) for cell in cells if cell[0] < end]

    def _without_hashes(self, start: int, end: int, hashes: int) -> Span:
        """Return the span of the text of an ATX heading: `## Text ##` without its marks."""
        start, end = self._stripped(start + hashes, end)
        closing = end
        while closing > start and self.text[closing - 1] == "#":
            closing -= 1
        if closing == start or self.text[closing - 1] in " \t":
            return self._stripped(start, closing)
        return start, end

    def _stripped(self, start: int, end: int) -> Span:
        shown = self.text[start:end].rstrip(_BLANKS)
        return start + len(shown) - len(shown.lstrip(_BLANKS)), start + len(shown)

    def _inline(self, kind: Kind, lines: tuple[Span, ...], level: int = 0) -> None:
        span = (lines[0][0], lines[-1][1])
        self._add(Block(kind, span, lines, *self._around(), level))

    def _around(self) -> tuple[int | None, bool, bool]:
        """Return the innermost item, whether in any container, and whether in a quote."""
        item = self.items[-1] if self.items else None
        return item, self.containers > 0, self.quotes > 0

    def _add(self, block: Block) -> None:
        if block.item is not None:
            self.found.items[block.item].blocks.append(len(self.found.blocks))
        self.found.blocks.append(block)
