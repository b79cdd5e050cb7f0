"""The day of a note: its name, its frontmatter, or none."""

from datetime import date

import pytest

from ragbot.errors import QuestionError
from ragbot.models import Filters
from ragbot.notes.chunker import chunk, embedding_text
from ragbot.notes.note_dates import daily_date, filter_days, note_date
from ragbot.notes.parser import parse

FIFTH = date(2026, 6, 5)


def of(name, text=""):
    return note_date(parse(text, name)[0])


@pytest.mark.parametrize(
    "name",
    [
        "2026-06-05.md",
        "journal/2026-06-05 Friday.md",
        "5 June 2026.md",
        "Fr 05.06.2026.md",
        "20260605.md",
        "2026/06/05.md",
        "Friday, June 5th, 2026.md",
        "2026年6月5日.md",
    ],
)
def test_a_daily_notes_name_is_its_date(name):
    assert daily_date(name) == FIFTH
    assert of(name, "---\ncreated: 2020-01-01\n---\n") == FIFTH


@pytest.mark.parametrize(
    "name", ["2026-06-05 Choir.md", "Report 2026-06-05.md", "2026-06.md", "A.md"]
)
def test_other_names_are_no_daily_notes(name):
    assert daily_date(name) is None


@pytest.mark.parametrize(
    ("name", "text", "day"),
    [
        ("A.md", "---\ncreated: 2026-06-05T09:00\n---\n", FIFTH),
        ("A.md", "---\ndate: 5 June 2026\n---\n", FIFTH),
        ("A.md", "---\ndate: soon\n---\n", None),
        ("2026-06-05 Choir.md", "", FIFTH),
        ("2026-06-05 Choir.md", "---\ndate: 2026-06-07\n---\n", date(2026, 6, 7)),
        ("A.md", "On 5 June 2026 it rained.", None),
        ("weekly/2026-W23.md", "", date(2026, 6, 1)),
        ("2026-06.md", "", date(2026, 6, 1)),
        ("2026-06.md", "---\ncreated: 2026-06-05\n---\n", FIFTH),
        ("June 2026 Choir.md", "", None),
        ("1984.md", "", None),
        ("June 5.md", "", None),
    ],
)
def test_the_day_of_a_note(name, text, day):
    assert of(name, text) == day


def test_a_daily_note_is_embedded_with_its_date_in_words():
    note, _ = parse("Planted the quince.", "2026-06-05.md")
    assert embedding_text(note, chunk(note)[0]) == "2026-06-05, 5 June 2026. Planted the quince."


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("5 June 2026", "2026-06", ("2026-06-05", "2026-06-30")),
        ("13/6/2026", "", ("2026-06-13", "")),
        ("6/6/2026", "6/13/2026", ("2026-06-06", "2026-06-13")),
        ("", "2026-W23", ("", "2026-06-07")),
    ],
)
def test_the_days_of_a_filter(since, until, days):
    assert filter_days(Filters(since=since, until=until)) == days


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("5/6/2026", "may be 6 May 2026 or 5 June 2026; write 2026-05-06 or 2026-06-05"),
        ("03/04/2026", "may be 4 March 2026 or 3 April 2026"),
        ("5 June", "is not a date"),
        ("soon", "is not a date; write one such as 2026-06-05"),
    ],
)
def test_a_filter_of_no_day_or_two(written, error):
    with pytest.raises(QuestionError, match=error):
        filter_days(Filters(since=written))
