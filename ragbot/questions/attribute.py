"""The attribute that a lookup asks for: the berth, in "which berth does the Corvo have?".

Notes on a thing are similar to every question about it. They answer a lookup only if they say
something of its attribute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragbot.models import Span
from ragbot.text.folding import stem
from ragbot.text.synonyms import ASKING
from ragbot.text.tokenize import STOP_WORDS

_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must|may|might)"
)
_PREPOSITION = r"(?:of|for|in|on|at|from|to|with|about|between|against|behind|under)"
_THE = r"(?:(?:the|a|an|my|our|your|his|her|its|their|this|that) )?"
_WORD = rf"(?:(?!{_PREPOSITION}\b|{_AUXILIARY}\b|(?:the|my|our|a|an|and|or)\b)[\w-]+)"
_NOUN = rf"((?:{_WORD} ){{0,2}}{_WORD})"
_ONE = r"(?: (?:i|we|you|he|she|they|it|one))"

_PATTERNS = {
    "en": (
        rf"(?:what|which|who|how \w+)(?:['’]?s| is| are| was| were) {_THE}{_NOUN} (?:of|for) ",
        rf"(?:what|which) {_NOUN} {_AUXILIARY}\b",
        rf"(?:what|which) ((?!\w+s\b){_WORD}) \w+(?:s|ed)\b",
        rf"which ({_WORD}) {_PREPOSITION}\b",
        rf"(?:what|who|when|where)(?:['’]?s| is| are| was| were) .*\w['’]s {_NOUN}$",
        rf"(?!wh|how)(?:the )?((?:{_WORD} )?{_WORD}) of ",
        rf"(?:when|where|what|how (?:much|many|often|long)) (?:do|does|did|can|should){_ONE}"
        rf" (?P<verb>{_WORD})\b(?! about\b)",  # not "what did I write about it?"
        rf"(?:what|when|where|how (?:much|many|often|long)) (?:do|does|did) (?:the |my |our )?"
        rf"(?:{_WORD} )+(?P<verb>{_WORD})$",
        r"(?:what|when|how (?:much|many|often|long)) (?:do|does|did) .* "
        r"(?P<verb>cost|earn|last|measure|weigh)$",
        rf"(?:how|command) to (?P<verb>{_WORD})\b",
        rf"who (?P<verb>{_WORD}) ",
    ),
    "de": (
        r"(?:wie (?:heißt|hieß|lautet)|was (?:ist|war|sind)|wer (?:ist|war)) "
        r"(?:der|die|das|mein\w*|unser\w*) (\w+) (?:von|vom|des|der|für|im)\b",
        r"wer (?:hat|haben|hatte) .* (?P<verb>\w+)$",
        r"(?:wann|wo|was) (?:hat|ist|war|sind) .* ((?-i:[A-ZÄÖÜ])\w+)$",
    ),
    "fr": (
        r"(?:quel\w* (?:est|était|sont)|qui (?:est|était)|comment s['’]appel\w+) "
        r"(?:le |la |les |l['’])(\w+) d(?:e|u|es|['’])",
        r"qui (?:a|ont|avait) (?P<verb>\w+) ",
    ),
    "es": (
        r"(?:cuál\w* (?:es|era|son|fue)|quién (?:es|era|fue)|cómo se llam\w+) "
        r"(?:el|la|los|las|mi) (\w+) del?\b",
        r"quién (?P<verb>(?!es|era|fue|ha)\w+) ",
    ),
    "ru": (r"кто (?P<verb>\w+) ",),
    "zh": (r".+的(\w+?)(?:是|叫|有|为|多少|什么|几|在哪|怎么)",),
    "ja": (r".+の(\w+?)(?:は|が|って)",),
}
_COMPILED = {
    language: tuple(re.compile(rf"\W*{pattern}", re.IGNORECASE) for pattern in patterns)
    for language, patterns in _PATTERNS.items()
}
# A list seldom names what its items are: "which tools did we buy?"
_SEVERAL = re.compile(
    r"[,;?!]| and | or |^(?:which|what) (?:\w+ )?\w+[^\Ws]s (?=are|do|did|ha|w)", re.I
)
MOST = 7
"""Most content words of a lookup: a longer question paraphrases what it asks for."""

_KINDS = (
    "date day time year month hour name first last full middle one line part much many thing kind "
    "sort way item gemacht gesagt gegeben bekommen fait dit donné pris hizo dijo dio "
    "сделал сказал дал preis farbe kosten prix couleur precio color цена цвет 颜色 价格 色 値段"
)
_GENERAL = (ASKING | {stem(word) for word in _KINDS.split()}) - {"writ"}
"""Stems of words that ask for a kind of value: a value of it need not say so by a word."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """The place of an attribute's word in a question, and whether the word is a verb."""

    span: Span
    verb: bool


def attribute(question: str, language: str) -> Attribute | None:
    """Return the attribute that a question of one clause looks up; None if it asks for a list.

    Examples
    --------
    >>> def shown(text, language="en"):
    ...     found = attribute(text, language)
    ...     return found and text[slice(*found.span)]
    >>> shown("Which berth does the Corvo have?"), shown("What is the warranty date of the saw?")
    ('berth', 'warranty')
    >>> shown("When did I sell it?"), shown("What is heat?"), shown("Wer hat das Tor gebaut?", "de")
    ('sell', None, 'gebaut')
    """
    # The subject that `conversation.py` adds in brackets names the thing.
    text = question.split(" (")[0].rstrip(" ?.!;？。")
    content = [word for word in text.casefold().split() if word not in STOP_WORDS]
    if _SEVERAL.search(text) or len(content) > MOST:
        return None
    for pattern in _COMPILED.get(language, ()):
        if match := pattern.match(text):
            first = match.start(1)
            words = [
                (first + word.start(), first + word.end())
                for word in re.finditer(r"\w+", match[1])
                if (folded := word.group().casefold()) not in STOP_WORDS
                and stem(folded) not in _GENERAL
            ]
            return Attribute(words[-1], match.lastgroup == "verb") if words else None
    return None
