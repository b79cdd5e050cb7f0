"""The choice of a language model: the configured one, or one of a server on this machine.

ragbot uses a model of this machine only if a caller names it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ragbot.errors import ModelUnavailableError
from ragbot.inference.llm import LanguageModel

TIMEOUT = 0.5
"""Seconds to wait for a server on loopback."""

_LARGEST = 200
"""Most models listed of one server."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model of a server on this machine.

    `spec` and `base_url` are values for `RAGBOT_LLM` and `RAGBOT_LLM_BASE_URL`; `server` names the
    program.
    """

    spec: str
    base_url: str
    server: str


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server: where it listens, and how it lists its models."""

    name: str
    provider: str
    url: str
    listing: str
    read: Callable[[Any], list[str]]


def _of_ollama(value: Any) -> list[str]:
    return [str(model["name"]) for model in value["models"]]


def _of_openai(value: Any) -> list[str]:
    return [str(model["id"]) for model in value["data"]]


SERVERS = (
    Server("Ollama", "ollama", "http://127.0.0.1:11434", "/api/tags", _of_ollama),
    Server("LM Studio", "openai-like", "http://127.0.0.1:1234/v1", "/models", _of_openai),
    Server("llama.cpp", "openai-like", "http://127.0.0.1:8080/v1", "/models", _of_openai),
)


class ModelChoice:
    """The language models of one bot, each opened once.

    Parameters
    ----------
    spec, base_url, timeout
        The configured model, as for `LanguageModel`; an empty `spec` for none.
    """

    def __init__(self, spec: str, base_url: str, timeout: float) -> None:
        self.configured = LanguageModel(spec, base_url, timeout) if spec else None
        self._timeout = timeout
        self._chosen: dict[str, LanguageModel] = {}

    def choose(self, use_llm: bool | str | None) -> LanguageModel | None:
        """Return the model of a spec; the configured one for True and None; None for False.

        Raises
        ------
        ModelUnavailableError
            If no server on this machine offers the model.
        """
        if use_llm is False:
            return None
        configured = self.configured
        if not isinstance(use_llm, str) or (configured and use_llm == configured.spec):
            return configured
        if use_llm not in self._chosen:
            offered = next((one for one in local_models() if one.spec == use_llm), None)
            if offered is None:
                found = "no server on this machine offers it"
                raise ModelUnavailableError(
                    use_llm, found, "List the offered ones with: ragbot models"
                )
            self._chosen[use_llm] = LanguageModel(use_llm, offered.base_url, self._timeout)
        return self._chosen[use_llm]


def local_models(servers: tuple[Server, ...] = SERVERS) -> list[LocalModel]:
    """Return the models that servers on this machine offer; empty without a server."""
    with ThreadPoolExecutor(len(servers) or 1) as pool:
        return [model for found in pool.map(_models_of, servers) for model in found]


def _models_of(server: Server) -> list[LocalModel]:
    import httpx

    try:
        # Without proxies, because the server is on this machine.
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
            answer = client.get(server.url + server.listing)
            names = server.read(answer.raise_for_status().json())
    # Another program may listen there and send any response.
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []
    return [
        LocalModel(f"{server.provider}/{name}", server.url, server.name)
        for name in names[:_LARGEST]
        if name.isprintable()
    ]
