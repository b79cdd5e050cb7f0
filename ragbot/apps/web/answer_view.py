"""An answer as HTML: pure functions, with every text of a note escaped.

Nothing of a note, a question or a model reaches the page but through `escape`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ragbot.apps.web import source_cards
from ragbot.apps.web.note_view import link
from ragbot.models import Answer, Citation, Note, NoteId

WAITING = '<p class="waiting" role="status">Looking through the notes…</p>'
"""Stands where an answer will be."""

_SEEDS = 12
_LONG = 240
_EDIT = "Edit and ask again"
_JOINED = "\u00a0"
"""Space that is no place for a line to end: a number stays with its sentence."""
# A character that is not meant as Markdown, `[1]` for a citation, bold, and a name in italics.
_MARK = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])|\[(?P<number>\d+)\]"
    r"|\*\*(?P<strong>(?:\\.|[^\\])+?)\*\*|\*(?P<name>(?:\\.|[^\s\\*])(?:\\.|[^\\*])*)\*"
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


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
    # A page of text would push its answer out of sight: it scrolls in a frame of its own.
    frame = 'class="question long" tabindex="0"' if len(question) > _LONG else 'class="question"'
    return (
        f'<section class="turn"><h2 {frame} dir="auto">{escape(question)}</h2>'
        f'<div class="answer" dir="auto">{body}</div></section>'
    )


def prose(
    text: str, citations: Sequence[Citation] = (), names: Mapping[str, NoteId] | None = None
) -> str:
    """Text of an answer: paragraphs and list items.

    Its `[1]` marks link to the sources, and `names` in italics to their notes.
    """
    quotes = {citation.number: source_cards.readable(citation.quote) for citation in citations}
    said = _Inline(quotes, names or {})
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(f"<li>{said.html(line[2:])}</li>" for line in lines)
            blocks.append(f"<ul>{items}</ul>")
        else:
            blocks.append(f"<p>{'<br>'.join(said.html(line) for line in lines)}</p>")
    return "".join(blocks)


def answered(answer: Answer, notes: Mapping[NoteId, Note]) -> str:
    """Whole answer: its text, what a reader should know about it, and its sources."""
    if answer.abstained:
        names = {note.title: note.id for note in notes.values()}
        body = f'<div class="silent">{prose(answer.text, (), names)}</div>'
    else:
        body = prose(answer.text, answer.citations)
    if answer.notice:
        body += f'<p class="notice">{escape(answer.notice)}</p>'
    if answer.query.casefold() not in ("", " ".join(answer.question.split()).casefold()):
        body += f'<p class="place" dir="auto">Searched for: {escape(answer.query)}</p>'
    return (
        body
        + _actions(answer)
        + source_cards.cards(answer.citations, answer.hits, notes)
        + _asks(answer.followups, "Ask next")
    )


def failed(message: str) -> str:
    """Say what went wrong, in place of an answer."""
    return f'<p class="notice" role="alert">{escape(message)}</p>'


def unanswered(message: str) -> str:
    """Say why a question was not answered, and let it be asked again."""
    return failed(message) + _buttons({"edit": _EDIT})


def stopped(text: str) -> str:
    """Say that an answer was stopped, below what had been said of it."""
    return (
        f'{prose(text) if text else ""}<p class="notice">You stopped this answer.</p>'
        f"{_buttons({'edit': _EDIT})}"
    )


@dataclass(frozen=True, slots=True)
class _Inline:
    """Writes a line of an answer as HTML."""

    quotes: Mapping[int, str]
    names: Mapping[str, NoteId]

    def html(self, text: str) -> str:
        """Write a line, its marks and names as links."""
        pieces, here = [], 0
        for match in _MARK.finditer(text):
            before = text[here : match.start()]
            if match["number"] and before.endswith(" "):
                before = f"{before[:-1]}{_JOINED}"
            pieces += [escape(before, quote=False), self._mark(match)]
            here = match.end()
        return "".join([*pieces, escape(text[here:], quote=False)])

    def _mark(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return escape(match["escaped"], quote=False)
        if match["strong"]:
            return f"<strong>{self.html(match['strong'])}</strong>"
        if match["name"]:
            return self._name(_ESCAPED.sub(r"\1", match["name"]))
        return self._citation(int(match["number"]))

    def _name(self, name: str) -> str:
        note = self.names.get(name)
        return link(note, name) if note else f"<em>{escape(name, quote=False)}</em>"

    def _citation(self, number: int) -> str:
        if number not in self.quotes:
            return f"[{number}]"
        quote = escape(self.quotes[number])
        return (
            f'<sup><a class="cite" href="#source-{number}" data-quote="{quote}" '
            f'data-number="{number}" aria-label="Source {number}">{number}</a></sup>'
        )


def _asks(questions: Sequence[str], name: str) -> str:
    buttons = "".join(
        f'<button type="button" class="chip ask" dir="auto">{escape(question)}</button>'
        for question in questions
    )
    return f'<div class="followups" aria-label="{name}" role="group">{buttons}</div>' * bool(
        buttons
    )


def _actions(answer: Answer) -> str:
    """Buttons below an answer; the notes that its graph view starts from go with them."""
    around = dict.fromkeys(citation.note for citation in answer.citations)
    around |= dict.fromkeys(
        relation.source
        for note, path in source_cards.paths(answer.hits).items()
        if note in around
        for relation in path
    )
    acts = {"copy": "Copy", "like": "Like", "dislike": "Dislike", "edit": _EDIT}
    if around:
        acts["graph"] = "Show in the graph"
    return _buttons(acts, list(around)[:_SEEDS])


def _buttons(acts: Mapping[str, str], seeds: Sequence[NoteId] = ()) -> str:
    buttons = "".join(
        f'<button type="button" data-act="{act}">{name}</button>' for act, name in acts.items()
    )
    return f'<div class="actions" data-seeds="{escape(json.dumps(seeds))}">{buttons}</div>'
