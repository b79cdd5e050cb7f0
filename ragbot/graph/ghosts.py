"""Ghosts: names that notes link to and that no note has yet."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping

from ragbot.text.tokenize import tokens

LONGEST = 24
"""Words of the longest name that is looked for in a text."""


def clean(written: str) -> str:
    """Return a name as it is shown: in NFC, without blanks around it."""
    return unicodedata.normalize("NFC", written.strip())


def folded(written: str) -> str:
    """Return a name folded for comparison.

    Examples
    --------
    >>> folded(" Lost Page") == folded("lost page")
    True
    """
    return clean(written).casefold()


def merged(written: Mapping[str, int]) -> dict[str, int]:
    """Return names with their counts; names that differ only in case or Unicode form are one."""
    forms: dict[str, Counter[str]] = {}
    for name, count in written.items():
        forms.setdefault(folded(name), Counter())[clean(name)] += count
    totals = [(counts.most_common(1)[0][0], counts.total()) for counts in forms.values()]
    return dict(sorted(totals, key=lambda pair: (-pair[1], pair[0])))


def spotted(names: Mapping[str, str], text: str) -> list[str]:
    """Return the names in a text, in its order; the longest of those that start at one word.

    Parameters
    ----------
    names
        Names by their words, folded.

    Examples
    --------
    >>> spotted({"lost": "Lost", "lost page": "Lost Page"}, "the lost page, or is it?")
    ['Lost Page']
    """
    words = tokens(text)
    found: dict[str, None] = {}
    for first in range(len(words)):
        for last in range(min(len(words), first + LONGEST), first, -1):
            name = names.get(" ".join(words[first:last]))
            if name is not None:
                found[name] = None
                break
    return list(found)
