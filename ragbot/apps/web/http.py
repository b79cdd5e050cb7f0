"""The HTTP routes for programs: `/api/ask`, `/api/search`, `/api/note` and the like.

FastAPI checks each request against the fields below, and describes the routes and the records of
`serialize.py` at `/api/openapi.json`. Before that, `access.py` checks the login and the rate limit.
The responses to wrong requests, below `/v1/` too, are at the end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from markdown_it import MarkdownIt
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import iterate_in_threadpool
from starlette.exceptions import HTTPException

from ragbot.apps import serialize
from ragbot.apps.serialize import Notes, to_json
from ragbot.errors import NoteNotFoundError, QuestionError, RagbotError
from ragbot.graph.relation_graph import Direction
from ragbot.models import Answer, Filters, Progress, Status, Turn

if TYPE_CHECKING:
    from ragbot.apps.serving import IndexRefresher

T = TypeVar("T")
EVENTS = "text/event-stream"
MOST_PASSAGES = 100
MOST_TURNS = 50
MOST_SOURCES = 20
MOST_HOPS = 3

# With a limit, pydantic also refuses half a surrogate pair, which no encoder can read.
Text = Annotated[str, Field(max_length=10_000)]
Name = Annotated[
    str,
    Field(min_length=1, max_length=1000, description="Path, file name, title or alias of a note"),
]
Question = Annotated[str, Field(min_length=1, description="The question, in plain words")]


class Fields(BaseModel):
    """A JSON object with the declared fields only, strictly of the declared types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class EarlierTurn(Fields):
    """An earlier question, and its answer if the client has it."""

    question: Text
    answer: Annotated[str, Field(max_length=100_000)] | None = None


class FilterFields(Fields):
    """Filters of the notes to find; an empty field filters nothing."""

    folders: Annotated[list[Text], Field(description="Only notes below one of these")] = []
    tags: Annotated[list[Text], Field(description="Only notes with one of these, without #")] = []
    since: Annotated[
        Text, Field(description="Only notes from this date on, in any usual spelling")
    ] = ""
    until: Annotated[
        Text, Field(description="Only notes up to this date, in any usual spelling")
    ] = ""

    def filters(self) -> Filters:
        """Return the filters that the fields describe."""
        return Filters(
            folders=tuple(self.folders), tags=tuple(self.tags), since=self.since, until=self.until
        )


class AskRequest(FilterFields):
    """A question, the earlier turns, and how to answer."""

    question: Question
    history: Annotated[
        list[Text | EarlierTurn],
        Field(description="Earlier questions, oldest first, each a text or with its answer"),
    ] = []
    use_llm: Annotated[
        bool | None, Field(description="Whether a language model may write; null: as configured")
    ] = None
    sources: Annotated[
        int | None, Field(ge=1, le=MOST_SOURCES, description="Passages to answer from")
    ] = None
    hops: Annotated[
        int | None, Field(ge=0, le=MOST_HOPS, description="Links to follow from a note")
    ] = None
    stream: Annotated[bool, Field(description="Whether to send server-sent events")] = False

    def turns(self) -> list[Turn]:
        """Return the newest earlier turns."""
        return [
            Turn(turn) if isinstance(turn, str) else Turn(turn.question, turn.answer)
            for turn in self.history[-MOST_TURNS:]
        ]

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `Ragbot.stream`."""
        return {
            "filters": self.filters(),
            "use_llm": self.use_llm,
            "sources": self.sources,
            "hops": self.hops,
        }


class SearchRequest(FilterFields):
    """A question to find passages for."""

    question: Question
    k: Annotated[int, Field(ge=1, le=MOST_PASSAGES, description="How many passages")] = 10
    words: Annotated[bool, Field(description="Whether to search without the encoder")] = False


class NoteRequest(Fields):
    """The name of a note to read."""

    name: Name


class RelatedRequest(Fields):
    """The name of a note whose relations to list."""

    name: Name
    predicate: Annotated[Text | None, Field(description="Only this relation")] = None
    direction: Annotated[
        Direction, Field(description="Relations to the note, from it, or both")
    ] = "both"


class PathRequest(Fields):
    """The names of two notes to find the shortest path between."""

    start: Name
    end: Name


@dataclass(frozen=True, slots=True)
class State(Status):
    """State of the index, its lag behind the notes, and the work in progress, if any."""

    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused, and what to do."""

    detail: str


_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal, "description": "The login is missing or wrong"},
    422: {"model": Refusal, "description": "A field is wrong; `detail` says which"},
    429: {"model": Refusal, "description": "Too many requests in a minute"},
}
_NO_NOTE: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "No note has that name"}
}


def routes(refresher: IndexRefresher) -> APIRouter:
    """Return the routes over the bot of a server."""
    router, bot = APIRouter(prefix="/api", responses=_ERRORS, tags=["notes"]), refresher.bot

    @router.post("/ask", response_model=serialize.AnswerRecord)
    def ask(body: AskRequest, request: Request) -> Any:
        """Answer a question from the notes, each statement with a checked quote.

        With `stream`, or `Accept: text/event-stream`, the answer comes as server-sent events:
        each `answer` is checked and replaces the one before, and `done` ends the stream.
        """
        if body.stream or EVENTS in request.headers.get("accept", ""):
            answers = bot.stream(body.question, body.turns(), **body.options())
            # Start the answer here, so that an error still sets the status code.
            events = _events(next(answers), answers, Notes(bot))
            return StreamingResponse(events, media_type=EVENTS)
        answer = bot.ask(body.question, body.turns(), **body.options())
        return serialize.answered(answer, Notes(bot))

    @router.post("/search")
    def search(body: SearchRequest) -> serialize.SearchRecord:
        """Find the passages that match a question, best first, each with its evidence."""
        hits = bot.search(body.question, body.k, filters=body.filters(), words=body.words)
        return serialize.searched(body.question, hits, Notes(bot))

    @router.post("/note", responses=_NO_NOTE)
    def note(body: NoteRequest) -> serialize.NoteRecord:
        """Read a note: its text, its relations, its passages."""
        return serialize.read_note(bot, body.name)

    @router.post("/related", responses=_NO_NOTE)
    def related(body: RelatedRequest) -> serialize.RelatedRecord:
        """List the relations of a note, with what the author wrote about each."""
        return serialize.related(bot, body.name, body.predicate, body.direction)

    @router.post("/path", responses=_NO_NOTE)
    def path(body: PathRequest) -> serialize.PathRecord:
        """Find the shortest path of relations between two notes, in either direction."""
        return serialize.path_between(bot, body.start, body.end)

    @router.get("/status")
    def status() -> State:
        """Return the content of the index, its lag behind the notes, and the work in progress."""
        return State(**asdict(bot.status()), progress=refresher.step)

    @router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs(request: Request) -> str:
        """Return a page that describes the routes."""
        return described(request.app.openapi())

    return router


async def _events(first: Answer, answers: Iterator[Answer], notes: Notes) -> AsyncIterator[str]:
    last = first
    try:
        yield _event("answer", serialize.answered(first, notes))
        async for answer in in_threads(answers):
            # A comment keeps the connection open while a model reads.
            fresh = answer is not last
            yield _event("answer", serialize.answered(answer, notes)) if fresh else ": reading\n\n"
            last = answer
        yield _event("done", {})
    except RagbotError as error:
        yield _event("error", Refusal(str(error)))


def _event(name: str, record: object) -> str:
    return f"event: {name}\ndata: {to_json(record)}\n\n"


async def in_threads(pieces: Iterator[T]) -> AsyncIterator[T]:
    """Yield the values of a generator, each computed in a thread; close it at the end."""
    try:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    finally:
        if isinstance(pieces, Generator):
            # A client that left must not leave a language model writing.
            pieces.close()


_PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width'><title>ragbot: HTTP</title>"
    "<style>body{font:1rem/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:start;padding:.2rem .8rem .2rem 0;vertical-align:top}</style>"
)


def described(api: dict[str, Any]) -> str:
    """Return an OpenAPI description as a page.

    Swagger UI loads its scripts from another host, which the page's security policy forbids.
    """
    info, schemas = api["info"], api["components"]["schemas"]
    text = f"# {info['title']}: HTTP\n\n{info['description']}\n\n"
    text += "The same for programs: [openapi.json](openapi.json).\n\n"
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            text += f"## `{method.upper()} {path}`\n\n{operation.get('description', '')}\n\n"
            sent = operation.get("requestBody", {}).get("content", {})
            answer = operation["responses"]["200"].get("content", {})
            text += _table("Takes", sent, schemas) + _table("Returns", answer, schemas)
    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return _PAGE + html


def _table(title: str, content: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return the fields of a body of JSON as a table in Markdown; empty without fields."""
    schema = schemas.get(_type(content.get("application/json", {}).get("schema", {})), {})
    rows = [
        f"| `{name}` | {_type(field)} | {field.get('description', '')} |\n"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"| {title} | | |\n| --- | --- | --- |\n{''.join(rows)}\n" if rows else ""


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a field in words."""
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items') or schema['prefixItems'][0])}"
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    return str(schema.get("$ref") or schema.get("type", "any")).rpartition("/")[2]


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
        if status == 405:
            message = f"{path} takes {(headers or {})['Allow']}, and not {request.method}."
    elif isinstance(error, RequestValidationError):
        status, message = _wrong_request(path), _reasons(request, error)
    elif isinstance(error, QuestionError):
        status = _wrong_request(path)
    elif isinstance(error, NoteNotFoundError):
        status = 404
    elif not isinstance(error, RagbotError):
        status, message = 500, "ragbot failed; the log of the server says why."
    return error_response(path, status, message, headers)


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
