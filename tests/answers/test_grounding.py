"""A citation is a slice of its note."""

from dataclasses import replace

import pytest

from ragbot.answers.compose import Line, Quote, compose
from ragbot.answers.grounding import cite, is_exact
from ragbot.notes.parser import parse

TEXT = "# Heat\n\nHeat flows from warm to cold bodies. Joule measured it in 1843.\n"
NOTES = {"Heat.md": parse(TEXT, "Heat.md")[0]}


def test_a_citation_agrees_with_its_note():
    span = (TEXT.index("Joule"), TEXT.index("1843.") + 5)
    citation = cite(NOTES, 1, "Heat.md", span)
    assert citation.quote == "Joule measured it in 1843."
    assert citation.lines == (3, 3)
    assert citation.headings == ("Heat",)
    assert is_exact(citation, NOTES)


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Joule measured it in 1844."},
        {"span": (0, 5)},
        {"lines": (1, 1)},
        {"note": "Cold.md"},
        {"quote": "", "span": (3, 3)},
    ],
)
def test_a_citation_with_a_wrong_place_is_refused(change):
    citation = cite(NOTES, 1, "Heat.md", (8, 20))
    assert is_exact(citation, NOTES)
    assert not is_exact(replace(citation, **change), NOTES)


@pytest.mark.parametrize("span", [(5, 5), (-1, 4), (0, 10_000)])
def test_no_quote_outside_the_note(span):
    with pytest.raises(ValueError, match="no quote"):
        cite(NOTES, 1, "Heat.md", span)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_note_is_cited_by_its_name(text):
    notes = {"The key is under the mat.md": parse(text, "The key is under the mat.md")[0]}
    citation = cite(notes, 1, "The key is under the mat.md", (0, 0))
    assert (citation.quote, citation.title) == ("", "The key is under the mat")
    assert is_exact(citation, notes)


@pytest.mark.parametrize(
    ("line", "source", "shown"),
    [
        ("Use mv *.JPG <dir> now", "Use `mv *.JPG <dir>` now", "Use `mv *.JPG <dir>` now [1]"),
        ("Match \\[(.+)\\]", "Match `\\[(.+)\\]`", "Match `\\[(.+)\\]` [1]"),
        ("a `*` b", "``a `*` b``", "`` a `*` b `` [1]"),
        ("5 * 3 <b>", "5 * 3 <b>", "5 * 3 \\<b> [1]"),
        ("run make now", "run `make` now", "run make now [1]"),
    ],
)
def test_code_in_a_line_is_shown_as_it_is_written(line, source, shown):
    notes = {"a.md": parse(source, "a.md")[0]}
    made = compose(notes, [Quote("a.md", (0, len(source)), (Line(line),))])
    assert made.text == shown
