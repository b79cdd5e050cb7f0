"""The text of a block of HTML as a browser shows it, without an HTML parser.

Every step takes linear time, even on hostile input.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from ragbot.models import Span

_BLOCKS = (
    "address|article|aside|blockquote|br|center|dd|details|div|dl|dt|fieldset|figcaption|figure"
    "|footer|form|h[1-6]|header|hr|legend|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot"
    "|thead|tr|ul"
)
BREAK = re.compile(rf"</?(?:{_BLOCKS}|td|th)(?![\w-])", re.IGNORECASE)
"""A tag that separates words: `tap<br>is` is two."""

_HIDDEN = re.compile(
    r"<!--|<(?P<name>script|style|template|head|title|svg)(?![\w-])|<[?!]", re.IGNORECASE
)
_CELL = re.compile(r"<t[dh](?![\w-])[^<>]*>", re.IGNORECASE)
_LINE = re.compile(rf"</?(?:{_BLOCKS})(?![\w-])[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def visible(source: str) -> Iterator[Span]:
    """Yield the spans of a block of HTML outside comments, scripts and styles."""
    position, absent = 0, set[str]()
    start = 0
    while match := _HIDDEN.search(source, position):
        name = (match.group("name") or "").lower()
        end = _end(source, match, name, absent)
        if end < 0:
            position = match.end()
            continue
        if start < match.start():
            yield start, match.start()
        start = position = end
    if start < len(source):
        yield start, len(source)


def _end(source: str, match: re.Match[str], name: str, absent: set[str]) -> int:
    """Return the position after the end of a hidden part, or -1."""
    closing = f"</{name}" if name else "-->" if match.group() == "<!--" else ">"
    if closing in absent:
        return -1
    if name:
        found = re.compile(re.escape(closing) + r"[^<>]*>", re.IGNORECASE).search(
            source, match.end()
        )
        at, length = (found.start(), len(found.group())) if found else (-1, 0)
    else:
        at, length = source.find(closing, match.start() + 2), len(closing)
    if at < 0:
        absent.add(closing)
        return -1
    return at + length


def html_text(source: str) -> str:
    r"""Return the text of a block of HTML, a line for each block or table row in it.

    Examples
    --------
    >>> html_text("<div>One<br>two <b>three</b></div><!-- no --><script>x()</script>")
    'One\ntwo three'
    >>> html_text("<table><tr><td>a</td><td>b &amp; c</td></tr></table>")
    'a; b & c'
    """
    shown = "".join(source[start:end] for start, end in visible(source))
    shown = re.sub(r"\s+", " ", shown)
    shown = _LINE.sub("\n", _CELL.sub("\v", shown))
    shown = html.unescape(_TAG.sub("", shown))
    lines = ("; ".join(_words(cell) for cell in line.split("\v") if _words(cell))
             for line in shown.split("\n"))  # fmt: skip
    return "\n".join(line for line in lines if line)


def _words(text: str) -> str:
    return " ".join(text.split())
