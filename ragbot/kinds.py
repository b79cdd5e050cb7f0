"""Kinds of questions: what form an answer should take, and what it must hold.

Floor 1: pure functions on text.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["definition", "why", "how", "compare", "list", "who", "when", "number", "other"]

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million billion half third quarter twice once dozen none no single"
)
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    (
        "compare",
        r"\b(compare[ds]?|comparison|differ\w*|versus|vs\.?|contrast\w*|distinguish\w*"
        r"|in common|better than|worse than)\b",
    ),
    (
        "number",
        r"\bhow (many|much|often|long|big|large|far|bad|high|low|old|tall)\b"
        r"|\b(what|which) (share|percentage|percent|proportion|number|fraction|rate|score)\b"
        r"|\b\w+ (number|percentage|score|rate)\b.{0,40}\?",
    ),
    (
        "list",
        r"^\W*(please )?(list|name|give me|enumerate)\b|\b(what|which) (are|were) (all )?the\b"
        r"|\b(what|which|name|list)( are)?( all)?( of)?( the)? (two|three|four|five|six|seven"
        r"|eight|nine|ten|\d+|kinds?|types?|sorts?|examples?|ways)\b",
    ),
    ("when", r"\b(when (was|were|did|does|is|do|will)|(on |in )?what (date|year|day|month))\b"),
    (
        "why",
        r"\b(why|how come|for what reason|what('s| is| was)? the (reason|cause)|reason that)\b",
    ),
    ("who", r"\b(who|whom|whose)\b"),
    ("how", r"\bhow\b"),
    (
        "definition",
        r"^\W*(so |ok |and )*((what|who)('?s| is| are| was| were)|define|explain|describe"
        r"|tell me about)\b|\bmean(s|ing)?\b",
    ),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_NUMBER = re.compile(rf"\d|\b({'|'.join(_NUMBER_WORDS.split())})\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(1[0-9]{3}|20[0-9]{2})\b|\b(january|february|march|april|may|june|july|august|september"
    r"|october|november|december|century|today|yesterday|spring|summer|autumn|winter"
    r"|mon|tues|wednes|thurs|fri|satur|sun)(day)?\b",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r"[?;:]\s+|(?<=[a-z])\.\s+|,\s+(?:and|or|but|so)\s+|,\s+(?=wh|how)"
    r"|\s(?:and|but)\s+(?=(?:wh\w+|how|do|does|is|are|did|can)\b)",
    re.IGNORECASE,
)


def kind_of(question: str) -> Kind:
    """Tell what a question asks for.

    Examples
    --------
    >>> [kind_of(q) for q in ("How many are there?", "A vs B?", "why so?", "Who wrote it?")]
    ['number', 'compare', 'why', 'who']
    """
    return next((kind for kind, pattern in _COMPILED if pattern.search(question)), "other")


def fits(kind: Kind, sentence: str) -> bool:
    """Tell whether a sentence holds what a question of a kind must be answered with.

    A number question needs a number, a question of time a date; the other kinds need nothing.
    """
    if kind == "number":
        return _NUMBER.search(sentence) is not None
    return kind != "when" or _DATE.search(sentence) is not None


def parts(question: str) -> list[str]:
    """Split a question that asks several things at once.

    Examples
    --------
    >>> parts("What is heat, and who measured it first?")
    ['What is heat', 'who measured it first?']
    """
    found = [part.strip() for part in _PARTS.split(question)]
    return [part for part in found if len(part.split()) > 2] or [question]
