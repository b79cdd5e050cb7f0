"""The roots of words: forms and synonyms of a word have the same, in questions and in fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ragbot.text.language import FIELD_NAMES
from ragbot.text.stemming import stem
from ragbot.text.tokenize import STOP_WORDS, terms

LEAST_STEM = 5
"""Letters of the shortest stem that can be the beginning of another stem of the word."""

_ASKING_WORDS = (
    "note page entry file tag tagged task todo item action checklist list show give tell name "
    "value number find open unfinished pending undone outstanding left still remain remaining "
    "incomplete unchecked yet done finished complete closed ticked checked cancelled canceled "
    "dropped write wrote written made happen day date daily diary journal please many much "
    "long far old type kind every each there need needed require required use used should "
    "must until since mine give gave given take took taken come came go went"
)
ASKING = frozenset(map(stem, _ASKING_WORDS.split()))
"""Stems of words of questions that name nothing."""


def root(word: str) -> str:
    """Return the stem of a word without the ending of who does it: "keeps", "Keeper"."""
    found = stem(word)
    return found[:-2] if found.endswith(("er", "or")) and len(found) >= LEAST_STEM else found


ASKING_ROOTS = frozenset(map(root, _ASKING_WORDS.split())) | {"s"}
"""Roots of the same words."""


def roots(texts: Iterable[str]) -> set[str]:
    """Return the roots of the content words of some texts, in English for the names of fields."""
    return roots_of(word for text in texts for word in terms(text))


def roots_of(words: Iterable[str]) -> set[str]:
    """Return the roots of folded words, in English for the names of fields."""
    return {root(FIELD_NAMES.get(word, word)) for word in set(words) - STOP_WORDS}


def all_alike(wanted: Collection[str], place: Collection[str]) -> bool:
    """Check whether each of some roots has an `alike` one in a place."""
    return all(any(alike(word, one) for one in place) for word in wanted)


def alike(one: str, other: str) -> bool:
    """Check whether two stems are of one word: "attend" and "attende" of "attendees"."""
    shorter, longer = sorted((one, other), key=len)
    return shorter == longer or (len(shorter) >= LEAST_STEM and longer.startswith(shorter))
