"""The page: a question box, the conversation above it, events between them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from ragbot.apps.web import answer_view, browser_calls, http, index_panel, settings_panel
from ragbot.apps.web.answer_stream import Visit
from ragbot.apps.web.keeper import Keeper
from ragbot.apps.web.note_view import inert
from ragbot.apps.web.rate_limit import Limit
from ragbot.errors import RagbotError
from ragbot.models import Answer, Turn

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

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
_OVER = "() => window.ragbot.over()"
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_START = "window.ragbot.start(element, server, trigger); /* fires 'restore' and 'leave' */"


@dataclass(frozen=True, slots=True)
class Said:
    """One exchange of a visitor: what history needs of it, and how it is shown."""

    turn: Turn
    html: str


@dataclass(frozen=True, slots=True)
class Chat:
    """The parts of the page that an answer changes, and what the server keeps of a visitor."""

    transcript: gr.HTML
    box: gr.Textbox
    talk: gr.State
    visit: gr.State


def build(keeper: Keeper) -> gr.Blocks:
    """Build the page over an open bot; each visitor has a conversation of their own."""
    limit, bot = Limit(), keeper.bot
    with gr.Blocks(title="ragbot", fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="masthead"):
            gr.HTML("<h1>ragbot</h1>", js_on_load=None, padding=False)
            line = gr.HTML(index_panel.line(keeper), elem_id="line", js_on_load=None, padding=False)
            gr.HTML(_BUTTONS, js_on_load=None, padding=False)
        with gr.Sidebar(label="Conversations, settings, index", open=False, elem_id="side"):
            gr.HTML(_TALKS, js_on_load="window.ragbot.list()", padding=False)
            chosen = settings_panel.panel(bot, page)
            look, seen = index_panel.panel(keeper, line, page)
        chat = _chat(bot)
        asked = _asking(chat, bot, limit, chosen)
        asked.then(look, None, seen, js=_OVER, **_PRIVATE)
        _restoring(chat, bot, page)
        http.add_endpoints(bot, limit)
    built: gr.Blocks = page
    return built


def _chat(bot: Ragbot) -> Chat:
    transcript = gr.HTML(
        _beginning(bot),
        elem_id="transcript",
        server_functions=browser_calls.functions(bot),
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
    return Chat(transcript, box, gr.State([]), gr.State(Visit()))


def _asking(
    chat: Chat, bot: Ragbot, limit: Limit, chosen: Sequence[gr.components.Component]
) -> gr.events.Dependency:
    """Answer what is asked, until the visitor gives it up."""

    def reply(
        number: object,
        visit: Visit,
        question: str,
        said: list[Said],
        request: gr.Request,
        *chosen: Any,
    ) -> Iterator[tuple[Any, Any, Any]]:
        # What stands in the box is never written from here: the browser empties it as the
        # question is sent, and whatever is typed from then on stays.
        now = said
        pieces = _reply(bot, question, said, settings_panel.taken(*chosen))
        try:
            limit.take(http.visitor(request))
            with visit.answer(_whole(number), pieces) as coming:
                for shown, now in coming:
                    # With each piece: Gradio's client makes one of those that come together.
                    yield shown, now, gr.Textbox(**_BUSY)
            # Given up or not: nothing of the answer comes after this.
            yield _shown(now), now, gr.Textbox(**_READY)
        except RagbotError as error:
            told = answer_view.turn(question, answer_view.unanswered(str(error)))
            yield _shown(said) + inert(told), said, gr.Textbox(**_READY)

    number = gr.JSON(visible=False)
    asked = chat.box.submit(
        reply,
        [number, chat.visit, chat.box, chat.talk, *chosen],
        [chat.transcript, chat.talk, chat.box],
        js="(...given) => window.ragbot.sent(given)",
        concurrency_limit=AT_ONCE,
        **_PRIVATE,
    )
    asked.failure(lambda: gr.Textbox(**_READY), None, chat.box, js=_OVER, **_PRIVATE)
    # Not Gradio's `cancels`: pieces that are under way would come after what is shown instead.
    for given_up in (chat.box.stop, chat.transcript.leave):
        given_up(
            lambda number, visit: visit.give_up(_whole(number)),
            [number, chat.visit],
            None,
            js="(...given) => window.ragbot.asked(given)",
            queue=False,
            **_PRIVATE,
        )
    return asked


def _restoring(chat: Chat, bot: Ragbot, page: gr.Blocks) -> None:
    """Show a conversation that the visitor's browser kept, as the page opens and when chosen."""

    def restored(kept: object) -> tuple[str, list[Said]]:
        said = _restored(kept)
        return _shown(said) or _beginning(bot), said

    kept, shown = gr.JSON(visible=False), [chat.transcript, chat.talk]
    # Which one is read in the browser, last: of two that are chosen fast the second counts.
    chat.transcript.restore(
        restored,
        kept,
        shown,
        js="() => window.ragbot.saved()",
        trigger_mode="always_last",
        **_PRIVATE,
    ).then(None, js="() => window.ragbot.restored()", **_PRIVATE)
    page.load(restored, kept, shown, js="() => window.ragbot.last()", **_PRIVATE).then(
        None, js="() => window.ragbot.arrived()", **_PRIVATE
    )


def _reply(
    bot: Ragbot, question: str, said: list[Said], chosen: settings_panel.Settings
) -> Generator[tuple[str, list[Said]], None, None]:
    before, text = _shown(said), ""

    def so_far(body: str) -> tuple[str, list[Said]]:
        # What is kept meanwhile is what stays when the answer is stopped.
        kept = Said(Turn(question), inert(answer_view.turn(question, answer_view.stopped(text))))
        return before + inert(answer_view.turn(question, body)), [*said, kept]

    yield so_far(answer_view.WAITING)
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
            with bot.snapshot() as corpus:
                answered = answer_view.answered(piece, corpus.notes)
            html = inert(answer_view.turn(question, answered))
            said = [*said, Said(Turn(question, piece), html)][-_MOST_TURNS:]
            yield before + html, said
        else:
            text += piece
            yield so_far(answer_view.prose(text))


def _whole(number: object) -> int:
    """Take the number that a browser gave a question; 0 where it is none."""
    return number if isinstance(number, int) else 0


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
    return inert(answer_view.beginning(_starters(bot)))


def _starters(bot: Ragbot) -> list[str]:
    """Questions to begin with: the vault's own (`starters` in a note), or its most linked notes."""
    for note in bot.notes():
        told = note.metadata.get("starters")
        if isinstance(told, list) and told:
            return [str(question) for question in told[:_STARTERS]]
    titles = bot.titles()
    return [f"What is {titles[note]}?" for note in bot.hubs(_STARTERS)]
