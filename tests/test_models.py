"""The values: line numbers for every line ending, what counts as grounded, ids of chunks."""

import pytest

from ragbot.models import Answer, Changes, Filters, Note, Passage, Relation, Statement


@pytest.mark.parametrize(
    ("text", "offset", "line"),
    [
        pytest.param("a\nb", 0, 1, id="first"),
        pytest.param("a\nb", 2, 2, id="after-lf"),
        pytest.param("a\r\nb", 3, 2, id="after-crlf"),
        pytest.param("a\r\nb", 2, 1, id="between-cr-and-lf"),
        pytest.param("a\rb", 2, 2, id="after-cr"),
        pytest.param("a\n\r\n\rb", 5, 4, id="mixed"),
        pytest.param("a\u2028b", 2, 1, id="line-separator-ends-no-line"),
    ],
)
def test_line_of_counts_every_line_ending_once(text, offset, line):
    assert Note("a.md", "a", text).line_of(offset) == line


def test_lines_of_leaves_out_the_line_after_a_final_newline():
    note = Note("a.md", "a", "one\ntwo\nthree")
    assert note.lines_of((0, 8)) == (1, 2)
    assert note.lines_of((4, 4)) == (2, 2)


def test_a_relation_is_typed_unless_it_only_links():
    assert Relation("a.md", "extends", "B", None, (0, 5)).typed
    assert not Relation("a.md", "links_to", "B", None, (0, 5)).typed
    assert not Relation("a.md", "mentions", "B", None, (0, 5)).typed


def test_equal_texts_at_two_places_are_two_chunks():
    assert Passage("a.md", (0, 3), "abc").id != Passage("a.md", (4, 7), "abc").id


@pytest.mark.parametrize(
    ("statements", "grounded"),
    [
        pytest.param((Statement("x", (1,)),), True, id="cited"),
        pytest.param((Statement("x"),), False, id="not-cited"),
        pytest.param((Statement("x", (1,), supported=False),), False, id="not-supported"),
    ],
)
def test_an_answer_is_grounded_when_every_statement_is(statements, grounded):
    assert Answer("q", "x", "extractive", False, statements).grounded is grounded


def test_an_abstention_is_not_grounded():
    assert not Answer("q", "The notes don't say.", "extractive", True).grounded


def test_empty_values_are_false():
    assert not Filters()
    assert Filters(tags=("a",))
    assert not Changes(unchanged=3)
    assert Changes(renamed=(("a", "b"),))
