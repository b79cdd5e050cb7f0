"""The running text of a note: its spans, and its text without markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from ragbot.models import Note, Span
from ragbot.notes.blocks import layout
from ragbot.notes.document import Page, Places, Text, page_of, scanned, without
from ragbot.notes.html_text import html_text
from ragbot.notes.inline_text import inline_text
from ragbot.notes.link_scanner import CODE
from ragbot.notes.typed_links import Field, only_links
from ragbot.notes.units import rows_text, units

# Most sentences: one line that begins with a letter, without characters of Markdown.
_UNMARKED = re.compile(r"[^\W\d_](?:[^\W_]|[ ,.;?!'\"()/‘’“”–—-]|:(?= ))*")


def prose(note: Note, *, code: bool = True) -> list[Span]:
    """Return the spans of the body of a note that are embedded and quoted.

    Frontmatter, headings and comments are not among them.

    Parameters
    ----------
    note
        The note, resolved or not.
    code
        Whether code blocks and display math are kept.
    """
    left_out = {"heading"} if code else {"heading", "code", "math"}
    body = body_start(note)
    return [
        piece
        for unit in units(note)
        if unit.kind not in left_out and unit.span[0] >= body
        for piece in unit.pieces
    ]


def body_start(note: Note) -> int:
    """Return the offset of the body of a note, after its frontmatter."""
    return Places(note.text).offset(page_of(note.text).layout.line_starts[0])


def readable(note: Note) -> Iterator[tuple[str, Callable[[int], int]]]:
    """Yield the prose of each block, and a function from positions in it to offsets in the note.

    Code, links, comments, headings, and the keys of relations are replaced by signs that are
    not letters.
    """
    page = page_of(note.text)
    places = Places(note.text)
    hidden = page.comments()
    for number, text in page.texts.items():
        if text.block.kind == "heading":
            continue
        shown: list[str] = []
        for a, b, pieces in _pieces(page, number, hidden):
            at, line = a, text.place(a)
            for start, end in pieces:
                shown.append(CODE * (a + start - line - at))
                at = a + end - line
                shown.append(text.inline.masked[a + start - line : at])
            shown.append(CODE * (b - at) + "\n")
        yield "".join(shown), partial(_place, text, places)


def _pieces(page: Page, number: int, hidden: list[Span]) -> Iterator[tuple[int, int, list[Span]]]:
    """Yield each line of one block, with the spans of its prose, in positions of its text."""
    text = page.texts[number]
    by_line: dict[int, list[Field]] = {}
    for entry, at in page.fields.get(number, ()):
        by_line.setdefault(at, []).append(entry)
    for a, b in text.lines():
        entries = by_line.get(text.place(a), []) if a < b else []
        shown = _shown(text, a, b, entries)
        yield a, b, [part for piece in shown for part in without(piece, hidden)]


def _shown(text: Text, start: int, end: int, entries: list[Field]) -> list[Span]:
    """Return the spans of a line that are prose: all of it, or the annotations of its relations."""
    if start == end:
        return []
    whole = [entry for entry in entries if entry.whole]
    if whole or only_links(text.inline, start, end, entries):
        return [text.span(*entry.annotation) for entry in whole if entry.annotation]
    return [text.span(start, end)]


def _place(text: Text, places: Places, position: int) -> int:
    return places.offset(text.place(position))


def plain(text: str) -> str:
    """Return a slice of Markdown as plain text: links as the text they show, no markup.

    Examples
    --------
    >>> plain("- **Bold** [[Note|name]] and [page](a.md) `code`")
    'Bold name and page code'
    """
    if _UNMARKED.fullmatch(text):
        return " ".join(text.split())
    return _read(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd"))


def _read(text: str) -> str:
    found = layout(text)
    lines: list[str] = []
    row: int | None = None
    for number, block in enumerate(found.blocks):
        source = text[slice(*block.span)]
        if block.kind == "html":
            lines.append(html_text(source))
        elif block.kind == "code":
            lines.append(block.code)
        elif block.kind == "math":
            lines.append(source.strip().removeprefix("$$").removesuffix("$$").strip())
        elif block.row is not None:
            cell = inline_text(scanned(text, block, found).inline)
            lines.append(f"{lines.pop()}; {cell}" if block.row == row else cell)
            row = block.row
        else:
            inline = scanned(text, block, found).inline
            item = block.item is not None and found.items[block.item].blocks[0] == number
            rows = inline.text.startswith("|")
            shown = rows_text(inline.text) if rows else inline_text(inline, block=True, item=item)
            lines.append(shown)
    return "\n".join(line for line in lines if line)
