"""The panels at the side of the page: the settings of a visitor, and the index.

The settings are stored in the browser, and read within bounds. The index panel shows its state, the
rebuild button, and the problems of the notes.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from ragbot.apps.serialize import Notes, counted
from ragbot.apps.serving import Cancelled, IndexRefresher
from ragbot.apps.web.http import MOST_HOPS, MOST_SOURCES
from ragbot.apps.web.note_view import inert, link
from ragbot.bot import SOURCES
from ragbot.errors import RagbotError
from ragbot.models import Filters, Problem, Progress, Status
from ragbot.retrieval.retriever import HOPS

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

NONE = "none"
"""Value of the field for no language model."""

_NO_MODEL = ("None: quote the notes", NONE)
_MOST_PROBLEMS = 200
_POLL = 1.0
"""Seconds between two updates of the progress of work on the index."""
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of a visitor."""

    use_llm: bool
    model: str
    sources: int
    hops: int
    filters: Filters


def settings_panel(bot: Ragbot, page: gr.Blocks) -> Sequence[gr.components.Component]:
    """Build the fields inside the page; `read_settings` takes their values in order."""
    with gr.Accordion("Settings", open=False):
        model = gr.Dropdown(
            _configured(bot),
            value=bot.config.llm or NONE,
            label="Language model",
            info="Writes from the quotes. Sentences that they do not carry are left out.",
        )
        sources = gr.Slider(1, MOST_SOURCES, SOURCES, step=1, label="Passages to answer from")
        hops = gr.Slider(
            0, MOST_HOPS, HOPS, step=1, label="Links to follow from a note that was found"
        )
        folder = gr.Dropdown(_folders(bot), multiselect=True, label="Only these folders")
        tag = gr.Dropdown(_tags(bot), multiselect=True, label="Only these tags")
    chosen = [model, sources, hops, folder, tag]
    known = gr.JSON(visible="hidden")

    def offered() -> tuple[gr.Dropdown, gr.Dropdown, gr.Dropdown, list[object]]:
        """Return the models, folders and tags that exist now, and the bounds of the fields."""
        models, folders, tags = _models(bot), _folders(bot), _tags(bot)
        specs = [spec for _, spec in models]
        bounds = [specs, [1, MOST_SOURCES], [0, MOST_HOPS], folders, tags]
        return (
            gr.Dropdown(choices=models, visible=len(models) > 1),
            gr.Dropdown(choices=folders),
            gr.Dropdown(choices=tags),
            bounds,
        )

    # Only the browser stores what was chosen. An answer of the server could come after the next
    # change and undo it, and a visitor who leaves before the answer would lose the change.
    page.load(offered, None, [model, folder, tag, known], **_PRIVATE).then(
        None,
        [*chosen, known],
        chosen,
        js="(...now) => window.ragbot.settings(now.slice(0, -1), now.at(-1))",
        **_PRIVATE,
    )
    changes = [model.input, sources.input, hops.input, folder.input, tag.input]
    gr.on(changes, None, chosen, None, js="(...now) => window.ragbot.keepSettings(now)", **_PRIVATE)
    return chosen


def read_settings(
    model: object = NONE,
    sources: object = SOURCES,
    hops: object = HOPS,
    folders: object = (),
    tags: object = (),
) -> Settings:
    """Return the settings that a browser sent, within their bounds."""
    return Settings(
        model != NONE,
        model if isinstance(model, str) and model != NONE else "",
        _int(sources, 1, MOST_SOURCES, SOURCES),
        _int(hops, 0, MOST_HOPS, HOPS),
        Filters(_texts(folders), _texts(tags)),
    )


def _configured(bot: Ragbot) -> list[tuple[str, str]]:
    """Return the choices that are always there: no model, and the configured one if any."""
    spec = bot.config.llm
    return [_NO_MODEL, (spec, spec)] if spec else [_NO_MODEL]


def _models(bot: Ragbot) -> list[tuple[str, str]]:
    """Return the choices, with the models that servers on this machine offer."""
    found = [(f"{each.spec} ({each.server})", each.spec) for each in bot.models()]
    return [*_configured(bot), *(each for each in found if each[1] != bot.config.llm)]


def _folders(bot: Ragbot) -> list[str]:
    return sorted({above for note in bot.notes() for above in _above(note.id)})


def _tags(bot: Ragbot) -> list[str]:
    tags = {tag for note in bot.notes() for tag in note.tags}
    return sorted(tags | {above for tag in tags for above in _above(tag)})


def _above(name: str) -> Iterator[str]:
    """Yield the folders that a note lies in, or the tags that a nested tag belongs to."""
    while "/" in name:
        name = name.rsplit("/", 1)[0]
        yield name


def _int(found: object, least: int, most: int, usual: int) -> int:
    return min(max(int(found), least), most) if isinstance(found, int | float) else usual


def _texts(found: object) -> tuple[str, ...]:
    return tuple(str(text) for text in found) if isinstance(found, list | tuple) else ()


def index_panel(
    refresher: IndexRefresher, top: gr.HTML, page: gr.Blocks
) -> tuple[Callable[..., Any], list[gr.components.Component]]:
    """Build the panel inside the page that is being built.

    `top` shows the status line at the top of the page. Returns a function that
    reads the current state, and the components that its result is for.
    """
    bot = refresher.bot
    # One for each visitor who rebuilds, so that a visitor cancels only an own rebuild.
    stops: dict[str, threading.Event] = {}
    with gr.Accordion("The index", open=False, elem_id="index") as accordion:
        state = gr.HTML(elem_id="index-state", js_on_load=None)
        message = gr.HTML(elem_id="index-message", js_on_load=None)
        with gr.Row():
            rebuild = gr.Button("Rebuild", size="sm")
            cancel = gr.Button("Cancel", size="sm", variant="stop", visible=False)
            check = gr.Button("Check the links", size="sm")
        found = gr.HTML(elem_id="problems", js_on_load=None)
    timer = gr.Timer(_POLL, active=False)

    def read_state(request: gr.Request) -> tuple[str, str, gr.Timer]:
        """Read the state of the index; keep the timer running while work is in progress."""
        busy = refresher.step is not None or str(request.session_hash) in stops
        return *_states(refresher), gr.Timer(active=busy)

    def begin(request: gr.Request) -> tuple[gr.Button, gr.Button, str, gr.Timer]:
        stops[str(request.session_hash)] = threading.Event()
        return (
            gr.Button(interactive=False),
            gr.Button(visible=True),
            "",
            gr.Timer(active=True),
        )

    def build(request: gr.Request) -> tuple[gr.Button, gr.Button, str]:
        session = str(request.session_hash)
        try:
            refresher.refresh(rebuild=True, stop=stops[session])
            done = notice("The index was rebuilt.")
        except Cancelled:
            done = notice("Cancelled: the index is as it was last saved.")
        except RagbotError as error:
            done = notice(str(error), "alert")
        finally:
            stops.pop(session, None)
        return gr.Button(interactive=True), gr.Button(visible=False), done

    def cancel_build(request: gr.Request) -> str:
        if stop := stops.get(str(request.session_hash)):
            stop.set()
            return notice("Cancelling…")
        return ""

    seen = [top, state, timer]
    page.load(read_state, None, seen, **_PRIVATE)
    timer.tick(read_state, None, seen, queue=False, **_PRIVATE)
    accordion.expand(read_state, None, seen, **_PRIVATE)
    rebuild.click(begin, None, [rebuild, cancel, message, timer], queue=False, **_PRIVATE).then(
        build, None, [rebuild, cancel, message], concurrency_limit=4, **_PRIVATE
    ).then(read_state, None, seen, **_PRIVATE)
    cancel.click(cancel_build, None, message, queue=False, **_PRIVATE)
    check.click(lambda: problems_html(bot.problems(), Notes(bot)), None, found, **_PRIVATE)
    return read_state, seen


def _states(refresher: IndexRefresher) -> tuple[str, str]:
    """Return the state for the top of the page, empty after an error, and that for the panel."""
    bot = refresher.bot
    try:
        status, step = bot.status(), refresher.step
    except RagbotError as error:
        return "", notice(str(error), "alert")
    line = brief(status, bot.config.notes.resolve().name, step)
    return inert(f"<p>{line}</p>"), inert(state_html(status, step))


def notice(message: str, role: str = "status") -> str:
    """Return a message about an action that is done."""
    return inert(f'<p class="notice" role="{role}">{escape(message)}</p>')


def brief(status: Status, name: str, step: Progress | None = None) -> str:
    """Return the state of the index of a vault in a few words."""
    if step is not None:
        now = escape(str(step))
    elif status.notes < status.listed:
        # Another process reads them.
        now = f"reading {status.notes:,} of {status.listed:,} notes"
    elif status.behind:
        now = f"{counted(status.behind, 'note')} changed since"
    elif status.embedded < status.passages:
        now = "found by words and links only"
    elif status.notice:
        now = "with a notice: see The index"
    else:
        now = "up to date"
    size = f"{counted(status.notes, 'note')}, {counted(status.relations, 'link')}"
    return f"<strong>{escape(name)}</strong> {size}, {now}"


def state_html(status: Status, step: Progress | None = None) -> str:
    """Return the state of the index in a paragraph, with a bar while work is under way."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.indexed_at))
    behind = f"{counted(status.behind, 'note')} changed since" if status.behind else "up to date"
    text = (
        f"<p>{counted(status.notes, 'note')}, {counted(status.passages, 'passage')}, "
        f"{counted(status.relations, 'link')}, {counted(status.ghosts, 'note')} wanted but not "
        f"written. Indexed {when}; {behind}. {escape(status.notice)}</p>"
    )
    if step is None:
        return text
    value = f' value="{step.done}" max="{step.total}"' if step.total else ""
    shown = escape(str(step).capitalize())
    return f'{text}<label class="bar">{shown}<progress{value}></progress></label>'


def problems_html(found: Sequence[Problem], notes: Notes) -> str:
    """Return the problems found, each with a link that opens the note at the line."""
    if not found:
        return "<p>The link checker finds nothing to fix.</p>"
    rows = ""
    for problem in found[:_MOST_PROBLEMS]:
        fix = f'<span class="fix">{escape(problem.fix)}</span>' if problem.fix else ""
        rows += f'<li dir="auto">{_place(problem, notes)} {escape(problem.message)}{fix}</li>'
    more = len(found) - _MOST_PROBLEMS
    rest = f"<p>And {more:,} more: ragbot check lists all.</p>" if more > 0 else ""
    return inert(
        f"<p>{counted(len(found), 'problem')}. Click a place to open the note there.</p>"
        f'<ul class="problems" tabindex="0" aria-label="Problems">{rows}</ul>{rest}'
    )


def _place(problem: Problem, notes: Notes) -> str:
    """Return a link to the line of a problem."""
    shown = f"{problem.note}:{problem.line}"
    note = notes.get(problem.note)
    ends = [*re.finditer(r"\r\n|\r|\n|$", note.text if note else "")]
    if not 1 <= problem.line <= len(ends):
        return link(problem.note, shown)
    start = ends[problem.line - 2].end() if problem.line > 1 else 0
    return link(problem.note, shown, span=(start, ends[problem.line - 1].start()))
