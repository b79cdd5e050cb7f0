"""Serve the chat: the page, the routes for programs and MCP, from one port and one open index."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragbot import __version__
from ragbot.apps.serving import IndexRefresher, address_of, is_loopback, listen, running, wait_for
from ragbot.bot import Ragbot
from ragbot.config import Config
from ragbot.errors import RagbotError, ServeError
from ragbot.notes import vault

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

    from ragbot.apps.web.access import RateLimit

STATIC = Path(__file__).parent / "static"

ARENAS = 2
"""Regions that threads allocate memory from."""

_M_ARENA_MAX = -8  # of malloc.h


@dataclass(frozen=True, slots=True)
class Door:
    """The address of the chat, and who may use it.

    Unless `host` is this machine's own, `auth` (`name:password` of visitors) or `no_auth` (anyone
    who can reach the address may read the notes) must be given. Port 0 is any that is free.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    auth: str | None = None
    no_auth: bool = False


def serve(
    config: Config,
    door: Door,
    *,
    watch: bool = True,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the chat until it is interrupted; with `watch`, the index follows edits of the notes.

    `on_ready` is called with the address once the page can be opened.

    Raises
    ------
    ServeError
        If the port is taken, or the notes would be open to others without consent.
    VaultError, StorageError
        If the notes or the index cannot be used.
    """
    _limit_arenas()
    login = _login(door)
    vault.scan(config.notes)
    with listen(door.host, door.port) as listener, Ragbot.open(config=config, refresh=False) as bot:
        refresher = IndexRefresher(bot)
        with refresher.running(watch=watch):
            refresher.begun.wait()
            with bot.snapshot():
                pass  # Report an unusable index before the page opens.
            with running(application(refresher, door.host, login), listener) as thread:
                on_ready(address_of(listener))
                wait_for(thread)


def application(
    refresher: IndexRefresher,
    host: str = "127.0.0.1",
    login: tuple[str, str] | None = None,
    limit: RateLimit | None = None,
) -> FastAPI:
    """Return the whole server as an ASGI application, over the bot of the refresher.

    If `host` is an address of this machine alone, requests for other hosts are refused. `login` is
    the name and password that a visitor must give, if any.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    from ragbot.apps.mcp import NotesServer, http_routes
    from ragbot.apps.web import http, openai_api
    from ragbot.apps.web.access import AccessControl, RateLimit, SecurityHeaders

    limit = limit or RateLimit()
    mcp_server = NotesServer(refresher.bot)
    # The route also makes the session manager, which the server's lifespan runs.
    mcp_routes = http_routes(mcp_server)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with mcp_server.session_manager.run():
            yield

    def logged_in(cookies: Mapping[str, str]) -> bool:
        # The names and tokens are Gradio's, which serves the login form.
        gradio = app.state.page
        names = (f"access-token-{gradio.cookie_id}", f"access-token-unsecure-{gradio.cookie_id}")
        return any(cookies.get(name) in gradio.tokens for name in names)

    app = FastAPI(
        title="ragbot",
        version=__version__,
        description="Ask a folder of Markdown notes; every statement cites its source.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders, script=_static("ragbot.js")),
            Middleware(
                AccessControl,
                limit=limit,
                login=login,
                local=is_loopback(host),
                logged_in=logged_in,
            ),
            # Without it Gradio lets pages of other sites read what a visitor may read.
            Middleware(CORSMiddleware, allow_origins=()),
        ],
        exception_handlers=dict.fromkeys(
            (RagbotError, RequestValidationError, HTTPException, Exception), http.refuse
        ),
    )
    app.include_router(http.routes(refresher))
    app.include_router(openai_api.routes(refresher.bot))
    app.router.routes.extend(mcp_routes)
    _add_page(app, refresher, limit, login)
    return app


def _add_page(
    app: FastAPI, refresher: IndexRefresher, limit: RateLimit, login: tuple[str, str] | None
) -> None:
    """Serve the page, a Gradio application, at every path that no route has."""
    import gradio as gr
    from starlette.exceptions import HTTPException
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    from ragbot.apps.web import page

    style = _static("ragbot.css")
    app.mount("/ragbot", StaticFiles(directory=STATIC))
    gr.mount_gradio_app(
        app,
        page.build(refresher, limit),
        path="/",
        auth=login,
        # Twice: `css` overrides Gradio's styles, but Gradio drops its rules for narrow windows.
        css=style,
        head=f"<style>{style}</style><script>{_static('ragbot.js')}</script>",
        theme=gr.themes.Base(
            primary_hue="teal",
            neutral_hue="stone",
            # Gradio's usual fonts come from another host.
            font=("system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif"),
            font_mono=("ui-monospace", "DejaVu Sans Mono", "monospace"),
        ),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
    )
    # Mounted, the page would also answer a route's path with a wrong method.
    mounted = app.router.routes.pop()
    assert isinstance(mounted, Mount)
    app.state.page = mounted.app

    async def page_or_refusal(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(("/api/", "/v1/")):
            raise HTTPException(404, f"There is no {scope['path']}; /api/docs lists the routes.")
        await app.state.page(scope, receive, send)

    app.router.default = page_or_refusal


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _limit_arenas() -> None:
    """Limit the arenas of glibc that threads allocate from to `ARENAS`.

    An arena returns no memory. With one for nearly every thread, twenty people at once take
    260 MB more.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, ARENAS)


def _login(door: Door) -> tuple[str, str] | None:
    if door.auth:
        name, _, password = door.auth.partition(":")
        if not name or not password:
            raise ServeError(f"--auth is {door.auth!r}; expected NAME:PASSWORD.")
        return name, password
    if not door.no_auth and not is_loopback(door.host):
        raise ServeError(
            f"--host {door.host} lets others on the network read your notes. "
            f"Add --auth NAME:PASSWORD, or --no-auth if everybody there may read them."
        )
    return None
