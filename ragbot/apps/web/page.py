"""The page: a question box, the conversation above it, and the events between them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import gradio as gr

from ragbot.apps.serialize import Notes
from ragbot.apps.serving import IndexRefresher
from ragbot.apps.web import answer_view, browser_calls, panels
from ragbot.apps.web.access import RateLimit
from ragbot.apps.web.note_view import inert
from ragbot.errors import RagbotError
from ragbot.models import Turn

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

T = TypeVar("T")

AT_ONCE = 8
"""Questions answered at one time; further ones wait for their turn."""

_MOST_TURNS = 50
_LONGEST = 10_000
_READY: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}
_BUSY: dict[str, Any] = {"submit_btn": False, "stop_btn": "Stop"}
_TOP_BUTTONS = (
    '<div class="top-buttons"><button type="button" id="show-graph">Graph</button>'
    '<button type="button" id="new-chat">New chat</button></div>'
)
_CONVERSATIONS = '<h2 class="side-title">Conversations</h2><ul id="conversations"></ul>'
_OVER = "() => window.ragbot.over()"
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_START = "window.ragbot.start(element, server, trigger); /* fires 'restore' and 'leave' */"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange of a visitor: the turn for the history, and its HTML."""

    turn: Turn
    html: str


@dataclass(slots=True)
class Stops:
    """The last question that a visitor stopped: the browser numbers them from 1 on.

    A question can be stopped before its turn comes: its answer ends as it begins.
    """

    last: int = 0

    def stop(self, number: int) -> None:
        """Stop the answer to a question, and those to earlier ones."""
        self.last = max(self.last, number)

    def until(self, number: int, pieces: Generator[T, None, None]) -> Generator[T, None, None]:
        """Yield the values of an answer until its question is stopped, and close the answer.

        The same object again is no news: it comes so that a silent model can be stopped.
        """
        last: T | None = None
        with closing(pieces):
            for piece in pieces:
                if number <= self.last:
                    return
                if piece is not last:
                    yield piece
                last = piece


@dataclass(frozen=True, slots=True)
class Chat:
    """The components that an answer changes, and the state of a visitor.

    `exchanges` holds the conversation, `stops` the questions that were stopped.
    """

    transcript: gr.HTML
    box: gr.Textbox
    exchanges: gr.State
    stops: gr.State


def build(refresher: IndexRefresher, limit: RateLimit) -> gr.Blocks:
    """Build the page over an open bot; each visitor has a separate conversation."""
    bot = refresher.bot
    with gr.Blocks(title="ragbot", fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="masthead"):
            gr.HTML("<h1>ragbot</h1>", js_on_load=None, padding=False)
            line = gr.HTML(elem_id="line", js_on_load=None, padding=False)
            gr.HTML(_TOP_BUTTONS, js_on_load=None, padding=False)
        with gr.Sidebar(label="Conversations, settings, index", open=False, elem_id="side"):
            gr.HTML(_CONVERSATIONS, js_on_load="window.ragbot.list()", padding=False)
            chosen = panels.settings_panel(bot, page)
            read_state, seen = panels.index_panel(refresher, line, page)
        chat = _chat(bot)
        answered = _add_asking(chat, bot, limit, chosen)
        answered.then(read_state, None, seen, js=_OVER, **_PRIVATE)
        _add_restoring(chat, bot, page)
    built: gr.Blocks = page
    return built


def _chat(bot: Ragbot) -> Chat:
    transcript = gr.HTML(
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
        submit_btn="Ask",
        elem_id="question",
        autofocus=True,
    )
    return Chat(transcript, box, gr.State([]), gr.State(Stops()))


def _add_asking(
    chat: Chat, bot: Ragbot, limit: RateLimit, chosen: Sequence[gr.components.Component]
) -> gr.events.Dependency:
    """Add the events that answer a question, and that stop its answer."""

    def reply(
        number: object,
        stops: Stops,
        question: str,
        before: list[Exchange],
        request: gr.Request,
        *chosen: Any,
    ) -> Iterator[tuple[Any, Any, Any]]:
        # The browser empties the box when it sends the question. Nothing is written to the box
        # here, so that text typed meanwhile stays.
        now, question = before, browser_calls.text_of(question)
        pieces = _reply(bot, question, before, panels.read_settings(*chosen))
        try:
            limit.take(request.client.host if request.client else "")
            with closing(stops.until(_int(number), pieces)) as news:
                for shown, now in news:
                    # Set the button with every piece, because Gradio's client merges pieces.
                    yield shown, now, gr.Textbox(**_BUSY)
            # Nothing of the answer comes after this, whether it was stopped or not.
            yield _html(now), now, gr.Textbox(**_READY)
        except RagbotError as error:
            failed = answer_view.turn(question, answer_view.unanswered(str(error)))
            yield _html(before) + inert(failed), before, gr.Textbox(**_READY)

    number = gr.JSON(visible=False)
    answered = chat.box.submit(
        reply,
        [number, chat.stops, chat.box, chat.exchanges, *chosen],
        [chat.transcript, chat.exchanges, chat.box],
        js="(...inputs) => window.ragbot.sent(inputs)",
        concurrency_limit=AT_ONCE,
        **_PRIVATE,
    )
    answered.failure(lambda: gr.Textbox(**_READY), None, chat.box, js=_OVER, **_PRIVATE)
    # Not Gradio's `cancels`: a piece already sent would overwrite what is shown next.
    for stopped in (chat.box.stop, chat.transcript.leave):
        stopped(
            lambda number, stops: stops.stop(_int(number)),
            [number, chat.stops],
            None,
            js="(...inputs) => window.ragbot.numbered(inputs)",
            queue=False,
            **_PRIVATE,
        )
    return answered


def _add_restoring(chat: Chat, bot: Ragbot, page: gr.Blocks) -> None:
    """Add the events that show a conversation which the visitor's browser has stored."""

    def restored(stored: object) -> tuple[str, list[Exchange]]:
        exchanges = _exchanges(stored)
        return _html(exchanges) or inert(answer_view.beginning(bot.starters())), exchanges

    kept, shown = gr.JSON(visible=False), [chat.transcript, chat.exchanges]
    # The browser decides as late as possible which one, so the last of several choices counts.
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
    bot: Ragbot, question: str, exchanges: list[Exchange], settings: panels.Settings
) -> Generator[tuple[str, list[Exchange]], None, None]:
    """Yield the conversation as HTML and as exchanges, for each snapshot of the answer."""
    before, notes = _html(exchanges), Notes(bot)

    def shown(body: str, turn: Turn, stopped: str) -> tuple[str, list[Exchange]]:
        # `left` is what stays on the page if the answer is stopped now.
        html = inert(answer_view.turn(question, body))
        left = Exchange(turn, inert(answer_view.turn(question, stopped)))
        return before + html, [*exchanges, left][-_MOST_TURNS:]

    piece = shown(answer_view.WAITING, Turn(question), answer_view.stopped())
    yield piece
    answer = None
    snapshots = bot.stream(
        question,
        [exchange.turn for exchange in exchanges],
        filters=settings.filters,
        use_llm=(settings.model or None) if settings.use_llm else False,
        sources=settings.sources,
        hops=settings.hops,
    )
    for snapshot in snapshots:
        if snapshot is not answer:
            answer = snapshot
            model = settings.use_llm and (settings.model or bot.config.llm)
            writing = answer_view.WRITING if model else ""
            piece = shown(
                answer_view.answered(answer, notes, writing),
                Turn(question, answer),
                answer_view.answered(answer, notes, answer_view.STOPPED),
            )
        yield piece
    if answer is not None:
        body = answer_view.answered(answer, notes)
        yield shown(body, Turn(question, answer), body)


def _int(number: object) -> int:
    """Return the number of a question that a browser sent; 0 if it is not a number."""
    return number if isinstance(number, int) else 0


def _exchanges(stored: object) -> list[Exchange]:
    """Return the conversation that a visitor's browser stored; only that visitor sees it."""
    turns = stored.get("turns") if isinstance(stored, dict) else None
    text_of = browser_calls.text_of
    return [
        Exchange(
            Turn(text_of(turn.get("question", ""))[:_LONGEST]), inert(text_of(turn.get("html", "")))
        )
        for turn in (turns if isinstance(turns, list) else [])[-_MOST_TURNS:]
        if isinstance(turn, dict)
    ]


def _html(exchanges: Sequence[Exchange]) -> str:
    return "".join(exchange.html for exchange in exchanges)
