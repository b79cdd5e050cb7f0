"""The language models of each provider, opened through LlamaIndex's integrations.

Keys come from the providers' own environment variables (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`).
Each integration is an extra, so each is imported at its first use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import LLM, ChatMessage

PROVIDERS = ("ollama", "openai", "anthropic", "openai-like", "llama-cpp")

HOSTED = ("openai", "anthropic")
"""Providers whose models read a long prompt quickly."""

MOST_TOKENS = 160
"""Tokens that a model may write: three sentences and room to finish."""

CONTEXT = 4096
"""Tokens of context that a local model is opened with; it holds the longest prompt of ragbot.

It is constant, because Ollama reloads a model when its context changes."""


def open_model(
    provider: str, name: str, base_url: str, timeout: float, stack: AsyncExitStack
) -> LLM | None:
    """Open a model; None for an unknown provider.

    Parameters
    ----------
    stack
        Closes the connection when it is closed.

    Raises
    ------
    ImportError
        If the provider's package is not installed.
    """
    openers: dict[str, Callable[[], LLM]] = {
        "ollama": lambda: _ollama(name, base_url, timeout),
        "openai": lambda: _openai(name, base_url, timeout, stack),
        "anthropic": lambda: _anthropic(name, base_url, timeout),
        "openai-like": lambda: _openai_like(name, base_url, timeout, stack),
        "llama-cpp": lambda: _llama_cpp(name),
    }
    opener = openers.get(provider)
    return opener() if opener else None


def _shared(name: str, timeout: float) -> dict[str, Any]:
    # Without retries, because a person waits and already has the quotes.
    return {
        "model": name,
        "max_tokens": MOST_TOKENS,
        "timeout": timeout,
        "max_retries": 0,
        "temperature": 0.0,
    }


def _ollama(name: str, base_url: str, timeout: float) -> LLM:
    from llama_index.llms.ollama import Ollama
    from ollama import AsyncClient

    # Ollama silently cuts a prompt at the requested context.
    opened: LLM = Ollama(
        model=name,
        async_client=AsyncClient(host=base_url or None, timeout=timeout),
        request_timeout=timeout,
        temperature=0.0,
        context_window=CONTEXT,
        additional_kwargs={"num_predict": MOST_TOKENS},
    )
    return opened


def _openai(name: str, base_url: str, timeout: float, stack: AsyncExitStack) -> LLM:
    from llama_index.llms.openai import OpenAI

    place = {"api_base": base_url} if base_url else {}
    client = _connection(timeout, stack)
    opened: LLM = OpenAI(async_http_client=client, **_shared(name, timeout), **place)
    return opened


def _anthropic(name: str, base_url: str, timeout: float) -> LLM:
    from llama_index.llms.anthropic import Anthropic

    place = {"base_url": base_url} if base_url else {}
    opened: LLM = Anthropic(**_shared(name, timeout), **place)
    return opened


def _openai_like(name: str, base_url: str, timeout: float, stack: AsyncExitStack) -> LLM:
    from llama_index.llms.openai_like import OpenAILike

    # A local server needs no key, but the client requires one.
    opened: LLM = OpenAILike(
        api_base=base_url,
        api_key=os.environ.get("OPENAI_API_KEY") or "none",
        is_chat_model=True,
        context_window=CONTEXT,
        async_http_client=_connection(timeout, stack),
        **_shared(name, timeout),
    )
    return opened


def _connection(timeout: float, stack: AsyncExitStack) -> httpx.AsyncClient:
    """Return a client that closes when the stack closes."""
    import httpx

    client = httpx.AsyncClient(timeout=timeout)
    stack.push_async_callback(client.aclose)
    return client


def _llama_cpp(path: str) -> LLM:
    """Load a GGUF file into this process, and use the chat template in it."""
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter
    from llama_index.llms.llama_cpp import LlamaCPP

    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(file.name)
    model: LLM = LlamaCPP(
        model_path=str(file),
        temperature=0.0,
        max_new_tokens=MOST_TOKENS,
        context_window=CONTEXT,
        verbose=False,
    )
    llama: Any = model._model  # type: ignore[attr-defined]  # the integration offers no other way to the file's metadata
    template = llama.metadata.get("tokenizer.chat_template")
    if template:
        ends = {"eos_token": llama.detokenize([llama.token_eos()], special=True).decode()}
        formatter = Jinja2ChatFormatter(template, bos_token="", **ends)

        def as_prompt(messages: Sequence[ChatMessage]) -> str:
            chat = [{"role": str(one.role.value), "content": one.content} for one in messages]
            return str(formatter(messages=chat).prompt)

        model.messages_to_prompt = as_prompt
    return model
