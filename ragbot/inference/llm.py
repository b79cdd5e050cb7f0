"""One language model, streaming, through LlamaIndex's own integrations.

Keys come from the providers' own environment variables (`OPENAI_API_KEY`,
`ANTHROPIC_API_KEY`), never from ours.

Floor 2: the module that imports llama_index's language models, at their first use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ragbot.errors import ModelUnavailableError

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import LLM

MOST_TOKENS = 600
"""Tokens that a model may write: an answer of 150 words, its marks, and room to finish."""

_CONTEXT = 8192
"""Tokens that a model of unknown size is taken to read."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    text: str


class LanguageModel:
    """A language model named `provider/name`. Opened for each answer; safe to share.

    Parameters
    ----------
    spec
        `ollama/NAME`, `openai/NAME`, `anthropic/NAME` or `openai-like/NAME`.
    base_url
        Where the server is; empty for the provider's own address.
    timeout
        Seconds to wait for the next piece of text, > 0.
    """

    def __init__(self, spec: str, base_url: str = "", timeout: float = 30.0) -> None:
        self.spec, self.base_url, self.timeout = spec, base_url, timeout

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Give the model's text in pieces as it comes. Closing the iterator stops the model.

        Raises
        ------
        ModelUnavailableError
            If the model cannot be reached, refuses, is too slow, or breaks off.
        """
        try:
            from llama_index.core.llms import ChatMessage

            chat = [ChatMessage(role=message.role, content=message.text) for message in messages]
            with ExitStack() as stack:
                responses = self._open(stack).stream_chat(chat)
                for response in stack.enter_context(closing(responses)):
                    if response.delta:
                        yield response.delta
        except ModelUnavailableError:
            raise
        # All, because they have nothing in common: each provider's package has a tree of its own,
        # httpx has one below them, LlamaIndex raises what is built in. None may be imported to
        # be named here, since each is an extra. The answer is then made without a model.
        except Exception as error:
            raise ModelUnavailableError(self.spec, *self._explained(error)) from error

    def _open(self, stack: ExitStack) -> LLM:
        provider, _, name = self.spec.partition("/")
        try:
            opened = self._opened_by(provider, name, stack)
        except ImportError as error:
            raise ModelUnavailableError(
                self.spec,
                f"the package for {provider} is not installed",
                f"Install it with: pip install 'ragbot[{provider}]'",
            ) from error
        if opened is None:
            raise ModelUnavailableError(
                self.spec,
                f"{provider!r} is not a provider that ragbot knows",
                "Set RAGBOT_LLM to ollama/NAME, openai/NAME, anthropic/NAME or openai-like/NAME.",
            )
        return opened

    def _opened_by(self, provider: str, name: str, stack: ExitStack) -> LLM | None:
        # Without retries: a person waits, and the extractive answer is at hand.
        shared: dict[str, Any] = {"timeout": self.timeout, "max_retries": 0, "temperature": 0.0}
        shared |= {"model": name, "max_tokens": MOST_TOKENS}
        place: dict[str, Any] = {"base_url": self.base_url} if self.base_url else {}
        opened: LLM | None = None
        if provider == "ollama":
            from llama_index.llms.ollama import Ollama

            limits = {"num_predict": MOST_TOKENS}
            opened = Ollama(
                model=name,
                request_timeout=self.timeout,
                temperature=0.0,
                additional_kwargs=limits,
                **place,
            )
        if provider in ("openai", "openai-like"):
            shared["http_client"] = self._connection(stack)
        if provider == "openai":
            from llama_index.llms.openai import OpenAI

            place = {"api_base": self.base_url} if self.base_url else {}
            opened = OpenAI(**shared, **place)
        if provider == "anthropic":
            from llama_index.llms.anthropic import Anthropic

            opened = Anthropic(**shared, **place)
        if provider == "openai-like":
            from llama_index.llms.openai_like import OpenAILike

            # Servers of one's own mostly want no key, but the client wants to send one.
            opened = OpenAILike(
                api_base=self.base_url,
                api_key=os.environ.get("OPENAI_API_KEY") or "none",
                is_chat_model=True,
                context_window=_CONTEXT,
                **shared,
            )
        return opened

    def _connection(self, stack: ExitStack) -> httpx.Client:
        """Give a connection that ends with the stream: an answer that is stopped stops there."""
        import httpx

        return stack.enter_context(httpx.Client(timeout=self.timeout))

    def _explained(self, error: Exception) -> tuple[str, str]:
        """Say what was found and what to do; never the error's own text, which may hold a key."""
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
