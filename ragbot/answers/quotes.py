"""The quotes of an answer: the sentences to quote, and how much of the note around each.

One quote is selected for each part of the question, then others while words are left. A list, row,
step or code block is quoted whole. Another sentence is quoted with the next sentences of its
paragraph, up to a number of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragbot.answers.candidates import LISTED, Candidate, shown, whole_list
from ragbot.answers.compose import Line, Quote, stems
from ragbot.answers.english import PRONOUNS
from ragbot.answers.sentence_ranker import RankedSentence, Ranking
from ragbot.index.corpus import Corpus
from ragbot.models import Note, NoteId, Span
from ragbot.notes.units import Unit, sentence_spans, units
from ragbot.questions.question import FULL_NAME, Question
from ragbot.text.dates import without_dates
from ragbot.text.folding import stem
from ragbot.text.sentences import is_question
from ragbot.text.tokenize import terms

WORDS = 80
"""Most words of an answer; a list that is asked for, or a long quote, may have more."""

BELOW_BEST = 0.6
"""Score below the best one at which a sentence is not added."""

WHOLE_WORDS = 45
"""Most words of a paragraph or list that is quoted whole."""

NEXT_WORDS = 20
"""Most words of a later quote, of the sentence with its neighbours."""

MOST_MORE = 5
"""Passages offered below the answer."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The quotes of an answer, and the next best ones."""

    quotes: tuple[Quote, ...]
    more: tuple[Quote, ...]


def select(corpus: Corpus, question: Question, ranking: Ranking, words: int) -> Selection:
    """Return the quotes of an answer of up to `words` words."""
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
        found = quote(corpus, one.candidate, NEXT_WORDS)
        if found is None or any(found.overlaps(other) for other in (*chosen, *more)):
            continue
        size = found.words + len(corpus.notes[found.note].title.split())
        if size <= room and one.score >= best - BELOW_BEST:
            chosen.append(found)
            room -= size
        else:
            more.append(quote(corpus, one.candidate) or found)
    notes = list(dict.fromkeys(one.note for one in chosen))
    chosen.sort(key=lambda one: notes.index(one.note))
    return Selection(tuple(chosen), tuple(_distinct(more)))


def _with_whole_names(
    corpus: Corpus, question: Question, ordered: Sequence[RankedSentence]
) -> list[RankedSentence]:
    """Return the sentences without those that have half of a name which another has whole.

    The other entries of a list, table or roster that has all names and numbers of the question are
    dropped, and for a follow-up that names a new subject, all sentences without the subject.
    """
    kept = list(ordered)
    if new := question.new_subject:
        said = [set(map(stem, terms(_in_context(corpus, one)))) for one in kept]
        kept = [one for one, words in zip(kept, said, strict=True) if new <= words] or kept
    for name in question.full_names:
        shares = [len(name & stems(_in_context(corpus, one))) for one in kept]
        if len(name) > 1 and len(name) in shares:
            pairs = zip(kept, shares, strict=True)
            kept = [one for one, share in pairs if share in (0, len(name))]
    # "Jar 3" is not in a row with "3 May".
    texts = [_in_context(corpus, one) for one in kept]
    texts = texts if question.dates else list(map(without_dates, texts))
    named = [question.capitals <= stems(text) for text in texts]
    lists = [_list_of(question, one) for one in kept]
    answering = {place for place, whole in zip(lists, named, strict=True) if whole} - {None}
    listed = zip(kept, lists, named, strict=True)
    return [one for one, place, whole in listed if whole or place not in answering]


def _list_of(question: Question, one: RankedSentence) -> tuple[NoteId, int | Span] | None:
    """Return the list, table or roster of a sentence.

    None for other prose, or if the sentence begins with a pronoun.
    """
    unit, opening = one.candidate.unit, one.candidate.text.split(maxsplit=1)[:1]
    if any(word.lower() in PRONOUNS for word in opening):
        return None
    if unit.group is None and not _is_roster(question, unit):
        return None
    return one.candidate.note, unit.span if unit.group is None else unit.group


def _is_roster(question: Question, unit: Unit) -> bool:
    """Check whether a paragraph is about several people, one of whom has half a name asked for."""
    if not question.full_names:
        return False
    # Letters of other scripts than Latin match in lower case too.
    found = FULL_NAME.findall(unit.text)
    found = [name for name in found if all(word[0].isupper() for word in name.split())]
    return any(
        name & other and not (name <= other or other <= name)
        for other in map(stems, found)
        for name in question.full_names
    )


def _first(
    corpus: Corpus, question: Question, ranked: Sequence[RankedSentence], words: int
) -> Quote | None:
    """Return the quote that answers one part of a question; of a roster, the sentence alone."""
    most = min(words, WHOLE_WORDS)
    found = (
        quote(corpus, one.candidate, 1 if _is_roster(question, one.candidate.unit) else most)
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


def quote(corpus: Corpus, candidate: Candidate, words: int = WHOLE_WORDS) -> Quote | None:
    """Return the quote around a sentence, of up to `words` with its neighbours.

    A row, item or code block may have more. None for a line that introduces a list which is too
    long to quote.
    """
    note, unit = corpus.notes[candidate.note], candidate.unit
    if candidate.listed:
        return _lines(note, whole_list(note, unit))
    if unit.kind in ("code", "math", "html", "heading", "property"):
        return _lines(note, [unit]) if candidate.span == unit.span else _prose(note, candidate, 0)
    if candidate.introduces:
        return _introduced(note, unit, words)
    if unit.kind == "row":
        return _lines(note, [unit])
    if unit.group is not None:
        group = whole_list(note, unit)
        found = _lines(note, group)
        if len(group) > 1 and found.words <= words and not any(one.question for one in group):
            return found
        own = _lines(note, [unit])
        return own if own.words <= words else _prose(note, candidate, words)
    return _prose(note, candidate, words)


def _introduced(note: Note, unit: Unit, words: int) -> Quote | None:
    """Return a line that ends with a colon together with the list or code that follows it."""
    every = units(note)
    place = every.index(unit)
    after = every[place + 1 : place + 2]
    if not after:
        return None
    group = after[0].group
    listed = after if group is None else [one for one in every if one.group == group]
    listed = [one for one in listed if one.span[0] > unit.span[0] and one.kind != "header"]
    found = _lines(note, [unit, *listed])
    return found if listed and found.words <= words else None


def _prose(note: Note, candidate: Candidate, words: int) -> Quote:
    """Return a sentence with its neighbours: the paragraph if it fits, else the next sentences."""
    unit = candidate.unit
    spans = sentence_spans(note, unit)
    texts = [shown(note, unit, span) for span in spans]
    sizes = [len(text.split()) for text in texts]
    at = next((n for n, span in enumerate(spans) if span == candidate.span), None)
    if at is None:
        return Quote(note.id, candidate.span, (Line(candidate.text),))
    first, last, room = at, at, words - sizes[at]
    # A question before the sentence is not part of the answer.
    apart = [is_question(text) or "::" in text for text in texts]
    start = max((n + 1 for n in range(at) if apart[n] or apart[at]), default=0)
    asked = (n for n in range(at + 1, len(spans)) if apart[n] or apart[at])
    end = next(asked, len(spans))
    if sum(sizes[start:end]) <= words:
        first, last = start, end - 1
    else:
        if at > start and candidate.anaphoric and sizes[at - 1] <= room:
            first, room = at - 1, room - sizes[at - 1]
        while last + 1 < end and sizes[last + 1] <= room:
            last, room = last + 1, room - sizes[last + 1]
    span = (spans[first][0], spans[last][1])
    return Quote(note.id, span, (Line(" ".join(texts[first : last + 1]), unit.kind in LISTED),))


def _lines(note: Note, found: Sequence[Unit]) -> Quote:
    span = (found[0].span[0], max(unit.span[1] for unit in found))
    return Quote(note.id, span, tuple(_line(unit) for unit in found))


def _line(unit: Unit) -> Line:
    mark = {"open": "☐ ", "done": "☑ ", "cancelled": "☒ "}.get(unit.state, "")
    return Line(mark + unit.text, unit.kind in LISTED, unit.kind in ("code", "math"))
