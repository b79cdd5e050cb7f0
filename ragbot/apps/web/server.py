"""Serve the chat page: who may reach it, on which port, and the index kept up to date."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbot.apps.web.keeper import Keeper
from ragbot.bot import Ragbot
from ragbot.config import Config
from ragbot.errors import ClosedError, RagbotError, ServeError
from ragbot.notes.watcher import Watcher

if TYPE_CHECKING:
    import gradio as gr

STATIC = Path(__file__).parent / "static"

_log = logging.getLogger(__name__)


def serve(
    config: Config,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    auth: str | None = None,
    no_auth: bool = False,
    watch: bool = True,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the chat page until it is interrupted.

    Parameters
    ----------
    config
        The settings.
    host
        Address to listen at. Elsewhere than on this machine, `auth` or `no_auth` must be given.
    port
        Port to listen at, 1 to 65535.
    auth
        `name:password` that a visitor must give.
    no_auth
        Whether anyone who can reach the address may read the notes.
    watch
        Whether edits of the notes are followed.
    on_ready
        Called with the page's address once it can be opened.

    Raises
    ------
    ServeError
        If the port is taken, or the page would be open to others unasked.
    VaultError, StorageError
        If the notes or the index cannot be used.
    """
    login = _login(host, auth, no_auth)
    _check_port(host, port)
    with Ragbot.open(config=config, refresh=False) as bot:
        with bot.snapshot():
            pass  # what cannot be used is said before the page opens
        keeper = Keeper(bot)
        threading.Thread(target=_refresh, args=(keeper,), daemon=True).start()
        following = Watcher(config.notes, keeper.refresh) if watch else nullcontext()
        with following:
            page = launch(bot, host=host, port=port, login=login, keeper=keeper)
            on_ready(f"http://{'[' + host + ']' if ':' in host else host}:{port}")
            page.block_thread()


def launch(
    bot: Ragbot,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    login: tuple[str, str] | None = None,
    keeper: Keeper | None = None,
) -> gr.Blocks:
    """Start the server of the page over an open bot, in threads of its own.

    `keeper` is who refreshes the index; given by a caller who refreshes it too.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from ragbot.apps.web.page import build

    page = build(keeper or Keeper(bot))
    script = (STATIC / "ragbot.js").read_text(encoding="utf-8")
    # Twice: as `css` it prevails over Gradio's own, but loses its rules for narrow windows.
    style = (STATIC / "ragbot.css").read_text(encoding="utf-8")
    served = partial(
        page.launch,
        server_name=host,
        server_port=port,
        auth=login,
        prevent_thread_lock=True,
        css=style,
        head=f"<style>{style}</style><script>{script}</script>",
        theme=_theme(),
        app_kwargs=_app(script),
        footer_links=[],
        show_error=False,
        ssr_mode=False,
        quiet=True,
    )
    try:
        served()
    except OSError as error:
        # Gradio waits five seconds for its server, and then takes the port for taken.
        raise ServeError(
            f"The page did not start at {host}:{port}: the port was taken meanwhile, or the "
            f"machine is too busy. Try again, or choose another: ragbot chat --port {port + 1}"
        ) from error
    return page


def _theme() -> gr.Theme:
    """Make Gradio's theme in the page's colours, with fonts of the reader's machine.

    The colours are those of `ragbot.css`, which knows light and dark.
    """
    import gradio as gr

    sans = ("system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif")
    theme = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        font=sans,
        font_mono=("ui-monospace", "DejaVu Sans Mono", "monospace"),
    )
    either = {
        name + scheme: f"var(--{colour})"
        for name, colour in _COLOURS.items()
        for scheme in ("", "_dark")
    }
    return theme.set(color_accent="var(--leaf)", **either)


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


def _app(script: str) -> dict[str, Any]:
    """Describe what the server adds to Gradio: our files, and headers that fence the page in."""
    from starlette.middleware import Middleware
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    from ragbot.apps.web.http import refuse_call
    from ragbot.apps.web.security_headers import Fence

    return {
        "routes": [Mount("/ragbot", StaticFiles(directory=STATIC))],
        "middleware": [Middleware(Fence, script=script)],
        "exception_handlers": {TypeError: refuse_call},
    }


def _refresh(keeper: Keeper) -> None:
    """Embed what is new, while the page already answers from words."""
    try:
        keeper.refresh()
    except ClosedError:
        return
    except RagbotError as error:
        # The page goes on with words and links; the reason is for whoever started it.
        _log.warning("%s", error)


def _login(host: str, auth: str | None, no_auth: bool) -> tuple[str, str] | None:
    if auth:
        name, _, password = auth.partition(":")
        if not name or not password:
            raise ServeError(f"--auth is {auth!r}; expected NAME:PASSWORD.")
        return name, password
    if not no_auth and not _is_loopback(host):
        raise ServeError(
            f"--host {host} lets others on the network read your notes. "
            f"Give --auth NAME:PASSWORD, or --no-auth if that is meant."
        )
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise ServeError(f"--port is {port}; expected a number from 1 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise ServeError(
                f"Cannot listen at {host}:{port}: {reason}. "
                f"Stop what uses the port, or choose another: ragbot chat --port {port + 1}"
            ) from error
