"""Security headers on every response, and the parts of Gradio's server that are closed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
# What the page uses of Gradio's own server. The rest keeps files of visitors, writes sessions to
# disk, counts requests, or calls the page's functions from outside: it is closed.
_GRADIO = "/gradio_api"
_OPEN = re.compile(
    r"/gradio_api/(queue/(join|data)|run/predict|component_server|startup-events"
    r"|heartbeat/[^/]*|cancel|reset)/?"
)
_CLOSED = (_GRADIO, "/monitoring", "/svelte")
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_HTML = (b"content-type", b"text/html")


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
    """ASGI middleware that adds the headers to every response and closes what nobody needs.

    Parameters
    ----------
    app
        The application.
    script
        A script that the page adds to itself, besides those in the HTML as it is served.
    """

    def __init__(self, app: ASGIApp, script: str = "") -> None:
        self.app = app
        self.script = script.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its response."""
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
            # The policy of a page names its scripts: the page is sent once all of it is known.
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
