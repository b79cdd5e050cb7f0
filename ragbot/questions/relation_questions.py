"""Questions about relations: "what extends X?", "does X extend Y?", "how are X and Y connected?".

Such a question names a note and a predicate, and relations of that note answer it. The grammar of
the question decides whether the note is the source or the target (`predicate_matcher.py`).
Inverses and synonyms count as the predicate itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from ragbot.graph.relation_graph import Direction
from ragbot.index.corpus import Corpus
from ragbot.index.notes import NameMatch
from ragbot.models import LINKS_TO, MENTIONS, UNTYPED, NoteId, Relation
from ragbot.notes import predicates
from ragbot.questions import predicate_matcher
from ragbot.questions.predicate_matcher import Asked
from ragbot.text.folding import stem
from ragbot.text.tokenize import STOP_WORDS, Word, content_words, spoken_words, tokens

COMMON = 0.25
"""Greatest rarity of a one-word name that counts as a common word, such as "Models"."""

GUESSES = 30
"""Most notes that are tried, with the best matches of title and question first."""

MOST_OTHERS_IF_NONE = 2
"""Most other words in a question that "there is no such relation" may answer."""

MOST_OTHERS_IF_AMBIGUOUS = 1
"""Most other words in a question whose verb has many meanings, such as "link"."""

_ASKS = re.compile(
    r"\b(what|which|who|whom|whose|how|is there|are there|does|do|list|name|show)\b", re.IGNORECASE
)
_COMPARES = re.compile(r"\b(different|difference|compar|versus\b|vs\b)", re.IGNORECASE)
_YES_OR_NO = {"does", "do", "did", "is", "are", "was", "were", "has", "have"}
_CONNECTS = {"connect", "relat", "link", "relation", "relationship", "connection", "path", "tie"}
_THINGS = (
    "anything article concept document entry everything file folder garden here idea kind link "
    "list name note one other others page paper piece say show something source text thing "
    "topic typed vault ways"
)
_GENERIC = {stem(word) for word in _THINGS.split()}
_NOTES = {"note", "notes", "page", "pages", "article", "file", "entry"}
_ABOUT = {"on", "about", "called", "named", "titled", "of"}
_ABSENT = re.compile(
    r"\b(ghosts?|missing|unwritten|not (?:yet )?(?:here|written|in (?:this|the) (?:folder|vault))"
    r"|(?:no|without) (?:a )?(?:page|note)s?|(?:don t|do not|doesn t) exist)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RelationQuestion:
    """A question that relations answer, with the relations.

    Attributes
    ----------
    kind
        `edges` lists the relations of `subject`; `path` connects `subject`
        and `object`; `stated` confirms the relation of `subject` to
        `object` that was asked; `unstated` says that no author wrote it,
        with the path between the two instead.
    predicates
        The predicates asked for, as the vault spells them.
    direction
        Place of the subject in relations of the first predicate: `out` as the source,
        `in` as the target, `both` if the predicate is symmetric.
    subject, object
        The notes named; `object` for all kinds but `edges`. The subject of `edges` may be a
        ghost, by its name.
    relations
        The answer: every edge asked for, in the order of the file; or the
        shortest path, where each relation shares a note with the one before. Empty if
        the notes have no such relation. A relation with the `target` None leads to a
        ghost.
    ghosts_only
        Whether the question asks only for notes that are not written yet.
    """

    kind: Literal["edges", "path", "stated", "unstated"]
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
    certain: bool


def answerable(
    corpus: Corpus, spoken: Sequence[Word], names: Sequence[NameMatch], ghosts: Sequence[str]
) -> RelationQuestion | None:
    """Return the edges that a question asks for, by its words and the names in it.

    None if the question names no note, or no relation. Also None if no relation answers and the
    question has only some words of the note's name.
    """
    words = [word.folded for word in spoken]
    line = " ".join(words)
    asks = _ASKS.search(line) is not None
    if not asks and _YES_OR_NO.isdisjoint(words[:1]):
        return None
    if _COMPARES.search(line):
        # "How is a reference different from a source?" does not ask for a reference.
        return None
    named = _named(names, spoken)
    if len(named) > 1 and (stated := _stated(corpus, words, named)):
        return stated
    if len(named) > 1 and (joined := _connected(corpus, words, named)):
        return joined
    if not asks:
        return None
    for name in named:
        if answer := _edges(corpus, words, name, named):
            return answer
    for name in (*_unwritten(corpus, ghosts, words, named), *_guessed(corpus, words)):
        if answer := _edges(corpus, words, name, [name]):
            return answer
    return None


def _connected(
    corpus: Corpus, words: Sequence[str], named: Sequence[_Named]
) -> RelationQuestion | None:
    one, other = named[0], named[1]
    outside = [word for place, word in enumerate(words) if not _within(place, named)]
    if one.note == other.note or _CONNECTS.isdisjoint(stem(word) for word in outside):
        return None
    if _other_words(words, named, _CONNECTS) > MOST_OTHERS_IF_AMBIGUOUS:
        return None
    path = _between(corpus, one, other)
    if not path and not (one.certain and other.certain):
        return None
    return RelationQuestion("path", (), "both", one.note, other.note, path)


def _stated(
    corpus: Corpus, words: Sequence[str], named: Sequence[_Named]
) -> RelationQuestion | None:
    """Return the relation that a yes-or-no question asks about."""
    one, other = named[0], named[1]
    if len(named) > 2 or one.note == other.note or _YES_OR_NO.isdisjoint(words[:1]):
        return None
    matches = [match for match in _asked(corpus, words, named) if _is_plain(match, words, named)]
    verbs = {stem(words[match.place]) for match in matches}
    if (
        not matches
        or verbs & (_CONNECTS - {"link"})
        or _other_words(words, named, verbs) > MOST_OTHERS_IF_AMBIGUOUS
    ):
        return None
    direction = _direction(matches[0], words, one)
    found: list[Relation] = []
    for match in matches:
        predicate = None if match.predicate == LINKS_TO else match.predicate
        for relation in corpus.graph.neighbours(one.note, predicate, direction):
            ends = (relation.source, relation.target)
            if other.note in ends and relation not in found and relation.predicate != MENTIONS:
                found.append(relation)
    asked = tuple(match.predicate for match in matches)
    if not matches[0].exact:
        # "X mitigates Y" does not prove "Does X reduce Y?", but it is the nearest answer.
        joined = RelationQuestion("path", asked, direction, one.note, other.note, tuple(found))
        return joined if found else None
    kind: Literal["stated", "unstated"] = "stated" if found else "unstated"
    between = tuple(found) or _between(corpus, one, other)
    return RelationQuestion(kind, asked, direction, one.note, other.note, between)


def _between(corpus: Corpus, one: _Named, other: _Named) -> tuple[Relation, ...]:
    """Return the typed relations between two notes, else a link, else the shortest path."""
    between = [
        relation
        for relation in corpus.graph.neighbours(one.note)
        if other.note in (relation.source, relation.target)
    ]
    typed = [relation for relation in between if relation.predicate not in UNTYPED]
    return tuple(typed or between[:1]) or corpus.graph.path(one.note, other.note)


def _edges(
    corpus: Corpus, words: Sequence[str], name: _Named, named: Sequence[_Named]
) -> RelationQuestion | None:
    matches = [
        match
        for match in _asked(corpus, words, named)
        if (name.certain or not _describes(match, words, name))
        and _is_plain(match, words, named)
        # "Who extracted it?" asks for a person, `extracted_from` names a source.
        and not ("who" in words and match.predicate.endswith("_from"))
    ]
    kind = _kind(words, {match.place for match in matches})
    ghosts_only = _ABSENT.search(" ".join(words)) is not None
    relations: list[Relation] = []
    used: list[str] = []
    directions: list[Direction] = []
    for match in matches:
        direction = _direction(match, words, name)
        # Every relation is a link, so a question about links asks for all relations.
        predicate = None if match.predicate == LINKS_TO else match.predicate
        found = corpus.graph.neighbours(name.note, predicate, direction)
        # No author wrote a mention.
        found = [r for r in found if r not in relations and r.predicate != MENTIONS]
        found = [r for r in found if not (ghosts_only and r.target)]
        if not match.exact and not _are_of_kind(corpus, found, name.note, kind):
            return None
        if found:
            relations += found
            used.append(match.predicate)
            directions.append(direction)
    if not relations and not (
        matches and name.certain and _other_words(words, named, ()) <= MOST_OTHERS_IF_NONE
    ):
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
    """Return the predicates asked for: of the vault, else links, else known ones it lacks."""
    free = [not _within(place, named) for place in range(len(words))]
    typed = [p for p in corpus.graph.predicates if p not in UNTYPED]
    for names in (typed, [LINKS_TO], sorted(predicates.KNOWN)):
        if found := predicate_matcher.asked(words, names, free):
            return found
    return []


def _describes(match: Asked, words: Sequence[str], name: _Named) -> bool:
    """Check whether a word is an attribute of the next one: "the best measured results"."""
    after = match.place + 1
    described = words[after : after + 1] and words[after] not in STOP_WORDS
    return bool(described) and words[match.place].endswith("ed") and not _within(after, [name])


def _is_plain(match: Asked, words: Sequence[str], named: Sequence[_Named]) -> bool:
    """Check that a question with an ambiguous verb has few words besides name and relation.

    "Which notes link to X?" asks for links; "how does X link its units to the
    weather of a region?" does not.
    """
    if match.exact and match.predicate != LINKS_TO:
        return True
    return _other_words(words, named, {stem(words[match.place])}) <= MOST_OTHERS_IF_AMBIGUOUS


def _kind(words: Sequence[str], verbs: Collection[int]) -> str:
    """Return the stem of the noun after "which"; empty for "which notes" and the like."""
    for place, word in enumerate(words[1:], start=1):
        if words[place - 1] in {"which", "what"} and place not in verbs and word not in STOP_WORDS:
            return "" if stem(word) in _GENERIC else stem(word)
    return ""


def _are_of_kind(corpus: Corpus, relations: Sequence[Relation], subject: NoteId, kind: str) -> bool:
    """Check whether the path or title of a note at the other end has the kind asked for."""
    ends = {r.target if r.source == subject else r.source for r in relations}
    texts = (f"{end} {corpus.notes[end].title}" for end in ends if end)
    return not kind or any(stem(word) == kind for text in texts for word in tokens(text))


def _direction(match: Asked, words: Sequence[str], name: _Named) -> Direction:
    if predicates.inverse(match.predicate) == predicates.canonical(match.predicate):
        return "both"
    if stem(words[match.place]) == "backlink":
        return "in"
    if match.predicate == LINKS_TO and name.first and words[name.first - 1] == "from":
        return "out"
    if predicate_matcher.is_noun(match.predicate):
        of_it = name.last <= match.place and words[name.last : name.last + 1] != ["s"]
        return "in" if of_it and words[match.place + 1 : match.place + 2] == ["of"] else "out"
    at_source = predicate_matcher.stands_at_source(match.predicate, words, match.place, name.first)
    return "out" if at_source else "in"


def _other_words(words: Sequence[str], named: Sequence[_Named], asked: Collection[str]) -> int:
    """Return the number of content words of a question beside names and predicates."""
    return sum(
        word not in STOP_WORDS and stem(word) not in _GENERIC and stem(word) not in asked
        for place, word in enumerate(words)
        if not _within(place, named)
    )


def _within(place: int, named: Sequence[_Named]) -> bool:
    return any(name.first <= place < name.last for name in named)


def _named(names: Sequence[NameMatch], spoken: Sequence[Word]) -> list[_Named]:
    """Return the notes that a question names, in the order of the question."""
    found = []
    starts = [word.span[0] for word in spoken]
    for spotted in names:
        first, last = bisect_left(starts, spotted.span[0]), bisect_left(starts, spotted.span[1])
        capital = first > 0 and spoken[first].capital
        if spotted.rarity > COMMON or last - first > 1 or capital:
            note = min(spotted.notes, key=lambda note: (len(note), note))
            found.append(_Named(note, first, last, True))
    return found


def _unwritten(
    corpus: Corpus, ghosts: Sequence[str], words: Sequence[str], named: Sequence[_Named]
) -> list[_Named]:
    """Return the ghosts that a question names, if it asks for a relation."""
    if not _asked(corpus, words, named):
        return []
    found: list[_Named] = []
    for ghost in ghosts:
        own = [word.folded for word in spoken_words(ghost)]
        name, size = " ".join(own), len(own)
        places = (n for n in range(len(words)) if " ".join(words[n : n + size]) == name)
        found += [_Named(ghost, n, n + size, False) for n in places if not _within(n, named)]
    return found


def _guessed(corpus: Corpus, words: Sequence[str]) -> list[_Named]:
    """Return notes whose title shares two or more words with the question, best first.

    One word is enough if the question calls it a note: "the note on welfare",
    "the constitution note".
    """
    places = {stem(word): place for place, word in enumerate(words) if word not in STOP_WORDS}
    pointed = _pointed_at(words)
    guesses: list[tuple[float, _Named]] = []
    for note in corpus.by_title(words, GUESSES):
        title = dict.fromkeys(stem(word) for word in content_words(corpus.notes[note].title))
        said = sorted(places[word] for word in title if word in places)
        if len(said) >= min(2, len(title)) or not pointed.isdisjoint(said):
            worth = sum(corpus.rarity(words[place]) for place in said)
            guesses.append((worth, _Named(note, said[0], said[-1] + 1, False)))
    return [name for _, name in sorted(guesses, key=lambda guess: -guess[0])]


def _pointed_at(words: Sequence[str]) -> set[int]:
    """Return the positions of the words that name a note in "the note on ..."."""
    found: set[int] = set()
    for place, word in enumerate(words):
        if word in _NOTES:
            found.add(place - 1)
            if words[place + 1 : place + 2] and words[place + 1] in _ABOUT:
                skipped = next(
                    (n for n in range(place + 2, len(words)) if words[n] not in STOP_WORDS), None
                )
                found |= set() if skipped is None else {skipped}
    return found
