"""The notes as a model of the OpenAI API: `/v1/models` and `/v1/chat/completions`.

A client's earlier messages are the history. Its system prompt, tools and
parameters change nothing: every sentence is still checked against the notes.

References
----------
OpenAI API reference, "Chat completions" and "Models".
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from ragbot.apps.serialize import footnotes, to_json
from ragbot.apps.web.http import MOST_TURNS, error_response, in_threads
from ragbot.bot import Ragbot
from ragbot.errors import QuestionError, RagbotError
from ragbot.models import Answer, Turn

MODEL = "ragbot"
SOURCES = "Sources:"
"""First line of the footnotes below an answer."""

_PATH = "/v1/chat/completions"
# ragbot may use no language model at all: it counts no tokens.
_USAGE = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), 0)


# With a limit, pydantic also refuses half a surrogate pair, which no encoder can read.
Text = Annotated[str, Field(max_length=1_000_000)]
Name = Annotated[str, Field(max_length=200)]


class Part(BaseModel):
    """One part of a message; ragbot reads those of the type `text`."""

    type: Name
    text: Text | None = None


class Message(BaseModel):
    """One message of the client: its role, and its text or its parts."""

    role: Name
    content: Text | list[Part] | None = None

    def text(self) -> str:
        """Return the text of the message, without images and the like."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text or "" for part in self.content or ()).strip()

    def check(self) -> None:
        """Raise `QuestionError` if a part of the message is no text."""
        parts = self.content if isinstance(self.content, list) else ()
        if others := sorted({part.type for part in parts} - {"text"}):
            raise QuestionError(f"ragbot reads text only; leave out the {', '.join(others)}.")


class StreamOptions(BaseModel):
    """Options of a stream."""

    include_usage: bool | None = False


class ResponseFormat(BaseModel):
    """Format of an answer: ragbot writes text, and no JSON."""

    type: Literal["text"]


class CompletionRequest(BaseModel):
    """A request of a client; other fields are allowed, and ignored."""

    model: Name
    messages: list[Message]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1
    response_format: ResponseFormat | None = None


def routes(bot: Ragbot) -> APIRouter:
    """Return the routes over an open bot."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])
    made = int(time.time())
    record = {"id": MODEL, "object": "model", "created": made, "owned_by": MODEL}

    @router.get("/models")
    def models() -> dict[str, Any]:
        """List the one model."""
        return {"object": "list", "data": [record]}

    @router.get("/models/{model}")
    def model(model: str) -> Any:
        """Return the description of the one model."""
        return record if model == MODEL else _unknown(model)

    @router.post("/chat/completions")
    def completions(body: CompletionRequest) -> Any:
        """Answer the last message from the notes; earlier messages are the history."""
        if body.model != MODEL:
            return _unknown(body.model)
        question, turns = conversation(body.messages)
        if body.stream:
            answers = bot.stream(question, turns)
            usage = body.stream_options is not None and bool(body.stream_options.include_usage)
            # Start the answer here, so that an error still sets the status code.
            chunks = _chunks(next(answers), answers, usage=usage)
            return StreamingResponse(chunks, media_type="text/event-stream")
        answer = bot.ask(question, turns)
        message = {"role": "assistant", "content": answer_text(answer)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        head = _head("chat.completion")
        return {**head, "choices": [choice], "usage": _USAGE, **_extra(answer)}

    return router


def conversation(messages: list[Message]) -> tuple[str, list[Turn]]:
    """Return the question that the last message asks, and the turns before it.

    Raises
    ------
    QuestionError
        If no message is the user's, or the last one of the user is not only text.
    """
    turns: list[Turn] = []
    for message in reversed(messages):
        if message.role == "user":
            message.check()
            break
    for message in messages:
        if message.role == "user":
            turns.append(Turn(message.text()))
        elif message.role == "assistant" and turns:
            said = message.text().partition(f"\n\n{SOURCES}\n")[0]
            turns[-1] = Turn(turns[-1].question, said or None)
    if not turns:
        raise QuestionError("There is no message of the role 'user'; ragbot answers the last one.")
    *earlier, last = turns
    return last.question, earlier[-MOST_TURNS:]


def answer_text(answer: Answer) -> str:
    """Return the text of an answer with its citations as footnotes below."""
    text = answer.text
    if answer.notice:
        text += f"\n\n({answer.notice})"
    if answer.citations:
        text += f"\n\n{SOURCES}\n" + "".join(f"\n- {line}" for line in footnotes(answer))
    return text


async def _chunks(last: Answer, answers: Iterator[Answer], *, usage: bool) -> AsyncIterator[str]:
    head = _head("chat.completion.chunk")

    def chunk(delta: dict[str, str], finish: str | None = None, **extra: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _data({**head, "choices": [choice], **extra})

    yield chunk({"role": "assistant", "content": ""})
    try:
        async for answer in in_threads(answers):
            last = answer
            # The next answer may replace this one, and a client cannot take text back.
            yield ": the answer is being made\n\n"
        for line in answer_text(last).splitlines(keepends=True):
            yield chunk({"content": line})
        yield chunk({}, "stop", **_extra(last))
        if usage:
            yield _data({**head, "choices": [], "usage": _USAGE})
    except RagbotError as error:
        yield _data({"error": {"message": str(error), "type": "server_error", "code": None}})
    yield "data: [DONE]\n\n"


def _data(record: dict[str, Any]) -> str:
    return f"data: {to_json(record)}\n\n"


def _head(kind: str) -> dict[str, Any]:
    made = int(time.time())
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": made, "model": MODEL}


def _extra(answer: Answer) -> dict[str, Any]:
    return {"citations": answer.citations, "abstained": answer.abstained}


def _unknown(model: str) -> JSONResponse:
    return error_response(_PATH, 404, f"There is no model {model!r}; the notes are {MODEL!r}.")
