"""The settings of a visitor: fields of the page, stored in the browser, read within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from ragbot.apps.web.http import MOST_HOPS, MOST_SOURCES
from ragbot.bot import SOURCES
from ragbot.models import Filters
from ragbot.retrieval.retriever import HOPS

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

NONE = "none"
"""Value of the field for no language model."""

_NO_MODEL = ("None: quote the notes", NONE)
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of a visitor."""

    use_llm: bool
    model: str
    sources: int
    hops: int
    filters: Filters


def panel(bot: Ragbot, page: gr.Blocks) -> Sequence[gr.components.Component]:
    """Build the fields inside the page that is being built; `read` takes their values in order."""
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


def read(
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
