"""What of a note is text to be read, and how it reads without its markup.

Floor 1: pure functions on strings.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from ragbot.models import Note, Span
from ragbot.notes.blocks import layout
from ragbot.notes.document import Page, Places, Text, page_of, scanned
from ragbot.notes.link_scanner import CODE, ESCAPED, Inline, Link
from ragbot.notes.typed_links import MARKERS, Field, only_links

_COMMENT = re.compile("%%")
_MARKER = re.compile(rf"^([*_]*)[ \t]?[{MARKERS}]")
# Most sentences: one line from a letter on, without a sign that Markdown could take for markup.
_UNMARKED = re.compile(r"[^\W\d_](?:[^\W_]|[ ,.;?!'\"()/‘’“”–—-]|:(?= ))*")
_MARKUP = re.compile(r"\*+(?=\S)|(?<=\S)\*+|~~|==|(?<!\w)_+(?=\S)|(?<=\S)_+(?!\w)")


def prose(note: Note, *, code: bool = True) -> list[Span]:
    """Spans of a note that are text to be read, embedded and quoted.

    Frontmatter, headings, HTML, comments, and lines that hold only links and
    relations are left out; annotations of relations stay.

    Parameters
    ----------
    note
        The note, resolved or not.
    code
        Whether code blocks and display math are kept.

    Returns
    -------
    list of Span
        One for each stretch without a gap, in file order, none empty.
    """
    page = page_of(note.text)
    places = Places(note.text)
    hidden = _comments(page)
    found: list[Span] = []
    for number, block in enumerate(page.layout.blocks):
        if block.kind in ("code", "math") and code:
            found.append(block.span)
        elif number in page.texts and block.kind != "heading":
            found.extend(_readable(page, number, hidden))
    return [places.span((a, b)) for a, b in found if a < b]


def _readable(page: Page, number: int, hidden: list[Span]) -> list[Span]:
    """Spans of the readable text of one block; lines that follow each other are one span."""
    lines = page.texts[number].block.lines
    next_line = {one[1]: other[0] for one, other in pairwise(lines)}
    found: list[Span] = []
    for _, _, pieces in _pieces(page, number, hidden):
        for start, end in pieces:
            if found and next_line.get(found[-1][1]) == start:
                start = found.pop()[0]
            found.append((start, end))
    return found


def _pieces(page: Page, number: int, hidden: list[Span]) -> Iterator[tuple[int, int, list[Span]]]:
    """Give each line of one block, in places of its text, with its readable spans."""
    text = page.texts[number]
    by_line: dict[int, list[Field]] = {}
    for entry, at in page.fields.get(number, ()):
        by_line.setdefault(at, []).append(entry)
    for a, b in text.lines():
        entries = by_line.get(text.place(a), []) if a < b else []
        shown = _shown(text, a, b, entries)
        yield a, b, [part for piece in shown for part in _without(piece, hidden)]


def _shown(text: Text, start: int, end: int, entries: list[Field]) -> list[Span]:
    """Spans of one line that are prose: all of it, or the annotations of its relations."""
    if start == end:
        return []
    whole = [entry for entry in entries if entry.whole]
    if whole or only_links(text.inline, start, end, entries):
        return [text.span(*entry.annotation) for entry in whole if entry.annotation]
    return [text.span(start, end)]


def readable(note: Note) -> Iterator[tuple[str, Callable[[int], int]]]:
    """Give the prose of each block, and a function from places in it to places in the note.

    Code, links, comments and what else is not prose are blanked out by signs
    that are no letters.
    """
    page = page_of(note.text)
    places = Places(note.text)
    hidden = _comments(page)
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


def _place(text: Text, places: Places, position: int) -> int:
    return places.offset(text.place(position))


def _comments(page: Page) -> list[Span]:
    """Spans between `%%` and the next `%%`, signs included. An unclosed one hides nothing."""
    signs = [
        text.place(match.start())
        for text in page.texts.values()
        for match in _COMMENT.finditer(text.inline.masked)
    ]
    return [(a, b + 2) for a, b in zip(signs[::2], signs[1::2], strict=False)]


def _without(span: Span, hidden: list[Span]) -> Iterator[Span]:
    """Parts of a span outside the hidden ones, which are in order and apart."""
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


def plain(text: str) -> str:
    """Give a slice of Markdown as text to read: links by what they show, no markup.

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
    lines = []
    for block in found.blocks:
        if block.kind == "html":
            continue
        if block.kind in ("code", "math"):
            lines.append(_bare_code(text[slice(*block.span)]))
        else:
            lines.append(_plain_inline(scanned(text, block, found).inline))
    return "\n".join(line for line in lines if line)


def _bare_code(source: str) -> str:
    return "\n".join(
        line for line in source.split("\n") if not re.match(r"[ \t>]*(?:```|~~~|\$\$\s*$)", line)
    )


def _plain_inline(inline: Inline) -> str:
    shown: list[str] = []
    position = 0
    for link in inline.links:
        if link.start < position:
            continue
        shown.append(_MARKER.sub(r"\1", _unmarked(inline, position, link.start)))
        shown.append(_shown_link(link))
        position = link.end
    shown.append(_MARKER.sub(r"\1", _unmarked(inline, position, len(inline.text))))
    return " ".join("".join(shown).split())


def _shown_link(link: Link) -> str:
    if link.embed and re.fullmatch(r"\d+(?:x\d+)?", link.alias or ""):
        return ""  # the size of an image
    label = link.alias or link.target or link.heading or link.block or ""
    return _MARKUP.sub("", label.replace("[[", "").replace("]]", "")).rstrip(MARKERS)


def _unmarked(inline: Inline, start: int, end: int) -> str:
    """Text between two links without emphasis marks, code ticks, HTML tags and comments."""
    pieces = []
    for match in re.finditer(rf"{CODE}+|{ESCAPED}+|[^{CODE}{ESCAPED}]+", inline.masked[start:end]):
        source = inline.text[start + match.start() : start + match.end()]
        if match.group()[0] == ESCAPED:
            source = source[1::2]
        elif match.group()[0] == CODE:
            source = _shown_code(source)
        else:
            source = _MARKUP.sub("", re.sub(r"%%.*?%%", "", source, flags=re.DOTALL))
        pieces.append(source)
    return "".join(pieces)


def _shown_code(source: str) -> str:
    if source[0] == "`":
        return source.strip("`")
    if source[0] == "<":
        return source[1:-1] if re.match(r"<[A-Za-z][A-Za-z0-9+.-]*:", source) else ""
    return source
