"""Arrange: the form that suits a question: a list told whole, two sides beside each other.

Other answers go note by note. Floor 4: reads a corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from ragbot.answers import compose, sentence_ranker
from ragbot.answers.candidates import BLOCK_MARK, Candidate, gather, is_row
from ragbot.answers.compose import Group
from ragbot.answers.sentence_ranker import Picked
from ragbot.index.corpus import Corpus
from ragbot.inference.token_codes import EncodedQuestion, EncodeQuestion
from ragbot.models import Hit, Note
from ragbot.questions.question_type import kind_of, parts, sides, things_asked
from ragbot.questions.subquestions import clauses

LIST_SHARE = 0.75
"""Share of an answer's words that a list may take to be told whole."""

LIST_LEEWAY, COUNTED_LEEWAY = 0.15, 0.25
"""A list may score this much less than the best sentence and still be the answer; and so may one of
as many items as are asked for."""

LISTS = 12
"""Lists weighed: those of the best passages."""

_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)")


def arrange(
    corpus: Corpus,
    query: str,
    hits: Sequence[Hit],
    picked: Sequence[Picked],
    asked: EncodedQuestion | None,
    encode_clause: EncodeQuestion | None = None,
    words: int = compose.WORDS,
) -> list[Group]:
    """Choose and group the sentences of an answer.

    Parameters
    ----------
    query
        The question, standing alone.
    picked
        The sentences that `extract.rank` found for it, best first; not empty.
    asked, encode_clause
        As for `extract.rank`.
    words
        Words of the longest answer.
    """
    kind = kind_of(query)
    # What only introduces a list says nothing without it.
    telling = [pick for pick in picked if not pick.candidate.introduces] or picked
    if kind == "compare" and (compared := _compared(corpus, query, telling, words)):
        return compared
    things = clauses(query) if asked is None or encode_clause else []
    wanted = [one for one in things or [query] if kind_of(one) == "list" or things_asked(one)]
    if wanted:
        pool = gather(
            corpus, query, asked.vector if asked else None, hits, sentence_ranker.PASSAGES
        )
        for thing in wanted:
            encoded = encode_clause(thing) if things and encode_clause else asked
            if listed := _best_list(corpus, thing, encoded, pool, words):
                return _whole_list(corpus, listed, telling, words)
    # Several questions in one are no list, even if one of them asks for one.
    kind = "other" if kind == "list" and len(parts(query)) > 1 else kind
    return compose.by_note(corpus.notes, kind, compose.choose(corpus.notes, telling, words))


def _compared(
    corpus: Corpus, query: str, picked: Sequence[Picked], words: int
) -> list[Group] | None:
    """Set what is said of each side beside each other; None unless both have something."""
    named = sides(query)
    if named is None:
        return None
    first, second = (compose.stems(side) for side in named)
    first, second = first - second, second - first
    both: list[Picked] = []
    one: list[Picked] = []
    other: list[Picked] = []
    for pick in picked:
        held = compose.stems(_in_context(corpus, pick.candidate))
        left, right = _share(first, held), _share(second, held)
        if left or right:
            (both if left == right else one if left > right else other).append(pick)
    both, one, other = (_near_best(side, picked[0].score) for side in (both, one, other))
    if not one or not other:
        return None
    room = words - sum(len(side.split()) for side in named)
    kept: set[int] = set()
    # What speaks of both at once compares them best: two of those for one of each side.
    for pick in sentence_ranker.in_turn(both[::2], both[1::2], one, other):
        size = len(pick.candidate.text.split())
        if size <= room:
            kept.add(id(pick))
            room -= size
    groups = [
        Group(lead, _in_file_order([pick for pick in side if id(pick) in kept]))
        for lead, side in (("", both), (_lead(named[0]), one), (_lead(named[1]), other))
    ]
    return [group for group in groups if group.candidates]


def _lead(side: str) -> str:
    return side[:1].upper() + side[1:]


def _near_best(side: Sequence[Picked], best: float) -> list[Picked]:
    """Keep what comes near the best of its side, unless the side is far from the best of all."""
    least = max(side[0].score, best - compose.BELOW_BEST) if side else best
    return [pick for pick in side if pick.score >= least - compose.BELOW_BEST]


def _in_file_order(picks: Sequence[Picked]) -> tuple[Candidate, ...]:
    """Keep the sentences of a note together, in the order of the file, the best note first."""
    notes = list(dict.fromkeys(pick.candidate.note for pick in picks))
    ordered = sorted(picks, key=lambda p: (notes.index(p.candidate.note), p.candidate.span))
    return tuple(pick.candidate for pick in ordered)


def _in_context(corpus: Corpus, candidate: Candidate) -> str:
    note = corpus.notes[candidate.note]
    return " ".join((candidate.text, note.title, *note.aliases, *candidate.headings))


def _share(asked: set[str], held: set[str]) -> float:
    return len(asked & held) / len(asked) if asked else 0.0


def _best_list(
    corpus: Corpus,
    thing: str,
    encoded: EncodedQuestion | None,
    pool: Sequence[Candidate],
    words: int,
) -> tuple[Candidate, ...] | None:
    """Find the list that answers as well as the best sentence does: its line before, and items.

    Parameters
    ----------
    thing, encoded
        The one of several things asked that a list is wanted for; the question if it asks one.
    pool
        The sentences of the best passages, see `gather`.
    """
    number = things_asked(thing)
    fitting = (
        one
        for one in lists(corpus, pool)
        if _size(one) <= LIST_SHARE * words and (number is None or _holds(corpus, one, number))
    )
    found = list(islice(fitting, LISTS))
    if not found:
        return None
    # A list answers by what it holds, or by the line that introduces it.
    weighed = [*map(joined, found), *(one[0] for one in found)]
    scored = sentence_ranker.score(corpus, thing, weighed, encoded, pool[0].worth)
    scores = [
        max(whole.score, first.score if one[0].introduces else whole.score)
        for one, whole, first in zip(found, scored[: len(found)], scored[len(found) :], strict=True)
    ]
    nearest = max(range(len(found)), key=scores.__getitem__)
    alone = sentence_ranker.score(corpus, thing, pool, encoded, pool[0].worth)
    least = max(pick.score for pick in alone) - (COUNTED_LEEWAY if number else LIST_LEEWAY)
    return found[nearest] if scores[nearest] >= least else None


def _holds(corpus: Corpus, listed: Sequence[Candidate], number: int) -> bool:
    """Tell whether a list has as many items; the first row of a table may be its header."""
    items = listed[listed[0].introduces :]
    header = is_row(corpus.notes[items[0].note].text[slice(*items[0].span)])
    return number in (len(items), len(items) - header)


def _whole_list(
    corpus: Corpus, listed: Sequence[Candidate], picked: Sequence[Picked], words: int
) -> list[Group]:
    """Tell a list first, then what else the notes say, as far as the words reach."""
    before = tuple(listed[:1]) if listed[0].introduces else ()
    items = tuple(listed[len(before) :])
    last = max(one.span[1] for one in listed)
    rest = [
        pick
        for pick in picked
        if pick.candidate.note != listed[0].note
        or not listed[0].span[0] <= pick.candidate.span[0] < last
    ]
    room = words - _size(listed)
    more: list[Group] = []
    if rest and room >= len(rest[0].candidate.text.split()):
        chosen = compose.choose(corpus.notes, rest, room)
        more = compose.by_note(corpus.notes, "other", chosen)
    same = [group for group in more if group.candidates[0].note == listed[0].note]
    others = [group for group in more if group not in same]
    name = corpus.notes[listed[0].note].title if any(group.lead for group in more) else ""
    told = [Group(name, before), Group("", items, items=True)]
    if not before:
        told = [Group(name, items, items=True)]
    # What else its note says stands below the list, still under that name.
    return [*told, *(replace(group, lead="") for group in same), *others]


def lists(corpus: Corpus, pool: Sequence[Candidate]) -> Iterator[tuple[Candidate, ...]]:
    """Find lists and tables: the first sentence of each item, and the line that introduces it."""
    ordered = sorted(
        pool, key=lambda candidate: (-candidate.worth, candidate.passage_id, candidate.span)
    )
    found: list[Candidate] = []
    intro: Candidate | None = None
    before: Candidate | None = None
    for candidate in ordered:
        note = corpus.notes[candidate.note]
        follows = before is not None and before.passage_id == candidate.passage_id
        gap = note.text[before.span[1] : candidate.span[0]] if before and follows else "\n\n"
        starts = _starts_item(note, candidate)
        if found and (not follows or (not starts and _BLANK_LINE.search(gap))):
            if len(found) > 1:
                yield (*([intro] if intro else []), *found)
            found = []
        if starts:
            if not found:
                intro = before if follows and before and before.introduces else None
            found.append(candidate)
        before = candidate
    if len(found) > 1:
        yield (*([intro] if intro else []), *found)


def _starts_item(note: Note, candidate: Candidate) -> bool:
    """Tell whether nothing but the mark of an item stands before a sentence on its line."""
    first = candidate.span[0]
    line = max(note.text.rfind("\n", 0, first), note.text.rfind("\r", 0, first)) + 1
    mark = note.text[line:first]
    is_row = note.text[first] == "|" and not mark.strip()
    return is_row or ("> " not in mark and BLOCK_MARK.fullmatch(mark) is not None)


def joined(listed: Sequence[Candidate]) -> Candidate:
    """Give a list as one candidate, to be scored like a sentence."""
    first, last = listed[0], listed[-1]
    text = " ".join(one.text for one in listed)
    span = (first.span[0], last.span[1])
    return replace(last, span=span, text=text)


def _size(listed: Sequence[Candidate]) -> int:
    return sum(len(one.text.split()) for one in listed)
