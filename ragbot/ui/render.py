"""An answer as HTML: pure functions, with every text of a note escaped.

Nothing of a note, a question or a model reaches the page but through `escape`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape

from ragbot.schema import Answer, Citation, Evidence, Hit, Note, NoteId, Relation
from ragbot.wire import end_of

WAITING = '<p class="waiting" role="status">Looking through the notes…</p>'
"""Stands where an answer will be."""

_SEEDS = 12
_EDIT = "Edit and ask again"
# `[1]`, a citation, or `\\[`, a character that is not meant as Markdown.
_MARK = re.compile(r"\\(?P<escaped>[!-/:-@\[-`{-~])|\[(?P<number>\d+)\]")
_STRONG = re.compile(r"\*\*(.+?)\*\*")


def beginning(questions: Sequence[str]) -> str:
    """Say what to expect, with questions to try, where none was asked yet."""
    return (
        '<section class="begin"><h2>Ask your notes</h2>'
        "<p>Every sentence of an answer bears the number of its source: point at it to read the "
        "quotation, click it to open the note at that place. Below an answer stands the path of "
        "links that led to each note. What the notes don't say is not made up.</p>"
        f"{_asks(questions, 'Questions to begin with')}</section>"
    )


def turn(question: str, body: str) -> str:
    """One exchange: the question, and what is below it (already HTML)."""
    return (
        f'<section class="turn"><h2 class="question" dir="auto">{escape(question)}</h2>'
        f'<div class="answer" dir="auto">{body}</div></section>'
    )


def prose(text: str, citations: Sequence[Citation] = ()) -> str:
    """Text of an answer: paragraphs and list items, its `[1]` marks as links to the sources."""
    quotes = {citation.number: citation.quote for citation in citations}
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(f"<li>{_inline(line[2:], quotes)}</li>" for line in lines)
            blocks.append(f"<ul>{items}</ul>")
        else:
            blocks.append(f"<p>{'<br>'.join(_inline(line, quotes) for line in lines)}</p>")
    return "".join(blocks)


def answered(answer: Answer, notes: Mapping[NoteId, Note]) -> str:
    """Whole answer: its text, what a reader should know about it, and its sources."""
    body = prose(answer.text, answer.citations)
    if answer.abstained:
        body = f'<div class="silent">{body}</div>'
    if answer.notice:
        body += f'<p class="notice">{escape(answer.notice)}</p>'
    if answer.query.casefold() not in ("", " ".join(answer.question.split()).casefold()):
        body += f'<p class="place" dir="auto">Searched for: {escape(answer.query)}</p>'
    paths = _paths(answer.hits)
    if answer.citations:
        # The way to a note is told once, at its first quotation.
        sources = "".join(
            _source(citation, paths.pop(citation.note, ()), notes) for citation in answer.citations
        )
        body += f'<ol class="sources" aria-label="Sources">{sources}</ol>'
    return body + _asks(answer.followups, "Ask next") + _actions(answer, _paths(answer.hits))


def failed(message: str) -> str:
    """Say what went wrong, in place of an answer."""
    return f'<p class="notice" role="alert">{escape(message)}</p>'


def stopped(text: str) -> str:
    """Say that an answer was stopped, below what had been said of it."""
    return (
        f'{prose(text) if text else ""}<p class="notice">You stopped this answer.</p>'
        f"{_buttons({'edit': _EDIT})}"
    )


def path_text(path: Sequence[Relation], end: NoteId, notes: Mapping[NoteId, Note]) -> str:
    """Write a way along relations that leads to `end`: `Persona Drift -measured_by-> The Axis`."""
    here, told = end, _title(end, notes)
    for relation in reversed(path):
        forward = end_of(relation) == here
        arrow = f"-{relation.predicate}->" if forward else f"<-{relation.predicate}-"
        here = relation.source if forward else end_of(relation)
        told = f"{_title(here, notes)} {arrow} {told}"
    return told


def _inline(text: str, quotes: Mapping[int, str]) -> str:
    def mark(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match["escaped"]
        number = int(match["number"])
        if number not in quotes:
            return match[0]
        quote = escape(quotes[number])
        return (
            f'<sup><a class="cite" href="#source-{number}" data-quote="{quote}" '
            f'data-number="{number}" aria-label="Source {number}">{number}</a></sup>'
        )

    return _MARK.sub(mark, _STRONG.sub(r"<strong>\1</strong>", escape(text, quote=False)))


def _source(citation: Citation, path: Sequence[Relation], notes: Mapping[NoteId, Note]) -> str:
    first, last = citation.lines
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    below = citation.headings[citation.headings[:1] == (citation.title,) :]
    place = escape(" › ".join((citation.title, *below)))
    way = f'<p class="path">{escape(path_text(path, citation.note, notes))}</p>' if path else ""
    start, end = citation.span
    return (
        f'<li class="source" id="source-{citation.number}" value="{citation.number}" dir="auto">'
        f'<p><a class="open" href="#note" data-note="{escape(citation.note)}" '
        f'data-start="{start}" data-end="{end}"><strong>{place}</strong></a> '
        f'<span class="place">{escape(citation.note)}, {lines}</span></p>'
        f"<blockquote>{escape(citation.quote)}</blockquote>{way}</li>"
    )


def _asks(questions: Sequence[str], name: str) -> str:
    buttons = "".join(
        f'<button type="button" class="chip ask" dir="auto">{escape(question)}</button>'
        for question in questions
    )
    return f'<div class="followups" aria-label="{name}" role="group">{buttons}</div>' * bool(
        buttons
    )


def _actions(answer: Answer, paths: Mapping[NoteId, Sequence[Relation]]) -> str:
    """Buttons below an answer; the notes that its graph view starts from go with them."""
    around = dict.fromkeys(citation.note for citation in answer.citations)
    around |= dict.fromkeys(relation.source for path in paths.values() for relation in path)
    acts = {"copy": "Copy", "like": "Like", "dislike": "Dislike", "edit": _EDIT}
    if around:
        acts["graph"] = "Show in the graph"
    return _buttons(acts, list(around)[:_SEEDS])


def _buttons(acts: Mapping[str, str], seeds: Sequence[NoteId] = ()) -> str:
    buttons = "".join(
        f'<button type="button" data-act="{act}">{name}</button>' for act, name in acts.items()
    )
    return f'<div class="actions" data-seeds="{escape(json.dumps(seeds))}">{buttons}</div>'


def _paths(hits: Sequence[Hit]) -> dict[NoteId, tuple[Relation, ...]]:
    """Way to each note that only the graph or also the graph has found."""
    ways: dict[NoteId, tuple[Relation, ...]] = {}
    for hit in hits:
        for evidence in hit.evidence:
            if _leads(evidence):
                ways.setdefault(hit.chunk.note, evidence.path)
    return ways


def _leads(evidence: Evidence) -> bool:
    return evidence.retriever == "graph" and bool(evidence.path)


def _title(note: NoteId, notes: Mapping[NoteId, Note]) -> str:
    return notes[note].title if note in notes else note
