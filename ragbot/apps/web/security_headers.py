"""What keeps the page to its own host, its own scripts and its own parts of Gradio's server."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's own page needs `eval` for its HTML parts; every host but ours is shut.
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
# Of Gradio's server, what the page does not use and what costs: files of visitors are kept, their
# sessions written to disk, requests counted and shown.
_SHUT = ("/gradio_api/upload", "/gradio_api/deep_link", "/gradio_api/process_rec", "/monitoring")
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_HTML = (b"content-type", b"text/html")


def policy(scripts: Sequence[bytes] = ()) -> str:
    """Write the Content-Security-Policy of a page: of scripts written into it, these alone run.

    References
    ----------
    W3C, Content Security Policy Level 3, section 8.3: where a hash is given,
    no other inline script runs, and no event handler written as an attribute.
    """
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return _POLICY.format(scripts="".join(f" 'sha256-{hash}'" for hash in hashes))


class Fence:
    """ASGI middleware that adds the headers to every response, and shuts what nobody needs.

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
        """Pass a request on, and its response back with the headers."""
        if scope.get("path", "").startswith(_SHUT):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return
        held: list[Message] = []

        async def fenced(message: Message) -> None:
            if message["type"] == "http.response.start":
                html = any((key, value[:9]) == _HTML for key, value in message.get("headers", ()))
                if not html:
                    message["headers"] = [*message.get("headers", ()), *_headers(policy())]
                    await send(message)
                    return
            elif not held:
                await send(message)
                return
            # The policy of a page names its scripts: it goes out when the page is whole.
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                page = b"".join(part.get("body", b"") for part in held[1:])
                told = policy([*_INLINE.findall(page), self.script])
                held[0]["headers"] = [*held[0]["headers"], *_headers(told)]
                for part in held:
                    await send(part)
                held.clear()

        await self.app(scope, receive, fenced)


def _headers(told: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-security-policy", told.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
