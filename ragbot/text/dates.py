"""Find dates in a text, in any usual spelling, and the days that they cover."""

from __future__ import annotations

import calendar
import datetime
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ragbot.models import Span

_MONTHS = (
    "january jan januar jänner janvier janv enero ene gennaio januari janeiro январь января",
    "february feb februar février fevrier févr febrero febbraio februari fevereiro февраль февраля",
    "march mar märz maerz mars marzo maart março март марта",
    "april apr avril avr abril abr aprile апрель апреля",
    "may mai mayo maggio mei maio май мая",
    "june jun juni juin junio giugno junho июнь июня",
    "july jul juli juillet juil julio luglio julho июль июля",
    "august aug août aout agosto ago augustus август августа",
    "september sep sept septembre septiembre settembre setembro сентябрь сентября",
    "october oct okt oktober octobre octubre ottobre outubro октябрь октября",
    "november nov novembre noviembre novembro ноябрь ноября",
    "december dec dez dezember décembre decembre diciembre dic dicembre dezembro декабрь декабря",
)
_NUMBER = {name: n for n, names in enumerate(_MONTHS, 1) for name in names.split()}
_MONTH = "|".join(sorted(_NUMBER, key=len, reverse=True))
# The names of months are compared after the match: trying each at each word takes far longer.
_LETTERS = r"[^\W\d_]{3,10}"
_YEAR = r"(?:1[5-9]|20|21)\d\d"
_NUMERIC = (
    rf"(?<![\d-])(?P<y>{_YEAR})-?W(?P<w>[0-5]\d)(?!\d)",
    rf"\bweek (?P<w>[0-5]?\d)(?:,| of)? (?P<y>{_YEAR})\b",
    rf"(?<![\d-])(?P<y>{_YEAR})(?P<sep>[-/._])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}})(?!\d)",
    rf"(?<!\d)(?P<y>{_YEAR})(?P<m>[01]\d)(?P<d>[0-3]\d)(?!\d)",
    rf"(?<![\d-])(?P<y>{_YEAR})-(?P<m>[01]\d)(?![\d-])",
    rf"(?P<y>{_YEAR})\s*[年년]\s*(?P<m>\d{{1,2}})\s*[月월](?:\s*(?P<d>\d{{1,2}})\s*[日일])?",
    r"(?<![\d年])(?P<m>\d{1,2})\s*[月월]\s*(?P<d>\d{1,2})\s*[日일]",
    rf"(?<![\d./-])(?P<d>\d{{1,2}})(?P<sep>[./-])(?P<m>\d{{1,2}})(?P=sep)(?P<y>{_YEAR})(?!\d)",
)
_NAMED = (
    rf"(?<![\w./-])(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[\s-]+(?:of\s+|de\s+|di\s+)?(?P<n>{_MONTH})\b\.?"
    rf"(?:,?[\s-]+(?:de\s+|del\s+)?(?P<y>{_YEAR})\b)?",
    rf"(?<!\w)(?P<n>{_LETTERS})\b\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\.\d)(?:,?\s+(?P<y>{_YEAR})\b)?",
    rf"(?<!\w)(?P<n>{_LETTERS})\b\.?,?\s+(?:de\s+|of\s+)?(?P<y>{_YEAR})\b",
)
_PATTERNS = [[re.compile(form, re.IGNORECASE) for form in forms] for forms in (_NUMERIC, _NAMED)]
_BARE_YEAR = re.compile(rf"(?<![\w./-])(?P<y>{_YEAR})(?![\w/-]|\.\d)")
# Few texts have a date: a numeric one has one of these, another the name of a month.
_DIGITS = re.compile(r"\d(?:[-/._]\d|-?w\d|\s*[年년月월])|\d{6}|week \d", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_WEEKDAYS = (
    r"mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|sa|so"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    r"|lunes|martes|miércoles|jueves|viernes|sábado|domingo|the|le|el|г|[月火水木金土日]曜?日?"
)
_REST = re.compile(rf"(?:{_WEEKDAYS}|T\d{4}|T?\d\d:[\d:.+Z]*|[\W_])*", re.IGNORECASE)
"""What may be around a date that is the whole of a text."""

_WORDS = frozenset(
    {"may", "mar", "mai", "march", "mars", "sept", "dec", "jan", "jun", "mei", "dic", "ago"}
)
"""Names of months that are other words too: without a year, they need a capital letter."""


@dataclass(frozen=True, slots=True)
class When:
    """The days that a date in a text covers: one, a week, a month or a year.

    `first` and `last` are the first and last day. If `yearless` is True, the date has no
    year, and both are in a leap year that stands for any.
    """

    span: Span
    first: date
    last: date
    yearless: bool = False

    @property
    def day(self) -> date | None:
        """The day, if the date is one day of a known year; else None."""
        return self.first if self.first == self.last and not self.yearless else None

    def covers(self, day: date) -> bool:
        """Return whether the date covers a day."""
        if self.yearless:
            return (day.month, day.day) == (self.first.month, self.first.day)
        return self.first <= day <= self.last


def find_dates(text: str, *, years: bool = False) -> list[When]:
    """Return the dates in a text, in order.

    `5/6/2026` may be in June or in May: both are returned.

    Parameters
    ----------
    years
        Whether a year by itself is a date too.

    Examples
    --------
    >>> [str(when.first) for when in find_dates("On 5 June 2026, not 2026-06-07 or 9.6.2026.")]
    ['2026-06-05', '2026-06-07', '2026-06-09']
    """
    numeric, named = _PATTERNS
    patterns = [*numeric] if _DIGITS.search(text) else []
    if not _NUMBER.keys().isdisjoint(_WORD.findall(text.lower())):
        patterns += named
    if years:
        patterns.append(_BARE_YEAR)
    found: list[When] = []
    taken: list[Span] = []  # in order, without overlap
    for pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            place = bisect_left(taken, (start, end))
            around = taken[max(0, place - 1) : place + 1]
            if any(a < end and start < b for a, b in around):
                continue
            if meant := list(_meant(match)):
                taken.insert(place, (start, end))
                found += meant
    return sorted(found, key=lambda when: (when.span, when.first))


def day_of(text: str) -> date | None:
    """Return the day that a text names; None if it names none or several."""
    days = {when.day for when in find_dates(text)} - {None}
    return days.pop() if len(days) == 1 else None


def without_dates(text: str) -> str:
    """Return a text without the dates in it: "jar 3, 3 May" has the number of one jar.

    Examples
    --------
    >>> without_dates("jar 3, filled on 3 May")
    'jar 3, filled on  '
    """
    for start, end in sorted({when.span for when in find_dates(text)}, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return text


def only_dates(text: str) -> list[When]:
    """Return the date that is the whole text but for a weekday and a time; two of `5/6/2026`.

    Examples
    --------
    >>> [str(when.last) for when in only_dates("Friday, 5 June 2026")], only_dates("5 June, Choir")
    (['2026-06-05'], [])
    """
    found = find_dates(text, years=True)
    if not found or {when.span for when in found} != {found[0].span}:
        return []
    start, end = found[0].span
    return found if _REST.fullmatch(text[:start]) and _REST.fullmatch(text[end:]) else []


def compact(day: date) -> str:
    """Return the word for a day in the full-text index, such as "20260605"."""
    return day.strftime("%Y%m%d")


def spoken(day: date) -> str:
    """Return a day in English words, for texts that are embedded.

    Examples
    --------
    >>> spoken(date(2026, 6, 5))
    '5 June 2026'
    """
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def _meant(match: re.Match[str]) -> Iterator[When]:
    parts = match.groupdict()
    name, year = (parts.get("n") or ""), parts.get("y")
    if parts.get("w"):
        yield from _week(match.span(), int(year or 0), int(parts["w"]))
        return
    if name and name.lower() not in _NUMBER:
        return
    if year is None and name.lower() in _WORDS and not name[0].isupper():
        return
    month = _NUMBER.get(name.lower()) or int(parts.get("m") or 0)
    day = int(parts.get("d") or 0)
    if parts.get("d") is not None and not day:
        return
    found = _period(match.span(), year, month, day)
    if found:
        yield found
    # 5/6/2026: the month may come first. If both readings are dates, yield both.
    if parts.get("sep") == "/" and match.start("d") < match.start("m") and day != month:
        other = _period(match.span(), year, day, month)
        if other:
            yield other


def _period(span: Span, year: str | None, month: int, day: int) -> When | None:
    number = int(year) if year else 2000
    try:
        if not month:
            return When(span, date(number, 1, 1), date(number, 12, 31)) if year else None
        if day:
            only = date(number, month, day)
            return When(span, only, only, yearless=year is None)
        return When(
            span, date(number, month, 1), date(number, month, calendar.monthrange(number, month)[1])
        )
    except (ValueError, calendar.IllegalMonthError):
        return None


def _week(span: Span, year: int, week: int) -> Iterator[When]:
    try:
        first = date.fromisocalendar(year, week, 1)
    except ValueError:
        return
    yield When(span, first, first + datetime.timedelta(days=6))
