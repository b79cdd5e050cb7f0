"""What the chat page and the MCP server share: a socket, a thread that serves, a fresh index.

`IndexRefresher` refreshes the index behind a server, one refresh at a time, after each edit.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from ragbot.errors import ClosedError, RagbotError, ServeError
from ragbot.models import Progress
from ragbot.notes.watcher import follow

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from ragbot.bot import Ragbot

_WAIT = 0.1
"""Seconds between two checks whether a waiting rebuild was cancelled."""

_log = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """Open a socket at an address; clients that connect from now on wait for the application.

    `ServeError` says that the port is taken or impossible; port 0 is a free one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServeError(
            f"Cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}. "
            f"Stop the program that uses the port, or choose another with --port (0: a free one)."
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL of an application that is served at a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{'[' + host + ']' if ':' in host else host}:{port}"


@contextmanager
def running(application: ASGIApp, listener: socket.socket) -> Iterator[threading.Thread]:
    """Serve an application in a thread until the context ends; open streams then have a second."""
    import uvicorn

    settings = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(settings)
    thread = threading.Thread(
        target=server.run, args=([listener],), name="ragbot-server", daemon=True
    )
    try:
        thread.start()
        # An interrupt while the server starts would close its socket under it.
        while thread.is_alive() and not server.started:
            thread.join(0.01)
        yield thread
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def wait_for(thread: threading.Thread) -> None:
    """Wait until a thread ends or a KeyboardInterrupt is raised."""
    while thread.is_alive():
        thread.join(1)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Cancelled(Exception):  # noqa: N818  # not an error: a person said stop
    """Raised to end a refresh, in its progress report or while it waits for its turn."""


class IndexRefresher:
    """Refreshes the index for the watcher and for visitors, one refresh at a time.

    Attributes
    ----------
    bot
        The open bot.
    begun
        Set once a refresh has reported or ended: from then on, questions can be answered.
    step
        The last report of the refresh in progress; None while there is none.
    """

    def __init__(self, bot: Ragbot) -> None:
        self.bot = bot
        self.step: Progress | None = None
        self.begun = threading.Event()
        self._turn = threading.Lock()
        self._failure = ""

    @contextmanager
    def running(self, *, watch: bool = True) -> Iterator[None]:
        """Refresh in a thread, with `watch` also after each edit, until the context ends.

        Errors are logged, because search by words and links goes on. The end of the context
        cancels a refresh in progress; the passages embedded so far stay.
        """
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(watch, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)

    def refresh(self, *, rebuild: bool = False, stop: threading.Event | None = None) -> None:
        """Bring the index up to date, or rebuild it, once earlier refreshes are done.

        Raises `Cancelled` once `stop` is set, the former index stays in use then; and the errors of
        `Ragbot.refresh`.
        """
        stop = stop or threading.Event()

        def report(step: Progress) -> None:
            if stop.is_set():
                raise Cancelled
            self.step = step
            if step.stage != "read" or step.done:
                self.begun.set()

        while not self._turn.acquire(timeout=_WAIT):
            if stop.is_set():
                raise Cancelled
        try:
            self.bot.refresh(rebuild=rebuild, progress=report)
        finally:
            self.step = None
            self.begun.set()
            self._turn.release()

    def _run(self, watch: bool, stop: threading.Event) -> None:
        refresh = partial(self.refresh, stop=stop)
        with suppress(Cancelled, ClosedError):
            if watch:
                follow(self.bot.config.notes, refresh, stop=stop, failed=self._failed)
                return
            try:
                refresh()
            except RagbotError as error:
                self._failed(error)

    def _failed(self, error: RagbotError) -> None:
        # The watcher tries again every second, so log the same failure only once.
        if str(error) != self._failure:
            self._failure = str(error)
            _log.warning("%s", error)
