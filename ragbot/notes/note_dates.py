"""The day of a note: its name, if that is a date, else a field of its frontmatter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from ragbot.errors import QuestionError
from ragbot.models import Filters, Note
from ragbot.notes.conflicts import original_name
from ragbot.text.dates import When, day_of, only_dates, spoken

FIELDS = ("created", "date", "day")
"""Frontmatter fields that date a note; the first with a day counts."""

LONGEST = 31
"""Days of the longest period that dates a note."""

_DIGITS = re.compile(r"\d.*\d", re.DOTALL)


def filter_days(filters: Filters) -> tuple[str, str]:
    """Return the first and last day that pass the filters, in ISO form; "" without a limit."""
    first = filter_period(filters.since).first.isoformat() if filters.since else ""
    last = filter_period(filters.until).last.isoformat() if filters.until else ""
    return first, last


def filter_period(written: str) -> When:
    """Return the day, week, month or year that the value of a filter names.

    Raises
    ------
    QuestionError
        If it names none, or may name two days.
    """
    found = only_dates(written)
    if len(found) > 1:
        days = " or ".join(spoken(when.first) for when in found)
        raise QuestionError(
            f"{written!r} may be {days}; write {found[0].first} or {found[1].first}"
        )
    if not found or found[0].yearless:
        raise QuestionError(f"{written!r} is not a date; write one such as 2026-06-05 or 2026-06")
    return found[0]


def note_date(note: Note) -> date | None:
    """Return the day of a note, None if it has none; of a week or month, its first day.

    A daily note's name is its date. Else the frontmatter counts, and then a day that the
    name holds, or the folders above: `2026/06/05.md`, `2026-06-05 Choir.md`, `2026-W23.md`.
    """
    written = next((day for name in FIELDS if (day := _field(note.metadata, name))), None)
    # The day in the name of a conflict copy is that of the conflict.
    name = original_name(note.id)
    return daily_date(name) or written or _day_in(name.removesuffix(".md")) or _first_day(name)


@lru_cache(maxsize=50_000)
def daily_date(note: str) -> date | None:
    """Return the day of a daily note: its path or name is exactly a date.

    Examples
    --------
    >>> str(daily_date("journal/2026-06-05 Friday.md")), daily_date("2026-06-05 Choir.md")
    ('2026-06-05', None)
    """
    found = [when.day for names in _dated_names(note) for when in names]
    return found[0] if len(set(found)) == 1 else None


def _first_day(note: str) -> date | None:
    """Return the first day of a weekly or monthly note; a year alone is any number."""
    periods = [when for names in _dated_names(note) for when in names]
    found = next((when for when in periods if not when.yearless), None)
    return found.first if found and (found.last - found.first).days <= LONGEST else None


def _dated_names(note: str) -> Iterator[list[When]]:
    """Yield the dates that are the name of a note, and that are its path: `2026/06/05.md`."""
    path = note.removesuffix(".md")
    if _DIGITS.search(path):
        yield only_dates(path.rpartition("/")[2])
        yield only_dates("/".join(path.split("/")[-3:]))


@lru_cache(maxsize=50_000)
def _day_in(text: str) -> date | None:
    return day_of(text) if _DIGITS.search(text) else None


def _field(metadata: Mapping[str, Any], name: str) -> date | None:
    value = metadata.get(name)
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    return _day_in(value[:40]) if isinstance(value, str) else None
