"""docs/note-format.md and docs/links.md are true: each example yields the stated result."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ragbot.notes import link_resolver, parser
from ragbot.notes.parser import stem
from ragbot.notes.units import units

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "".join((DOCS / name).read_text("utf-8") for name in ("note-format.md", "links.md"))
EXAMPLE = re.compile(
    r"^(?P<fence>`{3,4})(?P<kind>markdown|vault)\n(?P<source>.*?)^(?P=fence)\n"
    r"```result\n(?P<result>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = list(EXAMPLE.finditer(PAGE))


def files(kind, source):
    if kind == "markdown":
        return {"Here.md": source, "Alpha.md": "", "Beta.md": ""}
    parts = re.split(r"^-- (.+) --\n", source, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def described(kind, source):
    """What is found in the note Here, in the words of the page."""
    parsed = [parser.parse(text, name) for name, text in files(kind, source).items()]
    notes = link_resolver.resolve([note for note, _ in parsed])
    here, problems = notes[0], parsed[0][1]
    yield from (line_of(relation) for relation in here.relations)
    if here.title != "Here":
        yield f"title: {here.title}"
    for name in ("aliases", "tags", "blocks"):
        if values := getattr(here, name):
            yield f"{name}: {', '.join(values)}"
    yield from (f"problem: {problem.kind}" for problem in problems)
    if source.startswith("# Heading"):
        for unit in units(here):
            state = f" ({unit.state})" if unit.state else ""
            yield f"{unit.kind}: {unit.text}{state}"


def line_of(relation):
    name = stem(relation.target) if relation.target else f"{relation.written} (ghost)"
    if relation.target and "/" in relation.target:
        name = relation.target.removesuffix(".md")
    line = f"{relation.predicate} -> {name}"
    line += f" # {relation.heading}" if relation.heading else ""
    line += f" ^ {relation.block}" if relation.block else ""
    line += f', shown as "{relation.alias}"' if relation.alias else ""
    line += f" {relation.marker}" if relation.marker else ""
    return line + (f": {relation.annotation}" if relation.annotation else "")


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda e: f"line {PAGE.count(chr(10), 0, e.start()) + 1}"
)
def test_example(example):
    found = list(described(example["kind"], example["source"])) or ["nothing"]
    assert found == example["result"].splitlines()


def test_no_example_is_overlooked():
    fences = [token for token in MarkdownIt().parse(PAGE) if token.type in ("fence", "code_block")]
    assert len(fences) == 2 * len(EXAMPLES) >= 14
