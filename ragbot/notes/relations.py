"""The links and typed relations of a note, each with its place and annotation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ragbot.models import EMBEDS, LINKS_TO, NoteId, Relation, Span
from ragbot.notes import frontmatter
from ragbot.notes.blocks import Item
from ragbot.notes.document import Page, Text
from ragbot.notes.link_scanner import Link, scan
from ragbot.notes.predicates import normal
from ragbot.notes.typed_links import Field, marker

_Annotation = tuple[str | None, Span | None]
_NOT_RELATIONS = frozenset({"tags", "tag", "aliases", "alias", "title", "cssclasses", "cssclass"})


def relations(page: Page, note: NoteId) -> Iterator[Relation]:
    """Yield every link of a note, frontmatter first, with its predicate and annotation."""
    yield from _matter_relations(page, note)
    below = _annotations_below(page)
    for number, text in page.texts.items():
        if text.inline.links:
            yield from _text_relations(page, number, text, note, below)


def _matter_relations(page: Page, note: NoteId) -> Iterator[Relation]:
    """Yield the relations of frontmatter fields whose whole value is a wikilink."""
    for name, field_value in (*page.matter.values, *page.stray.values):
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
    typed: dict[int, tuple[str, _Annotation]] = {}
    for entry, line in page.fields.get(number, ()):
        why = _annotation(page, text, entry, below.get(line) if entry.whole else None)
        typed.update((link.start, (normal(entry.key), why)) for link in entry.links)
    for link in text.inline.links:
        predicate, (annotation, annotation_span) = typed.get(link.start, ("", (None, None)))
        relation = _relation(
            note,
            predicate or (EMBEDS if link.embed else LINKS_TO),
            link,
            text.span(link.start, link.end),
        )
        yield replace(
            relation,
            annotation=annotation,
            annotation_span=annotation_span,
            marker=marker(text.inline, link),
        )


def _annotation(page: Page, text: Text, entry: Field, below: Span | None) -> _Annotation:
    """Return the annotation of a relation: on its line, and in bullets below it."""
    parts = [text.span(*entry.annotation)] if entry.annotation else []
    if below:
        parts.append(below)
    if not parts:
        return None, None
    pieces = [_unbulleted(page.text[start:end]) for start, end in parts]
    return " ".join(pieces), (parts[0][0], parts[-1][1])


def _unbulleted(text: str) -> str:
    """Return the lines of an annotation as one, without the marks of its bullets."""
    lines = [re.sub(r"^[ \t>]*(?:[-+*]|\d{1,9}[.)])?[ \t]+", "", line) for line in text.split("\n")]
    return " ".join(" ".join(lines).split())


def _annotations_below(page: Page) -> dict[int, Span]:
    """Return the span of the bullets below each relation, by the offset of its line's text.

    A bullet belongs to the item that contains it, at any depth. Below a paragraph
    outside of a list, it must be on the next line and further to the right. A bullet
    that is a relation itself is no annotation.
    """
    found: dict[int, Span] = {}
    owners: list[int | None] = []
    for item in page.layout.items:
        owner = _paragraph_above(page, item) if item.parent is None else owners[item.parent]
        if not item.blocks:
            owners.append(owner)
        elif item.blocks[0] in page.fields:
            owners.append(page.fields[item.blocks[0]][-1][1])
        else:
            owners.append(owner)
            if owner is not None and item.blocks[0] in page.texts:
                start, end = (page.layout.blocks[n].span for n in (item.blocks[0], item.blocks[-1]))
                found[owner] = (found.get(owner, start)[0], end[1])
    return found


def _paragraph_above(page: Page, item: Item) -> int | None:
    """Return the offset of the line of text directly above an item that is further right."""
    number = item.blocks[0] - 1 if item.blocks else -1
    above = page.texts.get(number)
    if above is None or above.block.kind != "text" or number not in page.fields:
        return None
    starts, last = page.layout.line_starts, above.block.lines[-1][0]
    line = page.layout.line_of(last)
    if page.layout.line_of(item.start) != line + 1:
        return None
    text = page.text[starts[line + 1] : page.layout.blocks[item.blocks[0]].span[0]]
    indent = len(text) - len(text.lstrip(" \t"))
    return last if indent > last - starts[line] else None
