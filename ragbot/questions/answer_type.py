"""The kind of value that a question asks for, and whether a sentence contains one.

A number of tokens answers "How many tokens?", a name answers "who?". A sentence without one does
not answer, however similar it is to the question.

References
----------
Li and Roth (2002), "Learning question classifiers": the kinds of answers. Here are only those that
rules recognise in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ragbot.text.folding import stem
from ragbot.text.tokenize import STOP_WORDS, TO_TWENTY, content_words, tokens

AnswerType = Literal["count", "amount", "date", "name", "identifier"]

# Without "one", which is mostly no number: "at one end", "the one that".
_BEYOND = (
    "thirty forty fifty sixty seventy eighty ninety hundred thousand million billion twice once "
    "dozen"
)
_NUMBER_WORDS = [word for word in (*TO_TWENTY, *_BEYOND.split()) if word != "one"]
_NUMBER = re.compile(rf"\d[\d.,]*|\b(?:{'|'.join(_NUMBER_WORDS)})s?\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(1[0-9]{3}|20[0-9]{2})s?\b|\b\d{1,4} ?(b\.?c\.?e?|a\.?d|c\.?e)\b|'\d\ds?\b"
    r"|\b\d{1,2}/\d{1,2}/\d{2}|\b(january|february|march|april|may|june|july|august|september"
    r"|october|november|december|century|today|yesterday|spring|summer|autumn|winter"
    r"|mon|tues|wednes|thurs|fri|satur|sun)(days?)?\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b\d{1,2}[:.][0-5]\d\b|\b\d{1,2} ?([ap]\.?m\b|o['’]clock|uhr\b)|\b(noon|midnight)\b", re.I
)
_TIME = re.compile(
    r"\b(millisecond|second|minute|hour|day|night|week|month|year|decade|centur(y|ie))s?\b"
    r"|\d ?(ms|s|min|h)\b|\b(every|each|always|never|often|rarely|seldom|sometimes"
    r"|(half-?)?hourly|daily|weekly|monthly|yearly|annually)\b",
    re.IGNORECASE,
)
# Ages and prices are asked for and recognised in the languages of `ragbot.text.language` too.
_OLD = re.compile(
    r"\bhow old\b|\bwie alt\b|\bquel âge\b|\b(cuántos años|qué edad)\b|[几多]岁|多大|何歳"
    r"|\bсколько лет\b|\bπόσων χρον|كم عمر",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\d[ -]?(years?|yrs?|months?|weeks?|days?|jahre?|monate?|ans|mois|años|meses|лет|год|χρον|岁"
    r"|歳|سن)|\b(1[5-9]|20)\d\d\b|, \d\d,|\b(aged?|born|birthday|years? old|turn(s|ed)|jahre alt"
    r"|geboren|geburtstag|née?|anniversaire|naci[óo]|cumple\w*|лет|родил\w*|χρονών|γεννήθηκε)\b"
    r"|[一二三四五六七八九十]\s?[岁歳]|生日|誕生日|عمره|سنة",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\bhow much (do|does|did)\b.*\b(cost|pay|earn)\b|\b(was|wie ?viel)\b.*\b(ge)?kost\w+"
    r"|\bcombien\b.*\bco[uû]t\w+|\bcuánto\b.*\b(cuest|cost)\w+|\bсколько сто\w+|\bπόσο κ[όο]στ\w+"
    r"|\b(prix|preis|precio)\b|多少钱|价格|いくら|値段|كم سعر|بكم",
    re.IGNORECASE,
)
_CURRENCY = re.compile(
    r"[€$£¥₽元块円]|\b(euros?|eur|usd|chf|gbp|dollars?|pounds?|cents?|francs?|franken|pesos?|рубл\w*"
    r"|ευρώ|prices?|costs?|paid|kost\w+)\b|دينار|درهم|ريال|جنيه|ليرة",
    re.IGNORECASE,
)
_ON_A_DAY = re.compile(r"\b(birthday|anniversary|wedding|born|dates?|day|month|year)\b", re.I)
_REPEATED = re.compile(r"\bwhen(?:'s| is| are| does| do)\b", re.IGNORECASE)
_EVENT = re.compile(r"\b(before|after|until|once|whenever|as soon as)\b", re.IGNORECASE)
_PROPER = re.compile(r"(?<!\w)[^\W\d_a-zß-öø-ÿ](?:[\w'’.-]+|[+#]+)")
# A serial number or code: digits with letters and signs among them, in one or several groups.
_CODE = re.compile(r"[A-Za-z]{0,4}[ ./+-]?\d[\w/.+-]*(?: [\d-]{2,})*|\S@\S+")
LONG_CODE, SHORT_CODE = 6, 3
"""Least digits of a code without letters, and of a code with letters."""

# General words for anything counted: "sixty developers" counts people.
_ANYTHING = {stem(word) for word in ("people", "persons", "things", "times", "ways", "kinds")}
_ASKS_FOR_TIME = re.compile(r"\bhow (long|often|old|fast|soon)\b", re.IGNORECASE)
_COUNTED = re.compile(
    r"\bhow many (?:of )?(?:the |our |these |those )*((?:[\w'’-]+ ){0,2}[\w'’-]+)", re.IGNORECASE
)

# "What decides how many they are?" does not ask for a number.
_EMBEDDED = re.compile(
    r"(?<=\w )(?<!\band )(?<!\bor )(about|on|in|of|to|over|decides?|determines?|describes?|limits?"
    r"|measures?) how (many|much|often|long|large|big|far|high|low|old|tall|fast)\b",
    re.IGNORECASE,
)
_AUXILIARY = "do|does|did|is|are|was|were|has|have|can|may|might|will|would|should|could|must"
# Chinese and Japanese ask for a number before the thing counted: 几号, 何歳.
_COUNTED_HAN = re.compile(r"(?:几|何(?!故|処|者|事|物))([\u4e00-\u9fff])")
# "People who ask" does not ask for a name, and "who may ask?" asks for a kind of people.
_WHO = (
    r"(^|[,.;:?!(–—-]\s*|\b(and|or|but|so|then|exactly|me|know|of|by|from|to|with|for|on|at"
    r"|through|about|not|as|is|was) )(who|whose|whom)\b"
    r"(?! (may|can|might|could|would|should|must|tends?)\b)"
)

# A number may count the word before or after it: "27 of its personas", "personas: 27".
_WORDS_BEFORE, _WORDS_AFTER = 4, 5

_PATTERNS: tuple[tuple[AnswerType, str], ...] = (
    ("count", rf"\bhow many\b|{_COUNTED_HAN.pattern}"),
    (
        "amount",
        r"\bhow (much|often|long|large|big|far|high|low|old|tall|fast)\b"
        rf"|{_OLD.pattern}|{_MONEY.pattern}"
        r"|\b(what|which|how)\b.*\b(prices?|costs?|priced|salary|fees?|budget)\b(?! of \w+ing\b)"
        r"|\b(what|which)('s| is| was| were| are)?( the)?"
        rf" ((?!(of|and|decides?|determines?|{_AUXILIARY})\b)[\w-]+ ){{0,2}}?"
        r"(temperature|rate|size|percent\w*|accuracy|score|precision|recall|share(?= of)"
        r"|proportion|number|fraction|speed|age|length|threshold|multiplier|ratio)s?\b",
    ),
    (
        "identifier",
        r"\b(phone|telephone|mobile|fax|serial|account|customer|policy|contract|order|invoice"
        r"|tracking|passport|registration|article|part) (numbers?|no\.?|nr\.?)(?!\w)"
        r"|\b(iban|isbn|doi|vin|licen[cs]e plate|post ?code|zip code|e-?mail address)\b",
    ),
    # "When is it worth it?" asks for a condition, "when did it start?" for a date.
    (
        "date",
        r"\bwhen (was|were|did|will)\b|\b(on )?(what|which) (date|year|day|month)\b"
        r"|\bwhen('s| is| are| does| do)\b.*\b(due|next|starts?|begins?|launch\w*|opens?|clos\w+"
        r"|ends?|expires?|ships?|releas\w+|publish\w+|scheduled|planned|held"
        r"|birthday|anniversary|wedding|exam|meeting|appointment|party|concert|trip|deadline)\b",
    ),
    (
        "name",
        rf"{_WHO}|\b(which|what) ((?!({_AUXILIARY})\b)[\w-]+ )?(compan(y|ies)|universit(y|ies)"
        r"|hospital|country|city|person|people|author|researcher|team|lab|organi[sz]ation|models?"
        r"|paper|book|language|conference|journal)\b",
    ),
)
_ASKS = tuple((form, re.compile(pattern, re.IGNORECASE)) for form, pattern in _PATTERNS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values that an answer must contain.

    Attributes
    ----------
    types
        Their types; empty for most questions.
    stems
        Of the question's words: a name among them is no answer.
    counted
        Stems of the thing that is counted; empty if any thing counts.
    units
        The thing counted in Chinese or Japanese.
    for_time
        Whether an amount is a duration or a frequency.
    repeated
        Whether a date may be one of what happens again and again.
    on_a_day
        Whether a date must be a day or year, as for a birthday.
    age, money
        Whether an amount must be an age, or of a currency.
    """

    types: tuple[AnswerType, ...] = ()
    stems: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    units: tuple[str, ...] = ()
    for_time: bool = False
    repeated: bool = False
    on_a_day: bool = False
    age: bool = False
    money: bool = False


def wanted(question: str, words: Sequence[str]) -> Wanted:
    """Return the values that a question, with its folded words, asks for.

    Examples
    --------
    >>> wanted("How many are there, and who wrote them?", []).types, wanted("Why so?", []).types
    (('count', 'name'), ())
    """
    asked = _EMBEDDED.sub("", question)
    types = tuple(form for form, pattern in _ASKS if pattern.search(asked))
    if not types:
        return Wanted()
    named = _COUNTED.search(question)
    counted = content_words(named.group(1)) if named else []
    return Wanted(
        types,
        frozenset(map(stem, words)),
        frozenset(map(stem, counted)) - _ANYTHING,
        tuple(_COUNTED_HAN.findall(question)),
        _ASKS_FOR_TIME.search(question) is not None,
        _REPEATED.search(question) is not None,
        _ON_A_DAY.search(question) is not None,
        _OLD.search(question) is not None,
        _MONEY.search(question) is not None,
    )


def fit(wanted: Wanted, sentences: Sequence[str]) -> float:
    """Return the share of the values asked for that some sentences contain, in [0, 1].

    A value may be in any of them. A number counts half if its sentence does not name the thing
    counted, because another word may mean the same: "sixty developers" for people.

    Examples
    --------
    >>> both = wanted("How many levels are there, and who set them?", [])
    >>> fit(both, ["It has five levels."]), fit(both, ["It has five.", "Ada set them."])
    (0.5, 0.75)
    >>> fit(both, ["levels are explained below"]), fit(wanted("Why?", []), ["Because it is."])
    (0.0, 1.0)
    """
    found = [max(float(_HOLDS[form](wanted, one)) for one in sentences) for form in wanted.types]
    return sum(found) / len(found) if found else 1.0


def _holds_count(wanted: Wanted, sentence: str) -> float:
    """Check for a number next to the thing counted; half if the sentence does not name it."""
    if wanted.units:
        pattern = rf"[\d一二三四五六七八九十百千万]\s*(?:{'|'.join(wanted.units)})"
        return float(re.search(pattern, sentence) is not None)
    counted = wanted.counted
    found = 0.0
    for number in _NUMBER.finditer(sentence):
        before = tokens(sentence[max(0, number.start() - 60) : number.start()])[-_WORDS_BEFORE:]
        after = tokens(sentence[number.end() : number.end() + 60])[:_WORDS_AFTER]
        if not counted or counted.intersection(map(stem, before + after)):
            return 1.0
        found = 0.5
    return found if counted.isdisjoint(map(stem, tokens(sentence))) else 0.0


def _holds_name(wanted: Wanted, sentence: str) -> bool:
    """Check whether a sentence has a name that the question lacks."""
    found = {word for name in _PROPER.findall(sentence) for word in tokens(name)} - STOP_WORDS
    return not wanted.stems.issuperset(map(stem, found))


def _holds_amount(wanted: Wanted, sentence: str) -> bool:
    """Check for a number, an age or a price; a duration may go without one: "every night"."""
    if wanted.age or wanted.money:
        return (_AGE if wanted.age else _CURRENCY).search(sentence) is not None
    is_time = wanted.for_time and _TIME.search(sentence) is not None
    return is_time or _NUMBER.search(sentence) is not None


def _holds_date(wanted: Wanted, sentence: str) -> bool:
    """Check for a date; for a repeated event, a time or another event is enough."""
    if _DATE.search(sentence) or wanted.on_a_day:
        return _DATE.search(sentence) is not None
    patterns = (_CLOCK, _TIME, _EVENT) if wanted.repeated else (_CLOCK,)
    return any(pattern.search(sentence) for pattern in patterns)


def _holds_identifier(_: Wanted, sentence: str) -> bool:
    for code in _CODE.findall(sentence):
        digits = sum(char.isdigit() for char in code)
        mixed = any(char.isalpha() for char in code)
        if "@" in code or digits >= LONG_CODE or (mixed and digits >= SHORT_CODE):
            return True
    return False


_HOLDS: dict[AnswerType, Callable[[Wanted, str], float]] = {
    "count": _holds_count,
    "amount": _holds_amount,
    "date": _holds_date,
    "name": _holds_name,
    "identifier": _holds_identifier,
}
