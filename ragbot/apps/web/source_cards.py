"""The sources of an answer as HTML: a card for each note, with its lines and why it was found.

Nothing of a note reaches the page but through `escape`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from ragbot.apps.serialize import Notes, end_of
from ragbot.apps.web.note_view import link
from ragbot.models import Answer, Citation, Hit, NoteId, Relation
from ragbot.notes.chunker import plain_prose

_WAYS = {"dense": "meaning", "bm25": "words", "names": "name"}
"""Labels of the retrievers; hits of the graph show their path instead."""


def cards(answer: Answer, notes: Notes) -> str:
    """Return the notes cited, in the order of their first quotation.

    A quotation that the answer repeats, or that another source shows, is not shown again.
    """
    ways, said = paths(answer.hits), {_plain(answer.text)}
    rows: dict[NoteId, str] = {}
    for citation in answer.citations:
        quotes = {_plain(readable(citation.quote)), _plain(citation.quote)}
        fresh = not any(quote in text for quote in quotes for text in said)
        said |= quotes
        rows[citation.note] = rows.get(citation.note, "") + _source(citation, shown=fresh)
    titles = {citation.note: citation.title for citation in answer.citations}
    shown = "".join(
        _card(
            note,
            titles[note],
            _path(ways.get(note, ()), note, notes) or _found(answer.hits, note),
            sources,
        )
        for note, sources in rows.items()
    )
    return f'<section class="sources" aria-label="Sources">{shown}</section>' if shown else ""


def more(citations: Sequence[Citation]) -> str:
    """Return the next passages, folded below an answer that leaves them out."""
    if not citations:
        return ""
    rows = "".join(
        f'<li dir="auto">{link(each.note, each.title, span=each.span)}, '
        f'<span class="lines" dir="ltr">{_lines(each)}</span>'
        f"<blockquote>{escape(readable(each.quote))}</blockquote></li>"
        for each in citations
    )
    return f'<details class="more"><summary>More from the notes</summary><ul>{rows}</ul></details>'


def readable(quote: str) -> str:
    """Return a quotation as it reads, without Markdown."""
    return plain_prose(quote) or quote


def paths(hits: Iterable[Hit]) -> dict[NoteId, tuple[Relation, ...]]:
    """Return the path to each note that the graph has found, alone or with others."""
    ways: dict[NoteId, tuple[Relation, ...]] = {}
    for hit in hits:
        for evidence in hit.evidence:
            if evidence.retriever == "graph" and evidence.path:
                ways.setdefault(hit.passage.note, evidence.path)
    return ways


def steps(path: Sequence[Relation], end: NoteId) -> list[tuple[NoteId, str]]:
    """Return the notes on a path that leads to `end`, each with the arrow to the next."""
    here, found = end, [(end, "")]
    for relation in reversed(path):
        forward = end_of(relation) == here
        here = relation.source if forward else end_of(relation)
        arrow = f"-{relation.predicate}->" if forward else f"<-{relation.predicate}-"
        found.insert(0, (here, arrow))
    return found


def heading_of(citation: Citation) -> str:
    """Return the innermost heading above a quotation, below the note's title; empty for none."""
    below = _headings(citation)
    return below[-1] if below else ""


def _headings(citation: Citation) -> tuple[str, ...]:
    return citation.headings[citation.headings[:1] == (citation.title,) :]


def _plain(text: str) -> str:
    """Return a text without what Markdown adds to it, to compare quotations with sentences."""
    return " ".join(re.sub(r"^`{3,}.*$|[\\*_]|\[\d+\]", "", text, flags=re.MULTILINE).split())


def _card(note: NoteId, title: str, why: str, sources: str) -> str:
    return (
        f'<article class="card" dir="auto"><p class="card-title"><a class="open" href="#note" '
        f'data-note="{escape(note)}">{escape(title)}</a> '
        f'<span class="place">{escape(note)}</span></p>{why}<ol>{sources}</ol></article>'
    )


def _source(citation: Citation, *, shown: bool) -> str:
    below = " › ".join(_headings(citation))
    heading = f"{escape(below)}, " if below else ""
    start, end = citation.span
    quote = escape(readable(citation.quote))
    return (
        f'<li class="source" id="source-{citation.number}" value="{citation.number}" dir="auto" '
        f'data-quote="{quote}"><a class="open" href="#note" data-note="{escape(citation.note)}" '
        f'data-start="{start}" data-end="{end}">'
        f'<span class="number">{citation.number}</span> '
        f'{heading}<span class="lines" dir="ltr">{_lines(citation)}</span></a>'
        f"{f'<blockquote>{quote}</blockquote>' if shown else ''}</li>"
    )


def _lines(citation: Citation) -> str:
    first, last = citation.lines
    return f"line {first}" if first == last else f"lines {first} to {last}"


def _path(path: Sequence[Relation], end: NoteId, notes: Notes) -> str:
    """Return the path that led to a note, with the annotation of its last step."""
    if not path:
        return ""
    way = " ".join(
        f"{_name(note, notes)} <span class='step'>{escape(arrow)}</span>"
        if arrow
        else f"<span>{escape(_title(note, notes))}</span>"
        for note, arrow in steps(path, end)
    )
    reason = path[-1].annotation
    why = f'<p class="why" dir="auto">{escape(reason)}</p>' if reason else ""
    return f'<p class="path">{way}</p>{why}'


def _name(note: NoteId, notes: Notes) -> str:
    known = notes.get(note)
    if known is None:
        return f'<span class="ghost">{escape(note)}</span>'
    return f'<a class="open" href="#note" data-note="{escape(note)}">{escape(known.title)}</a>'


def _title(note: NoteId, notes: Notes) -> str:
    known = notes.get(note)
    return known.title if known else note


def _found(hits: Iterable[Hit], note: NoteId) -> str:
    """Return the retrievers that found a note to which no path led."""
    ways = dict.fromkeys(
        _WAYS[evidence.retriever]
        for hit in hits
        if hit.passage.note == note
        for evidence in hit.evidence
        if evidence.retriever in _WAYS
    )
    named = " and ".join(", ".join(ways).rsplit(", ", 1))
    return f'<p class="path found">Found by its {named}</p>' if ways else ""
