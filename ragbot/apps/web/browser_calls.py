"""Functions that the page's script calls: read a note, draw the graph, store an opinion.

Gradio calls them with whatever JSON a browser sent, behind the page's login.
Each checks its argument, and none opens a file by a name that the browser sent: notes
come from the index.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from ragbot.apps.serialize import Notes
from ragbot.apps.web import answer_view, note_view
from ragbot.errors import RagbotError
from ragbot.models import MENTIONS, UNTYPED, NoteId, Span
from ragbot.notes.editor_links import editor_url, template_for

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

FEEDBACK = "feedback.jsonl"
"""File in the index's folder with likes and dislikes, one JSON object a line."""

AROUND = 80
"""Nodes drawn around an answer; the ones with the most links are kept."""

_MOST_CHARACTERS = 4000
_MOST_FEEDBACK = 5_000_000
_MOST_SEEDS = 50
_writing = threading.Lock()


def functions(bot: Ragbot) -> list[Callable[..., Any]]:
    """Return the functions, bound to an open bot."""

    def read_note(sent: object) -> str:
        fields = _fields(sent)
        try:
            note = bot.note(text_of(fields.get("note", "")))
            relations = bot.related(note.id)
        except RagbotError as error:
            return note_view.inert(answer_view.failed(str(error)))
        span = _span(fields.get("start"), fields.get("end"), len(note.text))
        span = span or note_view.span_of(note, text_of(fields.get("place") or ""))
        line = note.line_of(span[0]) if span else 1
        template = template_for(bot.config.note_url, bot.config.notes)
        url = editor_url(template, bot.config.notes, note.id, line) if template else ""
        return note_view.note_html(note, relations, Notes(bot), span, url)

    def draw(sent: object) -> dict[str, Any]:
        seeds = _fields(sent).get("seeds")
        first = seeds[:_MOST_SEEDS] if isinstance(seeds, list) else []
        return drawing(bot, [text_of(seed) for seed in first if isinstance(seed, str)])

    def opinion(sent: object) -> bool:
        fields = _fields(sent)
        record = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "liked": fields.get("liked") is True,
            "question": text_of(fields.get("question", ""))[:_MOST_CHARACTERS],
            "answer": text_of(fields.get("answer", ""))[:_MOST_CHARACTERS],
        }
        path = bot.config.index / FEEDBACK
        with _writing:
            if path.exists() and path.stat().st_size > _MOST_FEEDBACK:
                return False
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        return True

    return [read_note, draw, opinion]


def drawing(bot: Ragbot, seeds: Collection[NoteId] = ()) -> dict[str, Any]:
    """Return the graph, or the part within one step of `seeds`.

    Returns
    -------
    dict
        `nodes` with id, title, ghost, seed and degree; `links` with source,
        target and predicate, one for each pair of nodes and predicate;
        `relations`, the number of relations, without mentions, that the links represent.
    """
    notes = Notes(bot)
    known = [seed for seed in seeds if notes.get(seed)]
    graph = bot.graph(known if seeds else None)
    degree = dict(graph.degree)
    nodes = sorted(graph, key=lambda node: (node not in known, -degree[node], node))
    drawn = graph.subgraph(nodes[:AROUND] if seeds else nodes)
    links: Counter[tuple[str, str, str]] = Counter(drawn.edges.data("predicate"))
    return {
        "nodes": [
            {"id": node, **fields, "seed": node in known, "degree": degree[node]}
            for node, fields in sorted(drawn.nodes.items())
        ],
        "links": [
            {
                "source": source,
                "target": target,
                "predicate": predicate,
                "typed": predicate not in UNTYPED,
            }
            for source, target, predicate in links
        ],
        "relations": sum(count for link, count in links.items() if link[2] != MENTIONS),
    }


def text_of(sent: object) -> str:
    """Return a text that a browser sent, with `?` for each half of a surrogate pair.

    A box that cuts a text at its greatest length may halve an emoji.
    """
    return str(sent).encode("utf-8", "replace").decode()


def _fields(sent: object) -> dict[str, Any]:
    return sent if isinstance(sent, dict) else {}


def _span(start: object, end: object, length: int) -> Span | None:
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        return None
    return start, end
