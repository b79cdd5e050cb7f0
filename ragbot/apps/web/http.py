"""The HTTP routes for programs: `/api/ask`, `/api/search`, `/api/note` and the like.

FastAPI checks each request against `api_models.py` and describes the routes at
`/api/openapi.json`; `access.py` looks at the login and the rate limit before.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from ragbot.apps import serialize
from ragbot.apps.serialize import NoteLookup
from ragbot.apps.web import api_docs
from ragbot.apps.web import api_models as models
from ragbot.apps.web.access import error_response
from ragbot.apps.web.answer_stream import in_threads
from ragbot.errors import NoteNotFoundError, QuestionError, RagbotError
from ragbot.models import Answer

if TYPE_CHECKING:
    from ragbot.apps.web.index_refresher import IndexRefresher

EVENTS = "text/event-stream"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": models.ErrorBody, "description": "The login is missing or wrong"},
    422: {"model": models.ErrorBody, "description": "A field is wrong; `detail` says which"},
    429: {"model": models.ErrorBody, "description": "Too many requests in a minute"},
}
_NO_NOTE: dict[int | str, dict[str, Any]] = {
    404: {"model": models.ErrorBody, "description": "No note has that name"}
}


def routes(refresher: IndexRefresher) -> APIRouter:
    """Return the routes over the bot of a server."""
    router, bot = APIRouter(prefix="/api", responses=_ERRORS, tags=["notes"]), refresher.bot

    @router.post("/ask", response_model=models.AnswerBody)
    def ask(body: models.AskRequest, request: Request) -> Any:
        """Answer a question from the notes, each statement with a checked quotation.

        With `stream`, or `Accept: text/event-stream`, the answer comes as server-sent events:
        each `answer` is checked and replaces the one before, and `done` ends the stream.
        """
        if body.stream or EVENTS in request.headers.get("accept", ""):
            answers = bot.stream(body.question, body.turns(), **body.options())
            # Begun here, so that a refusal has a status of its own.
            events = _events(next(answers), answers, NoteLookup(bot))
            return StreamingResponse(events, media_type=EVENTS)
        answer = bot.ask(body.question, body.turns(), **body.options())
        return serialize.answered(answer, NoteLookup(bot))

    @router.post("/search", response_model=models.SearchBody)
    def search(body: models.SearchRequest) -> Any:
        """Find the passages that match a question, best first, each with its evidence."""
        hits = bot.search(body.question, body.k, filters=body.filters(), words=body.words)
        return serialize.searched(body.question, hits, NoteLookup(bot))

    @router.post("/note", response_model=models.NoteBody, responses=_NO_NOTE)
    def note(body: models.NoteRequest) -> Any:
        """Read a note: its text, its relations, its passages."""
        found = bot.note(body.name)
        relations, passages = bot.related(found.id), bot.passages(found.id)
        record = serialize.note_record(found, relations, passages, NoteLookup(bot))
        return {**record, "text": found.text}

    @router.post("/related", response_model=models.RelatedBody, responses=_NO_NOTE)
    def related(body: models.RelatedRequest) -> Any:
        """List the relations of a note, with what the author wrote about each."""
        found, notes = bot.note(body.name), NoteLookup(bot)
        relations = bot.related(found.id, body.predicate, body.direction)
        records = [serialize.relation_record(relation, notes) for relation in relations]
        return {"note": found.id, "relations": records}

    @router.post("/path", response_model=models.PathBody, responses=_NO_NOTE)
    def path(body: models.PathRequest) -> Any:
        """Find the shortest path of relations between two notes, in either direction."""
        first, last, notes = bot.note(body.start), bot.note(body.end), NoteLookup(bot)
        steps = [serialize.relation_record(step, notes) for step in bot.path(first.id, last.id)]
        return {"start": first.id, "end": last.id, "path": steps}

    @router.get("/status", response_model=models.StatusBody)
    def status() -> Any:
        """Return the content of the index, its lag behind the notes, and the work in progress."""
        step = refresher.step
        progress = None if step is None else asdict(step)
        return {**serialize.status_record(bot.status()), "progress": progress}

    @router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs(request: Request) -> str:
        """Describe the routes on a page."""
        return api_docs.page(request.app.openapi())

    return router


async def _events(
    first: Answer, answers: Iterator[Answer], notes: NoteLookup
) -> AsyncIterator[str]:
    last = first
    try:
        yield _event("answer", serialize.answered(first, notes))
        async for answer in in_threads(answers):
            # A comment keeps the connection open while a model reads.
            yield (
                ": reading\n\n"
                if answer is last
                else _event("answer", serialize.answered(answer, notes))
            )
            last = answer
        yield _event("done", {})
    except RagbotError as error:
        yield _event("error", {"detail": str(error)})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that one of our errors ended."""
    path, status = request.url.path, 503
    if isinstance(error, QuestionError):
        status = _wrong_request(path)
    elif isinstance(error, NoteNotFoundError):
        status = 404
    return error_response(path, status, str(error))


async def refuse_fields(request: Request, error: Exception) -> Response:
    """Answer a request with a wrong body: one sentence for each wrong field."""
    assert isinstance(error, RequestValidationError)
    path = request.url.path
    message = " ".join(dict.fromkeys(_reason(found) for found in error.errors()))
    if "json" not in request.headers.get("content-type", ""):
        message = "Send the body as JSON, with the header Content-Type: application/json."
    return error_response(path, _wrong_request(path), message)


async def refuse_status(request: Request, error: Exception) -> Response:
    """Answer a request that FastAPI refuses, in the shape that clients of its path expect."""
    assert isinstance(error, HTTPException)
    return error_response(request.url.path, error.status_code, error.detail, error.headers)


async def refuse_route(request: Request) -> Response:
    """Answer a request that no route takes."""
    path, method, routes = request.url.path, request.method, request.app.routes
    others = [route for route in routes if getattr(route, "endpoint", None) is not refuse_route]
    known = ", ".join(
        each
        for each in METHODS
        for route in others
        if not isinstance(route, Mount)
        and route.matches({**request.scope, "method": each})[0] is Match.FULL
    )
    if known:
        return error_response(
            path, 405, f"{path} takes {known}, and not {method}.", {"Allow": known}
        )
    return error_response(path, 404, f"There is no {path}; /api/docs lists the routes.")


async def fail(request: Request, error: Exception) -> Response:
    """Answer a request that an error of the program ended; the log has the error."""
    del error
    return error_response(request.url.path, 500, "ragbot failed; the log of the server says why.")


def _wrong_request(path: str) -> int:
    """Return the status of a wrong request: FastAPI's, or what OpenAI's clients expect."""
    return 422 if path.startswith("/api/") else 400


def _reason(found: dict[str, Any]) -> str:
    """Return the fault of one field, and the expected value."""
    field = ".".join(str(part) for part in found["loc"][1:])
    kind, message = found["type"], str(found["msg"])
    if kind == "json_invalid":
        return "The body is no JSON; expected the object that /api/docs describes."
    if not field:
        return "The body is missing or no object; expected the one that /api/docs describes."
    if kind == "missing":
        return f"{field} is missing; it must be given."
    if kind == "extra_forbidden":
        return f"{field} is no field of this call; /api/docs lists them."
    message = message.removeprefix("Input should ").removeprefix("String should ")
    return f"{field} is {found['input']!r:.80}; it should {message}."
