"""Sentence boundaries, with exact offsets, in Markdown prose of any script.

The boundaries are found by rules. A wrong one shifts a quote by a few words; a
model would need a download, or seconds at each start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ragbot.models import Span

_CLOSING = r"[\"'”’»›)\]}*_~`」』】〉》）］]*+"

# Ends of a sentence before a space: Latin, Arabic, Ethiopic, Armenian, Indic, Greek.
_SPACED = r"(?<![.!?…‽])(?:[.!?…‽]++|[؟۔።፧։।॥\u037e]|(?<=[\u0370-\u03ff\u1f00-\u1fff]);)"

# The question of a flash card: `What is it?::This`.
_CARD = r"[?？؟]:::?(?!:)"

# The tags of a flash card after its question: `What is it? #card`.
_TAGS = re.compile(r"(?:[ \t]+#[^\s#]+)+(?=[ \t]*(?:[\r\n]|\Z))")

# A line that is a flash card: `Two short blasts::I turn to port`, `fluctus:::wave`.
_CARD_LINE = re.compile(r"(?m)^[ \t]*[^\s:`][^\r\n:`]*(?<!\{\{c\d):{2,3}[^\s:][^\r\n]*$")

# Full stops of scripts that put no space between sentences.
_UNSPACED = r"[。！？｡．]++"

_END = re.compile(rf"(?:{_CARD}|{_SPACED}{_CLOSING}(?=\s|$)|{_UNSPACED}{_CLOSING})")

# A line that starts a new block, in a quote too: list item, heading, table row, or a blank line.
_BLOCK = re.compile(
    r"(?m)(?:\r\n|\n|\r)(?=[ \t>]*(?:[-*+•][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|\||(?:\r|\n|$)))"
)

# White space, and the marks of a quote at the start of a line.
_MARGIN = re.compile(r"[^\S\r\n]*(?:[\r\n][\s>]*)?")

# Full stops in these end no sentence: table rows, code, links, bare addresses. Lengths are bounded,
# so that a note of nothing but brackets takes linear time.
_WHOLE = re.compile(
    r"^[ \t>]*\|[^\r\n]*+"  # | A. B | C? |
    r"|(?<!`)(`{1,3})(?!`)[^`]{1,400}\1(?!`)"  # `a. B`
    r"|\[\[[^\[\]\n]{1,400}\]\]"  # [[A. B]]
    r"|\[(?:\\.|[^\[\]\\\n]){1,400}+\]\([^()\s]{1,1000}\)"  # [A. B](c.%20D.md)
    r"|<[^<>\s]{1,400}>"
    r"|\bhttps?://\S{1,1000}?(?=[.,;:!?)\]]{0,3}(?:\s|$))",
    re.MULTILINE,
)

_ABBREVIATIONS = (
    "mr mrs ms dr prof rev hon gen col capt lt sgt st mt messrs mme mlle sr "
    "al eg ie cf vs viz fig figs eq eqs sec ch vol nos pp ed eds trans approx ca "
    "jan feb mar apr jun jul aug sep sept oct nov dec bzw p.ex "
    "nr vgl ggf inkl evtl sog bspw sra dra núm pág г гг см стр им ул"
)
_NEVER_LAST = frozenset(_ABBREVIATIONS.split())

# The word before a full stop: letters with inner full stops, as in "e.g".
_LAST_WORD = re.compile(r"(?<!\d)[^\W\d_]+(?:\.[^\W\d_]+)*$")

_ITEM_NUMBER = re.compile(r"(?:^|[\r\n])[ \t>]*\d{1,3}$")


def sentences(text: str, start: int = 0) -> list[Span]:
    """Return the spans of the sentences of Markdown prose, in any script, moved by `start`.

    A sentence ends at its closing mark with the quotes and brackets that follow, unless the mark
    belongs to an abbreviation, an initial, a number or a link, or the next word starts in lower
    case. A list item, a heading, a table row, a flash card and a blank line end a sentence too; a
    line break does not. Every character lies in exactly one span, except white space at its ends
    and the marks of a quote at the start of a line.

    Examples
    --------
    >>> text = "Dr. Gray weighs 1.5 kg. Does it? 「はい。」そうです。"
    >>> [text[slice(*span)] for span in sentences(text)]
    ['Dr. Gray weighs 1.5 kg.', 'Does it?', '「はい。」', 'そうです。']
    """
    blocks = (match.start() for match in _BLOCK.finditer(text))
    cuts = [0, *blocks, *_sentence_ends(text), *_cards(text), len(text)]
    ordered = sorted(set(cuts))
    spans = (_trimmed(text, a, b) for a, b in pairwise(ordered))
    return [(start + a, start + b) for a, b in spans if a < b]


def _cards(text: str) -> Iterator[int]:
    """Yield where flash cards start and end: a word is one below a card or blank line only."""
    last = 0
    for match in _CARD_LINE.finditer(text):
        first, end = match.span()
        alone = not text[last:first].strip() or text.endswith("\n\n", 0, first)
        if alone or " " in match.group().partition("::")[0].strip():
            yield from (first, end)
            last = end


_QUESTION = re.compile(rf"[?？؟;՞]{_CLOSING}\s*(?:#\S+\s*|::+\s*)*$")
_GREEK = re.compile(r"[\u0370-\u03ff]")


def is_question(text: str) -> bool:
    """Return whether a text ends as a question, ignoring tags and marks of flash cards.

    Examples
    --------
    >>> is_question("What is it? #card"), is_question("He asked why? Nobody knew.")
    (True, False)
    """
    found = _QUESTION.search(text.rstrip()[-200:])
    return found is not None and (found.group()[0] != ";" or bool(_GREEK.search(text)))


def _sentence_ends(text: str) -> list[int]:
    whole = [match.span() for match in _WHOLE.finditer(text)]
    ends, number = [], 0
    for match in _END.finditer(text):
        while number < len(whole) and whole[number][1] <= match.start():
            number += 1
        inside = number < len(whole) and whole[number][0] < match.start()
        if not inside and _ends(text, match):
            tags = _TAGS.match(text, match.end()) if match.group()[0] in "?？؟" else None
            ends.append(tags.end() if tags else match.end())
    return ends


def _ends(text: str, match: re.Match[str]) -> bool:
    mark = match.group()
    if mark[0] in "。！？｡．" or mark.endswith("::"):
        return True
    after = text[match.end() : match.end() + 40].lstrip(" \t\r\n\"'“‘«‹([{*_~")
    if after[:1].islower():
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    before = text[max(0, match.start() - 24) : match.start()]
    return not (_is_abbreviation(before) or _ITEM_NUMBER.search(before))


def _is_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    if word is None:
        return False
    last = word.group()
    is_initial = len(last) == 1 and last.isupper() and last != "I"
    is_dotted = "." in last and last[0].islower() and len(last) == 2 * last.count(".") + 1
    return is_initial or is_dotted or last.casefold() in _NEVER_LAST


def _trimmed(text: str, first: int, last: int) -> Span:
    margin = _MARGIN.match(text, first, last)
    return margin.end() if margin else first, first + len(text[first:last].rstrip())
