"""The chat server's HTTP API: `/ask`, `/search`, `/note`, `/related`, for other programs.

The endpoints are Gradio's, so they stand behind the same login and the same
queue as the page. What they take and give is in `docs/http.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import gradio as gr
from gradio.events import api
from starlette.requests import Request
from starlette.responses import JSONResponse

from ragbot.apps import serialize
from ragbot.apps.web.rate_limit import Limit
from ragbot.bot import Ragbot
from ragbot.errors import RagbotError
from ragbot.graph.relation_graph import Direction
from ragbot.models import Answer, Filters, Turn

MOST = 100
"""Passages that one search may return."""

MOST_TURNS = 50
DIRECTIONS: tuple[Direction, ...] = ("in", "out", "both")

T = TypeVar("T")


def add_endpoints(bot: Ragbot, limit: Limit) -> None:
    """Add the four endpoints to the page that is being built.

    `ask` and `search` count against the same `limit` of a visitor as the page does.
    Gradio reads names, types and defaults from the signatures, and does not
    check them: whatever JSON was sent arrives here.
    """

    def ask(
        question: str = "",
        history: list[str] = [],  # noqa: B006  # Gradio shows the default as JSON
        folders: list[str] = [],  # noqa: B006
        tags: list[str] = [],  # noqa: B006
        use_llm: bool = True,
        request: gr.Request | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Answer a question from the notes; the text as it comes, then the checked answer."""
        asked = _text("question", question)
        turns = _history(history)
        filters = _filters(folders, tags)
        use = None if use_llm is True else False
        said = ""
        try:
            limit.take(visitor(request))
            for piece in bot.stream(asked, turns, filters=filters, use_llm=use):
                if isinstance(piece, Answer):
                    yield _answer(piece, bot)
                else:
                    said += piece
                    yield {"done": False, "text": said}
        except RagbotError as error:
            raise _told(error) from error

    def search(
        question: str = "",
        k: int = 10,
        folders: list[str] = [],  # noqa: B006
        tags: list[str] = [],  # noqa: B006
        words: bool = False,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Find the passages that match a question, best first, each with its evidence."""
        asked = _text("question", question)
        wanted = _whole("k", k)
        filters = _filters(folders, tags)
        _checked(lambda: limit.take(visitor(request)))
        hits = _checked(
            lambda: bot.search(asked, wanted, filters=filters, words=words is True),
        )
        with bot.snapshot() as corpus:
            return serialize.searched(asked, hits, corpus.notes)

    def note(name: str = "") -> dict[str, Any]:
        """Read a note by path, title or alias: its text, its relations, its passages."""
        found = _checked(lambda: bot.note(_text("name", name)))
        relations, passages = bot.related(found.id), bot.passages(found.id)
        with bot.snapshot() as corpus:
            record = serialize.note_record(found, relations, passages, corpus.notes)
        return {**record, "text": found.text}

    def related(name: str = "", predicate: str = "", direction: str = "both") -> dict[str, Any]:
        """List the relations of a note; `direction` is in, out or both."""
        way = next((known for known in DIRECTIONS if known == direction), None)
        if way is None:
            raise _refused("direction", direction, "in, out or both")
        found = _checked(lambda: bot.note(_text("name", name)))
        relations = bot.related(found.id, predicate or None, way)
        with bot.snapshot() as corpus:
            records = [serialize.relation_record(relation, corpus.notes) for relation in relations]
        return {"note": found.id, "relations": records}

    for endpoint in (ask, search, note, related):
        api(endpoint, api_name=endpoint.__name__, concurrency_limit=4)


async def refuse_call(request: Request, error: Exception) -> JSONResponse:
    """Answer a call with fields that an endpoint does not have; Gradio raises a TypeError."""
    expected = "expected the fields that /gradio_api/openapi.json describes"
    return JSONResponse({"detail": f"{request.url.path}: {error}; {expected}."}, status_code=422)


def visitor(request: gr.Request | None) -> str:
    """Name who asks: the address that a request came from."""
    return request.client.host if request is not None and request.client else ""


def _answer(answer: Answer, bot: Ragbot) -> dict[str, Any]:
    with bot.snapshot() as corpus:
        record = serialize.answered(answer, corpus.notes)
    return {
        "done": True,
        **record,
        "query": answer.query or answer.question,
        "notice": answer.notice,
        "followups": list(answer.followups),
    }


def _checked(call: Callable[[], T]) -> T:
    try:
        return call()
    except RagbotError as error:
        raise _told(error) from error


def _told(error: RagbotError) -> gr.Error:
    """Make an error whose message reaches the caller; any other would not."""
    return gr.Error(str(error), print_exception=False)


def _refused(name: str, found: object, expected: str) -> gr.Error:
    return gr.Error(f"{name} is {found!r:.80}; expected {expected}.", print_exception=False)


def _text(name: str, found: object) -> str:
    if not isinstance(found, str) or not found.strip():
        raise _refused(name, found, "text")
    return found


def _whole(name: str, found: object) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MOST:
        raise _refused(name, found, f"a whole number from 1 to {MOST}")
    return found


def _texts(name: str, found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise _refused(name, found, "a list of texts")
    return tuple(found)


def _filters(folders: Sequence[str], tags: Sequence[str]) -> Filters:
    return Filters(folders=_texts("folders", folders), tags=_texts("tags", tags))


def _history(found: object) -> list[Turn]:
    return [Turn(question) for question in _texts("history", found)[-MOST_TURNS:]]
