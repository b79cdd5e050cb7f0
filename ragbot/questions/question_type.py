"""The type of a question: the form of its answer; and the parts of a question that asks several.

"Why is X done, and what did Y find?" asks about two notes. A search for the whole finds mostly one
of them, so each part is searched too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ragbot.text.folding import stem
from ragbot.text.sentences import sentences
from ragbot.text.tokenize import STOP_WORDS, TO_TWENTY, tokens, without_stop_words

QuestionType = Literal["definition", "why", "compare", "list", "other"]

_SEVERAL = "|".join((*TO_TWENTY[2:], r"\d+"))
_PATTERNS: tuple[tuple[QuestionType, str], ...] = (
    (
        "compare",
        r"\b(compare[ds]?|comparison|differ\w*|versus|vs\.?|contrast\w*|distinguish\w*"
        r"|in common|better than|worse than)\b"
        r"|^\W*(which|what|who)\b.*\b(more|less|fewer|first|[a-z]{2,}er)\b[^,:]*[,:] "
        r"[^,]+ or [^,]+$",
    ),
    (
        "list",
        r"^\W*(please )?(list|name|give me|enumerate)\b|\b(what|which) (are|were) (all )?the\b"
        r"|^(?!\W*(why|how|when|who|do|does|did|is|are|was|were|can|should)\b).*\bthe "
        rf"({_SEVERAL}) ([\w'-]+ ){{0,2}}?[a-z]+s\b"
        r"|^\W*((what|which) |the )?(steps|levels|stages|kinds|types|sorts|ways|order)\b"
        r"|\b(what|which|name|list)( are)?( all)?( of)?( the)? "
        rf"({_SEVERAL}|kinds?|types?|sorts?|examples?|ways)\b",
    ),
    (
        "why",
        r"\b(why|how come|for what reason|what('s| is| was)? the (reason|cause)|reason that)\b",
    ),
    (
        "definition",
        r"^\W*(so |ok |and )*((what|who)('?s| is| are| was| were)|define|explain|describe"
        r"|tell me about)\b|\bmean(s|ing)?\b",
    ),
)
_COMPILED = tuple((found, re.compile(pattern, re.IGNORECASE)) for found, pattern in _PATTERNS)
_COUNTED = re.compile(
    r"(?:\b(?:what|which|name|list|give|the|all|are|were)|['’]s?)\s+"
    r"(?:(?:the|all|its|his|her|their|our|my|original|main)\s+){0,2}"
    rf"({_SEVERAL})\s+(?:[\w'’-]+\s+){{0,3}}?[a-z]{{2,}}s\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(
    r"\W*(?:did|do|does|is|are|was|were|can|could|should|would|has|have|will)\b", re.IGNORECASE
)
MOST_BESIDE = 5
"""Most content words before the verb of a definition, beside the term."""

_ASKING = {"defin", "explain", "describ", "tell", "mean", "exactl", "actuall", "term"}
_SAYS = {"is", "are", "was", "were", "means", "mean", "refers", "refer", "denotes", "describes"}
_ARTICLES = {"the", "a", "an"}

LEAST_WORDS, LEAST_NAMED = 3, 2
"""Least content words of a clause that is searched by itself, and of a "what is X?" clause. A
shorter clause is joined to the one before it."""

MOST_CLAUSES = 5
"""Most clauses of a question; further ones are joined to the last."""

_QUESTION_WORD = (
    r"(?:what|which|who|whom|whose|how|where|when|why|if|is|are|was|were|does|did|do|can|could"
    r"|should|would|will|has|have|may|might|must|shall|(?:what|who|where|how)['’]?s)\b"
)
_BEFORE = (
    r"(?:(?:about|after|against|among|around|as|at|before|between|by|during|for|from|in|into|of|on"
    r"|over|through|to|under|with|within|without)\s+)?"
)
_NEXT = re.compile(
    rf"[,:;]?\s+(?:and|or|but|also|plus)\s+(?={_BEFORE}{_QUESTION_WORD})", re.IGNORECASE
)
_WHAT_IS = re.compile(r"\W*(?:what|who)(?:['’]?s|\s+(?:is|are|was|were))\s", re.IGNORECASE)


def question_type(question: str) -> QuestionType:
    """Return the form of the answer to a question.

    Examples
    --------
    >>> [question_type(q) for q in ("What is heat?", "A vs B?", "why so?", "Who wrote it?")]
    ['definition', 'compare', 'why', 'other']
    """
    return next((found for found, pattern in _COMPILED if pattern.search(question)), "other")


def things_asked(question: str) -> int | None:
    """Return the number of things that a question asks for; None for one, or without a number.

    Examples
    --------
    >>> [things_asked(q) for q in ("which three kettles whistle?", "what are Ann's 6 rules?")]
    [3, 6]
    >>> things_asked("do the two kettles differ?") is None
    True
    """
    found = None if _YES_OR_NO.match(question) else _COUNTED.search(question)
    if not found:
        return None
    word = found.group(1).lower()
    number = int(word) if word.isdecimal() else TO_TWENTY.index(word)
    return number if number > 1 else None


def defined_term(words: Sequence[str]) -> frozenset[str]:
    """Return the stems of the term in a "what is X?" question, given by its folded words.

    Examples
    --------
    >>> sorted(defined_term(["what", "is", "a", "kettle", "lid"]))
    ['kettl', 'lid']
    """
    return frozenset(map(stem, without_stop_words(words))) - _ASKING


def defines(term: frozenset[str], sentence: str) -> bool:
    """Check whether a sentence defines a term, given by its stems.

    Examples
    --------
    >>> heat = defined_term(["what", "is", "heat"])
    >>> defines(heat, "Heat (Q) is energy on its way."), defines(heat, "Joule's heat is energy.")
    (True, True)
    >>> defines(heat, "Heat flows downhill."), defines(heat, "The history of heat is long.")
    (False, False)
    """
    words = tokens(sentence)
    verb = next((place for place, word in enumerate(words) if word in _SAYS), 0)
    before = [stem(word) for word in words[:verb]]
    if not term or not term.issubset(before):
        return False
    first = next(place for place, word in enumerate(before) if word in term)
    begins = first == 0 or words[first - 1] == "s" or (first == 1 and words[0] in _ARTICLES)
    beside = set(without_stop_words(words[:verb]))
    return begins and len(beside) - len(term) <= MOST_BESIDE


def clauses(question: str) -> list[str]:
    """Return the clauses of a question that asks several things.

    It is cut at the ends of sentences, and where a new question begins: at a
    question word or an auxiliary after "and", "or" or "but".

    Returns
    -------
    list of str
        At least two, in the order of the question; empty if it asks one thing.

    Examples
    --------
    >>> clauses("Why is heat always lost, and what did Joule measure in Salford?")
    ['Why is heat always lost', 'what did Joule measure in Salford?']
    >>> clauses("What is latent heat, and who was the first to measure it in Salford?")
    ['What is latent heat', 'who was the first to measure it in Salford?']
    >>> clauses("What are heat and work?")
    []
    """
    found: list[str] = []
    for part in _cut(question):
        if found and (len(found) >= MOST_CLAUSES or _says_little(part) or _says_little(found[-1])):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found if len(found) > 1 else []


def _cut(question: str) -> list[str]:
    parts: list[str] = []
    for first, last in sentences(question):
        sentence = question[first:last]
        if sentence.startswith("(") and parts:
            # The subject that `conversation.py` adds in brackets belongs to the words before it.
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts += [part.strip() for part in _NEXT.split(sentence) if part.strip()]
    return parts


def _says_little(part: str) -> bool:
    least = LEAST_NAMED if _WHAT_IS.match(part) else LEAST_WORDS
    return len([word for word in tokens(part) if word not in STOP_WORDS]) < least
