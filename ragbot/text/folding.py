"""Fold letters for comparison: one folding for words to search, one for names in links."""

from __future__ import annotations

import re
import unicodedata

# Marks that people leave out when they search (accents, breathings, vowel points), and invisible
# signs (soft hyphens, zero-width spaces).
_MARKS = re.compile(
    "[\u00ad\u200b\u2060\ufeff"
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_ARABIC = str.maketrans({"ى": "ي", "ة": "ه", "ی": "ي", "ک": "ك"})


def fold(text: str) -> str:
    """Return a text with case, accents and compatibility forms folded.

    Examples
    --------
    >>> fold("Ngāi Ｔahu"), fold("Ёлка"), fold("한국"), fold("が")
    ('ngai tahu', 'елка', '한국', 'が')
    """
    if text.isascii():  # most text, and ten times as fast
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).translate(_ARABIC)


def fold_name(name: str) -> str:
    """Return the name of a note in lower case and NFC, as Obsidian compares names.

    Examples
    --------
    >>> fold_name("Résumé") == fold_name("RE\u0301SUME\u0301"), fold_name("é") == fold_name("e")
    (True, False)
    """
    if name.isascii():  # most names, and five times as fast
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
