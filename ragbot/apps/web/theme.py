"""Gradio's theme in the colours of `ragbot.css`, which knows light and dark."""

from __future__ import annotations

import gradio as gr

_COLOURS = {
    "body_background_fill": "paper",
    "body_text_color": "ink",
    "body_text_color_subdued": "soft",
    "background_fill_primary": "card",
    "background_fill_secondary": "card",
    "block_background_fill": "card",
    "block_border_color": "line",
    "block_info_text_color": "soft",
    "block_label_text_color": "ink",
    "block_title_text_color": "ink",
    "border_color_primary": "line",
    "button_cancel_background_fill": "paper",
    "button_cancel_text_color": "rust",
    "button_secondary_background_fill": "paper",
    "button_secondary_background_fill_hover": "leaf-pale",
    "button_secondary_text_color": "ink",
    "color_accent_soft": "leaf-pale",
    "input_background_fill": "paper",
    "input_background_fill_focus": "paper",
    "input_border_color": "line",
    "input_border_color_focus": "leaf",
    "input_placeholder_color": "soft",
    "slider_color": "leaf",
}


def theme() -> gr.Theme:
    """Return the theme, with fonts of the reader's machine."""
    base = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        font=("system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif"),
        font_mono=("ui-monospace", "DejaVu Sans Mono", "monospace"),
    )
    colours = {
        name + scheme: f"var(--{colour})"
        for name, colour in _COLOURS.items()
        for scheme in ("", "_dark")
    }
    return base.set(color_accent="var(--leaf)", **colours)
