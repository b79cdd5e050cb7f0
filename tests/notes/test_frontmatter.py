"""YAML kept as written, bounded, and never executed."""

import time

import pytest

from ragbot.notes import frontmatter
from ragbot.notes.parser import parse
from ragbot.notes.units import units


def read(yaml):
    return frontmatter.read(f"---\n{yaml}\n---\nbody\n")


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("a: NO", "NO"),
        ("a: 3.10", "3.10"),
        ("a: 2026-01-01", "2026-01-01"),
        ("a: 0x1F", "0x1F"),
        ("a: true", "true"),
        ("a: ", None),
        ("a: ~", None),
        ("a: 'null'", "null"),
        ("a: [1, two, ~]", ["1", "two", None]),
        ("a: {b: {c: 1}}", {"b": {"c": "1"}}),
        ("a: |\n  ---\n  x", "---\nx\n"),
        ("a: !!python/name:os.system x", "x"),
        ("a: &n [x]\nb: *n", ["x"]),
    ],
)
def test_values(yaml, value):
    found = read(yaml)
    assert found.error == ""
    assert found.metadata["a"] == value


def test_spans_cover_the_written_values():
    text = "---\nup: '[[A]]'\nmore: [x, \"y\"]\n---\n"
    found = dict(frontmatter.read(text).values)
    assert text[slice(*found["up"].span)] == "'[[A]]'"
    assert [text[slice(*item.span)] for item in found["more"].items] == ["x", '"y"']


@pytest.mark.parametrize(
    ("text", "end"),
    [("---\na: 1\n", 0), ("\n---\na: 1\n---\n", 0), ("----\na: 1\n----\n", 0), ("---\n---\nx", 8)],
)
def test_fences(text, end):
    assert frontmatter.read(text).end == end


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        ("a: [x", "broken YAML"),
        ("a: &a [*a]", "holds itself"),
        ("a: *gone", "broken YAML"),
        ("a: 1\na: 2", "given twice"),
        ("- x", "a list"),
        ("text", "text"),
        ("a: " + "[" * 100, "nested"),
        ("a: \x01", "broken YAML"),
        ("a: \ud800", "broken YAML"),
        ("k: " + "x" * frontmatter.MAX_CHARACTERS, "characters"),
    ],
)
def test_unreadable_notes_are_reported_with_the_reason(yaml, reason):
    assert reason in read(yaml).error


def test_a_bomb_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    started = time.perf_counter()
    found = read("\n".join(lines))
    assert "expands to more than" in found.error
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n---\naliases: [No]\n---\ntext", 2),
        ("\n\n  \n---\ntags: x\n---\n", 4),
        ("---\ntitle: One\n---\n---\nother: two\n---\ntext", 4),
        ("---\ntitle: One\n---\n\n---\ntags: [a]\n---\n", 5),
    ],
)
def test_frontmatter_in_a_wrong_place_is_reported_with_its_line(text, line):
    note, [problem] = parse(text, "a.md")
    assert (problem.kind, problem.line) == ("frontmatter", line)
    assert note.aliases == note.tags == ()


def test_the_fields_of_a_misplaced_frontmatter_are_properties():
    text = "---\ntitle: One\n---\n\n---\nnest box: crock\nby: '[[A]]'\n---\n\nFeed it.\n"
    note, _ = parse(text, "a.md")
    assert [(unit.kind, unit.text) for unit in units(note)] == [
        ("property", "title: One"),
        ("property", "nest box: crock"),
        ("property", "by: A"),
        ("paragraph", "Feed it."),
    ]
    assert [note.text[slice(*unit.span)] for unit in units(note)][1] == "nest box: crock"
    assert note.metadata == {"title": "One"}
    assert [section.headings for section in note.sections] == [()]
    assert [relation.written for relation in note.relations] == ["A"]


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: One\n---\n",
        "text\n\n---\n\na: b\n\n---\n",
        "---\ntitle: x\n---\n\n---\n\ntext\n\n---\n",
        "\n---\n\nSome words here\n\n---\n",
        "\n# Heading\n---\n",
    ],
)
def test_rules_in_the_text_are_no_frontmatter(text):
    assert parse(text, "a.md")[1] == []


@pytest.mark.parametrize(
    "tags",
    [
        "[a, [b, c/d]]",
        "\n  - a\n  - [b, c/d]",
        "\n  -\n    - a\n    - b\n  - c/d",
        "[[a, b], [c/d]]",
        "a, b c/d",
        "'#a, b #c/d'",
    ],
)
def test_tags_in_nested_lists(tags):
    assert parse(f"---\ntags: {tags}\n---\n", "n.md")[0].tags == ("a", "b", "c/d")
