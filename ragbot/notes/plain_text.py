"""Inline Markdown and blocks of HTML as plain text: links as the text they show, no marks.

A mark is removed only if Markdown reads it as one: `2 * 3`, `snake_case` and `count(*)`
stay as they are. HTML is read without a parser, in linear time even on hostile input.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from ragbot.models import Span
from ragbot.notes.link_scanner import ESCAPED, Inline, Link, scan
from ragbot.notes.typed_links import MARKERS

_Edit = tuple[int, int, str]
"""Start, end, and the text in their place."""

_DELIMITERS = re.compile(r"\*+|_+|~~+|==+")
_SPECIAL = re.compile(r"[*_~=%^\\&\[\ufdd2]|\{\{")
"""Characters of marks; a text without these and without links needs no work."""
_ESCAPE = re.compile(f"{ESCAPED}{{2}}")
_PROGRAM = re.compile(r"<(script|style)(?![\w-])[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"\\\n")
_UNSEEN = re.compile(r"%%.*?%%|\[\^[^\[\]\s]+\](?!:)", re.DOTALL)
"""Comments, and the numbers of footnotes."""
_CLOZE = re.compile(r"(\{\{c\d+::)(?:(?!::|\}\}).)+((?:::.*?)?\}\})", re.DOTALL)
"""A cloze deletion of a flash card, around its text: `{{c1::text}}`, `{{c1::text::hint}}`."""
_BLOCK_ID = re.compile(r"(?:(?<=\s)|^)\^[A-Za-z0-9-]+\s*\Z")
_CALLOUT = re.compile(r"\s*\[![\w|-]+\][+-]?[ \t]*")
TASK = re.compile(r"\[([^\n])\](?:[ \t]+|$)")
"""The box of a task, at the start of an item; any one sign may be in it."""
_MARKER = re.compile(rf"([*_]*)[ \t]?[{MARKERS}]")
_IMAGE_SIZE = re.compile(r"\d+(?:x\d+)?")
_IMAGE = re.compile(r"\.(?:avif|bmp|gif|jpe?g|png|svg|webp)$", re.IGNORECASE)
_ADDRESS = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:|<[^\s<>]+@")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def inline_text(inline: Inline, *, block: bool = False, item: bool = False) -> str:
    r"""Return inline text without markup, its blanks collapsed.

    Parameters
    ----------
    inline
        The scanned text.
    block
        Whether it is a whole block: the type of a callout at its start, and a block id at its
        end, are then marks.
    item
        Whether it begins an item: the box of a task is then a mark.

    Examples
    --------
    >>> inline_text(scan(r"**Bold** [[Note|name]], [site](https://x.org) `a*b` count(*) \["))
    'Bold name, site a*b count(*) ['
    """
    text = inline.text
    if not (inline.links or inline.hidden or inline.external or _SPECIAL.search(text)):
        return " ".join(text.split())
    pieces: list[str] = []
    position = 0
    for start, end, shown in sorted(
        _edits(inline, block, item), key=lambda edit: (edit[0], -edit[1])
    ):
        if start < position:
            continue
        pieces += (_entities(text[position:start]), shown)
        position = end
    pieces.append(_entities(text[position:]))
    return " ".join("".join(pieces).split())


def _edits(inline: Inline, block: bool, item: bool) -> Iterator[_Edit]:
    masked = inline.masked
    for link in inline.links:
        yield link.start, link.end, shown(link)
        if match := _MARKER.match(masked, link.end):
            yield match.end() - 1, match.end(), ""
            if match.end() - 1 > match.end(1):
                yield match.end(1), match.end(), ""
    for external in inline.external:
        yield external.start, external.start + 1 + external.embed, ""
        yield external.close, external.end, ""
    for start, end in inline.hidden:
        program = _PROGRAM.match(inline.text, start)
        yield start, program.end() if program else end, _shown_code(inline.text[start:end])
    yield from ((match.start(), match.start() + 1, "") for match in _ESCAPE.finditer(masked))
    yield from ((match.start(), match.end(), " ") for match in _BREAK.finditer(masked))
    yield from ((match.start(), match.end(), "") for match in _UNSEEN.finditer(masked))
    clozes = _CLOZE.finditer(masked) if "{{c" in masked else ()
    yield from ((*match.span(part), "") for match in clozes for part in (1, 2))
    yield from ((start, end, "") for start, end in _emphasis(masked))
    ends = (_CALLOUT.match(masked), _BLOCK_ID.search(masked)) if block else ()
    box = TASK.match(inline.text) if item else None
    yield from ((match.start(), match.end(), "") for match in (*ends, box) if match)


def shown(link: Link) -> str:
    """Return the text of a link: its label, else its name or heading; "" for an image."""
    if link.embed and _IMAGE_SIZE.fullmatch(link.alias or ""):
        return ""
    if link.embed and not link.alias and _IMAGE.search(link.target):
        return ""
    label = link.alias or link.target or link.heading or link.block or ""
    label = label.replace("[[", "").replace("]]", "").rstrip(MARKERS)
    return inline_text(scan(label)) if re.search(r"[*_~=`\\&<]", label) else label


def _shown_code(source: str) -> str:
    if source[0] == "`":
        ticks = len(source) - len(source.lstrip("`"))
        inside = source[ticks:-ticks].replace("\n", " ")
        padded = inside.startswith(" ") and inside.endswith(" ") and inside.strip()
        return inside[1:-1] if padded else inside
    if source[0] == "<":
        if _ADDRESS.match(source):
            return source[1:-1]
        return " " if _BREAK_TAG.match(source) else html_text(source)
    return source


def _entities(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _emphasis(masked: str) -> Iterator[tuple[int, int]]:
    """Yield the delimiters that open or close emphasis, by CommonMark's flanking rules."""
    opened: dict[str, list[list[int]]] = {"*": [], "_": [], "~": [], "=": []}
    for match in _DELIMITERS.finditer(masked):
        sign, (start, end) = match.group()[0], match.span()
        opens, closes = _flanks(masked, start, end)
        while closes and start < end and opened[sign]:
            opener = opened[sign][-1]
            length = min(2, end - start, opener[1] - opener[0])
            if sign in "~=" and length < 2:
                break
            opener[1] -= length
            yield opener[1], opener[1] + length
            yield start, start + length
            start += length
            if opener[0] == opener[1]:
                opened[sign].pop()
        if opens and start < end:
            opened[sign].append([start, end])


def _flanks(masked: str, start: int, end: int) -> tuple[bool, bool]:
    """Check whether a run of delimiters may open, and whether it may close emphasis."""
    before = masked[start - 1] if start else " "
    after = masked[end] if end < len(masked) else " "
    left = not after.isspace() and (not _is_punctuation(after) or _is_outside(before))
    right = not before.isspace() and (not _is_punctuation(before) or _is_outside(after))
    opens, closes = left and after not in _CLOSING, right and before not in _OPENING
    if masked[start] == "_":
        opens = opens and (not right or _is_punctuation(before))
        closes = closes and (not left or _is_punctuation(after))
    return opens, closes


def _is_punctuation(sign: str) -> bool:
    # A noncharacter replaces a link, code or an escape, and reads as a letter.
    return not (sign.isalnum() or sign.isspace() or "\ufdd0" <= sign <= "\ufdd2")


def _is_outside(sign: str) -> bool:
    return sign.isspace() or _is_punctuation(sign)


# HTML

_BLOCKS = (
    "address|article|aside|blockquote|br|center|dd|details|div|dl|dt|fieldset|figcaption|figure"
    "|footer|form|h[1-6]|header|hr|legend|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot"
    "|thead|tr|ul"
)
_BREAK_TAG = re.compile(rf"</?(?:{_BLOCKS}|td|th)(?![\w-])", re.IGNORECASE)
_LABEL = re.compile(r"""<img\s[^<>]*?\balt=(?:"([^"<>]*)"|'([^'<>]*)')[^<>]*>""", re.IGNORECASE)
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

    An image is its label.

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
    shown = html.unescape(_TAG.sub("", _LABEL.sub(r" \1\2 ", shown)))
    lines = ([" ".join(cell.split()) for cell in line.split("\v")] for line in shown.split("\n"))
    return "\n".join("; ".join(filter(None, cells)) for cells in lines if any(cells))
