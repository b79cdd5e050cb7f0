"""Words of a text as search sees them: folded, in any script, with or without stop words.

Floor 1: pure functions on text; nothing from ragbot is imported.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import dropwhile

# Thai, Lao, Burmese, Khmer, kana, Han and Hangul are written without spaces: read in pairs.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")

# Capitalised words in a row, small words allowed between: "Bishop of Elmham".
_PROPER = re.compile(
    r"[^\W\d_a-z][\w'’-]*(?: (?:(?:of|de|the|von|van|la|le|du|di|da) )*[^\W\d_a-z][\w'’-]*)*"
)

_LOWER = re.compile(r"(?<![^\W_])[a-zà-öø-ÿ][^\W_]*")

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
"""Words for numbers (English): the place of each is the number."""


def fold(text: str) -> str:
    """Fold case, marks and compatibility forms: `"Ngāi Ｔahu"` becomes `"ngai tahu"`."""
    if text.isascii():  # most text, and ten times as fast
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def tokens(text: str) -> list[str]:
    """Fold the words of a text, in order; scripts without spaces give pairs of characters.

    Examples
    --------
    >>> tokens("The Café's 概念図")
    ['the', 'cafe', 's', '概念', '念図']
    """
    folded = fold(text)
    if folded.isascii():
        return _TOKEN.findall(folded)
    found: list[str] = []
    for word in _TOKEN.findall(folded):
        found += _pairs(word) if "\u0e00" <= word[0] <= "\ud7af" else [word]
    return found


def content_words(text: str) -> list[str]:
    """`tokens` without the words that carry no subject; all of them if nothing else is left."""
    found = tokens(text)
    return [word for word in found if word not in STOP_WORDS] or found


def proper_names(text: str) -> set[str]:
    """Names in a text, folded: words that start with a capital, alone or in a row.

    The first word of a sentence counts too, unless it is a stop word: what is
    common there is common elsewhere, and whoever asks for rare names leaves it
    out. Scripts without capitals give none.

    Examples
    --------
    >>> sorted(proper_names("When the duke met Guy, Bishop of Elmham."))
    ['bishop of elmham', 'guy']
    """
    names = (_without_leading_stop_words(match.group()) for match in _PROPER.finditer(text))
    return {name for name in names if len(name) > 2}


def lower_case_words(text: str) -> set[str]:
    """Words of a text, folded, that stand in it with a small first letter.

    Examples
    --------
    >>> sorted(lower_case_words("Traits cluster. Guy's traits too."))
    ['cluster', 's', 'too', 'traits']
    """
    return set(tokens(" ".join(_LOWER.findall(text))))


def _without_leading_stop_words(name: str) -> str:
    return " ".join(dropwhile(STOP_WORDS.__contains__, tokens(name)))


def _pairs(word: str) -> list[str]:
    return [word[i : i + 2] for i in range(len(word) - 1)] or [word]
