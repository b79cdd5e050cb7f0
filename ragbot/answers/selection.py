"""Select the quotes of an answer: one for each part of the question, then others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragbot.answers import layout
from ragbot.answers.compose import stems
from ragbot.answers.english import PRONOUNS
from ragbot.answers.layout import Quote
from ragbot.answers.sentence_ranker import RankedSentence, Ranking
from ragbot.index.corpus import Corpus
from ragbot.models import NoteId
from ragbot.questions.question import Question

WORDS = 80
"""Most words of an answer; a list that is asked for, or a long quote, may have more."""

BELOW_BEST = 0.6
"""Score below the best one at which a sentence is not added."""

NEXT_WORDS = 20
"""Most words of a later quote, of the sentence with its neighbours."""

MOST_MORE = 5
"""Passages offered below the answer."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The quotes of an answer, and the next best ones."""

    quotes: tuple[Quote, ...]
    more: tuple[Quote, ...]


def select(corpus: Corpus, question: Question, ranking: Ranking, words: int = WORDS) -> Selection:
    """Return the quotes of an answer."""
    parts = [_with_whole_names(corpus, question, part) for part in ranking.parts]
    first = [_first(corpus, question, part, words) for part in parts]
    chosen = _distinct([one for one in first if one is not None])
    ordered = _new_first(question, ranking.in_turn)
    # A list that is asked for is the answer: no other quotes are added.
    is_list = len(ranking.parts) == 1 and bool(ordered) and ordered[0].candidate.listed
    return _filled(corpus, question, ordered, chosen, 0 if is_list else words)


def _filled(
    corpus: Corpus,
    question: Question,
    ordered: Sequence[RankedSentence],
    chosen: list[Quote],
    words: int,
) -> Selection:
    """Return the chosen quotes and others while words are left, and the next ones after them."""
    ordered = _with_whole_names(corpus, question, ordered)
    best = max((one.score for one in ordered), default=0.0)
    room = words - sum(one.words for one in chosen)
    more: list[Quote] = []
    for one in ordered:
        if len(more) >= MOST_MORE:
            break
        found = layout.quote(corpus, one.candidate, NEXT_WORDS)
        if found is None or any(found.overlaps(other) for other in (*chosen, *more)):
            continue
        size = found.words + len(corpus.notes[found.note].title.split())
        if size <= room and one.score >= best - BELOW_BEST:
            chosen.append(found)
            room -= size
        else:
            more.append(layout.quote(corpus, one.candidate) or found)
    notes = list(dict.fromkeys(one.note for one in chosen))
    chosen.sort(key=lambda one: notes.index(one.note))
    return Selection(tuple(chosen), tuple(_distinct(more)))


def _with_whole_names(
    corpus: Corpus, question: Question, ordered: Sequence[RankedSentence]
) -> list[RankedSentence]:
    """Return the sentences without those that have half of a name which another has whole.

    The other items of a list or table that has all names and numbers of the question are dropped,
    and for a follow-up that names a new subject, all sentences without the subject.
    """
    kept = list(ordered)
    if new := question.new_subject:
        kept = [one for one in kept if new <= stems(_in_context(corpus, one))] or kept
    for name in question.full_names:
        shares = [len(name & stems(_in_context(corpus, one))) for one in kept]
        if len(name) > 1 and len(name) in shares:
            pairs = zip(kept, shares, strict=True)
            kept = [one for one, share in pairs if share in (0, len(name))]
    named = [question.capitals <= stems(_in_context(corpus, one)) for one in kept]
    lists = {_list_of(one) for one, whole in zip(kept, named, strict=True) if whole} - {None}
    return [
        one for one, whole in zip(kept, named, strict=True) if whole or _list_of(one) not in lists
    ]


def _list_of(one: RankedSentence) -> tuple[NoteId, int] | None:
    """Return the list or table of a sentence; None for prose, or if it begins with a pronoun."""
    group, opening = one.candidate.unit.group, one.candidate.text.split(maxsplit=1)[:1]
    if group is None or any(word.lower() in PRONOUNS for word in opening):
        return None
    return one.candidate.note, group


def _first(
    corpus: Corpus, question: Question, ranked: Sequence[RankedSentence], words: int
) -> Quote | None:
    """Return the quote that answers one part of a question."""
    found = (
        layout.quote(corpus, one.candidate, min(words, layout.WHOLE_WORDS))
        for one in _new_first(question, ranked)
    )
    return next((one for one in found if one is not None), None)


def _new_first(question: Question, ranked: Sequence[RankedSentence]) -> list[RankedSentence]:
    """Return sentences in order, with those that the last answer quoted at the end."""

    def is_shown(one: RankedSentence) -> bool:
        start, end = one.candidate.span
        return any(
            note == one.candidate.note and first < end and start < last
            for note, (first, last) in question.shown
        )

    return sorted(ranked, key=is_shown)


def _distinct(quotes: Iterable[Quote]) -> list[Quote]:
    """Return the quotes that do not overlap an earlier one."""
    kept: list[Quote] = []
    for one in quotes:
        if not any(one.overlaps(other) for other in kept):
            kept.append(one)
    return kept


def _in_context(corpus: Corpus, one: RankedSentence) -> str:
    note = corpus.notes[one.candidate.note]
    return " ".join((one.candidate.text, note.title, *note.aliases, *one.candidate.headings))
