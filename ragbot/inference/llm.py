"""Stream text from a language model. `answers/` decides which part is shown."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

from ragbot.errors import ModelUnavailableError
from ragbot.inference.llm_providers import CONTEXT, HOSTED, PROVIDERS, open_model

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

LOCAL_TOKENS, HOSTED_TOKENS = 500, 1500
"""Tokens of evidence for a local and for a hosted model, until its speed is measured."""

LEAST_TOKENS, MOST_TOKENS = 300, 2000
"""Fewest and most tokens of evidence for any model."""

READING_SECONDS = 10.0
"""Seconds that a model may read before it writes."""

CHARACTERS_A_TOKEN = 4

PULSE = 0.5
"""Seconds after which a silent model's stream yields an empty piece, so that it can be closed."""

_Pieces = SimpleQueue[str | ModelUnavailableError | None]
"""The text of one answer as it comes; None at its end."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    text: str


class LanguageModel:
    """A language model named `provider/name`; safe to share between threads.

    Parameters
    ----------
    spec
        `ollama/NAME`, `openai/NAME`, `anthropic/NAME`, `openai-like/NAME` or `llama-cpp/PATH.gguf`.
    base_url
        Address of the server; empty for the provider's own.
    timeout
        Seconds to wait for the next piece of text, > 0.
    """

    def __init__(self, spec: str, base_url: str = "", timeout: float = 120.0) -> None:
        self.spec, self.base_url, self.timeout = spec, base_url, timeout
        self.provider, _, self.name = spec.partition("/")
        self._speeds: deque[float] = deque(maxlen=3)
        self._in_process: LLM | None = None
        self._turn = threading.Lock()

    @property
    def evidence_tokens(self) -> int:
        """Tokens of evidence that the model reads in a few seconds, by its slowest recent answer.

        A prompt that the server has cached looks fast, so the slowest counts.
        """
        if not self._speeds:
            return HOSTED_TOKENS if self.provider in HOSTED else LOCAL_TOKENS
        most = MOST_TOKENS if self.provider in HOSTED else min(MOST_TOKENS, CONTEXT // 2)
        return int(min(most, max(LEAST_TOKENS, READING_SECONDS * min(self._speeds))))

    def stream(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """Yield the model's text in pieces as it comes, and an empty piece while it is silent.

        Closing the iterator closes the connection, which stops the server, also while it reads the
        prompt. A model in this process stops at its next piece.

        Raises
        ------
        ModelUnavailableError
            If the model cannot be reached, refuses, is too slow, or breaks off.
        """
        pieces: _Pieces = SimpleQueue()
        # An event loop, because a task can be cancelled while it waits, and a blocking read cannot.
        loop = asyncio.new_event_loop()
        reading = loop.create_task(self._read(messages, pieces))
        threading.Thread(target=_run, args=(loop, reading), daemon=True).start()
        try:
            while True:
                try:
                    piece = pieces.get(timeout=PULSE)
                except Empty:
                    piece = ""
                if piece is None:
                    return
                if isinstance(piece, ModelUnavailableError):
                    raise piece
                yield piece
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(reading.cancel)

    async def _read(self, messages: Sequence[Message], pieces: _Pieces) -> None:
        """Write the model's text to a queue as it comes, then its error or None."""
        read = False
        try:
            from llama_index.core.llms import ChatMessage

            chat = [ChatMessage(role=message.role, content=message.text) for message in messages]
            turn = self._turn if self.provider == "llama-cpp" else nullcontext()
            async with AsyncExitStack() as stack:
                stack.enter_context(turn)
                opened = self._open(stack)
                started = time.monotonic()
                async for response in await opened.astream_chat(chat):
                    if response.delta and not read:
                        read = True
                        self._measure(messages, time.monotonic() - started)
                    if response.delta:
                        pieces.put(response.delta)
                    await asyncio.sleep(0)  # a model in this process never waits by itself
            pieces.put(None)
        except ModelUnavailableError as error:
            pieces.put(error)
        # Catch all exceptions: those of the providers' packages, httpx and LlamaIndex have no
        # common base class, and each package is an extra, which may be absent. ragbot then answers
        # without a model.
        except Exception as error:
            unavailable = ModelUnavailableError(self.spec, *self._explained(error))
            unavailable.__cause__ = error
            pieces.put(unavailable)

    def _measure(self, messages: Sequence[Message], seconds: float) -> None:
        """Record how many tokens per second the model reads."""
        tokens = sum(len(message.text) for message in messages) / CHARACTERS_A_TOKEN
        if tokens >= LEAST_TOKENS / 2:  # the time of a short prompt is mostly latency
            self._speeds.append(tokens / max(seconds, 0.01))

    def _open(self, stack: AsyncExitStack) -> LLM:
        if self._in_process is not None:
            return self._in_process
        try:
            opened = open_model(self.provider, self.name, self.base_url, self.timeout, stack)
        except ImportError as error:
            raise ModelUnavailableError(
                self.spec,
                f"the package for {self.provider} is not installed",
                f"Install it with: pip install 'ragbot[{self.provider}]'",
            ) from error
        except FileNotFoundError as error:
            raise ModelUnavailableError(
                self.spec, "there is no such file", "Check the path in RAGBOT_LLM."
            ) from error
        if opened is None:
            raise ModelUnavailableError(
                self.spec,
                f"{self.provider!r} is not a provider that ragbot knows",
                f"Use provider/name with one of {', '.join(PROVIDERS)}.",
            )
        if self.provider == "llama-cpp":
            self._in_process = opened
        return opened

    def _explained(self, error: Exception) -> tuple[str, str]:
        """Return the cause of an error and a remedy, without its text, which may contain a key."""
        status = getattr(error, "status_code", None)
        causes = [type(error).__name__]
        cause = error.__cause__ or error.__context__
        while cause is not None and len(causes) < 8:
            causes.append(type(cause).__name__)
            cause = cause.__cause__ or cause.__context__
        kinds = " ".join(causes)
        if status == 429:
            return "its quota is used up, or it is asked too often", "Try again later."
        if status in (401, 403):
            return "it refuses the key", "Check the provider's own key variable."
        if status == 404:
            return "the server does not know it", "Check the name in RAGBOT_LLM."
        if isinstance(status, int) and status >= 400:
            return f"its server failed with status {status}", "Try again later."
        if "Timeout" in kinds:
            found = f"it said nothing for {self.timeout:g} seconds"
            return found, "Raise RAGBOT_LLM_TIMEOUT, or try again later."
        if "Connect" in kinds or "RemoteProtocol" in kinds or "ReadError" in kinds:
            where = f" at {self.base_url}" if self.base_url else ""
            return f"its server{where} cannot be reached or broke off", "Check that it runs."
        return f"it failed with {causes[0]}", "Check RAGBOT_LLM and the provider's key variable."


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Run a task to its end, or until it is cancelled, and close its loop."""
    # A client's generator that is closed while it reads would log an error.
    loop.set_exception_handler(lambda *_: None)
    try:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
