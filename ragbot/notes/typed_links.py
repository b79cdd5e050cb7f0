"""Parse the typed relations in a line of text.

Three grammars, each with its own end:

    supports:: [[A]], [[B]] - why     bare: a key at the start of a line
    (supports:: [[A]])                wrapped: up to the matching bracket
    - supports [[A]] (why)            list form: exactly the whole item
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragbot.notes.link_scanner import CODE, ESCAPED, LINK, Inline, Link
from ragbot.notes.predicates import KNOWN, canonical
from ragbot.text.tokenize import STOP_WORDS

_SIGN = re.compile(r"\{\{c\d+::.*?\}\}|(?<!:)::(?!:)")
"""The sign of a field, or a cloze deletion, which has the same sign."""

MAX_KEY = 60
"""Longest key, in characters. A longer one is a sentence that contains `::`."""

MAX_KEY_WORDS, MAX_GLUED_WORDS = 5, 3
"""Most words of a bare key. Fewer if its `::` touches the link, because words of a sentence may be
before the key: `see the is_a::[[A]]`."""

MARKERS = "↑⊙↗"
"""Signs of provenance that may follow a link."""

_EDGE = f" \t*_~={MARKERS}"

_WORD = rf"[^\s:*~=\[\]()|;,\"<>`#!?{CODE}{LINK}{ESCAPED}]+"
_MARKUP = r"[*_~=\"']*"
_TASK = r"\[.\][ \t]+|\[![\w-]+\][+-]?[ \t]*"
_BARE = re.compile(
    rf"[ \t]*(?:%%[ \t]*)?(?:{_TASK})?[(\[]*{_MARKUP}"
    rf"(?P<key>{_WORD}(?:[ \t]+{_WORD}){{0,{MAX_KEY_WORDS - 1}}})$"
)
_LATER = re.compile(rf"[;,][ \t]*{_MARKUP}(?P<key>{_WORD}(?:[ \t]+{_WORD}){{0,2}}){_MARKUP}$")
_GAP = re.compile(rf"[\s,;&+/|*_~=\"'{MARKERS}]*(?:(?:and|or)[\s*_~=\"']+)?")
_DASH = re.compile(rf"[\s{MARKERS}*_~=]*(?:[—–]+|(?:(?<=[\s{MARKERS}])|^)-+(?=\s))[ \t]*")
_AFTER = re.compile(rf"[\s{MARKERS}*_~=]*")
_MARKER = re.compile(rf"[*_]*[ \t]?([{MARKERS}])")
_LIST_FORM = re.compile(
    rf"[ \t]*(?:\"(?P<double>[^\"{LINK}]+)\"|'(?P<single>[^'{LINK}]+)'"
    rf"|(?P<word>{_WORD}))[ \t]+(?P<link>{LINK}+)(?P<rest>[^{LINK}{CODE}]*)$"
)
# Words before a link that only lead to it, and stop words: never a predicate of the list form.
_LEADING = (
    "across along always amid apart aside besides beyond cc cf concerning despite e.g eg etc "
    "except hello i.e ie including instead later maybe nb never note per perhaps plus ps "
    "regarding see since sometimes still thanks today tomorrow towards upon versus via vs with "
    "within without yes "
    "siehe und oder mit auch vgl dazu sowie bei von für ohne voir et ou avec aussi pour sans chez "
    "ver véase y o con también para sin por zie en met ook vedi e anche"
)
_PHRASES = STOP_WORDS | frozenset(_LEADING.split())
_CONTEXT = re.compile(rf"[ \t]*[{MARKERS}]?[ \t]*(\(.*\))?[ \t]*(?:\^[\w-]+)?[ \t]*$")


@dataclass(frozen=True, slots=True)
class Field:
    """A typed relation of one line to one or more notes, with the span of its annotation or None.

    If the line has only such fields, `whole` is True: then the bullets below annotate them.
    """

    key: str
    links: tuple[Link, ...]
    annotation: tuple[int, int] | None = None
    whole: bool = True


def fields(inline: Inline, start: int, end: int) -> list[Field]:
    """Return the bare and wrapped fields that link to notes, of the line from `start` to `end`."""
    masked = inline.masked
    found = []
    for key, value, stop, whole in _keys(masked, start, end):
        links, after = _targets(inline, value, stop)
        if links:
            note = _annotation(masked, after, stop)
            found.append(Field(key, tuple(links), note, whole))
    return found


def _keys(masked: str, start: int, end: int) -> Iterator[tuple[str, int, int, bool]]:
    """Yield (key, value start, value end, whole) of each field of a line, in order."""
    pairs: dict[int, int] | None = None
    bare: tuple[str, int] | None = None
    for match in _SIGN.finditer(masked[start:end]):
        if match.group() != "::":
            continue
        at, value = start + match.start(), start + match.end()
        opener = _wrapper(masked, start, at)
        if opener >= 0:
            if pairs is None:
                pairs = _brackets(masked, start, end)
            if opener in pairs and (key := _clean(masked[opener + 1 : at])):
                around = masked[start:opener] + masked[pairs[opener] + 1 : end]
                yield key, value, pairs[opener], not around.strip(_EDGE)
                continue
        if bare is None:
            key = _bare_key(masked, start, at)
        else:
            later = _LATER.search(masked, max(bare[1], at - MAX_KEY), at)
            key = _clean(later.group("key")) if later else ""
            if later and key:
                yield bare[0], bare[1], later.start(), True
        if key:
            bare = (key, value)
    if bare:
        yield bare[0], bare[1], end, True


def properties(inline: Inline, start: int, end: int) -> list[tuple[str, int, int]]:
    """Return key, start and end of value of each field of a line that has only fields.

    A blank, a link or a digit must follow the `::`, so `std::vector` is not a field.
    """
    found = list(_keys(inline.masked, start, end))
    begins = (inline.masked[value : value + 1] for _, value, _, _ in found)
    if not all(sign == LINK or sign.isdigit() or sign.isspace() for sign in begins):
        return []
    if not all(whole for _, _, _, whole in found):
        return []
    return [(key, value, stop) for key, value, stop, _ in found]


def _bare_key(masked: str, start: int, at: int) -> str:
    if at - start > 2 * MAX_KEY:
        return ""
    head = masked[start:at].rstrip(" \t").rstrip("*_~=\"'")
    match = _BARE.match(head)
    if not match:
        return ""
    glued = masked[at + 2 : at + 3] == LINK and len(match.group("key").split()) > MAX_GLUED_WORDS
    sentence = re.search(r"[.…] ", match.group("key")) is not None
    return "" if glued or sentence else _clean(match.group("key"), bare=True)


def _clean(key: str, bare: bool = False) -> str:
    """Return a key without markup and extra blanks; empty if it cannot be a key."""
    key = " ".join(key.split()).strip("*_~=\"' ")
    if not key or len(key) > MAX_KEY or any(sign in key for sign in (CODE, LINK)):
        return ""
    telling = key[0].isalnum() and any(sign.isalpha() for sign in key)
    return key if telling or not bare else ""


def _wrapper(masked: str, start: int, at: int) -> int:
    """Return the position of the bracket directly before a key, or -1."""
    for position in range(at - 1, max(start, at - MAX_KEY) - 1, -1):
        if masked[position] in "([":
            return position
        if masked[position] in ")]:\n":
            return -1
    return -1


def _brackets(masked: str, start: int, end: int) -> dict[int, int]:
    """Return the position of the closing bracket of each closed pair in a line."""
    pairs: dict[int, int] = {}
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in re.finditer(r"[()\[\]]", masked[start:end]):
        position, sign = start + match.start(), match.group()
        if sign in opened:
            opened[sign].append(position)
        elif stack := opened["(" if sign == ")" else "["]:
            pairs[stack.pop()] = position
    return pairs


def _targets(inline: Inline, start: int, end: int) -> tuple[list[Link], int]:
    """Return the links that a value begins with, and the position after the last of them."""
    found: list[Link] = []
    position = start
    index = bisect_left(inline.links, start, key=lambda link: link.start)
    for link in inline.links[index:]:
        if link.start < position:
            continue
        gap = inline.masked[position : min(link.start, end)]
        if link.end > end or not _GAP.fullmatch(gap):
            break
        found.append(link)
        position = link.end
    return found, position


def _annotation(masked: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of the text after the links, behind a dash or in parentheses."""
    dash = _DASH.match(masked, start, end)
    if dash:
        return _stripped(masked, dash.end(), end)
    blanks = _AFTER.match(masked, start, end)
    first = blanks.end() if blanks else start
    last = len(masked[:end].rstrip()) if masked[end - 1 : end].isspace() else end
    if (
        first < last
        and masked[first] == "("
        and _brackets(masked, first, last).get(first) == last - 1
    ):
        return _stripped(masked, first + 1, last - 1)
    return None


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return (start, end) if start < end else None


def list_forms(items: Sequence[Inline]) -> list[Field | None]:
    """Return a field or None for each item of a list: `predicate [[Target]] (context)`.

    Prose may have the same form: `fertilise [[Fern]]`. So an item is a relation only if its first
    word is surely a predicate: in quotes, with `_`, a known one, or a verb in the third person
    ("needs"). If all items of a list have the form, and one of them is a relation or has a context,
    all are relations.
    """
    forms = [_list_form(inline) for inline in items]
    sure = [
        form is not None and _is_predicate(form, inline)
        for form, inline in zip(forms, items, strict=True)
    ]
    if all(forms):
        with_context = (
            form.annotation and form.key[0] == form.key[0].lower() for form in forms if form
        )
        if any(sure) or any(with_context):
            return forms
    return [form if one else None for form, one in zip(forms, sure, strict=True)]


def _is_predicate(form: Field, inline: Inline) -> bool:
    verb = re.fullmatch(r"[a-z]+[^s\W]s", form.key) is not None
    quoted = inline.text.lstrip()[0] in "\"'"
    return quoted or verb or "_" in form.key or canonical(form.key) in KNOWN


def _list_form(inline: Inline) -> Field | None:
    """Return the field of one item: a word or words in quotes, a link, perhaps a context."""
    if len(inline.links) != 1 or not inline.links[0].wiki or "\n" in inline.text.strip():
        return None
    match = _LIST_FORM.match(inline.masked)
    context = match and _CONTEXT.fullmatch(match.group("rest"))
    if not match or not context:
        return None
    word = match.group("word")
    key = (word or match.group("double") or match.group("single")).strip()
    if not key[:1].isalpha() or (word and word.lower().rstrip(".,") in _PHRASES):
        return None
    if context.group(1) is None:
        return Field(key, inline.links)
    start = match.start("rest") + context.start(1)
    end = match.start("rest") + context.end(1)
    if _brackets(inline.masked, start, end).get(start) != end - 1:
        return None
    return Field(key, inline.links, _stripped(inline.masked, start + 1, end - 1))


def marker(inline: Inline, link: Link) -> str | None:
    """Return the sign of provenance directly after a link, or at the end of its label."""
    match = _MARKER.match(inline.masked, link.end)
    if match:
        return match.group(1)
    label = (link.alias or "").rstrip("]* ")
    return label[-1] if not link.wiki and label[-1:] and label[-1] in MARKERS else None


def only_links(inline: Inline, start: int, end: int, used: Sequence[Field] = ()) -> bool:
    """Check whether a line has only links, and no other text."""
    rest = re.sub(rf"[{LINK}{ESCAPED}]+", "", inline.masked[start:end])
    for entry in used:
        rest = rest.replace(entry.key, "", 1)
    return LINK in inline.masked[start:end] and not re.search(r"\w", rest)
