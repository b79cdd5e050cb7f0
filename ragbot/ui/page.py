"""The page: a question box, the conversation above it, events between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from ragbot.errors import RagbotError
from ragbot.retrieve import HOPS
from ragbot.schema import Answer, Filters, Turn
from ragbot.ui import api, desk, keeping, render
from ragbot.ui.limits import Limit
from ragbot.ui.reading import inert

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

AT_ONCE = 8
"""Questions answered at one time; further ones wait for their turn."""

_STARTERS = 6
_MOST_TURNS = 50
_MOST_SOURCES = 20
_MOST_HOPS = 3
_READY: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}
_START = "window.ragbot.start(element, server, trigger); /* fires 'restore' */"


@dataclass(frozen=True, slots=True)
class Said:
    """One exchange of a visitor: what history needs of it, and how it is shown."""

    turn: Turn
    html: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a visitor chose."""

    use_llm: bool
    sources: int
    hops: int
    filters: Filters


def build(bot: Ragbot) -> gr.Blocks:
    """Build the page over an open bot; each visitor has a conversation of their own."""
    limit = Limit()
    with gr.Blocks(title="ragbot", fill_height=True, analytics_enabled=False) as page:
        talk = gr.State([])
        gr.HTML(
            f'<header class="masthead"><h1>ragbot</h1><p>{_counts(bot)}</p>'
            '<button type="button" id="whole-garden">See the garden</button>'
            '<button type="button" id="new-talk">New conversation</button></header>',
            js_on_load=None,
        )
        begin = inert(render.beginning(_starters(bot)))
        transcript = gr.HTML(
            begin, elem_id="transcript", server_functions=desk.functions(bot), js_on_load=_START
        )
        box = gr.Textbox(
            label="Your question",
            placeholder="Ask the notes…",
            max_lines=4,
            max_length=bot.config.max_question,
            submit_btn="Ask",
            elem_id="question",
            autofocus=True,
        )
        chosen = _settings(bot, page)
        with gr.Accordion("Conversations", open=False):
            gr.HTML('<ul id="conversations"></ul>', js_on_load="window.ragbot.list()")
        keeping.panel(bot)

        def reply(
            question: str, said: list[Said], request: gr.Request, *settings: Any
        ) -> Iterator[tuple[Any, Any, Any]]:
            # The box is emptied first: what is typed while the answer comes stays.
            yield gr.skip(), gr.skip(), gr.Textbox("", submit_btn=False, stop_btn="Stop")
            try:
                limit.take(api.visitor(request))
                for shown, now in _reply(bot, question, said, _chosen(*settings)):
                    yield shown, now, gr.skip()
                yield gr.skip(), gr.skip(), gr.Textbox(**_READY)
            except RagbotError as error:
                told = render.turn(question, render.failed(str(error)))
                yield inert(_shown(said) + told), said, gr.Textbox(question, **_READY)

        asked = box.submit(
            reply,
            [box, talk, *chosen],
            [transcript, talk, box],
            api_visibility="private",
            concurrency_limit=AT_ONCE,
            show_progress="hidden",
        )
        box.stop(
            lambda said: (_shown(said) or begin, gr.Textbox(**_READY)),
            talk,
            [transcript, box],
            cancels=asked,
            api_visibility="private",
            show_progress="hidden",
            queue=False,
        )

        def restored(event: gr.EventData) -> tuple[str, list[Said]]:
            said = _restored(event)
            return _shown(said) or begin, said

        transcript.restore(restored, None, [transcript, talk], api_visibility="private")
        api.add_endpoints(bot, limit)
    built: gr.Blocks = page
    return built


def _reply(
    bot: Ragbot, question: str, said: list[Said], chosen: Settings
) -> Iterator[tuple[str, list[Said]]]:
    before, text = _shown(said), ""

    def so_far(body: str) -> tuple[str, list[Said]]:
        # What is kept meanwhile is what stays when the answer is stopped.
        kept = Said(Turn(question), inert(render.turn(question, render.stopped(text))))
        return before + inert(render.turn(question, body)), [*said, kept]

    yield so_far(render.WAITING)
    pieces = bot.stream(
        question,
        [exchange.turn for exchange in said],
        filters=chosen.filters,
        use_llm=None if chosen.use_llm else False,
        sources=chosen.sources,
        hops=chosen.hops,
    )
    for piece in pieces:
        if isinstance(piece, Answer):
            html = inert(render.turn(question, render.answered(piece, bot.corpus().notes)))
            said = [*said, Said(Turn(question, piece), html)][-_MOST_TURNS:]
            yield before + html, said
        else:
            text += piece
            yield so_far(render.prose(text))


def _restored(event: gr.EventData) -> list[Said]:
    """Take up a conversation that the visitor's browser kept; it goes back to them alone."""
    turns = event._data.get("turns") if isinstance(event._data, dict) else None
    return [
        Said(Turn(str(turn.get("question", ""))[:_LONGEST]), inert(str(turn.get("html", ""))))
        for turn in (turns if isinstance(turns, list) else [])[-_MOST_TURNS:]
        if isinstance(turn, dict)
    ]


_LONGEST = 10_000


def _shown(said: list[Said]) -> str:
    return "".join(exchange.html for exchange in said)


def _settings(bot: Ragbot, page: gr.Blocks) -> Sequence[gr.components.Component]:
    """Lay out the settings, which the browser remembers."""
    notes = bot.notes()
    folders = {note.id.rsplit("/", 1)[0] for note in notes if "/" in note.id}
    tags = {tag for note in notes for tag in note.tags}
    with gr.Accordion("Settings", open=False):
        model = gr.Checkbox(
            True, label="Let the language model write", visible=bool(bot.config.llm)
        )
        sources = gr.Slider(1, _MOST_SOURCES, 12, step=1, label="Passages to answer from")
        hops = gr.Slider(
            0, _MOST_HOPS, HOPS, step=1, label="Links to follow from a note that was found"
        )
        folder = gr.Dropdown(sorted(folders), multiselect=True, label="Only these folders")
        tag = gr.Dropdown(sorted(tags), multiselect=True, label="Only these tags")
    chosen = [model, sources, hops, folder, tag]

    # In the browser alone: an answer of the server could come after the next change, and undo it,
    # and a change whose answer is awaited would be lost when the page is left.
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    known = json.dumps([True, [1, _MOST_SOURCES], [0, _MOST_HOPS], sorted(folders), sorted(tags)])
    page.load(
        None, chosen, chosen, js=f"(...now) => window.ragbot.settings(now, {known})", **private
    )
    changes = [model.input, sources.input, hops.input, folder.input, tag.input]
    gr.on(changes, None, chosen, None, js="(...now) => window.ragbot.keepSettings(now)", **private)
    return chosen


def _chosen(
    use_llm: object = True,
    sources: object = 12,
    hops: object = HOPS,
    folders: object = (),
    tags: object = (),
) -> Settings:
    """Take what a browser sent for the settings, within their bounds."""
    return Settings(
        use_llm is not False,
        _whole(sources, 1, _MOST_SOURCES, 12),
        _whole(hops, 0, _MOST_HOPS, HOPS),
        Filters(_texts(folders), _texts(tags)),
    )


def _whole(found: object, least: int, most: int, usual: int) -> int:
    return min(max(int(found), least), most) if isinstance(found, int | float) else usual


def _texts(found: object) -> tuple[str, ...]:
    return tuple(str(text) for text in found) if isinstance(found, list | tuple) else ()


def _counts(bot: Ragbot) -> str:
    status = bot.status()
    return f"{status.notes} notes, {status.relations} links"


def _starters(bot: Ragbot) -> list[str]:
    """Questions to begin with: the vault's own (`starters` in a note), or its most linked notes."""
    for note in bot.notes():
        told = note.metadata.get("starters")
        if isinstance(told, list) and told:
            return [str(question) for question in told[:_STARTERS]]
    graph = bot.corpus().graph
    linked = sorted(bot.notes(), key=lambda note: -len(graph.edges_in(graph.row(note.id))))
    return [f"What is {note.title}?" for note in linked[:_STARTERS]]
