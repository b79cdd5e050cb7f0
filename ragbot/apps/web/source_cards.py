"""The sources of an answer as HTML: a card for each note, its quotations, and why it was found.

Nothing of a note reaches the page but through `escape`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ragbot.apps.serialize import end_of
from ragbot.models import Citation, Hit, Note, NoteId, Relation
from ragbot.notes.chunker import plain_prose

_WAYS = {"dense": "meaning", "bm25": "words", "names": "name"}
"""What a passage was found by, as a reader would say it; a path says it for the graph."""

_ROW = re.compile(r"^\|\s*(.*?)\s*\|$")


def cards(citations: Sequence[Citation], hits: Sequence[Hit], notes: Mapping[NoteId, Note]) -> str:
    """Show the notes cited, in the order of their first quotation."""
    ways = paths(hits)
    shown = "".join(
        _card(
            [citation for citation in citations if citation.note == note],
            _path(ways.get(note, ()), note, notes) or _found(hits, note),
        )
        for note in dict.fromkeys(citation.note for citation in citations)
    )
    return f'<section class="sources" aria-label="Sources">{shown}</section>' if shown else ""


def readable(quote: str) -> str:
    """Give a quotation as it reads: without its Markdown, a table's row without its outer bars."""
    return "\n".join(_ROW.sub(r"\1", line) for line in plain_prose(quote).split("\n")) or quote


def paths(hits: Iterable[Hit]) -> dict[NoteId, tuple[Relation, ...]]:
    """Way to each note that only the graph or also the graph has found."""
    ways: dict[NoteId, tuple[Relation, ...]] = {}
    for hit in hits:
        for evidence in hit.evidence:
            if evidence.retriever == "graph" and evidence.path:
                ways.setdefault(hit.passage.note, evidence.path)
    return ways


def steps(path: Sequence[Relation], end: NoteId) -> list[tuple[NoteId, str]]:
    """Give the notes on a way that leads to `end`, each with the arrow to the next."""
    here, told = end, [(end, "")]
    for relation in reversed(path):
        forward = end_of(relation) == here
        here = relation.source if forward else end_of(relation)
        arrow = f"-{relation.predicate}->" if forward else f"<-{relation.predicate}-"
        told.insert(0, (here, arrow))
    return told


def _card(citations: Sequence[Citation], why: str) -> str:
    first = citations[0]
    quotations = "".join(_quotation(citation) for citation in citations)
    return (
        f'<article class="card" dir="auto"><p class="card-title"><a class="open" href="#note" '
        f'data-note="{escape(first.note)}">{escape(first.title)}</a> '
        f'<span class="place">{escape(first.note)}</span></p>{why}<ol>{quotations}</ol></article>'
    )


def _quotation(citation: Citation) -> str:
    first, last = citation.lines
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    below = citation.headings[citation.headings[:1] == (citation.title,) :]
    heading = f"{escape(' › '.join(below))}, " if below else ""
    start, end = citation.span
    return (
        f'<li class="source" id="source-{citation.number}" value="{citation.number}" dir="auto">'
        f'<a class="open" href="#note" data-note="{escape(citation.note)}" data-start="{start}" '
        f'data-end="{end}" data-title="{escape(citation.title)}" '
        f'data-heading="{escape(below[-1] if below else "")}">'
        f'<span class="number">{citation.number}</span> '
        f'{heading}<span class="lines" dir="ltr">{lines}</span></a>'
        f"<blockquote>{escape(readable(citation.quote))}</blockquote></li>"
    )


def _path(path: Sequence[Relation], end: NoteId, notes: Mapping[NoteId, Note]) -> str:
    """Show the way that led to a note, and what its author wrote of the last step."""
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


def _name(note: NoteId, notes: Mapping[NoteId, Note]) -> str:
    if note not in notes:
        return f'<span class="ghost">{escape(note)}</span>'
    return (
        f'<a class="open" href="#note" data-note="{escape(note)}">{escape(notes[note].title)}</a>'
    )


def _title(note: NoteId, notes: Mapping[NoteId, Note]) -> str:
    return notes[note].title if note in notes else note


def _found(hits: Iterable[Hit], note: NoteId) -> str:
    """Say what a note was found by, where no path led to it."""
    ways = dict.fromkeys(
        _WAYS[evidence.retriever]
        for hit in hits
        if hit.passage.note == note
        for evidence in hit.evidence
        if evidence.retriever in _WAYS
    )
    return f'<p class="path found">Found by its {" and ".join(ways)}</p>' if ways else ""
