"""An answer as HTML: its text, and a card for each note that it cites, with why it was found.

Every text of a note, a question or a model goes through `escape`, or through a Markdown parser that
reads no HTML and no links.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from ragbot.apps.serialize import Notes, way
from ragbot.apps.web.note_view import link
from ragbot.models import Answer, Citation, Hit, Note, NoteId, Relation
from ragbot.notes.units import plain

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

WAITING = '<p class="waiting" role="status">Looking through the notes…</p>'
"""Shown until the answer begins."""

WRITING = '<p class="waiting" role="status">The language model is writing…</p>'
"""Shown below the quotes until a language model has written."""

STOPPED = '<p class="notice">You stopped this answer.</p>'
"""Text below an answer that was stopped."""

_WAYS = {"dense": "meaning", "bm25": "words", "names": "name"}
"""Labels of the retrievers; hits of the graph show their path instead."""

_SEEDS = 12
_LONG = 240
_EDIT = "Edit and ask again"
_JOINED = "\u00a0"
"""No-break space, which keeps a number on the line of its sentence."""
_NUMBER = re.compile(r"\[(\d+)\]")
_NAME = re.compile(r"<em>(.*?)</em>")
# Code or an escaped character, which stay, or the number of a citation.
_MARK = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|\\.|\[(\d+)\]", re.DOTALL)
_LINK_MARKUP = re.compile(r"[\[\]|#^]")


def beginning(questions: Sequence[str]) -> str:
    """Return the introduction, with questions to try."""
    return (
        '<section class="begin"><h2>Ask your notes</h2>'
        "<p>Each sentence of an answer cites its source. Hover over a number to read the quote, "
        "click it to open the note. Below the answer you see which links led to each note. "
        "If the notes have no answer, ragbot says so.</p>"
        f"{_asks(questions, 'Questions to begin with')}</section>"
    )


def turn(question: str, body: str) -> str:
    """Return one exchange: the question, and the HTML below it."""
    # A long question scrolls in a frame, so that its answer stays in sight.
    frame = 'class="question long" tabindex="0"' if len(question) > _LONG else 'class="question"'
    return (
        f'<section class="turn"><h2 {frame} dir="auto">{escape(question)}</h2>'
        f'<div class="answer" dir="auto">{body}</div></section>'
    )


def paragraphs(
    text: str,
    citations: Sequence[Citation] = (),
    named: Callable[[str], Note | None] = lambda name: None,
) -> str:
    """Return the text of an answer as HTML: paragraphs, list items, and code unchanged.

    Its `[1]` marks link to the sources, and names in italics to the notes that `named` returns.
    """
    numbers = {citation.number for citation in citations}
    html: str = _parser().render(text, {"numbers": numbers})
    return _NAME.sub(lambda found: _linked(unescape(found[1]), named) or found[0], html)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Build a parser of the Markdown that answers are written in."""
    parser = MarkdownIt("zero", {"breaks": True})
    parser.enable(["list", "fence", "escape", "backticks", "emphasis", "newline"])
    parser.inline.ruler.push("citation", _read_citation)
    parser.add_render_rule("citation", _citation)
    parser.add_render_rule("fence", _fence)
    return parser


def _read_citation(state: StateInline, silent: bool) -> bool:
    """Read a mark such as `[1]` where no rule before has read code or an escaped bracket."""
    found = _NUMBER.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        if state.pending.endswith(" "):
            state.pending = f"{state.pending[:-1]}{_JOINED}"
        state.push("citation", "", 0).content = found[1]
    state.pos = found.end()
    return True


def _citation(
    self: Any, tokens: Sequence[Token], index: int, options: object, env: dict[str, Any]
) -> str:
    number = int(tokens[index].content)
    if number not in env["numbers"]:
        return f"[{number}]"
    return (
        f'<sup><a class="cite" href="#source-{number}" data-number="{number}" '
        f'aria-label="Source {number}">{number}</a></sup>'
    )


def _fence(self: Any, tokens: Sequence[Token], index: int, *_: object) -> str:
    code = escape(tokens[index].content.removesuffix("\n"), quote=False)
    return f'<pre tabindex="0"><code>{code}</code></pre>\n'


def _linked(name: str, named: Callable[[str], Note | None]) -> str:
    """Return a name in italics as a link to its note; empty if no note is called so."""
    note = named(name)
    return link(note.id, name) if note else ""


def answered(answer: Answer, notes: Notes, status: str = "") -> str:
    """Return an answer: its text, the HTML of its status, its notice, and its sources."""
    if answer.abstained:
        # An abstention names the nearest notes in italics.
        body = f'<div class="abstained">{paragraphs(answer.text, (), notes.named)}</div>'
    else:
        body = paragraphs(answer.text, answer.citations)
    if answer.notice:
        body += f'<p class="notice">{escape(answer.notice)}</p>'
    if answer.query.casefold() not in ("", " ".join(answer.question.split()).casefold()):
        body += f'<p class="place" dir="auto">Searched for: {escape(answer.query)}</p>'
    return (
        f'<div class="text" data-markdown="{escape(markdown(answer))}">{body}</div>'
        + status
        + _actions(answer)
        + cards(answer, notes)
        + more(answer.more)
        + _asks(answer.followups, "Ask next")
    )


def markdown(answer: Answer) -> str:
    """Return an answer as Markdown, its citations as footnotes that link to the notes."""
    text = _MARK.sub(lambda found: f"[^{found[2]}]" if found[2] else found[0], answer.text)
    footnotes = "\n".join(map(_footnote, answer.citations))
    return f"{text}\n\n{footnotes}".strip()


def _footnote(citation: Citation) -> str:
    heading = heading_of(citation)
    place = citation.note.removesuffix(".md")
    if heading and not _LINK_MARKUP.search(heading):
        place += f"#{heading}"
    shown = " › ".join(filter(None, (citation.title, heading)))
    shown = _LINK_MARKUP.sub(" ", shown)
    link_text = f"{place}|{shown}" if shown != place else place
    quotation = " ".join(readable(citation.quote).split())
    return f"[^{citation.number}]: [[{link_text}]]: “{quotation}”"


def failed(message: str) -> str:
    """Return an error message in place of an answer."""
    return f'<p class="notice" role="alert">{escape(message)}</p>'


def unanswered(message: str) -> str:
    """Return why a question was not answered, with a button to ask it again."""
    return failed(message) + _buttons({"edit": _EDIT})


def stopped() -> str:
    """Return the message for an answer that was stopped before it began."""
    return STOPPED + _buttons({"edit": _EDIT})


def _asks(questions: Sequence[str], name: str) -> str:
    buttons = "".join(
        f'<button type="button" class="chip ask" dir="auto">{escape(question)}</button>'
        for question in questions
    )
    return f'<div class="followups" aria-label="{name}" role="group">{buttons}</div>' * bool(
        buttons
    )


def _actions(answer: Answer) -> str:
    """Return the buttons below an answer, with the notes that its graph view starts from."""
    around = dict.fromkeys(citation.note for citation in answer.citations)
    around |= dict.fromkeys(
        relation.source
        for note, path in paths(answer.hits).items()
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


def cards(answer: Answer, notes: Notes) -> str:
    """Return the notes cited, in the order of their first quote.

    A quote that the answer repeats, or that another source shows, is not shown again.
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
    """Return a quote without Markdown; unchanged if nothing would be left."""
    return plain(quote) or quote


def paths(hits: Iterable[Hit]) -> dict[NoteId, tuple[Relation, ...]]:
    """Return the path to each note that the graph retriever found."""
    ways: dict[NoteId, tuple[Relation, ...]] = {}
    for hit in hits:
        for evidence in hit.evidence:
            if evidence.retriever == "graph" and evidence.path:
                ways.setdefault(hit.passage.note, evidence.path)
    return ways


def heading_of(citation: Citation) -> str:
    """Return the innermost heading above a quote, below the note's title; empty for none."""
    below = _headings(citation)
    return below[-1] if below else ""


def _headings(citation: Citation) -> tuple[str, ...]:
    return citation.headings[citation.headings[:1] == (citation.title,) :]


def _plain(text: str) -> str:
    """Return a text without Markdown and numbers, to compare quotes with sentences."""
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
    steps = " ".join(
        f"{_name(note, notes)} <span class='step'>{escape(arrow.format(predicate))}</span>"
        if arrow
        else f"<span>{escape(_title(note, notes))}</span>"
        for note, predicate, arrow in way(path, end)
    )
    reason = path[-1].annotation
    why = f'<p class="why" dir="auto">{escape(reason)}</p>' if reason else ""
    return f'<p class="path">{steps}</p>{why}'


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
