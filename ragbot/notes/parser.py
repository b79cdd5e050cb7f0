"""Parse the text of a note into a `Note`: title, headings, tags, blocks and relations.

Blocks are markdown-it-py's (`blocks.py`), inline text is scanned by `link_scanner.py`, and the
grammar of typed relations is that of `typed_links.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from ragbot.models import EMBEDS, LINKS_TO, Note, NoteId, Problem, Relation, Section, Span
from ragbot.notes import frontmatter
from ragbot.notes.blocks import Block, Item
from ragbot.notes.document import Page, Places, Text, page_of
from ragbot.notes.frontmatter import Frontmatter
from ragbot.notes.link_scanner import CODE, ESCAPED, LINK, Link, scan
from ragbot.notes.plain_text import inline_text
from ragbot.notes.predicates import normal
from ragbot.notes.typed_links import Field, marker

_TAG = re.compile(
    r"(?<!\S)#([^\s!\"#$%&'()*+,.:;<=>?@\\\[\]^`{|}~\u2000-\u200c\u200e-\u206f\u2e00-\u2e7f"
    rf"{CODE}{LINK}{ESCAPED}]+)"
)
BLOCK_ID = re.compile(r"(?:(?<=\s)|^)\^([A-Za-z0-9-]+)\s*\Z")
_LONE_ID = re.compile(r"\^([A-Za-z0-9-]+)")

_Annotation = tuple[str | None, Span | None]
_NOT_RELATIONS = frozenset({"tags", "tag", "aliases", "alias", "title", "cssclasses", "cssclass"})


def parse(text: str, note: NoteId) -> tuple[Note, list[Problem]]:
    """Parse one note, any text without its byte-order mark; return its problems too.

    The relations of the note are not resolved yet: every `target` is None. Its problems are those
    of its frontmatter.
    """
    page = page_of(text)
    places = Places(text)
    found = sorted(_relations(page, note), key=lambda relation: relation.span)
    value = Note(
        id=note,
        title=_title(page, note),
        text=text,
        aliases=_aliases(page.matter),
        tags=_tags(page),
        metadata=page.matter.metadata,
        sections=tuple(
            Section(section.headings, places.span(section.span)) for section in _sections(page)
        ),
        relations=tuple(_moved(relation, places) for relation in found),
        blocks={name: places.offset(at) for name, at in _block_ids(page).items()},
    )
    return value, list(_problems(page, note))


def _problems(page: Page, note: NoteId) -> Iterator[Problem]:
    """Yield the problems of the frontmatter of a note."""
    if page.matter.error:
        line = page.text.count("\n", 0, page.matter.error_offset) + 1
        fix = "Correct the YAML between the two --- lines; the text below it is read."
        yield Problem("frontmatter", note, line, page.matter.error, fix)
    if page.stray.end:
        line = page.text.count("\n", 0, page.stray.starts[0])
        message = "these fields are read as text: frontmatter begins on line 1 of a note, once"
        fix = "Move them into the first frontmatter." if page.matter.end else "Move it to line 1."
        yield Problem("frontmatter", note, line, message, fix)


def _moved(relation: Relation, places: Places) -> Relation:
    if not places.pairs:
        return relation
    note = relation.annotation_span
    return replace(
        relation,
        span=places.span(relation.span),
        annotation_span=places.span(note) if note else None,
    )


def _title(page: Page, note: NoteId) -> str:
    for value in page.matter.named("title"):
        if isinstance(value.data, str) and value.data.strip():
            return " ".join(value.data.split())
    for text in page.texts.values():
        if text.block.level == 1 and not text.block.nested and (title := _heading(text)):
            return title
    return stem(note)


def stem(path: str) -> str:
    """Return the file name without folder and `.md`, the usual name in a wikilink.

    Examples
    --------
    >>> stem("models/v2.0 Plan.md")
    'v2.0 Plan'
    """
    name = path.rstrip("/").rpartition("/")[2]
    return name[:-3] if name.lower().endswith(".md") and len(name) > 3 else name


def _heading(text: Text) -> str:
    return inline_text(text.inline, block=True)


def _aliases(matter: Frontmatter) -> tuple[str, ...]:
    found = (
        alias
        for value in matter.named("aliases", "alias")
        for alias in frontmatter.texts(value, split=r",")
    )
    return tuple(dict.fromkeys(found))


def _tags(page: Page) -> tuple[str, ...]:
    tags: dict[str, str] = {}
    for value in page.matter.named("tags", "tag"):
        listed = isinstance(value.data, list)
        for tag in frontmatter.texts(value):
            for one in [tag] if listed else re.split(r"[,\s]+", tag):
                _add_tag(tags, one.lstrip("#"))
    for text in page.texts.values():
        for match in _TAG.finditer(text.inline.masked):
            if not match.group(1).isdigit():
                _add_tag(tags, match.group(1))
    return tuple(tags.values())


def _add_tag(tags: dict[str, str], tag: str) -> None:
    tag = unicodedata.normalize("NFC", tag.strip("/ "))
    if tag:
        tags.setdefault(tag.lower(), tag)


def _sections(page: Page) -> list[Section]:
    """Return the sections of a note, cut at its headings; headings in quotes and lists are text."""
    cuts: list[tuple[int, tuple[str, ...]]] = []
    path: list[tuple[int, str]] = []
    for text in page.texts.values():
        if text.block.kind != "heading" or text.block.nested:
            continue
        level = text.block.level
        path = [entry for entry in path if entry[0] < level] + [(level, _heading(text))]
        at = page.layout.line_starts[page.layout.line_of(text.block.span[0])]
        cuts.append((at, tuple(name for _, name in path)))
    if not cuts or cuts[0][0] > 0:
        cuts.insert(0, (0, ()))
    ends = [at for at, _ in cuts[1:]] + [len(page.text)]
    return [Section(names, (at, end)) for (at, names), end in zip(cuts, ends, strict=True)]


def _block_ids(page: Page) -> dict[str, int]:
    """Return the offset of the block that each `^id` names; the first of equal ids counts."""
    found: dict[str, int] = {}
    seen: set[str] = set()
    previous: Block | None = None
    for number, block in enumerate(page.layout.blocks):
        text = page.texts.get(number)
        match = text and BLOCK_ID.search(text.inline.masked)
        if match:
            owner: Block | None = block
            if text and _LONE_ID.fullmatch(text.inline.masked.strip()):
                owner = _block_before(page, previous, block)
            if owner and match.group(1).lower() not in seen:
                seen.add(match.group(1).lower())
                found[match.group(1)] = owner.span[0]
        previous = block
    return found


def _block_before(page: Page, previous: Block | None, block: Block) -> Block | None:
    """Return the block that an id on its own line names: the one at most one blank line above."""
    if previous is None:
        return None
    end = page.layout.line_of(max(previous.span[0], previous.span[1] - 1))
    return previous if page.layout.line_of(block.span[0]) - end <= 2 else None


# Relations


def _relations(page: Page, note: NoteId) -> Iterator[Relation]:
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
