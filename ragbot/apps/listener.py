"""Listen at an address and serve an application there, for the chat page and for MCP."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragbot.errors import ServeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def listen(host: str, port: int) -> socket.socket:
    """Open a socket at an address; clients that connect from now on wait for the application.

    Parameters
    ----------
    port
        1 to 65535, or 0 for a free one.

    Raises
    ------
    ServeError
        If the port is taken or impossible.
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
