"""Questions about relations: "what extends X?", "how are X and Y connected?".

Such a question names a note and a predicate, and its answer stands on the edges
of that note, not in a passage. Which end the note stands at follows from the
grammar (`phrasing.py`); inverses and meanings count as the predicate itself.

Floor 4: reads a corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ragbot import phrasing, predicates
from ragbot.corpus import Corpus
from ragbot.graph import Direction
from ragbot.phrasing import Asked, stem
from ragbot.schema import LINKS_TO, UNTYPED, NoteId, Relation, Span
from ragbot.words import STOP_WORDS, content_words, tokens

NEAR = 6
"""Most words between the verb and a note that is only guessed from words of its title."""

COMMON = 0.25
"""Rarity up to which a name of one word is a word like any other: "Models"."""

GUESSES = 30
"""Notes tried, those first whose titles share the rarest words with the question."""

_WORD = re.compile(r"[^\W_]+")
_ASKS = re.compile(
    r"\b(what|which|who|whom|whose|how|is there|are there|does|do|list|name|show)\b", re.IGNORECASE
)
_CONNECTS = {"connect", "relat", "link", "relation", "relationship", "connection", "path", "tie"}
_ABSENT = re.compile(
    r"\b(ghosts?|missing|unwritten|not (?:yet )?(?:here|written|in (?:this|the) (?:folder|vault))"
    r"|(?:no|without) (?:a )?(?:page|note)s?|(?:don't|do not|doesn't) exist)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RelationQuestion:
    """A question that edges of the graph answer.

    Attributes
    ----------
    kind
        `edges`: what stands in a relation to `subject`; `path`: how `subject`
        and `object` are connected.
    predicates
        The predicates asked for, as the vault spells them.
    direction
        Where the note asked about stands in the first of them: `out` as the
        source, `in` as the target, `both` when the predicate is symmetric.
    subject, object
        The notes named; `object` for `path` only.
    relations
        The answer: every edge asked for, in the order of the file; or the
        shortest path, each relation sharing a note with the next. Empty when
        the notes hold no such relation. A relation whose `target` is None
        leads to a ghost.
    ghosts_only
        Whether only relations to notes that are not written were asked for.
    """

    kind: Literal["edges", "path"]
    predicates: tuple[str, ...]
    direction: Direction
    subject: NoteId
    object: NoteId | None
    relations: tuple[Relation, ...]
    ghosts_only: bool = False


@dataclass(frozen=True, slots=True)
class _Named:
    note: NoteId
    first: int
    last: int
    sure: bool


def answerable(corpus: Corpus, question: str) -> RelationQuestion | None:
    """Recognise a question about edges, and answer it from them.

    Returns
    -------
    RelationQuestion or None
        None when the question names no note, or no relation; or when it does
        both but no edge answers and the name was only guessed from some of
        its words: then it is a question like any other.
    """
    if not _ASKS.search(question):
        return None
    spans = [match.span() for match in _WORD.finditer(question)]
    words = [" ".join(tokens(question[first:last])) for first, last in spans]
    named = _named(corpus, question, words, spans)
    if len(named) > 1 and (joined := _connected(corpus, words, named)):
        return joined
    for name in named or _guessed(corpus, words):
        if answer := _edges(corpus, question, words, name, named or [name]):
            return answer
    return None


def _connected(
    corpus: Corpus, words: Sequence[str], named: Sequence[_Named]
) -> RelationQuestion | None:
    one, other = named[0], named[1]
    outside = [word for place, word in enumerate(words) if not _within(place, named)]
    if one.note == other.note or _CONNECTS.isdisjoint(stem(word) for word in outside):
        return None
    between = [
        relation
        for relation in corpus.graph.neighbours(one.note)
        if other.note in (relation.source, relation.target)
    ]
    typed = [relation for relation in between if relation.predicate not in UNTYPED]
    path = tuple(typed or between[:1]) or corpus.graph.path(one.note, other.note)
    if not path and not (one.sure and other.sure):
        return None
    return RelationQuestion("path", (), "both", one.note, other.note, path)


def _edges(
    corpus: Corpus, question: str, words: Sequence[str], name: _Named, named: Sequence[_Named]
) -> RelationQuestion | None:
    matches = [m for m in _asked(corpus, words, named) if name.sure or _is_near(m, name)]
    ghosts_only = _ABSENT.search(question) is not None
    relations: list[Relation] = []
    used: list[str] = []
    directions: list[Direction] = []
    for match in matches:
        direction = _direction(match, words, name)
        # Every relation is a link, so a question about links asks for all of them.
        predicate = None if match.predicate == LINKS_TO else match.predicate
        found = corpus.graph.neighbours(name.note, predicate, direction)
        found = [r for r in found if r not in relations and not (ghosts_only and r.target)]
        if found:
            relations += found
            used.append(match.predicate)
            directions.append(direction)
    if not relations and not (matches and name.sure and _is_short(words, named)):
        return None
    return RelationQuestion(
        "edges",
        tuple(used) or tuple(match.predicate for match in matches),
        directions[0] if directions else _direction(matches[0], words, name),
        name.note,
        None,
        tuple(relations),
        ghosts_only,
    )


def _asked(corpus: Corpus, words: Sequence[str], named: Sequence[_Named]) -> list[Asked]:
    free = [not _within(place, named) for place in range(len(words))]
    typed = [p for p in corpus.graph.predicates if p not in UNTYPED]
    return phrasing.asked(words, typed, free) or phrasing.asked(
        words, [*sorted(predicates.KNOWN), LINKS_TO], free
    )


def _is_near(match: Asked, name: _Named) -> bool:
    return min(abs(match.place - name.first), abs(match.place - name.last + 1)) <= NEAR


def _direction(match: Asked, words: Sequence[str], name: _Named) -> Direction:
    if predicates.inverse(match.predicate) == predicates.canonical(match.predicate):
        return "both"
    at_source = phrasing.stands_at_source(match.predicate, words, match.place, name.first)
    return "out" if at_source else "in"


def _is_short(words: Sequence[str], named: Sequence[_Named]) -> bool:
    """Whether the question says little but the name and the relation."""
    said = [w for place, w in enumerate(words) if not _within(place, named) and w not in STOP_WORDS]
    return len(said) <= 2


def _within(place: int, named: Sequence[_Named]) -> bool:
    return any(name.first <= place < name.last for name in named)


def _named(
    corpus: Corpus, question: str, words: Sequence[str], spans: Sequence[Span]
) -> list[_Named]:
    """Find the notes that a question speaks of, in the order of the question."""
    found = []
    for spotted in corpus.lexical.names(question):
        first = next(place for place, span in enumerate(spans) if span[1] > spotted.span[0])
        last = next((p for p, span in enumerate(spans) if span[0] >= spotted.span[1]), len(spans))
        if spotted.rarity > COMMON or last - first > 1:
            note = min(spotted.notes, key=lambda note: (len(note), note))
            found.append(_Named(note, first, last, True))
    return found


def _guessed(corpus: Corpus, words: Sequence[str]) -> list[_Named]:
    """Find notes of whose title the question says two words or more, the best first."""
    places = {stem(word): place for place, word in enumerate(words) if word not in STOP_WORDS}
    guesses: list[tuple[float, _Named]] = []
    scores = corpus.lexical.titles(" ".join(words))
    for row in np.argsort(-scores)[:GUESSES].tolist():
        note = corpus.lexical.notes[row]
        title = dict.fromkeys(stem(word) for word in content_words(corpus.notes[note].title))
        said = sorted(places[word] for word in title if word in places)
        if len(said) >= min(2, len(title)):
            worth = sum(corpus.lexical.rarity(words[place]) for place in said)
            guesses.append((worth, _Named(note, said[0], said[-1] + 1, False)))
    return [name for _, name in sorted(guesses, key=lambda guess: -guess[0])]
