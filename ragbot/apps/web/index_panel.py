"""The panel that keeps the index current: how it stands, rebuild, what the link doctor finds."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import gradio as gr

from ragbot.apps.web.keeper import Cancelled, Keeper
from ragbot.apps.web.note_view import inert, link
from ragbot.errors import RagbotError
from ragbot.models import Note, Problem, Progress, Status

_MOST_PROBLEMS = 200
_LOOK = 1.0
"""Seconds between two looks at how far work on the index is."""
_STAGES = {
    "read": "Reading notes",
    "embed": "Taking in the meaning",
    "write": "Writing",
    "verify": "Checking",
    "done": "Done",
}
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def panel(
    keeper: Keeper, top: gr.HTML, page: gr.Blocks
) -> tuple[Callable[..., Any], list[gr.components.Component]]:
    """Lay the panel out, where the page is being built.

    `top` is where `line` stands, which says in brief how the index stands. Gives a
    function that looks how it stands now, and the parts of the page that its
    result is for.
    """
    bot = keeper.bot
    # Of each visitor whose rebuild is under way: nobody cancels the rebuild of another.
    stops: dict[str, threading.Event] = {}
    with gr.Accordion("The index", open=False, elem_id="index") as opened:
        stands = gr.HTML(elem_id="standing", js_on_load=None)
        said = gr.HTML(elem_id="kept", js_on_load=None)
        with gr.Row():
            rebuild = gr.Button("Rebuild", size="sm")
            cancel = gr.Button("Cancel", size="sm", variant="stop", visible=False)
            check = gr.Button("Check the links", size="sm")
        found = gr.HTML(elem_id="problems", js_on_load=None)
    timer = gr.Timer(_LOOK, active=False)

    def look(request: gr.Request) -> tuple[str, str, gr.Timer]:
        """Tell how the index stands, and go on looking while it is worked on."""
        busy = keeper.step is not None or str(request.session_hash) in stops
        try:
            state = inert(standing(bot.status(), keeper.step))
        except RagbotError as error:
            state = told(str(error), "alert")
        return line(keeper), state, gr.Timer(active=busy)

    def begin(request: gr.Request) -> tuple[gr.Button, gr.Button, str, gr.Timer]:
        stops[str(request.session_hash)] = threading.Event()
        return _button(False), gr.Button(visible=True), "", gr.Timer(active=True)

    def build(request: gr.Request) -> tuple[gr.Button, gr.Button, str]:
        mine = str(request.session_hash)
        try:
            keeper.refresh(rebuild=True, stop=stops[mine])
            message = told("The index was rebuilt.")
        except Cancelled:
            message = told("Cancelled: the former index is still in use.")
        except RagbotError as error:
            message = told(str(error), "alert")
        finally:
            stops.pop(mine, None)
        return _button(True), gr.Button(visible=False), message

    def give_up(request: gr.Request) -> str:
        if stop := stops.get(str(request.session_hash)):
            stop.set()
            return told("Cancelling…")
        return ""

    seen = [top, stands, timer]
    page.load(look, None, seen, **_PRIVATE)
    timer.tick(look, None, seen, queue=False, **_PRIVATE)
    opened.expand(look, None, seen, **_PRIVATE)
    rebuild.click(begin, None, [rebuild, cancel, said, timer], queue=False, **_PRIVATE).then(
        build, None, [rebuild, cancel, said], concurrency_limit=4, **_PRIVATE
    ).then(look, None, seen, **_PRIVATE)
    cancel.click(give_up, None, said, queue=False, **_PRIVATE)
    check.click(lambda: problems(bot.problems(), bot.notes()), None, found, **_PRIVATE)
    return look, seen


def _button(usable: bool) -> gr.Button:
    return gr.Button(interactive=usable)


def told(message: str, role: str = "status") -> str:
    """Say something about what was done."""
    return inert(f'<p class="notice" role="{role}">{escape(message)}</p>')


def line(keeper: Keeper) -> str:
    """Say in a line at the top of the page how the index stands; nothing where that is unknown."""
    bot = keeper.bot
    try:
        told = brief(bot.status(), bot.config.notes.resolve().name, keeper.step)
    except RagbotError:
        return ""
    return inert(f"<p>{told}</p>")


def brief(status: Status, name: str, step: Progress | None = None) -> str:
    """Say in a line how the index of the vault of that name stands."""
    if step is not None:
        now = f"{_STAGES[step.stage].lower()}{_far(step)}"
    elif status.behind:
        now = f"{_count(status.behind, 'note')} changed since"
    elif status.notice:
        now = "found by words and links only"
    else:
        now = "up to date"
    counted = f"{_count(status.notes, 'note')}, {_count(status.relations, 'link')}"
    return f"<strong>{escape(name)}</strong> {counted}, {now}"


def standing(status: Status, step: Progress | None = None) -> str:
    """Say in a paragraph how the index stands, with a bar while it is worked on."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.indexed_at))
    changed = f"{_count(status.behind, 'note')} changed since"
    behind = changed if status.behind else "up to date"
    text = (
        f"<p>{_count(status.notes, 'note')}, {_count(status.passages, 'passage')}, "
        f"{_count(status.relations, 'link')}, {_count(status.ghosts, 'note')} wanted but not "
        f"written. Indexed {when}; {behind}. "
        f"{escape(status.notice)}</p>"
    )
    return text + (_bar(step) if step is not None else "")


def _bar(step: Progress) -> str:
    name = f"{_STAGES[step.stage]}{_far(step)}"
    value = f' value="{step.done}" max="{step.total}"' if step.total else ""
    return f'<label class="bar">{name}<progress{value}></progress></label>'


def _far(step: Progress) -> str:
    return f": {step.done} of {step.total} {escape(step.unit)}" if step.total > 1 else ""


def _count(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"


def problems(found: list[Problem], notes: Iterable[Note]) -> str:
    """List what the link doctor finds, each with a link that opens the note at the line."""
    if not found:
        return "<p>The link doctor finds nothing to mend.</p>"
    texts = {note.id: note.text for note in notes}
    rows = "".join(
        f'<li dir="auto">{_place(problem, texts.get(problem.note, ""))} '
        f"{escape(problem.message)}{_fix(problem)}</li>"
        for problem in found[:_MOST_PROBLEMS]
    )
    more = len(found) - _MOST_PROBLEMS
    rest = f"<p>And {more} more: ragbot check lists all.</p>" if more > 0 else ""
    return inert(
        f"<p>{_count(len(found), 'problem')}. Click a place to open the note there.</p>"
        f'<ul class="problems" tabindex="0" aria-label="Problems">{rows}</ul>{rest}'
    )


def _fix(problem: Problem) -> str:
    return f'<span class="fix">{escape(problem.fix)}</span>' if problem.fix else ""


def _place(problem: Problem, text: str) -> str:
    """Link to the line of a problem, as the note's text is at hand."""
    shown = f"{problem.note}:{problem.line}"
    ends = [*re.finditer(r"\r\n|\r|\n|$", text)]
    if not 1 <= problem.line <= len(ends):
        return link(problem.note, shown)
    start = ends[problem.line - 2].end() if problem.line > 1 else 0
    return link(problem.note, shown, span=(start, ends[problem.line - 1].start()))
