"""The settings, read from environment variables `RAGBOT_*` once.

An unknown variable is an error, because a misspelt setting that is ignored
misleads its user.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ragbot.errors import ConfigError, UnknownSettingError
from ragbot.notes.editor_links import check_template

PREFIX = "RAGBOT_"
BACKENDS = ("onnx", "onnx-int8", "torch")
_SWITCH = {"on": True, "true": True, "yes": True, "1": True} | dict.fromkeys(
    ("off", "false", "no", "0"), False
)
_RAY = re.compile(r"auto|local|(ray://)?(\[[^]\s]+\]|[^/:\s]+):\d{1,5}")
LLM_PROVIDERS = ("ollama", "openai", "anthropic", "openai-like", "llama-cpp")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings. Each field `name` is set by `RAGBOT_NAME`.

    Attributes
    ----------
    notes
        Folder of Markdown notes.
    index
        Folder of the index; created if it is missing.
    embed_model
        A sentence-transformers model: a name, or a local path. Empty for the
        all-MiniLM-L6-v2 that is installed with ragbot.
    backend
        Runtime of the encoder: one of `BACKENDS`.
    chroma_url
        `http://host:port` of a Chroma server; empty to keep vectors in `index`.
    ray
        Address of a Ray cluster that embeds passages (`auto`, `host:port`,
        `ray://host:port`), or `local`; empty to embed here.
    llm
        `provider/name` of a language model, provider one of `LLM_PROVIDERS`;
        empty to answer without one.
    llm_base_url
        Base URL of an OpenAI-compatible server (`openai-like`), or of Ollama.
    llm_timeout
        Seconds to wait for the next piece of a model's answer, > 0.
    reranker
        A sentence-transformers `CrossEncoder`, name or path; empty for none.
    note_url
        Template of a link that opens a note in an editor, with `{path}`,
        `{absolute}` and `{line}`; empty for none.
    max_question
        Length of the longest question, in characters, > 0.
    mentions
        Whether an unlinked mention of a note's name counts as a weak link: `on`
        or `off`.
    """

    notes: Path = Path("notes")
    index: Path = Path("index")
    embed_model: str = ""
    backend: str = "onnx"
    chroma_url: str = ""
    ray: str = ""
    llm: str = ""
    llm_base_url: str = ""
    llm_timeout: float = 120.0
    reranker: str = ""
    note_url: str = ""
    max_question: int = 2000
    mentions: bool = True

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ConfigError("RAGBOT_BACKEND", self.backend, f"one of {', '.join(BACKENDS)}")
        provider, _, name = self.llm.partition("/")
        if self.llm and (provider not in LLM_PROVIDERS or not name):
            expected = f"provider/name with the provider one of {', '.join(LLM_PROVIDERS)}"
            raise ConfigError("RAGBOT_LLM", self.llm, expected)
        if provider == "openai-like" and not self.llm_base_url:
            raise ConfigError("RAGBOT_LLM_BASE_URL", "", "the base URL of the server")
        for name in ("chroma_url", "llm_base_url"):
            url = getattr(self, name)
            if url and not _is_web_address(url):
                raise ConfigError(PREFIX + name.upper(), url, "a URL like http://host:8000")
        if self.ray and not _RAY.fullmatch(self.ray):
            raise ConfigError("RAGBOT_RAY", self.ray, "auto, local, host:port or ray://host:port")
        check_template(self.note_url)
        for name in ("llm_timeout", "max_question"):
            if not 0 < getattr(self, name) < inf:
                raise ConfigError(PREFIX + name.upper(), getattr(self, name), "more than 0")

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        notes: str | Path | None = None,
        index: str | Path | None = None,
    ) -> Config:
        """Read the settings; arguments override the environment.

        Raises
        ------
        ConfigError
            If a `RAGBOT_*` variable is unknown, or has a value that cannot be used.
        """
        environment = os.environ if environment is None else environment
        kinds = {f.name: f.type for f in fields(cls)}
        # `_convert` returns each value in the type of its field.
        values: dict[str, Any] = {}
        for variable, written in sorted(environment.items()):
            if not variable.startswith(PREFIX):
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in kinds:
                raise _unknown(variable, list(kinds))
            if written:
                values[name] = _convert(variable, written, str(kinds[name]))
        for name, argument in (("notes", notes), ("index", index)):
            if argument is not None:
                values[name] = Path(argument)
        return cls(**values)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a wrong port, or an unclosed bracket
        return False


def _unknown(variable: str, known: list[str]) -> ConfigError:
    names = [PREFIX + name.upper() for name in known]
    near = difflib.get_close_matches(variable, names, n=1, cutoff=0.7)
    remedy = f"Did you mean {near[0]}?" if near else f"Known settings: {', '.join(names)}."
    return UnknownSettingError(variable, remedy)


def _convert(variable: str, written: str, kind: str) -> object:
    if kind == "Path":
        try:
            return Path(written).expanduser()
        except RuntimeError:
            raise ConfigError(variable, written, "a folder; there is no such user") from None
    if kind == "bool":
        if written.casefold() not in _SWITCH:
            raise ConfigError(variable, written, "on or off")
        return _SWITCH[written.casefold()]
    try:
        return {"str": str, "int": int, "float": float}[kind](written)
    except ValueError:
        expected = {"int": "a whole number", "float": "a number"}[kind]
        raise ConfigError(variable, written, expected) from None
