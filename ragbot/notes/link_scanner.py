"""The links of inline text, read in one pass from left to right.

The order of precedence is CommonMark's: a backslash escape, code, autolinks
and HTML, and here math, hide what is inside them; then come wikilinks and
Markdown links, the innermost first. The scanner is our own because a hostile
note must not cost more than linear time, and because offsets must be exact:
every construct that is looked for ahead is either found at once or known not
to be there.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from markdown_it.common.utils import normalizeReference

CODE, LINK, ESCAPED = "\ufdd0", "\ufdd1", "\ufdd2"
"""Noncharacters that replace hidden text, links and escapes in `Inline.masked`."""

MAX_LABEL = 1000
"""Longest text of a Markdown link that is kept as its alias."""

_SPECIAL = re.compile(r"\\|`+|<|!?\[|\]|\$\$?")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_IN_WIKILINK = re.compile(r"\]\]|\[\[|\n|`+")
_PIPE = re.compile(r"\\?\|")
_AUTOLINK = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20]*+|[\w.!#$%&'*+/=?^`{|}~-]++@[\w.-]++)>"
)
_TAG = re.compile(
    r"""<(?:/[A-Za-z][A-Za-z0-9-]*+\s*+
      | [A-Za-z][A-Za-z0-9-]*+
        (?:\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+)*+
        \s*+/?)>""",
    re.VERBOSE | re.ASCII,
)
_RAW_HTML = re.compile(r"<!--|<\?|<!\[CDATA\[|<![A-Za-z]")
_RAW_HTML_END = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>"}
_CLOSING_DOLLAR = re.compile(r"(?<![\s\\$])\$(?![\d$])")
_ANGLED = re.compile(r"<((?:[^<>\n\\]|\\.)*+)>")
_PLAIN_URL = re.compile(r"(?:[^\s()\\\x00-\x1f]|\\(?=[\s])|\\[^\s])++")
_TITLE = re.compile(
    r"""\s++(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\))\s*+\)""", re.DOTALL
)
_PARENTHESIS = re.compile(r"\s*+\)")
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999}+)\]", re.DOTALL)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_EXTERNAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


@dataclass(frozen=True, slots=True)
class Link:
    """One link as written. `start` and `end` cover it with its brackets."""

    start: int
    end: int
    target: str
    heading: str | None = None
    block: str | None = None
    alias: str | None = None
    embed: bool = False
    wiki: bool = True


@dataclass(frozen=True, slots=True)
class External:
    """A Markdown link that leads out of the vault; its destination begins at `close`."""

    start: int
    close: int
    end: int
    embed: bool


@dataclass(frozen=True, slots=True)
class Inline:
    """The links and hidden spans of an inline text.

    `masked` has the length of the text; code, HTML and math are replaced by
    `CODE`, links by `LINK`, escaped characters by `ESCAPED`, so that later
    patterns see only what is really text. `hidden` are the spans of code, HTML
    and math. `external` are the Markdown links that lead out of the notes; only
    their destinations are masked.
    """

    text: str
    masked: str
    links: tuple[Link, ...]
    hidden: tuple[tuple[int, int], ...] = ()
    external: tuple[External, ...] = ()


@dataclass(slots=True)
class _Scan:
    text: str
    references: Mapping[str, str]
    links: list[Link] = field(default_factory=list)
    external: list[External] = field(default_factory=list)
    masks: list[tuple[int, int, str]] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)
    openers: list[tuple[int, bool]] = field(default_factory=list)
    dead: int = 0
    ticks: dict[int, list[int]] | None = None
    dollars: list[int] | None = None
    absent: set[str] = field(default_factory=set)


def scan(text: str, references: Mapping[str, str] | None = None) -> Inline:
    """Return the links of the text of one block, its lines joined by LF, without block prefixes.

    `references` has the destinations of `[label]: destination`, by normalised label.
    """
    state = _Scan(text, references or {})
    position = 0
    while match := _SPECIAL.search(text, position):
        start, found = match.span()[0], match.group()
        if found == "\\":
            position = _escape(state, start)
        elif found[0] == "`":
            position = _code(state, start, len(found))
        elif found == "<":
            position = _angle(state, start)
        elif found[0] == "$":
            position = _math(state, start, found)
        elif found == "]":
            position = _close(state, start)
        else:
            position = _open(state, start, found)
    state.links.sort(key=lambda link: link.start)
    return Inline(
        text,
        _masked(text, state.masks),
        tuple(state.links),
        tuple(state.hidden),
        tuple(state.external),
    )


def _masked(text: str, masks: list[tuple[int, int, str]]) -> str:
    """Return a text with each masked span replaced by its sign; an outer span covers inner ones."""
    pieces: list[str] = []
    done = 0
    for start, end, sign in sorted(masks, key=lambda mask: (mask[0], -mask[1])):
        if start >= done:
            pieces += (text[done:start], sign * (end - start))
            done = end
    return "".join((*pieces, text[done:]))


def _escape(state: _Scan, start: int) -> int:
    if state.text[start + 1 : start + 2] in _PUNCTUATION:
        state.masks.append((start, start + 2, ESCAPED))
        return start + 2
    return start + 1


def _hide(state: _Scan, start: int, end: int) -> int:
    state.masks.append((start, end, CODE))
    state.hidden.append((start, end))
    return end


def _closing_ticks(state: _Scan, start: int, length: int) -> int:
    """Return the position after the run of `length` backticks that closes one at `start`, or -1."""
    if state.ticks is None:
        state.ticks = {}
        for match in re.finditer("`+", state.text):
            state.ticks.setdefault(len(match.group()), []).append(match.start())
    runs = state.ticks.get(length, [])
    nearest = bisect_left(runs, start + length)
    return runs[nearest] + length if nearest < len(runs) else -1


def _code(state: _Scan, start: int, length: int) -> int:
    end = _closing_ticks(state, start, length)
    return _hide(state, start, end) if end > 0 else start + length


def _angle(state: _Scan, start: int) -> int:
    match = _AUTOLINK.match(state.text, start) or _TAG.match(state.text, start)
    if match:
        return _hide(state, start, match.end())
    opening = _RAW_HTML.match(state.text, start)
    closing = _RAW_HTML_END.get(opening.group(), ">") if opening else ""
    if not opening or closing in state.absent:
        return start + 1
    # <!--> is a whole comment: its end may begin inside its opening
    end = state.text.find(closing, start + 2 if closing == "-->" else opening.end())
    if end < 0:
        state.absent.add(closing)
        return start + 1
    return _hide(state, start, end + len(closing))


def _math(state: _Scan, start: int, opening: str) -> int:
    text = state.text
    if opening == "$$":
        end = -1 if "$$" in state.absent else text.find("$$", start + 2)
        if end < 0:
            state.absent.add("$$")
            return start + 2
        return _hide(state, start, end + 2)
    if text[start + 1 : start + 2].isspace():
        return start + 1
    if state.dollars is None:
        state.dollars = [match.start() for match in _CLOSING_DOLLAR.finditer(text)]
    nearest = bisect_left(state.dollars, start + 2)
    if nearest == len(state.dollars):
        return start + 1
    end = state.dollars[nearest] + 1
    # One line only, because two prices in a paragraph are likelier than a formula of two lines.
    return start + 1 if "\n" in text[start:end] else _hide(state, start, end)


def _open(state: _Scan, start: int, found: str) -> int:
    """Read `[[wikilink]]`, or record an opening bracket."""
    embed = found == "!["
    inside = start + len(found) + 1
    if state.text.startswith("[", inside - 1):
        end = _wikilink_end(state, inside)
        link = end > 0 and wikilink(state.text[inside:end], start, end + 2, embed)
        if link:
            _take(state, link)
            return link.end
    state.openers.append((start, embed))
    return start + len(found)


def _take(state: _Scan, link: Link) -> None:
    state.links.append(link)
    state.masks.append((link.start, link.end, LINK))
    if not link.embed:
        state.dead = len(state.openers)  # a link has no link in it: brackets around it are text


def _wikilink_end(state: _Scan, start: int) -> int:
    """Return the position of the `]]` that closes a wikilink with its inside at `start`, or -1."""
    text, position = state.text, start
    while match := _IN_WIKILINK.search(text, position):
        found = match.group()
        if found == "]]":
            end = match.start()
            # [[wiki [link]]]: brackets balanced at the very end belong to the name
            surplus = text.count("[", start, end) - text.count("]", start, end)
            while surplus > 0 and text.startswith("]", end + 2):
                end, surplus = end + 1, surplus - 1
            return end
        if found[0] != "`":
            return -1
        closing = _closing_ticks(state, match.start(), len(found))
        position = closing if closing > 0 else match.end()
    return -1


def wikilink(inside: str, start: int = 0, end: int = 0, embed: bool = False) -> Link | None:
    """Return the link of the text between `[[` and `]]`; None if it names no note.

    Examples
    --------
    >>> link = wikilink("Note#Part|shown")
    >>> link.target, link.heading, link.alias
    ('Note', 'Part', 'shown')
    """
    pipe = _PIPE.search(inside)
    target = (inside[: pipe.start()] if pipe else inside).strip()
    alias = inside[pipe.end() :].strip() if pipe else None
    if not target:
        return None
    path, _, subpath = target.partition("#")
    heading, block = _subpath(subpath)
    return Link(start, end, path.strip(), heading, block, alias or None, embed)


def _subpath(subpath: str) -> tuple[str | None, str | None]:
    """Return the heading or the block of a subpath: `Heading`, `^block`."""
    subpath = subpath.strip()
    if subpath.startswith("^"):
        return None, subpath[1:] or None
    return subpath or None, None


def _close(state: _Scan, start: int) -> int:
    """Read the text after a closing bracket: `](destination)`, `][label]`, or none."""
    if not state.openers:
        return start + 1
    opening, image = state.openers.pop()
    live = image or len(state.openers) >= state.dead
    state.dead = min(state.dead, len(state.openers))
    if not live:
        return start + 1
    found = _inline_destination(state.text, start + 1) or _reference(state, opening, image, start)
    if found is None:
        return start + 1
    destination, end = found
    label = state.text[opening + 1 + image : min(start, opening + MAX_LABEL + 3)]
    link = markdown_link(destination, label, opening, end, image)
    if link:
        _take(state, link)
    else:  # a link out of the vault is no relation, and its destination is hidden
        state.masks.append((start, end, CODE))
        state.external.append(External(opening, start, end, image))
        if not image:
            state.dead = len(state.openers)
    return end


def _inline_destination(text: str, start: int) -> tuple[str, int] | None:
    """Return the destination of `(destination "title")` at `start`, and the position after it."""
    if not text.startswith("(", start):
        return None
    position = start + 1
    while text[position : position + 1] in (" ", "\t", "\n"):
        position += 1
    angled = _ANGLED.match(text, position)
    if angled:
        destination, position = angled.group(1), angled.end()
    else:
        end = _plain_destination(text, position)
        if end < 0:
            return None
        destination, position = text[position:end], end
    after = _PARENTHESIS.match(text, position) or _TITLE.match(text, position)
    return (_unescape(destination), after.end()) if after else None


def _plain_destination(text: str, start: int) -> int:
    """Return the position after a destination without blanks, with balanced parentheses, or -1."""
    depth, position = 0, start
    while True:
        match = _PLAIN_URL.match(text, position)
        position = match.end() if match else position
        if text.startswith("(", position):
            depth += 1
            if depth > 32:
                return -1
        elif text.startswith(")", position) and depth:
            depth -= 1
        else:
            return position if depth == 0 else -1
        position += 1


def _reference(state: _Scan, opening: int, image: bool, start: int) -> tuple[str, int] | None:
    """Read `[text][label]`, `[label][]` or `[label]` against the note's definitions."""
    if not state.references:
        return None
    match = _LABEL.match(state.text, start + 1)
    if start - opening > 1000 and not (match and match.group(1)):
        return None
    label = (match and match.group(1)) or state.text[opening + 1 + image : start]
    destination = state.references.get(normalizeReference(label))
    if destination is None:
        return None
    return destination, match.end() if match else start + 1


def _unescape(text: str) -> str:
    return html.unescape(_ESCAPE.sub(r"\1", text)) if "\\" in text or "&" in text else text


def markdown_link(
    destination: str, label: str, start: int = 0, end: int = 0, embed: bool = False
) -> Link | None:
    """Return a Markdown link; None if it leads out of the vault.

    The path is percent-decoded once, after the first `#` has been taken off.

    Examples
    --------
    >>> markdown_link("My%20Note.md#Part", "see").target
    'My Note.md'
    >>> markdown_link("https://example.org", "see") is None
    True
    """
    if not destination.strip() or _EXTERNAL.match(destination):
        return None
    path, _, subpath = destination.partition("#")
    heading, block = _subpath(unquote(subpath))
    # A label that long holds other labels; n nested ones must not cost n squared.
    alias = " ".join(_unescape(label).split()) if len(label) <= MAX_LABEL else ""
    return Link(start, end, unquote(path).strip(), heading, block, alias or None, embed, wiki=False)
