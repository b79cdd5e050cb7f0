"""The day of a note: its name, if that is a date, else a field of its frontmatter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from ragbot.errors import QuestionError
from ragbot.models import Filters, Note
from ragbot.notes.conflicts import original_name
from ragbot.text.dates import When, day_of, find_dates, period

FIELDS = ("created", "date", "day")
"""Frontmatter fields that date a note; the first that holds a day counts."""

_DIGITS = re.compile(r"\d.*\d", re.DOTALL)
_WEEKDAYS = (
    r"mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|sa|so"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    r"|lunes|martes|miércoles|jueves|viernes|sábado|domingo|the|le|el|[月火水木金土日]曜?日?"
)
_REST = re.compile(rf"(?:{_WEEKDAYS}|[\W_])*", re.IGNORECASE)


def filter_days(filters: Filters) -> tuple[str, str]:
    """Return the first and last day that the filters let pass, in ISO form; "" where all do.

    Raises
    ------
    QuestionError
        If the value of a filter is no date.
    """
    first = _period(filters.since).first.isoformat() if filters.since else ""
    last = _period(filters.until).last.isoformat() if filters.until else ""
    return first, last


def _period(written: str) -> When:
    found = period(written)
    if found is None:
        raise QuestionError(f"{written!r} is no date; write one such as 2026-06-05 or 2026-06")
    return found


def note_date(note: Note) -> date | None:
    """Return the day of a note, None if it has none.

    A daily note's name is its date. Else the frontmatter counts, and then a day that the
    name holds, or the folders above: `2026/06/05.md`, `2026-06-05 Choir.md`.
    """
    written = next((day for name in FIELDS if (day := _field(note.metadata, name))), None)
    # The day in the name of a conflict copy is that of the conflict.
    name = original_name(note.id)
    return daily_date(name) or written or _day_in(name.removesuffix(".md"))


@lru_cache(maxsize=50_000)
def daily_date(note: str) -> date | None:
    """Return the day of a daily note: its path or name is exactly a date.

    Examples
    --------
    >>> str(daily_date("journal/2026-06-05 Friday.md")), daily_date("2026-06-05 Choir.md")
    ('2026-06-05', None)
    """
    path = note.removesuffix(".md")
    if not _DIGITS.search(path):
        return None
    for text in (path.rpartition("/")[2], "/".join(path.split("/")[-3:])):
        found = find_dates(text)
        days = {when.day for when in found}
        start, end = (found[0].span[0], found[-1].span[1]) if found else (0, 0)
        if len(days) == 1 and _REST.fullmatch(text[:start]) and _REST.fullmatch(text[end:]):
            return days.pop()
    return None


@lru_cache(maxsize=50_000)
def _day_in(text: str) -> date | None:
    return day_of(text) if _DIGITS.search(text) else None


def _field(metadata: Mapping[str, Any], name: str) -> date | None:
    value = metadata.get(name)
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    return _day_in(value[:40]) if isinstance(value, str) else None
