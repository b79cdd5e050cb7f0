"""Dates in a question or a name, as English and ISO write them, and the date of a note."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from ragbot.models import Note, Span

DATED = ("date", "created", "day")
"""Properties that hold the date of a note."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    (re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b"), "ymd"),
    (re.compile(rf"\b{_DAY}(?: of)? {_MONTH},? (\d{{4}})\b", re.I), "dmy"),
    (re.compile(rf"\b{_MONTH} {_DAY},? (\d{{4}})\b", re.I), "mdy"),
    (re.compile(rf"\b{_MONTH},? (\d{{4}})\b", re.I), "my"),
    (re.compile(r"\b(\d{4})-(\d{2})\b(?!-)"), "ym"),
    (re.compile(r"\b((?:19|20)\d{2})\b"), "y"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """A day, month or year in a text, from its first to its last day; `span` is its place."""

    first: date
    last: date
    span: Span

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def periods(text: str) -> list[Period]:
    """Return the days, months and years that a text names, without overlap.

    Examples
    --------
    >>> [str(p.first) for p in periods("5 June 2026, June 6th, 2026 and 2026-07")]
    ['2026-06-05', '2026-06-06', '2026-07-01']
    """
    found: list[Period] = []
    for pattern, order in _DATES:
        for match in pattern.finditer(text):
            taken = any(p.span[0] < match.end() and match.start() < p.span[1] for p in found)
            period = (
                None if taken else _period(dict(zip(order, match.groups(), strict=True)), match)
            )
            if period is not None:
                found.append(period)
    return sorted(found, key=lambda period: period.span)


def date_of(note: Note) -> date | None:
    """Return the date of a note: of its name, else of its `date` or `created`."""
    name = note.id.rsplit("/", 1)[-1].removesuffix(".md")
    values = (str(note.metadata.get(field, "")) for field in DATED)
    for text in (name, *values):
        found = periods(text)
        if found and found[0].first == found[0].last:
            return found[0].first
    return None


def _period(parts: dict[str, str], match: re.Match[str]) -> Period | None:
    year = int(parts["y"])
    try:
        month = _month(parts["m"]) if "m" in parts else 0
        if "d" in parts:
            day = date(year, month, int(parts["d"]))
            return Period(day, day, match.span())
        if month:
            last = date(year, month, monthrange(year, month)[1])
            return Period(date(year, month, 1), last, match.span())
        return Period(date(year, 1, 1), date(year, 12, 31), match.span())
    except ValueError:
        return None


def _month(written: str) -> int:
    return int(written) if written.isdecimal() else 1 + _MONTHS.index(written[:3].lower())
