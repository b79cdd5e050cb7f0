"""Expected: the kind of thing that a question asks for, and whether a sentence holds one.

"How many tokens?" is answered by a number of tokens, "who?" by a name. A sentence without one
may be near to the question in every other way and still not answer it.

Floor 1: pure functions on text.

References
----------
Li and Roth (2002), "Learning question classifiers": the kinds of answers. Ours are the few
whose presence in a sentence can be told by its form, without a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from ragbot.phrasing import stem
from ragbot.words import TO_TWENTY, content_words, tokens

Form = Literal[
    "count", "amount", "money", "clock", "duration", "bytes", "date", "name", "email", "licence"
]

# Without "one", which mostly counts nothing: "at one end", "the one that".
_BEYOND = (
    "thirty forty fifty sixty seventy eighty ninety hundred thousand million billion twice once "
    "dozen"
)
_NUMBER_WORDS = [word for word in (*TO_TWENTY, *_BEYOND.split()) if word != "one"]
_NUMBER = re.compile(rf"\d[\d.,]*|\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(1[0-9]{3}|20[0-9]{2})\b|\b(january|february|march|april|may|june|july|august|september"
    r"|october|november|december|century|today|yesterday|spring|summer|autumn|winter"
    r"|mon|tues|wednes|thurs|fri|satur|sun)(day)?\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"[$€£¥]\s?\d|\d\s?[€£¥]|\b(dollars?|euros?|pounds|cents|usd|eur|gbp|free)\b", re.IGNORECASE
)
_CLOCK = re.compile(
    r"\b\d{1,2}(:\d\d| ?[ap]\.?m\b)|\b(o'clock|morning|noon|afternoon|evening|night|midnight)\b",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"\b(millisecond|second|minute|hour|day|night|week|month|year|decade)s?\b|\d ?(ms|s|min|h)\b",
    re.IGNORECASE,
)
_BYTES = re.compile(r"\d ?([kmgt]i?b|bytes?|(kilo|mega|giga|tera)bytes?)\b", re.IGNORECASE)
_EMAIL = re.compile(r"\S@\S+\.\S")
_LICENCE = re.compile(
    r"\blicen[cs]\w*|\b(MIT|Apache|BSD|GPL\w*|CC0|CC[ -]BY\w*)\b"
    r"|\b(creative commons|public domain|proprietary|open[ -]source)\b"
)
_PROPER = re.compile(r"(?<!\w)[^\W\d_a-zß-öø-ÿ][\w'’.-]+")
_COUNTED = re.compile(
    r"\bhow many (?:of )?(?:the |our |these |those )*((?:[\w'’-]+ ){0,2}[\w'’-]+)", re.IGNORECASE
)

# What stands beside a number may be what it counts: "27 of its personas", "personas: 27".
_WORDS_BEFORE, _WORDS_AFTER = 4, 5

_PATTERNS: tuple[tuple[Form, str], ...] = (
    ("count", r"\bhow many\b"),
    (
        "amount",
        r"\bhow (much|often|long|large|big|far|high|low|old|tall|fast)\b"
        r"|\b(what|which|how)\b.*\b(costs?|prices?|priced|salary|salaries|fees?|budget)\b"
        r"|\b(what|which)('s| is| was| were| are)?( the)? ((?!of\b|and\b)[\w-]+ ){0,2}?"
        r"(temperature|rate|size|percent\w*|accuracy|score|precision|recall|share|proportion"
        r"|number|fraction|speed|age|length|threshold|multiplier|ratio)s?\b",
    ),
    (
        "money",
        r"\bhow much\b.*\b(costs?|pay|pays|paid|charged?|charges)\b"
        r"|\b(what|which)\b.*\b(pay|pays|paid|(?<!in )charges?|prices?|salar(y|ies)|fees?|bill)\b",
    ),
    ("clock", r"\bwhat time\b"),
    (
        "duration",
        r"\bhow long\b.*\b(takes?|took|taken|lasts?|lasted|needs?|needed|waits?|runs?)\b",
    ),
    ("bytes", r"\bhow much (ram|memory|storage|(disk )?space)\b|\b(file|disk) size\b"),
    # "When is it worth it?" asks for a condition, "when did it start?" for a date.
    (
        "date",
        r"\bwhen (was|were|did|will)\b|\b(on )?(what|which) (date|year|day|month)\b"
        r"|\bwhen('s| is| are| does| do)\b.*\b(due|next|starts?|begins?|launch\w*|opens?|clos\w+"
        r"|ends?|expires?|ships?|releas\w+|publish\w+|scheduled|planned|held)\b",
    ),
    ("email", r"\be-?mail address\b"),
    ("licence", r"\b(what|which|under)\b.*\blicen[cs]e\b"),
    (
        "name",
        r"\b(who|whose|whom)\b|\b(which|what) (\w+ )?(compan(y|ies)|universit(y|ies)|hospital"
        r"|country|city|person|people|author|researcher|team|lab|organi[sz]ation|models?|paper"
        r"|book|tool|software|language|conference|journal)\b",
    ),
)
# A number answers only beside what is measured, where that has a name of its own.
_MEASURES = tuple(
    re.compile(rf"\b{measure}s?\b", re.IGNORECASE)
    for measure in ("temperature", "learning rate", "threshold", "multiplier", "speed")
)
_ASKS = tuple((form, re.compile(pattern, re.IGNORECASE)) for form, pattern in _PATTERNS)


def forms(question: str) -> tuple[Form, ...]:
    """Tell what an answer to a question must hold; nothing for most questions.

    Examples
    --------
    >>> forms("How many tests are there, and who wrote them?"), forms("Why does it drift?")
    (('count', 'name'), ())
    """
    found = [form for form, pattern in _ASKS if pattern.search(question)]
    return tuple(form for form in found if form != "amount" or "count" not in found)


def holds(question: str, sentence: str) -> bool:
    """Tell whether a sentence holds everything that a question must be answered with.

    Examples
    --------
    >>> question = "How many levels are there?"
    >>> holds(question, "It has five levels."), holds(question, "Five notes speak of levels.")
    (True, True)
    >>> holds(question, "Levels are explained below."), holds("Why?", "Because it is.")
    (False, True)
    """
    return all(_HOLDS[form](question, sentence) for form in forms(question))


def _holds_count(question: str, sentence: str) -> bool:
    """Whether a number stands beside what is counted."""
    named = _COUNTED.search(question)
    counted = {stem(word) for word in content_words(named.group(1))} if named else set()
    for number in _NUMBER.finditer(sentence):
        before = tokens(sentence[max(0, number.start() - 60) : number.start()])[-_WORDS_BEFORE:]
        after = tokens(sentence[number.end() : number.end() + 60])[:_WORDS_AFTER]
        if not counted or counted.intersection(map(stem, before + after)):
            return True
    return False


def _holds_name(question: str, sentence: str) -> bool:
    """Whether a name stands in a sentence that the question does not hold itself."""
    names = {stem(word) for name in _PROPER.findall(sentence) for word in tokens(name)}
    return not names <= {stem(word) for word in tokens(question)}


def _holds_amount(question: str, sentence: str) -> bool:
    """Whether a number stands in a sentence, with the measure where that must be named."""
    if _NUMBER.search(sentence) is None:
        return False
    return all(measure.search(sentence) for measure in _MEASURES if measure.search(question))


_HOLDS: dict[Form, Callable[[str, str], bool]] = {
    "count": _holds_count,
    "amount": _holds_amount,
    "money": lambda _, sentence: _MONEY.search(sentence) is not None,
    "clock": lambda _, sentence: _CLOCK.search(sentence) is not None,
    "duration": lambda _, sentence: _DURATION.search(sentence) is not None,
    "bytes": lambda _, sentence: _BYTES.search(sentence) is not None,
    "date": lambda _, sentence: _DATE.search(sentence) is not None,
    "name": _holds_name,
    "email": lambda _, sentence: _EMAIL.search(sentence) is not None,
    "licence": lambda _, sentence: _LICENCE.search(sentence) is not None,
}
