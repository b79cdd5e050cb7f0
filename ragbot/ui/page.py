"""The page: a question box, the conversation above it, events between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr

from ragbot.errors import RagbotError
from ragbot.schema import Answer, Turn
from ragbot.ui import api, render

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

AT_ONCE = 8
"""Questions answered at one time; further ones wait for their turn."""

_STARTERS = 6

Talk = list[Turn]


def build(bot: Ragbot) -> gr.Blocks:
    """Build the page over an open bot; each visitor has a conversation of their own."""
    with gr.Blocks(title="ragbot", fill_height=True, analytics_enabled=False) as page:
        talk = gr.State([])
        gr.HTML(f'<header class="masthead"><h1>ragbot</h1><p>{_counts(bot)}</p></header>')
        transcript = gr.HTML(elem_id="transcript")
        box = gr.Textbox(
            label="Your question",
            placeholder="Ask the notes…",
            max_lines=4,
            max_length=bot.config.max_question,
            submit_btn="Ask",
            stop_btn="Stop",
            elem_id="question",
            autofocus=True,
        )
        gr.Examples(_starters(bot), inputs=box, label="To begin with")

        def reply(question: str, turns: Talk) -> Iterator[tuple[str, Talk]]:
            yield from _reply(bot, question, turns)

        box.submit(
            reply,
            [box, talk],
            [transcript, talk],
            api_visibility="private",
            concurrency_limit=AT_ONCE,
        ).then(lambda: "", None, box, api_visibility="private")
        api.add_endpoints(bot)
    built: gr.Blocks = page
    return built


def _reply(bot: Ragbot, question: str, turns: Talk) -> Iterator[tuple[str, Talk]]:
    said = ""
    before = _transcript(bot, turns)
    try:
        for piece in bot.stream(question, turns):
            if isinstance(piece, Answer):
                turns = [*turns, Turn(question, piece)]
                yield _transcript(bot, turns), turns
            else:
                said += piece
                yield before + render.turn(question, render.prose(said)), turns
    except RagbotError as error:
        yield before + render.turn(question, render.failed(str(error))), turns


def _transcript(bot: Ragbot, turns: Talk) -> str:
    notes = bot.corpus().notes
    return "".join(
        render.turn(turn.question, render.answered(turn.answer, notes))
        for turn in turns
        if isinstance(turn.answer, Answer)
    )


def _counts(bot: Ragbot) -> str:
    status = bot.status()
    return f"{status.notes} notes, {status.relations} links and relations"


def _starters(bot: Ragbot) -> list[str]:
    """Questions to begin with: the vault's own (`starters` in a note), or its most linked notes."""
    for note in bot.notes():
        told = note.metadata.get("starters")
        if isinstance(told, list) and told:
            return [str(question) for question in told[:_STARTERS]]
    graph = bot.corpus().graph
    linked = sorted(bot.notes(), key=lambda note: -len(graph.edges_in(graph.row(note.id))))
    return [f"What is {note.title}?" for note in linked[:_STARTERS]]
