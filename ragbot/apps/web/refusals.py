"""Responses to requests that are wrong or fail: the status, and what to do.

Errors below `/v1/` have the shape that clients of the OpenAI API expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Mount

from ragbot.errors import NoteNotFoundError, QuestionError, RagbotError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def error_response(
    path: str, status: int, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return an error in the shape that the clients of a path expect."""
    body: dict[str, object] = {"detail": message}
    if path.startswith("/v1/"):
        # https://platform.openai.com/docs/api-reference: an object with message, type and code.
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status)
        kind = kind or ("invalid_request_error" if status < 500 else "server_error")
        body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return JSONResponse(body, status, headers=dict(headers or {}))


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Return the response for an error; an unexpected one gets 500, and the log has it."""
    path, status, message = request.url.path, 503, str(error)
    headers: Mapping[str, str] | None = None
    if isinstance(error, HTTPException):
        status, message, headers = error.status_code, error.detail, error.headers
    elif isinstance(error, RequestValidationError):
        status, message = _wrong_request(path), _reasons(request, error)
    elif isinstance(error, QuestionError):
        status = _wrong_request(path)
    elif isinstance(error, NoteNotFoundError):
        status = 404
    elif not isinstance(error, RagbotError):
        status, message = 500, "ragbot failed; the log of the server says why."
    return error_response(path, status, message, headers)


async def refuse_route(request: Request) -> JSONResponse:
    """Return the response to a request below `/api/` or `/v1/` that no route accepts."""
    path, routes = request.url.path, request.app.routes
    others = [
        route
        for route in routes
        if not isinstance(route, Mount) and getattr(route, "endpoint", None) is not refuse_route
    ]
    takes = [
        method
        for method in METHODS
        for route in others
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    ]
    if takes:
        known = ", ".join(takes)
        message = f"{path} takes {known}, and not {request.method}."
        return error_response(path, 405, message, {"Allow": known})
    return error_response(path, 404, f"There is no {path}; /api/docs lists the routes.")


def _wrong_request(path: str) -> int:
    """Return the status of a wrong request: FastAPI's, or what OpenAI's clients expect."""
    return 422 if path.startswith("/api/") else 400


def _reasons(request: Request, error: RequestValidationError) -> str:
    """Return one sentence for each wrong field of a body."""
    if "json" not in request.headers.get("content-type", ""):
        return "Send the body as JSON, with the header Content-Type: application/json."
    return " ".join(dict.fromkeys(_reason(found) for found in error.errors()))


def _reason(found: dict[str, Any]) -> str:
    """Return a sentence on what is wrong with one field, and what is expected."""
    field = ".".join(str(part) for part in found["loc"][1:])
    kind, message = found["type"], str(found["msg"])
    if kind == "json_invalid":
        return "The body is not JSON; expected the object that /api/docs describes."
    if not field:
        return "The body is missing or not an object; expected the one that /api/docs describes."
    if kind == "missing":
        return f"{field} is missing; it is required."
    if kind == "extra_forbidden":
        return f"{field} is not a field of this route; /api/docs lists them."
    message = message.removeprefix("Input should ").removeprefix("String should ")
    return f"{field} is {found['input']!r:.80}; it should {message}."
