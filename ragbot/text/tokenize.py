"""Cut a text into words for search: folded, in any script, with or without stop words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ragbot.models import Span
from ragbot.text.dates import compact, find_dates
from ragbot.text.folding import fold, foreign_stem

SCRIPTS: dict[str, str] = {
    "latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "cyrillic": "\u0400-\u052f",
    "hebrew": "\u0590-\u05ff",
    "arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe",
    "indic": "\u0900-\u0963\u0966-\u0dff",
    "thai": "\u0e00-\u0e7f",
    "lao": "\u0e80-\u0eff",
    "burmese": "\u1000-\u109f",
    "khmer": "\u1780-\u17ff",
    "kana": "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff",
    "han": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "hangul": "\u1100-\u11ff\uac00-\ud7af",
}
"""Ranges of a regular expression's character class, by the name of the script."""

UNSPACED = "".join(SCRIPTS[name] for name in ("thai", "lao", "burmese", "khmer", "kana", "han"))
"""Letters of the scripts that put no space between words."""

PAIRED = UNSPACED + SCRIPTS["hangul"]
"""Letters that are searched in pairs: these, and Korean, which joins particles to words."""

MARKED = SCRIPTS["indic"]
"""Letters and vowel signs of scripts whose vowel signs `\\w` does not match."""

_TOKEN = re.compile(rf"[{PAIRED}]+|(?:[^\W_{PAIRED}]|[{MARKED}])+")
_PAIRED = re.compile(rf"[{PAIRED}]")
_HAN = re.compile(rf"[{SCRIPTS['han']}]")
_UNSPACED_WORD = re.compile(rf"[{SCRIPTS['han']}{SCRIPTS['kana']}]+")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff]{2,}")
_SPELT = re.compile(
    "".join(("[", *(SCRIPTS[name] for name in ("thai", "lao", "burmese", "khmer")), "]+"))
)
"""Scripts without spaces whose letters are sounds, so that two letters mean nothing."""
_FUNCTION = frozenset(
    "是的了在有我你您他她它们这那吗呢吧什么哪谁几多少个为因所以和与就不没也会能要请问怎样何誰私"
)
"""Function characters, which carry no subject (Chinese and Japanese)."""
_ASKING = re.compile("什么时[候间]|多久|多少钱|哪[里儿个些]|为什么|怎么样?|有没有|是不是|何時")
"""Words of several characters that only ask."""

_YEAR = re.compile(r"\d{4}")
_SPOKEN = re.compile(r"[^\W_]+")

_STOP = (
    "a about after all also am an and any are as at be because been before being but by can could "
    "did do does doing done for from get had has have he her here hers him his how i if in into is "
    "it its just let like me more most my no nor not now of on one only or other our out own s so "
    "some such t than that the their them then there these they this those to too up us very was "
    "we were what when where which while who whom whose why will with would you your"
)
STOP_WORDS = frozenset(_STOP.split())
"""Words that carry no subject, in a question or in a passage (English)."""

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
TO_TWENTY = tuple(_TO_TWENTY.split())
"""Words for numbers (English); the index of each is the number."""


def tokens(text: str) -> list[str]:
    """Return the folded words of a text in order, then one word for each day in it.

    Scripts without spaces, and Korean, yield pairs of characters; words of other scripts than
    Latin lose their endings. A day yields the same word in every spelling.

    Examples
    --------
    >>> tokens("The Café's 概念図"), tokens("on 5 June 2026")
    (['the', 'cafe', 's', '概念', '念図'], ['on', '5', 'june', '2026', '20260605'])
    """
    folded = fold(text)
    if folded.isascii():
        found = _TOKEN.findall(folded)
    else:
        found = []
        for word in _TOKEN.findall(folded):
            found += _groups(word, 2) if _PAIRED.match(word) else (foreign_stem(word),)
    return found + _days(text) if _YEAR.search(text) else found


def is_lone(word: str) -> bool:
    """Check for a single character of a script that is searched in pairs: `梨`, `물`."""
    return len(word) == 1 and _PAIRED.match(word) is not None


def _days(text: str) -> list[str]:
    """Return the words of the days in a text, except days that are written in this form."""
    days = (when.day for when in find_dates(text))
    return [word for day in days if day and (word := compact(day)) not in text]


def content_words(text: str) -> list[str]:
    """Return `tokens` without stop words, or all tokens if there are no others."""
    return without_stop_words(tokens(text))


def without_stop_words(words: Iterable[str]) -> list[str]:
    """Return words without stop words, or all words if there are no others."""
    found = list(words)
    return [word for word in found if word not in STOP_WORDS] or found


@dataclass(frozen=True, slots=True)
class Word:
    """One run of letters and digits: folded, with its place and whether it has a capital."""

    folded: str
    span: Span
    capital: bool


def spoken_words(text: str) -> list[Word]:
    """Return the words of a text, as names are compared.

    Examples
    --------
    >>> [(word.folded, word.span, word.capital) for word in spoken_words("in_Café")]
    [('in', (0, 2), False), ('cafe', (3, 7), True)]
    """
    return [
        Word(" ".join(tokens(match.group())), match.span(), match.group()[0].isupper())
        for match in _SPOKEN.finditer(text)
    ]


def terms(text: str) -> list[str]:
    """Return the words that carry the subject of a text, to compare a question with an answer.

    For Chinese and Japanese they are the characters that carry a subject, and pairs of katakana,
    because half of all pairs join two words. For Thai and similar scripts they are groups of three.

    Examples
    --------
    >>> terms("我们几号搬的家?"), terms("京都で何を食べた"), terms("What is the tide?")
    (['号', '搬', '家'], ['京', '都', '食'], ['tide'])
    """
    found = content_words(text)
    if text.isascii():
        return found
    folded = fold(text)
    if spelt := _SPELT.findall(folded):
        groups = [group for run in spelt for group in _groups(run, 3)]
        found = groups + [word for word in found if not _SPELT.fullmatch(word)]
    if not _HAN.search(folded):
        return found
    han = [char for char in _HAN.findall(_ASKING.sub("", folded)) if char not in _FUNCTION]
    kana = [pair for run in _KATAKANA.findall(folded) for pair in _groups(run, 2)]
    return han + kana + [word for word in found if not _UNSPACED_WORD.fullmatch(word)]


def han_names(folded: str) -> list[str]:
    """Return the runs of Han characters in a folded text that carry a subject."""
    runs = "".join(" " if char in _FUNCTION else char for char in folded)
    return re.findall(rf"[{SCRIPTS['han']}]+", runs)


def _groups(word: str, size: int) -> list[str]:
    return [word[i : i + size] for i in range(len(word) - size + 1)] or [word]
