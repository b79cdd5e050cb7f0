"""A parsed document: frontmatter, blocks, and the scanned text of each block."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ragbot.models import Span
from ragbot.notes import frontmatter
from ragbot.notes.blocks import Block, Layout, layout
from ragbot.notes.frontmatter import Frontmatter
from ragbot.notes.link_scanner import Inline, scan
from ragbot.notes.typed_links import Field, fields, list_forms


@dataclass(slots=True)
class Text:
    """One block of inline text, scanned, with the place of each of its lines in the note."""

    block: Block
    inline: Inline
    starts: list[int]
    """Where each line starts in `inline.text`."""

    def place(self, position: int) -> int:
        """Return the offset in the note of a position in `inline.text`."""
        line = bisect_right(self.starts, position) - 1
        return self.block.lines[line][0] + position - self.starts[line]

    def span(self, start: int, end: int) -> Span:
        """Return the span in the note of a slice of `inline.text` that is not empty."""
        return self.place(start), self.place(end - 1) + 1

    def lines(self) -> Iterator[tuple[int, int]]:
        """Yield the start and end of each line in `inline.text`."""
        ends = [start - 1 for start in self.starts[1:]]
        return zip(self.starts, [*ends, len(self.inline.text)], strict=True)


@dataclass(slots=True)
class Page:
    """A parsed document; every offset counts in `text`, whose line ends are LF.

    The fields of `matter` describe the note; those of `stray`, a misplaced frontmatter, are text.
    `texts` and `fields` have the index of their block in `layout.blocks` as key.
    """

    text: str
    matter: Frontmatter
    stray: Frontmatter
    layout: Layout
    texts: dict[int, Text] = field(default_factory=dict)
    fields: dict[int, list[tuple[Field, int]]] = field(default_factory=dict)

    def comments(self) -> list[Span]:
        """Return the spans of comments, with their signs; an unclosed `%%` is no comment."""
        whole = [*self.layout.comments, *self._html_comments()]
        signs = [
            text.place(match.start())
            for text in self.texts.values()
            if "%%" in text.inline.masked
            for match in re.finditer("%%", text.inline.masked)
        ]
        outside = [sign for sign in signs if next(without((sign, sign + 1), whole), None)]
        pairs = [(a, b + 2) for a, b in zip(outside[::2], outside[1::2], strict=False)]
        return sorted(whole + pairs)

    def _html_comments(self) -> Iterator[Span]:
        for text in self.texts.values() if "<!--" in self.text else ():
            for start, end in text.inline.hidden:
                if text.inline.text.startswith("<!--", start):
                    yield text.span(start, end)


def without(span: Span, hidden: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a span outside the hidden spans, which are in order without overlap."""
    start, end = span
    first = bisect_right(hidden, start, key=lambda place: place[1])
    for a, b in hidden[first:]:
        if a >= end:
            break
        if start < a:
            yield start, a
        start = max(start, b)
    if start < end:
        yield start, end


class Places:
    """Map of offsets in a text with LF line ends to offsets in the file."""

    def __init__(self, text: str) -> None:
        # After n CRLFs, a position in the file is n characters greater.
        self.pairs = [m.start() - n for n, m in enumerate(re.finditer("\r\n", text))]

    def offset(self, position: int) -> int:
        """Return the offset in the file of a position in the text."""
        return position + bisect_left(self.pairs, position) if self.pairs else position

    def span(self, span: Span) -> Span:
        """Return the span in the file of a span of the text."""
        return self.offset(span[0]), self.offset(span[1])


@lru_cache(maxsize=2)
def page_of(text: str) -> Page:
    """Return a parsed document. Cached, because the same text is often parsed twice in a row."""
    return read_page(text)


def read_page(text: str) -> Page:
    """Parse a document, or a slice of one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    matter = frontmatter.read(text)
    stray = frontmatter.stray(text, matter.end)
    page = Page(text, matter, stray, layout(text, max(matter.end, stray.end)))
    for number, block in enumerate(page.layout.blocks):
        if block.kind in ("text", "heading", "cell"):
            inline = scanned(text, block, page.layout)
            page.texts[number] = inline
            if "::" in inline.inline.masked and (found := list(_fields(inline))):
                page.fields[number] = found
    for number, form in _list_forms(page):
        page.fields[number] = [(form, page.texts[number].place(0))]
    return page


def _fields(text: Text) -> Iterator[tuple[Field, int]]:
    """Yield the fields of a block, each with the offset where its line starts."""
    for start, end in text.lines() if text.inline.links else ():
        for entry in fields(text.inline, start, end):
            yield entry, text.place(start)


def _list_forms(page: Page) -> Iterator[tuple[int, Field]]:
    """Yield the relations that list items are, by the number of their first block."""
    lists: dict[int, list[int]] = {}
    for item in page.layout.items:
        if item.blocks:
            lists.setdefault(item.list, []).append(item.blocks[0])
    for numbers in lists.values():
        texts = [page.texts[number] for number in numbers if number in page.texts]
        if len(texts) == len(numbers) and any(text.inline.links for text in texts):
            forms = list_forms([text.inline for text in texts])
            for number, form in zip(numbers, forms, strict=True):
                if form and number not in page.fields and page.texts[number].block.kind == "text":
                    yield number, form


def scanned(text: str, block: Block, found: Layout) -> Text:
    """Scan the inline text of one block of a note."""
    lines = [text[start:end] for start, end in block.lines]
    starts, position = [], 0
    for line in lines:
        starts.append(position)
        position += len(line) + 1
    return Text(block, scan("\n".join(lines), found.references), starts)
