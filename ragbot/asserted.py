"""The links and typed relations of a note, each with its place and annotation.

Floor 1: pure functions on a note taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ragbot import frontmatter
from ragbot.fields import Field, fields, list_form, marker
from ragbot.inline import Link, scan
from ragbot.page import Page, Text
from ragbot.predicates import normal
from ragbot.schema import EMBEDS, LINKS_TO, NoteId, Relation, Span

_NOT_RELATIONS = frozenset({"tags", "tag", "aliases", "alias", "title", "cssclasses", "cssclass"})


def relations(page: Page, note: NoteId) -> Iterator[Relation]:
    """Give every link of a note, frontmatter first, with its predicate and annotation."""
    yield from _matter_relations(page, note)
    below = _annotations_below(page)
    for number, text in page.texts.items():
        if text.inline.links:
            yield from _text_relations(page, number, text, note, below)


def _matter_relations(page: Page, note: NoteId) -> Iterator[Relation]:
    """Read the fields of the frontmatter whose whole value is a wikilink."""
    for name, field_value in page.matter.values:
        for key, value in frontmatter.scalars(name, field_value):
            found = scan(value.data).links if "[[" in value.data else ()
            if len(found) != 1 or not found[0].wiki:
                continue
            link = found[0]
            if (link.start, link.end) != (0, len(value.data)):
                continue
            start, end = value.span
            at = page.text.find("[[", start, end) - link.embed
            if not value.plain and page.text[at : at + link.end] == value.data:
                start, end = at, at + link.end
            typed = key.lower() not in _NOT_RELATIONS and normal(key)
            predicate = normal(key) if typed else EMBEDS if link.embed else LINKS_TO
            yield _relation(note, predicate, link, (start, end))


def _relation(note: NoteId, predicate: str, link: Link, span: Span) -> Relation:
    return Relation(
        source=note,
        predicate=predicate,
        written=link.target,
        target=None,
        span=span,
        heading=link.heading,
        block=link.block,
        alias=link.alias,
    )


def _text_relations(
    page: Page, number: int, text: Text, note: NoteId, below: dict[int, Span]
) -> Iterator[Relation]:
    typed: dict[int, tuple[Field, int]] = {}
    for entry, line in page_fields(page, number, text):
        for link in entry.links:
            typed.setdefault(link.start, (entry, line))
    for link in text.inline.links:
        untyped = EMBEDS if link.embed else LINKS_TO
        relation = _relation(note, untyped, link, text.span(link.start, link.end))
        relation = replace(relation, marker=marker(text.inline, link))
        if link.start in typed:
            entry, line = typed[link.start]
            relation = replace(relation, predicate=normal(entry.key) or untyped)
            relation = _annotated(page, relation, text, entry, below.get(line))
        yield relation


def page_fields(page: Page, number: int, text: Text) -> Iterator[tuple[Field, int]]:
    """Give the typed relations of a block, each with the offset where its line starts."""
    found = False
    if "::" in text.inline.masked:
        for start, end in text.lines():
            for entry in fields(text.inline, start, end):
                found = True
                yield entry, text.place(start)
    block = text.block
    first = block.item >= 0 and page.layout.items[block.item].blocks[0] == number
    if first and not found and block.kind == "text" and (whole := list_form(text.inline)):
        yield whole, text.place(0)


def _annotated(
    page: Page, relation: Relation, text: Text, entry: Field, below: Span | None
) -> Relation:
    """Add what the author wrote about a relation: on its line, and in bullets below it."""
    parts: list[Span] = []
    if entry.annotation:
        parts.append(text.span(*entry.annotation))
    if entry.whole and below:
        parts.append(below)
    if not parts:
        return relation
    pieces = [_unbulleted(page.text[start:end]) for start, end in parts]
    span = (parts[0][0], parts[-1][1])
    return replace(relation, annotation=" ".join(pieces), annotation_span=span)


def _unbulleted(text: str) -> str:
    """Join the lines of an annotation, the marks of its bullets taken off."""
    lines = [re.sub(r"^[ \t>]*(?:[-+*]|\d{1,9}[.)])?[ \t]+", "", line) for line in text.split("\n")]
    return " ".join(" ".join(lines).split())


def _annotations_below(page: Page) -> dict[int, Span]:
    """Span of the bullets below each line, by the offset where that line's text starts.

    A bullet belongs to the item that holds it; below a paragraph outside of a
    list, it has to stand on the next line and further to the right.
    """
    found: dict[int, Span] = {}
    for number, item in enumerate(page.layout.items):
        if not item.blocks:
            continue
        first = item.blocks[0]
        text = page.texts.get(first)
        owner = _owner(page, number, first)
        if text is None or owner is None or _is_relation(page, first, text):
            continue
        end = page.layout.blocks[item.blocks[-1]].span[1]
        start = found[owner][0] if owner in found else text.block.span[0]
        found[owner] = (start, end)
    return found


def _owner(page: Page, number: int, first: int) -> int | None:
    """Offset of the line that the item below it annotates."""
    parent = page.layout.items[number].parent
    if parent >= 0:
        blocks = page.layout.items[parent].blocks
        above = page.texts.get(blocks[0]) if blocks else None
        return above.block.lines[-1][0] if above and blocks[0] < first else None
    above = page.texts.get(first - 1)
    if above is None or above.block.item >= 0 or above.block.kind != "text":
        return None
    lines = page.layout
    last = above.block.lines[-1][0]
    line = lines.line_of(last)
    next_line = lines.line_of(page.layout.items[number].start)
    if next_line != line + 1:
        return None
    bullet = _indent(page.text, page.layout.line_starts[next_line])
    return last if bullet > last - page.layout.line_starts[line] else None


def _indent(text: str, start: int) -> int:
    end = start
    while text[end : end + 1] in (" ", "\t"):
        end += 1
    return end - start


def _is_relation(page: Page, number: int, text: Text) -> bool:
    return any(True for _ in page_fields(page, number, text))
