"""A note as HTML: its links work, a passage is marked, nothing runs or is fetched.

The text of a note is rendered with HTML switched off, images are shown by
their words, and only `http`, `https` and `mailto` links stay links. Places of
links and of the passage travel through the Markdown parser as characters of
Unicode's private use area, and become elements afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from ragbot.apps.serialize import Notes, end_of
from ragbot.models import Note, NoteId, Relation, Span
from ragbot.notes import frontmatter
from ragbot.notes.anchors import Anchors
from ragbot.notes.document import Places, page_of

if TYPE_CHECKING:
    from markdown_it.token import Token

_LINK, _LINK_END, _FROM, _TO = "\ue000", "\ue001", "\ue002", "\ue003"
_PLACEHOLDERS = re.compile(f"[{_LINK}{_LINK_END}{_FROM}{_TO}]")
_LINKS = re.compile(f"{_LINK}([0-9]+){_LINK_END}")
_TAGS = re.compile(r"(<[^>]*>)")
_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_CODE = re.compile(r"(<(?:pre|code)\b.*?</(?:pre|code)>)", re.DOTALL)
# `  - [ ] ` or `## ` or `> ` or `| `: markup that must stay first on its line.
_LINE_START = re.compile(r"(?:[ \t]*(?:[-*+]|[0-9]+[.)]|#{1,6}|>|\|)(?=[ \t]))*[ \t]*")
# ` ^id` at the end of a block, or alone on a line: a target of links, not shown as text.
_BLOCK_ID = re.compile(rf"(?:\s|(?<=<p>))\^([A-Za-z0-9-]+)(?={_TO}?(?:\n|</))")
_SAFE = re.compile(r"(?i)(?:https?|mailto):")


def inert(html: str) -> str:
    """Return HTML with `{`, `$` and backticks as entities, which Gradio would read as templates."""
    return html.replace("{", "&#123;").replace("$", "&#36;").replace("`", "&#96;")


def note_html(
    note: Note,
    relations: Sequence[Relation],
    notes: Notes,
    span: Span | None = None,
    editor: str = "",
) -> str:
    """Return a note with its `relations` in both directions, and the passage at `span` marked.

    `editor` is the address that opens the note in the reader's editor, if any.
    """
    out = [r for r in relations if r.source == note.id]
    back = [r for r in relations if r.source != note.id]
    edit = f'<a class="edit" href="{escape(editor)}">Open in the editor</a>' if editor else ""
    tags = "".join(f'<span class="chip">#{escape(tag)}</span>' for tag in note.tags)
    return inert(
        f'<header class="note-head"><p class="place">{escape(note.id)}</p>'
        f'<h2 id="note-title" tabindex="-1" dir="auto">{escape(note.title)}</h2>{tags}{edit}'
        f'</header><div class="note-body" dir="auto">{body(note, span)}</div>'
        f"{_neighbours('Relations', out, notes, forward=True)}"
        f"{_neighbours('Linked from', back, notes, forward=False)}"
    )


def body(note: Note, span: Span | None = None) -> str:
    """Return the text of a note below its frontmatter, with `span` marked.

    A quote from the frontmatter, such as a summary, is shown above the text.
    """
    start = _start(note.text)
    above = ""
    if span is not None and span[1] <= start:
        field = escape(note.text[slice(*span)])
        above = f'<p class="field">In the frontmatter: <mark>{field}</mark></p>'
    source = _with_places(note, start, span)
    html = _parser().render(source)
    html = "".join(
        part if number % 2 else _without_ids(_COMMENT.sub(_only_tags, part), note)
        for number, part in enumerate(_CODE.split(html))
    )
    html = _LINKS.sub(lambda found: _link(note.relations[int(found[1])]), html)
    return above + _PLACEHOLDERS.sub("", _marked(html))


def link(note: NoteId, shown: str, span: Span | None = None, place: str = "") -> str:
    """Return a link that opens a note in the reading pane, at a passage or place if given."""
    at = f' data-start="{span[0]}" data-end="{span[1]}"' if span else ""
    at += f' data-place="{escape(place)}"' if place else ""
    return f'<a class="wikilink" href="#note" data-note="{escape(note)}"{at}>{escape(shown)}</a>'


def span_of(note: Note, place: str) -> Span | None:
    """Return the span of a place as a link names it: a heading, or `^` and the id of a block.

    This parses the note, so call it only for a link that is followed. None without such a place.
    """
    anchors = Anchors(note)
    at = anchors.find(None, place[1:]) if place.startswith("^") else anchors.find(place)
    if at is None:
        return None
    offsets = Places(note.text)
    spans = (offsets.span(block.span) for block in page_of(note.text).layout.blocks)
    return next((span for span in spans if span[1] > at), None)


def ghost(name: str) -> str:
    """Return the name of a note that nobody has written yet."""
    return f'<span class="ghost" title="Not written yet">{escape(name)}</span>'


def _start(text: str) -> int:
    """Return the offset in the file of the text below the frontmatter."""
    end = frontmatter.read(text.replace("\r\n", "\n").replace("\r", "\n")).end
    return Places(text).span((0, end))[1] if end else 0


def _with_places(note: Note, start: int, span: Span | None) -> str:
    edits: list[tuple[int, int, str]] = []
    done = start
    for number, relation in enumerate(note.relations):
        first, last = relation.span
        if first >= done and last > first:
            edits.append((first, last, f"{_LINK}{number}{_LINK_END}"))
            done = last
    text = _PLACEHOLDERS.sub("\ufffd", note.text)
    if span is not None and span[1] > start:
        # The bars at both ends of a table row belong to no cell.
        first = max(span[0], start) + (text[span[0]] == "|")
        last = span[1] - (text[span[0]] == text[span[1] - 1] == "|" and span[1] - span[0] > 2)
        # The parser reads a placeholder as a letter, and `a_b_` is no emphasis: put it inside.
        last = first + len(text[first:last].rstrip("_"))
        edits.append((*_outside(edits, first, text), _FROM))
        end = next((b for a, b, _ in edits if a < last < b), last)
        edits.append((end, end, _TO))
    pieces, here = [], start
    for first, last, new in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        pieces += [text[here:first], new]
        here = last
    return "".join([*pieces, text[here:]])


def _outside(edits: Sequence[tuple[int, int, str]], start: int, text: str) -> tuple[int, int]:
    """Return the place for the mark: after the markup that begins a line, outside a link."""
    if start == 0 or text[start - 1] in "\r\n":
        opening = _LINE_START.match(text, start)
        start = opening.end() if opening else start
    start = next((a for a, b, _ in edits if a < start < b), start)
    while text.startswith("_", start):
        start += 1
    return start, start


def _marked(html: str) -> str:
    before, mark, rest = html.partition(_FROM)
    inside, end, after = rest.partition(_TO)
    if not mark or not end:
        return html
    pieces = [
        piece if number % 2 or not piece.strip() else f"<mark>{piece}</mark>"
        for number, piece in enumerate(_TAGS.split(inside))
    ]
    return before + "".join(pieces) + after


def _only_tags(comment: re.Match[str]) -> str:
    return "".join(_TAGS.findall(comment[0]))


def _without_ids(html: str, note: Note) -> str:
    return _BLOCK_ID.sub(lambda found: "" if found[1] in note.blocks else found[0], html)


def _link(relation: Relation) -> str:
    place = relation.heading or (f"^{relation.block}" if relation.block else "")
    shown = relation.alias or " › ".join(part for part in (relation.written, place) if part)
    if relation.target is None:
        return ghost(shown)
    return link(relation.target, shown or relation.target, place=place)


def _neighbours(name: str, relations: Sequence[Relation], notes: Notes, *, forward: bool) -> str:
    rows: dict[tuple[str, str], str] = {}
    for relation in sorted(relations, key=lambda relation: not relation.typed):
        other = end_of(relation) if forward else relation.source
        known = notes.get(other)
        shown = link(other, known.title) if known else ghost(other)
        why = f'<p class="why">{escape(relation.annotation)}</p>' if relation.annotation else ""
        kind = "chip typed" if relation.typed else "chip"
        predicate = relation.predicate.replace("_", " ")
        rows.setdefault(
            (relation.predicate, other),
            f'<li dir="auto"><span class="{kind}">{escape(predicate)}</span> {shown}{why}</li>',
        )
    if not rows:
        return ""
    return (
        f'<section class="neighbours"><h3>{name} ({len(rows)})</h3>'
        f"<ul>{''.join(rows.values())}</ul></section>"
    )


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  # markdown-it's name
        """Accept every destination; `_open_link` drops the unsafe ones."""
        return True


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "linkify": False}).enable("table")
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _open_link)
    return parser


def _image(self: Any, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f'<span class="image">{escape(tokens[index].content or "image")}</span>'


def _open_link(self: Any, tokens: Sequence[Token], index: int, *_: object) -> str:
    url = str(tokens[index].attrGet("href") or "")
    if not _SAFE.match(url):
        return '<a class="no-link">'
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">'
