"""A citation is a slice of its note."""

from dataclasses import replace

import pytest

from ragbot.answers.grounding import cite, stands
from ragbot.notes.parser import parse

TEXT = "# Heat\n\nHeat flows from warm to cold bodies. Joule measured it in 1843.\n"
NOTES = {"Heat.md": parse(TEXT, "Heat.md")[0]}


def test_a_citation_agrees_with_its_note():
    span = (TEXT.index("Joule"), TEXT.index("1843.") + 5)
    citation = cite(NOTES, 1, "Heat.md", span)
    assert citation.quote == "Joule measured it in 1843."
    assert citation.lines == (3, 3)
    assert citation.headings == ("Heat",)
    assert stands(citation, NOTES)


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
    assert stands(citation, NOTES)
    assert not stands(replace(citation, **change), NOTES)


@pytest.mark.parametrize("span", [(5, 5), (-1, 4), (0, 10_000)])
def test_no_quotation_outside_the_note(span):
    with pytest.raises(ValueError, match="no quotation"):
        cite(NOTES, 1, "Heat.md", span)
