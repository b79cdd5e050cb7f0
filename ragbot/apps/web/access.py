"""Middleware: who may reach the server, and what a browser may do with its pages.

`AccessControl` refuses by default: with a login, every path needs it except those in `PUBLIC` and
`PUBLIC_FOLDERS`. So the login protects a new route too. `SecurityHeaders` adds the security policy,
and closes the routes of Gradio that the page does not use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ragbot.apps.serving import is_loopback
from ragbot.apps.web.http import error_response
from ragbot.errors import RagbotError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROGRAMS = ("/api/", "/v1/", "/mcp")
"""Paths for programs, which send their login in a header and count against the rate limit."""

PUBLIC = ("/login", "/login/", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")
"""Paths that need no login; they contain nothing from notes."""

PUBLIC_FOLDERS = ("/static/", "/assets/", "/svelte/", "/ragbot/")
"""Folders of scripts and styles, which are served before the login."""

MOST_BYTES = 10_000_000
"""Longest body of a request."""

PER_MINUTE = 60
"""Requests that one address may send in a minute, and at once."""

# Gradio's page needs `eval` for its HTML components. No other host is allowed.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval' blob:{scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
# The routes of Gradio that the page uses. The others are closed, because they store files of
# visitors, write sessions to disk, count requests, or call the page's functions from outside.
_GRADIO = "/gradio_api"
_OPEN = re.compile(
    r"/gradio_api/(queue/(join|data)|run/predict|component_server|startup-events"
    r"|heartbeat/[^/]*|cancel|reset)/?"
)
_CLOSED = (_GRADIO, "/monitoring", "/svelte")
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_HTML = (b"content-type", b"text/html")

_MOST_VISITORS = 10_000
_READING = ("GET", "HEAD", "OPTIONS")


class RateLimitError(RagbotError):
    """A visitor sent more requests than the limit allows."""


class RateLimit:
    """A token bucket for each visitor; threads may share it."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str, now: float | None = None) -> None:
        """Count one request of an address; raise `RateLimitError` if its bucket is empty.

        `now` is in seconds, the clock's when None.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            left, then = self._buckets.pop(visitor, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
            self._buckets[visitor] = (max(left - 1, 0.0), now)
            while len(self._buckets) > _MOST_VISITORS:
                self._buckets.popitem(last=False)
        if left < 1:
            raise RateLimitError(
                f"More than {self.per_minute} requests in a minute came from you. "
                f"Wait a moment, and try again."
            )


_FOREIGN_HOST = (
    "This server answers to localhost and 127.0.0.1; the request named {host!r}. "
    "To serve it under another name, start it with --auth NAME:PASSWORD."
)
_NO_LOGIN = (
    "This server asks for a login. Send the name and password that it was started with, "
    "as basic authentication, or as the bearer token NAME:PASSWORD (the API key of a client)."
)


class AccessControl:
    """ASGI middleware that answers the requests that its rules refuse, and passes on the others.

    `login` is a name and password, or None if everybody who reaches the server may read the notes.
    `local` says that it listens to this machine only, and `logged_in` whether cookies are those of
    a visitor who logged in on the page.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: RateLimit,
        login: tuple[str, str] | None,
        local: bool,
        logged_in: Callable[[Mapping[str, str]], bool],
    ) -> None:
        self.app = app
        self.limit = limit
        self.login = login
        self.local = local
        self.logged_in = logged_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request on, or respond with the reason for its refusal."""
        if scope["type"] == "http":
            refusal = self.refusal(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            receive = _bounded(receive)
        elif scope["type"] == "websocket":
            # Refuse every other protocol, because no rule checks it.
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)

    def refusal(self, request: Request) -> Response | None:
        """Return the response to a refused request; None for an accepted one.

        References
        ----------
        W3C, Fetch Metadata Request Headers: browsers set `Sec-Fetch-Site`, and no script can.
        """
        path = request.url.path
        if self.login is None and self.local and not is_loopback(request.url.hostname or ""):
            return error_response(path, 421, _FOREIGN_HOST.format(host=request.url.hostname))
        site = request.headers.get("sec-fetch-site", "none")
        if request.method not in _READING and site not in ("same-origin", "none"):
            message = "A page of another site sent this request; only ragbot's own page may."
            return error_response(path, 403, message)
        if path.startswith((*PROGRAMS, "/login")):
            # Before the login is checked, so that the limit holds for guesses at the password too.
            try:
                self.limit.take(request.client.host if request.client else "")
            except RateLimitError as error:
                return error_response(path, 429, str(error), {"Retry-After": "1"})
        if self.login is None:
            return None
        if path.startswith(PROGRAMS):
            if self._has_credentials(request):
                return None
            return error_response(
                path, 401, _NO_LOGIN, {"WWW-Authenticate": 'Basic realm="ragbot"'}
            )
        # The page itself is public: Gradio serves its login form there until one is logged in.
        public = path == "/" or path in PUBLIC or path.startswith(PUBLIC_FOLDERS)
        if public or self.logged_in(request.cookies):
            return None
        return error_response(path, 401, "Log in on the page first.")

    def _has_credentials(self, request: Request) -> bool:
        scheme, _, written = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() == "basic":
            try:
                written = base64.b64decode(written, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif scheme.casefold() != "bearer":
            return False
        expected = ":".join(self.login or ())
        return secrets.compare_digest(written.encode(), expected.encode())


def _bounded(receive: Receive) -> Receive:
    """Return a receiver that raises an HTTPException (413) for a body above `MOST_BYTES`."""
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MOST_BYTES:
            raise HTTPException(413, f"The body is longer than {MOST_BYTES:,} bytes.")
        return message

    return receive_bounded


def policy(scripts: Sequence[bytes] = ()) -> str:
    """Return the Content-Security-Policy of a page that may run these inline scripts only.

    References
    ----------
    W3C, Content Security Policy Level 3, section 8.3: where a hash is given,
    no other inline script runs, and no event handler written as an attribute.
    """
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return _POLICY.format(scripts="".join(f" 'sha256-{hash}'" for hash in hashes))


class SecurityHeaders:
    """ASGI middleware that adds the headers to every response and closes unused routes.

    `script` is one that the page adds to itself, beside those in the served HTML.
    """

    def __init__(self, app: ASGIApp, script: str = "") -> None:
        self.app = app
        self.script = script.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request on, and add the headers to its response."""
        path = scope.get("path", "")
        if path.startswith(_CLOSED) and not _OPEN.fullmatch(path):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return
        page: list[Message] = []

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                html = any((key, value[:9]) == _HTML for key, value in message.get("headers", ()))
                if not html:
                    message["headers"] = [*message.get("headers", ()), *_headers(policy())]
                    await send(message)
                    return
            elif not page:
                await send(message)
                return
            # The policy has a hash of each script, so wait for the whole page.
            page.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                html_text = b"".join(part.get("body", b"") for part in page[1:])
                scripts = [*_INLINE.findall(html_text), self.script]
                page[0]["headers"] = [*page[0]["headers"], *_headers(policy(scripts))]
                for part in page:
                    await send(part)
                page.clear()

        await self.app(scope, receive, send_with_headers)


def _headers(content_policy: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-security-policy", content_policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
