"""Look up answers in the structure of the notes: rows, properties, tags, dates and tasks.

"The berth of the Corvo" is a cell, "the serial number of the boiler" a property; "which notes are
tagged T" and "open tasks" are lists. Look-ups find such facts; no ranking is needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

from ragbot.index.corpus import Corpus
from ragbot.models import Filters, Note, NoteId, Span
from ragbot.notes.note_dates import daily_date, note_date
from ragbot.notes.units import TaskState, Unit, members, units
from ragbot.questions.question import Question
from ragbot.text.dates import When, day_of, spoken
from ragbot.text.folding import fold
from ragbot.text.language import COMMON_WORDS, IN_ENGLISH
from ragbot.text.stemming import stem
from ragbot.text.tokenize import STOP_WORDS, TO_TWENTY, han_names, terms

MOST_PASSAGES = 20
"""Most passages, the best by BM25, whose notes are searched for a row or property."""

MOST_ROWS = 3
"""Most rows that answer together if the question names no column that they fill."""

YEARS = 50
"""Past years in which a day without a year is searched."""

LEAST_STEM = 5
"""Letters of the shortest stem that counts as the beginning of a longer one."""

_LISTED = re.compile(r"\b(who|whom|which|list|name|what (are|were|do|does|did|\w+s\b))\b", re.I)
_TAGGED = re.compile(
    r"\b(?:tagged(?: with| as)?|(?:with|have|has|under|bear|use|uses|carry) (?:the )?tags?|tag)\s+"
    r"[\"'“‘]?#?([\w][\w/-]*)",
    re.IGNORECASE,
)
_HASH = re.compile(r"(?<!\w)#([\w][\w/-]*)")
_NOTES = re.compile(r"\b(notes?|pages?|entries|files?|what is|what's|everything|anything)\b", re.I)
_TASK = re.compile(
    r"\b(tasks?|to-?dos?|action items?|checklist)\b|\b(still|left|remains?|have)\b.*\bto do\b",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"\b(in|on|of|from|under)( (the|my|our))? [\"'“‘]?$", re.IGNORECASE)
_DUTY = re.compile(
    r"\b(who|whom|what|which)\b.*\b(should|must|shall|need to|have to|ought to)\b", re.IGNORECASE
)
_WHEN = re.compile(r"\b(when|(what|which) (day|date)|since when)\b", re.I)
_ATTENDED = re.compile(
    r"\bwho (all )?(came|attended|was|were|joined|took part|participated|sat|met)\b"
    r"( (at|in|there|present|to))?",
    re.I,
)
_ATTENDEES = re.compile(
    r"(the )?(attendees?|present|participants?|attendance|people|attending|in the room"
    r"|teilnehmer(innen)?|anwesend|participants|asistentes|présents)",
    re.I,
)
_STATES: dict[TaskState, str] = {
    "cancelled": r"\b(cancell?ed|dropped|abandoned)\b",
    "open": r"\b(open|unfinished|pending|undone|outstanding|left|still|remain\w*|incomplete"
    r"|unchecked|not (yet )?done|to-?dos?)\b",
    "done": r"\b(done|finished|completed?|closed|ticked|checked)\b",
}
_ASKING_WORDS = (
    "note page entry file tag tagged task todo item action checklist list show give tell name "
    "value number find open unfinished pending undone outstanding left still remain remaining "
    "incomplete unchecked yet done finished complete closed ticked checked cancelled canceled "
    "dropped write wrote written made happen day date daily diary journal please many much long "
    "old type kind every each there need needed require required use used should must "
    "give gave given take took taken come came go went"
)
ASKING = frozenset(map(stem, _ASKING_WORDS.split()))


def _root(word: str) -> str:
    """Return the stem of a word, without "-er" or "-or": equal for "keeps" and "Keeper"."""
    found = stem(word)
    return found[:-2] if found.endswith(("er", "or")) and len(found) >= LEAST_STEM else found


_AT_A_TABLE = frozenset(map(_root, ("meeting", "table", "present", "there", "people")))
_ASKING = frozenset(map(_root, _ASKING_WORDS.split())) | {"s"}
_NUMBERS = {_root(word) for word in TO_TWENTY} | {str(number) for number in range(21)}


@dataclass(frozen=True, slots=True)
class Found:
    """One fact that was looked up, as text, with its place.

    All lines of a list have the span of the list.
    """

    note: NoteId
    span: Span
    text: str
    item: bool = True
    code: bool = False
    lead: str = ""


def look_up(corpus: Corpus, question: Question) -> tuple[Found, ...]:
    """Return the facts that answer a question; empty if no structure does."""
    for search in (_tagged, _tasks, _attended, _dated, _when, _values, _headed, _named):
        if found := tuple(search(corpus, question)):
            return found
    return ()


def _tagged(corpus: Corpus, question: Question) -> Iterator[Found]:
    text = question.standalone
    match = _TAGGED.search(text) or _HASH.search(text)
    if match is None or not _NOTES.search(text):
        return
    wanted = fold(match.group(1))
    if _subject(question, match.span()):
        return
    for note_id in sorted(corpus.matching(Filters(tags=(match.group(1),)))):
        note = corpus.notes[note_id]
        tag = next(tag for tag in note.tags if fold(tag).startswith(wanted))
        yield Found(note.id, _tag_place(note, tag), note.title)


def _tag_place(note: Note, tag: str) -> Span:
    """Return the span of the property or word that tags a note."""
    for unit in units(note):
        tags = unit.kind == "property" and unit.columns[0][0].casefold() in ("tags", "tag")
        if tags and tag.casefold() in unit.text.casefold():
            return unit.span
    place = note.text.casefold().find(f"#{tag.casefold()}")
    return (place, place + 1 + len(tag)) if place >= 0 else _first_line(note)


def _tasks(corpus: Corpus, question: Question) -> Iterator[Found]:
    text, wanted = question.standalone, _subject(question)
    duty = _DUTY.search(text)
    states = (one for one, said in _STATES.items() if re.search(said, text, re.I))
    state = next(states, "open" if duty else "")
    asked = _TASK.search(text) or (duty and wanted)
    if not asked and not (state and wanted):
        return
    places = (name for name in question.names if _INSIDE.search(text, 0, name.span[0]))
    inside = {note for name in places for note in name.notes}
    for note in corpus.notes.values():
        if "[" not in note.text or (inside and note.id not in inside):
            continue
        for unit in units(note):
            if unit.kind != "task" or (state and unit.state != state):
                continue
            above = (note.title, *note.aliases, *unit.headings, note.id)
            # "Which errands are open?" asks for tasks where a note or heading has the word.
            if wanted <= _roots((*above, unit.text) if asked else above):
                yield _found(note, unit, with_state=not state)


def _dated(corpus: Corpus, question: Question) -> Iterator[Found]:
    text = question.standalone
    if len({when.span for when in question.dates}) != 1:
        return
    period = question.dates[0]
    wanted = _subject(question, period.span)
    is_day, of_notes = period.first == period.last, _NOTES.search(text) is not None
    if not is_day and (wanted or not of_notes):
        return
    for note in (note for when in question.dates for note in _notes_of(corpus, when)):
        if of_notes and not wanted:
            yield Found(note.id, _first_line(note), note.title)
        else:
            for unit in units(note):
                skipped = unit.kind in ("heading", "property", "header")
                if not skipped and wanted <= _roots((unit.text, *unit.headings)):
                    yield _found(note, unit, with_state=True)


def _notes_of(corpus: Corpus, period: When) -> list[Note]:
    """Return the notes of a day, month or year, in order of their dates."""
    days = _in_every_year(period) if period.yearless else [(period.first, period.last)]
    found = {
        note
        for first, last in days
        for note in corpus.matching(Filters(since=first.isoformat(), until=last.isoformat()))
    }
    dated = [(note_date(note), note.id, note) for note in map(corpus.notes.__getitem__, found)]
    return [
        note
        for day, _, note in sorted(
            one for one in dated if one[0] is not None and period.covers(one[0])
        )
    ]


def _in_every_year(period: When) -> Iterator[tuple[date, date]]:
    """Yield the day that a date without a year means in each of the last years."""
    now = date.today().year
    for year in range(now - YEARS, now + 2):
        with suppress(ValueError):  # 29 February
            day = period.first.replace(year=year)
            yield day, day


def _when(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the line of each daily note about a subject, because its name is the date."""
    wanted = _subject(question)
    if not _WHEN.search(question.standalone) or not wanted:
        return
    for note in _nearby(corpus, question):
        if (day := daily_date(note.id)) is None:
            continue
        every = [one for one in units(note) if not one.question and one.kind != "property"]
        if wanted <= _roots(one.text for one in every):
            best = max(every, key=lambda one: len(wanted & _roots((one.text,))))
            lead = note.title if day_of(note.title) else spoken(day)
            yield replace(_found(note, best), item=False, lead=lead)


def _values(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the rows and properties that contain the value of the column or key asked for."""
    wanted = _subject(question)
    named = (corpus.notes[note] for name in question.names for note in name.notes)
    if any(wanted <= _roots((note.title, *note.aliases)) for note in named):
        return  # the question is about the note itself
    every = _roots_of(question.terms)
    rows: dict[bool, list[Found]] = {True: [], False: []}
    properties: list[tuple[int, bool, Found]] = []
    for note in _nearby(corpus, question) if wanted else ():
        names = (note.title, *note.aliases, note.id)
        place = _roots(names)
        for unit in units(note):
            if unit.kind == "row":
                says = _answers(unit, wanted, place)
                if says is not None and _holds_names(unit, question.standalone, " ".join(names)):
                    rows[says].append(_found(note, unit))
            for name, _ in unit.columns if unit.kind == "property" else ():
                key = _roots([name])
                rest = wanted - key
                if key <= every and rest <= place | _roots(unit.headings) and rest != wanted:
                    properties.append((len(key), bool(rest), _found(note, unit)))
    # "What is the serial number?" has an answer only if one note has a serial number.
    best = max(((size, named) for size, named, _ in properties), default=None)
    found = [one for size, named, one in properties if (size, named) == best]
    if not best or not (best[1] or len(found) == 1):
        found = []
    few = rows[False] if len(rows[False]) <= MOST_ROWS else []
    yield from rows[True] or found or few


def _attended(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the list of the people who attended a meeting, under a heading of `_ATTENDEES`."""
    text, days = question.standalone, question.dates
    asked = _ATTENDED.search(text)
    if asked is None:
        return
    wanted = _subject(question, asked.span()) - _AT_A_TABLE
    for when in days:
        wanted -= _roots([text[slice(*when.span)]])
    for note in _nearby(corpus, question):
        day = note_date(note)
        if days and not (day and any(when.covers(day) for when in days)):
            continue
        # Without a date or a name, every meeting would match.
        if not wanted <= _roots((note.title, *note.aliases, note.id)) or not (wanted or days):
            continue
        every = units(note)
        for unit in every:
            above = None if unit.parent is None else every[unit.parent].text
            lead = above or " ".join(unit.headings[-1:])
            if unit.kind == "item" and _ATTENDEES.fullmatch(lead.strip(" :：")):
                group = members(every, unit.group)
                span = (group[0].span[0], group[-1].span[1])
                yield from (replace(_found(note, one), span=span) for one in group)
                return


def _headed(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the list under a heading or line with the words asked for, such as "Attendees:"."""
    number = question.number
    wanted = _subject(question) - (_NUMBERS if number else set())
    if not _LISTED.search(question.standalone) or not wanted:
        return
    for note in _nearby(corpus, question):
        every = units(note)
        title = _roots((note.title, *note.aliases, note.id))
        for group in dict.fromkeys(unit.group for unit in every if unit.kind in ("item", "task")):
            items = members(every, group)
            if len(items) < 2:
                continue
            first = items[0]
            top = sum(unit.level == first.level for unit in items)
            if number not in (None, top):
                continue
            intro = None if first.parent is None else every[first.parent]
            says = intro.text if intro else " ".join(first.headings[1:][-1:])
            above = _roots([says]) - title
            place = above | title | _roots(first.headings)
            if _all_alike(wanted, place) and any(
                _alike(word, one) for word in wanted for one in above
            ):
                listed = [intro, *items] if intro else items
                span = (listed[0].span[0], listed[-1].span[1])
                yield from (replace(_found(note, unit), span=span) for unit in listed)
                return


def _named(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the name of an empty note that contains all words of the question."""
    wanted = _subject(question)
    for note in _nearby(corpus, question) if wanted else ():
        if not note.text.strip() and _all_alike(wanted, _roots([note.title])):
            yield Found(note.id, (0, 0), note.title, item=False)


def _all_alike(wanted: Collection[str], place: Collection[str]) -> bool:
    return all(any(_alike(word, one) for one in place) for word in wanted)


def _alike(one: str, other: str) -> bool:
    """Check whether two stems belong together: "attend", and "attende" of "attendees"."""
    shorter, longer = sorted((one, other), key=len)
    return shorter == longer or (len(shorter) >= LEAST_STEM and longer.startswith(shorter))


def _nearby(corpus: Corpus, question: Question) -> list[Note]:
    """Return the notes that a question names, and those with the best BM25 scores."""
    scores = corpus.bm25(question.words)
    best = sorted(scores, key=lambda number: -scores[number])[:MOST_PASSAGES]
    named = [note for name in question.names for note in name.notes]
    notes = dict.fromkeys([*named, *(corpus.passage(number).note for number in best)])
    return [corpus.notes[note] for note in notes]


def _answers(unit: Unit, wanted: set[str], place: set[str]) -> bool | None:
    """Check whether a row contains all words of a question, and has a column that it names.

    Returns
    -------
    bool or None
        True if the cell of such a column says something that the question does not: "which boats
        have Lars as skipper" asks for the boat. False for another such row, None for other rows.
    """
    names = [_roots([name]) for name, _ in unit.columns]
    columns = set().union(*names)
    cells = [_roots([cell]) for _, cell in unit.columns]
    every = set().union(*cells)
    values = wanted - columns - place - _roots(unit.headings)
    if not (wanted & columns and values <= every and (values or wanted - columns) & every):
        return None
    pairs = zip(names, cells, strict=True)
    return any(name and name <= wanted and not cell <= wanted for name, cell in pairs)


def _holds_names(unit: Unit, question: str, place: str) -> bool:
    """Check that a row contains each whole name of a question in Chinese or Japanese.

    A comparison of words is not enough, because they are single characters.
    """
    asked = fold(question)
    for name in filter(None, (fold(name) for name, _ in unit.columns)):
        asked = asked.replace(name, " ")
    text = fold("\n".join((*(cell for _, cell in unit.columns), *unit.headings, place)))
    return all(name in text for name in han_names(asked))


def _subject(question: Question, outside: Span | None = None) -> set[str]:
    """Return the roots of the words of a question, without words that only ask.

    With a span, its words outside that are read.
    """
    text, language = question.standalone, question.language
    words = terms(text[: outside[0]] + text[outside[1] :]) if outside else question.terms
    common = () if language == "en" else COMMON_WORDS.get(language, ())
    return _roots_of(words) - _ASKING - set(map(_root, common))


def _roots(texts: Iterable[str]) -> set[str]:
    return _roots_of(word for text in texts for word in terms(text))


def _roots_of(words: Iterable[str]) -> set[str]:
    return {_root(IN_ENGLISH.get(word, word)) for word in set(words) - STOP_WORDS}


def _found(note: Note, unit: Unit, *, with_state: bool = False) -> Found:
    state = f" ({unit.state})" if with_state and unit.state else ""
    item = unit.kind in ("item", "task", "row")
    return Found(note.id, unit.span, unit.text + state, item, unit.kind == "code")


def _first_line(note: Note) -> Span:
    """Return the first line of a note that has text."""
    return next((unit.span for unit in units(note)), (0, len(note.text)))
