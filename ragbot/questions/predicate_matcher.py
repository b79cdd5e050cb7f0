"""Match the words of a question with predicates: by verb, voice and preposition.

"What extends X?" and "what is X extended by?" ask for the same edges, and
"what does X extend?" for the opposite ones. A predicate is a verb as well
(`extends`, `motivated_by`), so both are reduced to a stem, a voice and a
preposition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ragbot.notes import predicates
from ragbot.text.folding import stem
from ragbot.text.tokenize import STOP_WORDS

LEAST_ACTION = 5
"""Letters of the shortest stem of a noun for a person: "publish" of "publisher"."""

_PREPOSITIONS = {"at", "by", "for", "from", "in", "into", "of", "on", "over", "to", "upon", "with"}
_BE = {"is", "are", "was", "were", "be", "been", "being", "get", "gets", "got", "s"}
_PAST = {"wrote", "met", "taught", "knew", "saw", "made", "built", "led"}
_IRREGULAR = {"set", "built", "made", "written", "drawn", "taken", "given", "known", "led"}
_STANDS_FOR = {"it", "them", "this", "that", "him", "her"}
_NO_NOUNS = {"up", "down", "broader", "narrower", "related", "next", "previous", "similar", "same"}
_EMPTY = {"is", "a", "an", "the", "has", "have", "as"} | _PREPOSITIONS

# Stems of words in questions, and the predicates that they mean.
_MEANINGS = {
    "build on": "extends derived_from grounded_in depends_on",
    "rest on": "grounded_in depends_on derived_from",
    "base on": "derived_from grounded_in extracted_from based_on",
    "com from": "extracted_from derived_from inspired_by",
    "tak from": "extracted_from derived_from",
    "into practic": "implements",
    "point to": "links_to",
    "refer to": "references links_to",
    "mention": "links_to",
    "ment": "links_to",
    "cit": "cites references links_to",
    "referenc": "references cites links_to",
    "backlink": "links_to",
    "need": "depends_on requires",
    "rely on": "depends_on requires",
    "rel on": "depends_on requires",
    "sister": "set_with sibling",
    "sibl": "set_with sibling",
    "companion": "set_with sibling",
    "conflict with": "contradicts opposes contrasts_with",
    "disagre with": "contradicts opposes",
    "argu against": "contradicts opposes",
    "speak against": "contradicts opposes",
    "challeng": "contradicts opposes",
    "evidenc": "evidence_for supports supported_by",
    "back up": "evidence_for supports",
    "underpin": "grounds evidence_for",
    "replac": "supersedes",
    "reduc": "mitigates",
    "prevent": "mitigates",
    "counter": "mitigates",
    "lead to": "causes",
    "result in": "causes",
    "work with": "coordinates_with",
    "cooperat with": "coordinates_with",
    "wrote": "authored_by created_by author",
    "writ": "wrote authored_by created_by author",
    "belong to": "part_of in_domain",
    "exampl": "instance_of is_a",
    "instanc": "instance_of is_a",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A predicate that a question asks for.

    `place` is the position of its word among the question's words. `exact` is
    False if only the meaning matched; `preposition` is True if the question has
    the predicate's preposition, or the predicate has none.
    """

    predicate: str
    place: int
    exact: bool
    preposition: bool


def asked(words: Sequence[str], names: Iterable[str], free: Sequence[bool]) -> list[Asked]:
    """Return the predicates among `names` that folded words of a question contain.

    They are the exact matches, or else those by meaning. `free` says of each word whether it lies
    outside the names of notes.
    """
    stems = [
        _agentless(stem(word)) if is_free else "" for word, is_free in zip(words, free, strict=True)
    ]
    found = [match for name in names if (match := _said(stems, words, name)) is not None]
    if not found:
        found = _meant(stems, names)
    best = max((match.preposition for match in found), default=False)
    return [match for match in found if match.preposition == best]


def stands_at_source(predicate: str, words: Sequence[str], verb: int, subject: int) -> bool:
    """Check whether the note that a question names is the source of the edges that it asks for.

    `verb` and `subject` are the positions of the predicate's word and of the note's name.

    Examples
    --------
    >>> stands_at_source("extends", "what does heat extend".split(), 3, 2)
    True
    >>> stands_at_source("extends", "what extends heat".split(), 1, 2)
    False
    >>> stands_at_source("motivated_by", "what motivated heat".split(), 1, 2)
    True
    >>> stands_at_source("extends", "take heat: which notes are extending it".split(), 5, 1)
    False
    """
    before = subject < verb and not _STANDS_FOR.intersection(words[verb + 1 : verb + 2])
    acts = before != _is_passive_there(words, verb)
    return acts != is_passive(predicate)


def is_passive(predicate: str) -> bool:
    """Check whether a predicate is in the passive voice: its source undergoes the action.

    Examples
    --------
    >>> is_passive("extended_by"), is_passive("extracted_from"), is_passive("coordinates_with")
    (True, True, False)
    """
    first, *rest = predicates.words(predicate).split() or [""]
    return bool(rest) and (first.endswith("ed") or first in _IRREGULAR)


def is_past(predicate: str) -> bool:
    """Check whether a predicate is a verb in the past: "wrote", "founded", but not "related"."""
    word = predicates.words(predicate)
    return word in _PAST or (word.isalpha() and word.endswith("ed") and word not in _NO_NOUNS)


def is_noun(predicate: str) -> bool:
    """Check whether a predicate is a noun for the target's role: "author", "publisher".

    Examples
    --------
    >>> [is_noun(one) for one in ("author", "spare_part", "extends", "wrote", "part_of")]
    [True, True, False, False, False]
    """
    words = predicates.words(predicate).split()
    verbal = ("s", "ed", "ing", "ly")
    return (
        bool(words)
        and _NO_NOUNS.union(_EMPTY, _PAST).isdisjoint(words)
        and not any(word.endswith(verbal) and not word.endswith("ss") for word in words)
    )


def _said(stems: Sequence[str], words: Sequence[str], name: str) -> Asked | None:
    parts, content = _parts(name)
    if not content or any(part not in stems for part in content):
        return None
    place = stems.index(content[0])
    wanted = [part for part in parts if part in _PREPOSITIONS]
    near = {*words[place + 1 : place + 2], *words[-1:]}
    if wanted == ["by"] and not _is_passive_there(words, place):
        fits = not _PREPOSITIONS.intersection(words[place + 1 : place + 2])
    else:
        fits = not wanted or wanted[0] in near
    return Asked(name, place, True, fits)


@cache
def _parts(predicate: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of a predicate, and the stems of its content words."""
    parts = tuple(predicates.words(predicate).split())
    return parts, tuple(_agentless(stem(one)) for one in parts if one not in _EMPTY | STOP_WORDS)


def _agentless(root: str) -> str:
    """Return a stem without the ending of a noun for a person: "translator" equals "translated".

    Examples
    --------
    >>> _agentless("translator"), _agentless("publisher"), _agentless("author")
    ('translat', 'publish', 'author')
    """
    return root[:-2] if root.endswith(("or", "er")) and len(root) > LEAST_ACTION + 1 else root


def _meant(stems: Sequence[str], names: Iterable[str]) -> list[Asked]:
    line = f" {' '.join(stems)} "
    spelt = {predicates.canonical(name): name for name in names}
    found: dict[str, Asked] = {}
    for phrase, meanings in _MEANINGS.items():
        start = line.find(f" {phrase} ")
        if start < 0:
            continue
        place = line[:start].count(" ")
        for meaning in meanings.split():
            if meaning in spelt:
                found.setdefault(meaning, Asked(spelt[meaning], place, False, True))
    return list(found.values())


def _is_passive_there(words: Sequence[str], verb: int) -> bool:
    word = words[verb]
    if not (word.endswith("ed") or word in _IRREGULAR):
        return False
    return "by" in words[verb + 1 : verb + 3] or not _BE.isdisjoint(words[:verb])
