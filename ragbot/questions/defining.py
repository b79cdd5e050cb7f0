"""Defining: what is asked for by "what is X?", and whether a sentence says it.

Every sentence about X comes near to such a question; the one that answers it has a form:
X first, then a verb that says what it is.

Floor 1: pure functions on text.
"""

from __future__ import annotations

from ragbot.questions.predicate_matcher import stem
from ragbot.questions.question_type import kind_of
from ragbot.text.tokenize import content_words, tokens

MOST_BESIDE = 5
"""Words that say something beside the name of what is defined, before the verb."""

_ASKING = {"defin", "explain", "describ", "tell", "mean", "exactl", "actuall", "term"}
_SAYS = {"is", "are", "was", "were", "means", "mean", "refers", "refer", "denotes", "describes"}
_ARTICLES = {"the", "a", "an"}


def subject(question: str) -> frozenset[str]:
    """Give the stems of what a question wants to be told what it is; none for other questions.

    Examples
    --------
    >>> sorted(subject("What is a kettle lid?")), sorted(subject("Why is heat lost?"))
    (['kettl', 'lid'], [])
    """
    if kind_of(question) != "definition":
        return frozenset()
    return frozenset(stem(word) for word in content_words(question)) - _ASKING


def defines(subject: frozenset[str], sentence: str) -> bool:
    """Tell whether a sentence says what a subject, by its stems, is.

    Examples
    --------
    >>> heat = subject("What is heat?")
    >>> defines(heat, "Heat (Q) is energy on its way."), defines(heat, "Joule's heat is energy.")
    (True, True)
    >>> defines(heat, "Heat flows downhill."), defines(heat, "The history of heat is long.")
    (False, False)
    """
    words = tokens(sentence)
    verb = next((place for place, word in enumerate(words) if word in _SAYS), 0)
    before = [stem(word) for word in words[:verb]]
    if not subject or not subject.issubset(before):
        return False
    first = next(place for place, word in enumerate(before) if word in subject)
    begins = first == 0 or words[first - 1] == "s" or (first == 1 and words[0] in _ARTICLES)
    beside = set(content_words(" ".join(words[:verb])))
    return begins and len(beside) - len(subject) <= MOST_BESIDE
