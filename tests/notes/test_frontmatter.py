"""YAML kept as written, bounded, and never executed."""

import time

import pytest

from ragbot.notes import frontmatter


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


def test_spans_cover_what_was_written():
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
def test_what_cannot_be_read_says_why(yaml, reason):
    assert reason in read(yaml).error


def test_a_bomb_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    started = time.perf_counter()
    found = read("\n".join(lines))
    assert "stands for more than" in found.error
    assert time.perf_counter() - started < 1
