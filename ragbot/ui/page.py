"""The page: a question box, the conversation above it, events between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from ragbot.errors import RagbotError
from ragbot.schema import Answer, Turn
from ragbot.ui import api, desk, keeping, render, settings
from ragbot.ui.keeper import Keeper
from ragbot.ui.limits import Limit
from ragbot.ui.reading import inert

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

SETTLED = 0.3
"""Seconds from the end of an answer until the last of its pieces has come to the page."""

AT_ONCE = 8
"""Questions answered at one time; further ones wait for their turn."""

_STARTERS = 6
_MOST_TURNS = 50
_READY: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}
_BUSY: dict[str, Any] = {"submit_btn": False, "stop_btn": "Stop"}
_BUTTONS = (
    '<div class="doors"><button type="button" id="whole-garden">Garden</button>'
    '<button type="button" id="new-talk">New chat</button></div>'
)
_TALKS = '<h2 class="side-title">Conversations</h2><ul id="conversations"></ul>'
_START = "window.ragbot.start(element, server, trigger); /* fires 'restore' */"


@dataclass(frozen=True, slots=True)
class Said:
    """One exchange of a visitor: what history needs of it, and how it is shown."""

    turn: Turn
    html: str


def build(keeper: Keeper) -> gr.Blocks:
    """Build the page over an open bot; each visitor has a conversation of their own."""
    limit, bot = Limit(), keeper.bot
    with gr.Blocks(title="ragbot", fill_height=True, analytics_enabled=False) as page:
        talk = gr.State([])
        with gr.Row(elem_id="masthead"):
            gr.HTML("<h1>ragbot</h1>", js_on_load=None, padding=False)
            line = gr.HTML(keeping.line(keeper), elem_id="line", js_on_load=None, padding=False)
            gr.HTML(_BUTTONS, js_on_load=None, padding=False)
        with gr.Sidebar(label="Conversations, settings, index", open=False, elem_id="side"):
            gr.HTML(_TALKS, js_on_load="window.ragbot.list()", padding=False)
            chosen = settings.panel(bot, page)
            look, seen = keeping.panel(keeper, line, page)
        transcript = gr.HTML(
            _beginning(bot),
            elem_id="transcript",
            server_functions=desk.functions(bot),
            js_on_load=_START,
            padding=False,
        )
        box = gr.Textbox(
            label="Your question",
            show_label=False,
            placeholder="Ask the notes…",
            max_lines=4,
            max_length=bot.config.max_question,
            submit_btn="Ask",
            elem_id="question",
            autofocus=True,
        )

        def reply(
            question: str, said: list[Said], request: gr.Request, *chosen: Any
        ) -> Iterator[tuple[Any, Any, Any]]:
            # What stands in the box is never written from here: the browser empties it as the
            # question is sent, and whatever is typed from then on stays.
            try:
                limit.take(api.visitor(request))
                for shown, now in _reply(bot, question, said, settings.taken(*chosen)):
                    # With each piece: Gradio's client makes one of messages that come together.
                    yield shown, now, gr.Textbox(**_BUSY)
                yield gr.skip(), gr.skip(), gr.Textbox(**_READY)
            except RagbotError as error:
                told = render.turn(question, render.unanswered(str(error)))
                yield _shown(said) + inert(told), said, gr.Textbox(**_READY)

        asked = box.submit(
            reply,
            [box, talk, *chosen],
            [transcript, talk, box],
            js="(...given) => window.ragbot.sent(given)",
            api_visibility="private",
            concurrency_limit=AT_ONCE,
            show_progress="hidden",
        )
        asked.then(look, None, seen, api_visibility="private", show_progress="hidden")
        # Pieces that are under way when the answer ends would else stand over what is shown then.
        box.stop(
            lambda: time.sleep(SETTLED),
            cancels=asked,
            api_visibility="private",
            show_progress="hidden",
            queue=False,
        ).then(
            lambda said: (_shown(said) or _beginning(bot), gr.Textbox(**_READY)),
            talk,
            [transcript, box],
            api_visibility="private",
            show_progress="hidden",
            queue=False,
        )

        def restored(kept: object) -> tuple[str, list[Said]]:
            said = _restored(kept)
            return _shown(said) or _beginning(bot), said

        def chosen_again(event: gr.EventData) -> tuple[str, list[Said], gr.Textbox]:
            return *restored(event._data), gr.Textbox(**_READY)

        # An answer that still comes ends: it belongs to the conversation that is left.
        transcript.restore(
            chosen_again,
            None,
            [transcript, talk, box],
            cancels=asked,
            api_visibility="private",
            show_progress="hidden",
        )
        page.load(
            restored,
            gr.JSON(visible=False),
            [transcript, talk],
            js="() => window.ragbot.last()",
            api_visibility="private",
            show_progress="hidden",
        ).then(None, js="() => window.ragbot.arrived()", api_visibility="private")
        api.add_endpoints(bot, limit)
    built: gr.Blocks = page
    return built


def _reply(
    bot: Ragbot, question: str, said: list[Said], chosen: settings.Settings
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


def _restored(kept: object) -> list[Said]:
    """Take up a conversation that the visitor's browser kept; it goes back to them alone."""
    turns = kept.get("turns") if isinstance(kept, dict) else None
    return [
        Said(Turn(str(turn.get("question", ""))[:_LONGEST]), inert(str(turn.get("html", ""))))
        for turn in (turns if isinstance(turns, list) else [])[-_MOST_TURNS:]
        if isinstance(turn, dict)
    ]


_LONGEST = 10_000


def _shown(said: list[Said]) -> str:
    return "".join(exchange.html for exchange in said)


def _beginning(bot: Ragbot) -> str:
    return inert(render.beginning(_starters(bot)))


def _starters(bot: Ragbot) -> list[str]:
    """Questions to begin with: the vault's own (`starters` in a note), or its most linked notes."""
    for note in bot.notes():
        told = note.metadata.get("starters")
        if isinstance(told, list) and told:
            return [str(question) for question in told[:_STARTERS]]
    graph = bot.corpus().graph
    linked = sorted(bot.notes(), key=lambda note: -len(graph.edges_in(graph.row(note.id))))
    return [f"What is {note.title}?" for note in linked[:_STARTERS]]
