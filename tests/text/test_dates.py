"""Dates in any usual spelling, and what only looks like one."""

from datetime import date

import pytest

from ragbot.text.dates import day_of, find_dates, only_dates, spoken
from ragbot.text.tokenize import tokens

FIFTH = date(2026, 6, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-05",
        "2026/6/5",
        "2026.06.05",
        "2026_06_05",
        "20260605",
        "2026-06-05T10:30:00Z",
        "5 June 2026",
        "5th of June, 2026",
        "June 5, 2026",
        "Jun 5th 2026",
        "june 5 2026",
        "5. Juni 2026",
        "05.06.2026",
        "le 5 juin 2026",
        "5 de junio de 2026",
        "5 giugno 2026",
        "5 июня 2026",
        "2026年6月5日",
        "2026년 6월 5일",
        "Friday, June 5th, 2026",
        "IMG_20260605_12",
    ],
)
def test_a_day_in_any_spelling(text):
    assert day_of(text) == FIFTH
    assert "20260605" in " ".join(tokens(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version 1.2.3",
        "pages 1995-2003",
        "2026-27",
        "2026-13-01",
        "you may 5",
        "3.14",
        "tel. 0171 20260605123",
        "10:30",
        "the march of 12 men",
        "room 2026",
    ],
)
def test_text_without_a_date(text):
    assert find_dates(text) == []


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("June 2026", date(2026, 6, 1), date(2026, 6, 30)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026-W23", date(2026, 6, 1), date(2026, 6, 7)),
        ("week 23 of 2026", date(2026, 6, 1), date(2026, 6, 7)),
        ("2026年6月", date(2026, 6, 1), date(2026, 6, 30)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("Friday, the 5th of June 2026", FIFTH, FIFTH),
        ("05-Jun-2026", FIFTH, FIFTH),
        ("5 июня 2026 г.", FIFTH, FIFTH),
        ("2026-06-05 10:30", FIFTH, FIFTH),
    ],
)
def test_periods(text, first, last):
    [found] = only_dates(text)
    assert (found.first, found.last) == (first, last)
    assert found.covers(last)
    assert not found.covers(date(2027, 1, 1))


@pytest.mark.parametrize("text", ["soon", "June 2026 or so", "2026-06-05 to 2026-06-07", "T1", ""])
def test_text_that_is_not_only_a_date(text):
    assert only_dates(text) == []


def test_a_day_without_a_year_covers_it_in_every_year():
    [when] = find_dates("What did I do on 5 June?")
    assert when.yearless
    assert when.covers(FIFTH)
    assert when.day is None


def test_slashes_may_mean_either():
    assert {when.day for when in find_dates("5/6/2026")} == {FIFTH, date(2026, 5, 6)}
    assert day_of("25/6/2026") == day_of("6/25/2026") == date(2026, 6, 25)


def test_spellings_of_one_day_share_a_word():
    assert set(tokens("planted 5 June 2026")) & set(tokens(spoken(FIFTH))) >= {"20260605"}
    assert "20260605" in tokens("on 2026-06-05")
    assert tokens("20260605") == ["20260605"]
