"""Serve the chat: the page, the routes for programs and MCP, from one port and one open index."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbot import __version__
from ragbot.apps.web.index_refresher import IndexRefresher
from ragbot.bot import Ragbot
from ragbot.config import Config
from ragbot.errors import ClosedError, RagbotError, ServeError
from ragbot.notes import vault
from ragbot.notes.watcher import Watcher

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.middleware import Middleware

    from ragbot.apps.web.access import AccessRules, RateLimit

STATIC = Path(__file__).parent / "static"

ARENAS = 2
"""Regions that threads allocate memory from."""

_M_ARENA_MAX = -8  # of malloc.h

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """The address of the chat, and who may use it.

    Attributes
    ----------
    host
        Address to listen at. Unless it is this machine's own, `auth` or `no_auth` must be given.
    port
        Port to listen at, 1 to 65535.
    auth
        `name:password` that a visitor must give.
    no_auth
        Whether anyone who can reach the address may read the notes.
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
    """Serve the chat until it is interrupted.

    Parameters
    ----------
    config
        The settings.
    door
        Where to listen, and the login.
    watch
        Whether the index follows edits of the notes.
    on_ready
        Called with the address once the page can be opened.

    Raises
    ------
    ServeError
        If the port is taken, or the notes would be open to others without consent.
    VaultError, StorageError
        If the notes or the index cannot be used.
    """
    _limit_arenas()
    host, port = door.host, door.port
    login = _login(host, door.auth, door.no_auth)
    _check_port(host, port)
    vault.scan(config.notes)
    with Ragbot.open(config=config, refresh=False) as bot:
        refresher = IndexRefresher(bot)
        threading.Thread(target=_refresh, args=(refresher,), daemon=True).start()
        refresher.begun.wait()
        with bot.snapshot():
            pass  # An index that cannot be used is reported before the page opens.
        watcher = Watcher(config.notes, refresher.refresh) if watch else nullcontext()
        with watcher, running(refresher, host=host, port=port, login=login) as server:
            on_ready(server.address)
            server.wait()


class RunningServer:
    """A uvicorn server in a thread."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        import uvicorn

        self.address = f"http://{'[' + host + ']' if ':' in host else host}:{port}"
        self._server = uvicorn.Server(
            uvicorn.Config(app, host, port, log_level="warning", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._run, name="ragbot-web", daemon=True)

    def start(self) -> None:
        """Start the server, and return once it answers.

        Raises
        ------
        ServeError
            If it could not start.
        """
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            if not self._thread.is_alive():
                raise ServeError(
                    f"The chat did not start at {self.address}: the port was taken meanwhile. "
                    f"Try again, or choose another port with --port."
                )

    def wait(self) -> None:
        """Wait until the server ends or a KeyboardInterrupt is raised."""
        while self._thread.is_alive():
            self._thread.join(1)

    def stop(self) -> None:
        """Stop the server: open streams have a second to end."""
        self._server.should_exit = True
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:
            # uvicorn's way to say that it could not listen; it has logged the reason.
            return


@contextmanager
def running(
    refresher: IndexRefresher,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    login: tuple[str, str] | None = None,
    limit: RateLimit | None = None,
) -> Iterator[RunningServer]:
    """Serve an open bot until the context ends."""
    server = RunningServer(application(refresher, host, login, limit), host, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def application(
    refresher: IndexRefresher,
    host: str = "127.0.0.1",
    login: tuple[str, str] | None = None,
    limit: RateLimit | None = None,
) -> FastAPI:
    """Return the whole server as an ASGI application.

    Parameters
    ----------
    refresher
        Refreshes the index of the open bot.
    host
        Address that it will listen at: for this machine's own, others are refused as host names.
    login
        Name and password that a visitor must give, if any.
    limit
        Counts the questions of each visitor.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    from ragbot.apps.mcp import NotesServer, http_routes
    from ragbot.apps.web import http, openai_api
    from ragbot.apps.web.access import AccessRules, RateLimit, is_loopback

    limit = limit or RateLimit()
    mcp_server = NotesServer(lambda: refresher.bot)
    # The route also makes the session manager, which the server's lifespan runs.
    mcp_routes = http_routes(mcp_server)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with mcp_server.session_manager.run():
            yield

    def logged_in(cookies: Mapping[str, str]) -> bool:
        # The names and tokens are Gradio's, which serves the login form.
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
        middleware=_middleware(AccessRules(limit, login, is_loopback(host), logged_in)),
        exception_handlers={
            RagbotError: http.refuse,
            RequestValidationError: http.refuse_fields,
            HTTPException: http.refuse_status,
            Exception: http.fail,
        },
    )
    app.include_router(http.routes(refresher))
    app.include_router(openai_api.routes(refresher.bot))
    for rest in ("/api/{rest:path}", "/v1/{rest:path}"):
        app.add_route(rest, http.refuse_route, list(http.METHODS), include_in_schema=False)
    app.router.routes.extend(mcp_routes)
    gradio = _mount_page(app, refresher, limit, login)
    return app


def _middleware(rules: AccessRules) -> list[Middleware]:
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    from ragbot.apps.web.access import AccessControl
    from ragbot.apps.web.security_headers import SecurityHeaders

    return [
        Middleware(SecurityHeaders, script=_static("ragbot.js")),
        Middleware(AccessControl, rules=rules),
        # Without it Gradio lets pages of other sites read what a visitor may read.
        Middleware(CORSMiddleware, allow_origins=()),
    ]


def _mount_page(
    app: FastAPI, refresher: IndexRefresher, limit: RateLimit, login: tuple[str, str] | None
) -> Any:
    """Mount the page at the root of the server, and return Gradio's application."""
    import gradio as gr
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    from ragbot.apps.web import page
    from ragbot.apps.web.theme import theme

    style = _static("ragbot.css")
    app.mount("/ragbot", StaticFiles(directory=STATIC))
    gr.mount_gradio_app(
        app,
        page.build(refresher, limit),
        path="/",
        auth=login,
        # Twice: as `css` it prevails over Gradio's own, but loses its rules for narrow windows.
        css=style,
        head=f"<style>{style}</style><script>{_static('ragbot.js')}</script>",
        theme=theme(),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
    )
    mounted = app.router.routes[-1]
    assert isinstance(mounted, Mount)
    return mounted.app


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _limit_arenas() -> None:
    """Let all threads allocate from a few arenas of glibc.

    An arena keeps the most that it ever needed. With one for nearly every thread, twenty people
    at once take 260 MB more.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, ARENAS)


def _refresh(refresher: IndexRefresher) -> None:
    """Read and embed new notes, while the page already answers from words."""
    try:
        refresher.refresh()
    except ClosedError:
        return
    except RagbotError as error:
        # The page still answers by words and links; the log has the reason.
        _log.warning("%s", error)


def _login(host: str, auth: str | None, no_auth: bool) -> tuple[str, str] | None:
    from ragbot.apps.web.access import is_loopback

    if auth:
        name, _, password = auth.partition(":")
        if not name or not password:
            raise ServeError(f"--auth is {auth!r}; expected NAME:PASSWORD.")
        return name, password
    if not no_auth and not is_loopback(host):
        raise ServeError(
            f"--host {host} lets others on the network read your notes. "
            f"Give --auth NAME:PASSWORD, or --no-auth if that is meant."
        )
    return None


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
