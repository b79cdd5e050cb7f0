"""Look up answers in the structure of the notes: rows, properties, tags, dates and tasks.

"The berth of the Corvo" is a cell, "the serial number of the boiler" a property; "which notes are
tagged T" and "open tasks" are lists. Look-ups find such facts; no ranking is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date

from ragbot.index.corpus import Corpus
from ragbot.models import Filters, Note, Span
from ragbot.notes.note_dates import daily_date, note_date
from ragbot.notes.units import TaskState, members, units
from ragbot.questions.question import Question
from ragbot.questions.values import (
    Found,
    are_cards,
    first_line,
    found_unit,
    holders,
    nearby,
    subject,
    values,
)
from ragbot.text.dates import When, day_of, find_dates, spoken
from ragbot.text.folding import fold
from ragbot.text.synonyms import FIELD_NAMES, alike, all_alike, root, roots
from ragbot.text.tokenize import TO_TWENTY, tokens

YEARS = 50
"""Past years in which a day without a year is searched."""

_LISTED = re.compile(r"\b(who|whom|which|list|name|what (are|were|do|does|did|\w+s\b))\b", re.I)
_TAGGED = re.compile(
    r"\b(?:tagged(?: with| as)?|(?:with|have|has|under|bear|use|uses|carry) (?:the )?tags?|tag)\s+"
    r"[\"'“‘]?#?([\w][\w/-]*)",
    re.IGNORECASE,
)
_HASH = re.compile(r"(?<!\w)#([\w][\w/-]*)")
_NOTES = re.compile(r"\b(notes?|pages?|entries|files?|everything|anything)\b", re.I)
_WHAT_IS = re.compile(r"\bwhat( i|['’])s\b", re.I)
_MENTIONS = re.compile(
    r"\b(?:notes?|pages?|entries|files?)\b.* (?:mention|contain|name|speak of|talk about"
    r"|refer to)s? (?:the (?:word|name) )?[\"'“‘]?(.*\w)",
    re.IGNORECASE,
)
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
_WRITTEN = roots(("written", "created", "made"))
_ABOVE = ("heading", "property", "header")
_AT_A_TABLE = frozenset(map(root, ("meeting", "table", "present", "there", "people")))
_NUMBERS = {root(word) for word in TO_TWENTY} | {str(number) for number in range(21)}


def look_up(corpus: Corpus, question: Question) -> tuple[Found, ...]:
    """Return the facts that answer a question; empty if no structure does."""
    lists = (_tagged, _mentioning, _tasks, _attended, _dated, _when)
    for search in (*lists, values, holders, _headed):
        if found := tuple(search(corpus, question)):
            return found
    return ()


def _tagged(corpus: Corpus, question: Question) -> Iterator[Found]:
    text = question.standalone
    match = _TAGGED.search(text) or _HASH.search(text)
    if match is None or not (_NOTES.search(text) or _WHAT_IS.search(text)):
        return
    wanted = fold(match.group(1))
    if subject(question, match.span()):
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
    return (place, place + 1 + len(tag)) if place >= 0 else first_line(note)


def _tasks(corpus: Corpus, question: Question) -> Iterator[Found]:
    # "Aufgaben" is "tasks".
    named = (FIELD_NAMES.get(word, "") for word in question.words)
    text, wanted = " ".join((question.standalone, *named)), subject(question)
    duty = _DUTY.search(text)
    states = (one for one, said in _STATES.items() if re.search(said, text, re.I))
    state = next(states, "open" if duty else "")
    asked = _TASK.search(text) or (duty and wanted)
    if not asked and not state:
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
            if wanted <= roots((*above, unit.text) if asked else above):
                yield found_unit(note, unit, with_state=not state)


def _dated(corpus: Corpus, question: Question) -> Iterator[Found]:
    text = question.standalone
    if len({when.span for when in question.dates}) != 1:
        return
    period = question.dates[0]
    wanted = subject(question, period.span)
    is_day, of_notes = period.first == period.last, _NOTES.search(text) is not None
    wanted -= _WRITTEN if of_notes else set()
    if not is_day and (wanted or not (of_notes or _WHAT_IS.search(text))):
        return
    for note in (note for when in question.dates for note in _notes_of(corpus, when)):
        if (of_notes or not is_day) and not wanted:
            yield Found(note.id, first_line(note), note.title)
        else:
            for unit in units(note):
                if unit.kind not in _ABOVE and wanted <= roots((unit.text, *unit.headings)):
                    yield found_unit(note, unit, with_state=True)
    if is_day and not of_notes:
        yield from _on_day(corpus, question, wanted)


def _on_day(corpus: Corpus, question: Question, wanted: set[str]) -> Iterator[Found]:
    """Yield what undated notes say of the day that a question names, or below a heading with it."""
    spelt = " ".join(spoken(when.first) for when in question.dates)
    for note in nearby(corpus, question, tokens(spelt)):
        if note_date(note):
            continue
        for unit in units(note):
            texts = (unit.text, *unit.headings)
            if unit.kind in _ABOVE or not wanted <= roots((note.title, *texts)):
                continue
            found = [when for text in texts for when in find_dates(text)]
            if any(
                asked.covers(day.first) or day.covers(asked.first)
                for asked in question.dates
                for day in found
                if day.first == day.last
            ):
                yield found_unit(note, unit, with_state=True)


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
    """Yield what daily notes say of a subject, and notes on it with a day in their name."""
    wanted = subject(question)
    if not _WHEN.search(question.standalone) or not wanted:
        return
    for note in nearby(corpus, question):
        day = day_of(note.id)
        every = [one for one in units(note) if not one.question and one.kind != "property"]
        said = (one.text for one in every) if daily_date(note.id) else (note.title, *note.aliases)
        if day and every and wanted <= roots(said):
            best = max(every, key=lambda one: len(wanted & roots((one.text,))))
            lead = note.title if day_of(note.title) else spoken(day)
            yield replace(found_unit(note, best), item=False, lead=lead)


def _mentioning(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the first line of each note that mentions what "which notes mention X?" names."""
    if not (asked := _MENTIONS.search(question.standalone)):
        return
    name = fold(asked[1])
    found = {corpus.passage(number).note for number in corpus.bm25(tokens(asked[1]))}
    for note in map(corpus.notes.__getitem__, sorted(found)):
        unit = next((one for one in units(note) if name in fold(one.text)), None)
        if unit is not None:
            yield replace(found_unit(note, unit), lead=note.title)


def _attended(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the list of the people who attended a meeting, under a heading of `_ATTENDEES`."""
    text, days = question.standalone, question.dates
    asked = _ATTENDED.search(text)
    if asked is None:
        return
    wanted = subject(question, asked.span()) - _AT_A_TABLE
    for when in days:
        wanted -= roots([text[slice(*when.span)]])
    for note in nearby(corpus, question):
        day = note_date(note)
        if days and not (day and any(when.covers(day) for when in days)):
            continue
        # Without a date or a name, every meeting would match.
        if not wanted <= roots((note.title, *note.aliases, note.id)) or not (wanted or days):
            continue
        every = units(note)
        for unit in every:
            if unit.kind == "property" and _ATTENDEES.fullmatch(unit.columns[0][0]):
                yield found_unit(note, unit)
                return
            above = None if unit.parent is None else every[unit.parent].text
            lead = above or " ".join(unit.headings[-1:])
            if unit.kind == "item" and _ATTENDEES.fullmatch(lead.strip(" :：")):
                group = members(every, unit.group)
                span = (group[0].span[0], group[-1].span[1])
                yield from (replace(found_unit(note, one), span=span) for one in group)
                return


def _headed(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the list under a heading or line with the words asked for, such as "Attendees:"."""
    number = question.number
    wanted = subject(question) - (_NUMBERS if number else set())
    if not _LISTED.search(question.standalone) or not wanted:
        return
    for note in nearby(corpus, question):
        every = units(note)
        title = roots((note.title, *note.aliases, note.id))
        for group in dict.fromkeys(unit.group for unit in every if unit.kind in ("item", "task")):
            items = members(every, group)
            if len(items) < 2 or are_cards(items):
                continue
            first = items[0]
            top = sum(unit.level == first.level for unit in items)
            if number not in (None, top):
                continue
            intro = None if first.parent is None else every[first.parent]
            says = intro.text if intro else " ".join(first.headings[1:][-1:])
            above = roots([says]) - title
            place = above | title | roots(first.headings)
            if all_alike(wanted, place) and any(
                alike(word, one) for word in wanted for one in above
            ):
                listed = [intro, *items] if intro else items
                span = (listed[0].span[0], listed[-1].span[1])
                yield from (replace(found_unit(note, unit), span=span) for unit in listed)
                return
