"""The panel that keeps the index current: how it stands, rebuild, what the link doctor finds."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from ragbot.errors import RagbotError
from ragbot.schema import Problem, Progress, Status
from ragbot.ui.reading import inert, link

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

_MOST_PROBLEMS = 200
_STAGES = {
    "read": "Reading notes",
    "embed": "Taking in the meaning",
    "write": "Writing",
    "verify": "Checking",
    "done": "Done",
}


class _Cancelled(Exception):  # noqa: N818  # not an error: a person said stop
    """Ends a rebuild from within its progress report."""


def panel(bot: Ragbot) -> None:
    """Lay the panel out, where the page is being built."""
    # Of each visitor whose rebuild is under way: nobody cancels the rebuild of another.
    stops: dict[str, threading.Event] = {}
    with gr.Accordion("The index", open=False, elem_id="index") as opened:
        standing = gr.HTML(_standing(bot), elem_id="standing", js_on_load=None)
        with gr.Row():
            rebuild = gr.Button("Rebuild", size="sm")
            cancel = gr.Button("Cancel", size="sm", interactive=False)
            look = gr.Button("Check the links", size="sm")
        found = gr.HTML(elem_id="problems", js_on_load=None)

    def build(
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # as Gradio asks
    ) -> str:
        stop = stops[str(request.session_hash)] = threading.Event()

        def report(step: Progress) -> None:
            if stop.is_set():
                raise _Cancelled
            progress((step.done, step.total or None), desc=_STAGES[step.stage], unit=step.unit)

        try:
            bot.refresh(rebuild=True, progress=report)
        except _Cancelled:
            return _standing(bot, "Cancelled: the former index is still in use.")
        except RagbotError as error:
            return _standing(bot, str(error))
        finally:
            stops.pop(str(request.session_hash), None)
        return _standing(bot, "The index was rebuilt.")

    def give_up(request: gr.Request) -> None:
        if stop := stops.get(str(request.session_hash)):
            stop.set()

    opened.expand(lambda: _standing(bot), None, standing, api_visibility="private")
    built = rebuild.click(
        lambda: gr.Button(interactive=True), None, cancel, api_visibility="private", queue=False
    ).then(build, None, standing, api_visibility="private", concurrency_limit=1)
    built.then(
        lambda: gr.Button(interactive=False), None, cancel, api_visibility="private", queue=False
    )
    cancel.click(give_up, None, None, api_visibility="private", queue=False)
    look.click(lambda: _problems(bot.problems()), None, found, api_visibility="private")


def _standing(bot: Ragbot, said: str = "") -> str:
    try:
        return inert(standing(bot.status(), said))
    except RagbotError as error:
        return inert(f'<p class="notice" role="alert">{escape(str(error))}</p>')


def standing(status: Status, said: str = "") -> str:
    """Say in a paragraph how the index stands."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.indexed_at))
    behind = "up to date" if not status.behind else f"{status.behind} notes have changed since"
    told = f'<p class="notice" role="status">{escape(said)}</p>' if said else ""
    return (
        f"<p>{status.notes} notes, {status.chunks} passages, {status.relations} links and "
        f"relations, {status.ghosts} notes wanted but not written. Indexed {when}; {behind}. "
        f"{escape(status.notice)}</p>{told}"
    )


def _problems(problems: list[Problem]) -> str:
    if not problems:
        return "<p>The link doctor finds nothing to mend.</p>"
    rows = "".join(
        f'<li dir="auto">{link(problem.note, f"{problem.note}:{problem.line}")} '
        f"{escape(problem.message)}</li>"
        for problem in problems[:_MOST_PROBLEMS]
    )
    more = len(problems) - _MOST_PROBLEMS
    rest = f"<p>And {more} more: ragbot check lists all.</p>" if more > 0 else ""
    return inert(f'<ul class="problems" tabindex="0" aria-label="Problems">{rows}</ul>{rest}')
