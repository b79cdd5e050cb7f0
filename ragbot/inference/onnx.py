"""Encoders run by ONNX Runtime and tokenizers, without torch.

A model is converted once, by `onnx_export.py` in a child process, and stored in the user's cache
under the hash of its files. Other weights have another hash, so they are converted again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ragbot.inference.encoder import Role
from ragbot.inference.model_files import first_line
from ragbot.inference.token_codes import (
    FloatArray,
    TokenVectors,
    no_token_vectors,
    token_vectors,
    unit,
)

PRECISIONS = {"onnx": "float32", "onnx-int8": "int8"}
"""Precision of the weights, by backend."""

FORMAT = 1
"""Number of the layout of a converted model; raise it when the conversion changes."""

MODEL, TOKENIZER, SETTINGS = "model.onnx", "tokenizer.json", "settings.json"
CONVERTERS = ("onnx", "onnxruntime", "sentence-transformers", "torch", "transformers")
"""Packages whose versions decide whether a model can be converted."""

_DAMAGED = (OSError, ValueError, KeyError, TypeError)
"""Errors that a folder without a complete model raises."""


class ConversionError(Exception):
    """A model cannot be run by ONNX Runtime; the message says why."""


class OnnxModel:
    """A model that `onnx_export.convert` wrote to a folder; see `TextModel`.

    Raises one of `_DAMAGED` if a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped]  # ships no types
        from tokenizers import Tokenizer

        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        self.precision = str(settings["precision"])
        self.dimension = int(settings["dimension"])
        self.prefixes = (str(settings["query"]), str(settings["document"]))
        self.workers = available_processors()
        self._pad = int(settings["pad"])
        self._pads_left = bool(settings["pads_left"])
        if (folder / MODEL).stat().st_size != settings["bytes"]:
            raise ValueError(f"{MODEL} is incomplete")
        options = onnxruntime.SessionOptions()
        # Threads that share a batch wait for each other, so batches run in parallel instead.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise it for a damaged file
            raise ValueError(first_line(error)) from error
        self._inputs = [value.name for value in self._session.get_inputs()]

    def vectors(self, texts: Sequence[str], role: Role) -> FloatArray:
        """Return unit vectors of a batch of texts, shape (texts, dimension)."""
        encodings = self._tokenized(texts, self.prefixes[role != "query"])
        (vectors,) = self._session.run(["vector"], self._feed(encodings))
        return unit(vectors)

    def read(self, texts: Sequence[str], role: Role) -> list[tuple[FloatArray, TokenVectors]]:
        """Return for each text of a batch its unit vector, and those of its word pieces."""
        prefix = self.prefixes[role != "query"]
        encodings = self._tokenized(texts, prefix)
        feed = self._feed(encodings)
        vectors, tokens = self._session.run(["vector", "tokens"], feed)
        # If a model projects after pooling, its words and texts are in different spaces.
        if tokens.shape[-1] != self.dimension:
            return [(vector, no_token_vectors(self.dimension)) for vector in unit(vectors)]
        masks = feed["attention_mask"].astype(bool)
        return [
            (vector, token_vectors(rows[mask], encoding.offsets, prefix))
            for vector, rows, mask, encoding in zip(
                unit(vectors), tokens, masks, encodings, strict=True
            )
        ]

    def _tokenized(self, texts: Sequence[str], prefix: str) -> list[Any]:
        return [self._tokenizer.encode(prefix + text) for text in texts]

    def _feed(self, encodings: Sequence[Any]) -> dict[str, Any]:
        """Return the inputs for a batch, padded to its longest text."""
        length = max(len(encoding.ids) for encoding in encodings)
        shape = (len(encodings), length)
        arrays = {
            "input_ids": np.full(shape, self._pad, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
            "token_type_ids": np.zeros(shape, np.int64),
        }
        for row, encoding in enumerate(encodings):
            size = len(encoding.ids)
            place = slice(length - size, length) if self._pads_left else slice(0, size)
            arrays["input_ids"][row, place] = encoding.ids
            arrays["attention_mask"][row, place] = 1
            arrays["token_type_ids"][row, place] = encoding.type_ids
        # The session may take fewer inputs.
        return {name: arrays[name] for name in self._inputs}


def open_model(source: Path, fingerprint: str, backend: str) -> OnnxModel:
    """Open the converted model of a folder with this fingerprint, or convert it first.

    Raises
    ------
    ConversionError
        If the model cannot be converted, or the result cannot be stored.
    """
    folder = cache_folder() / f"{fingerprint[:32]}-{PRECISIONS[backend]}-{FORMAT}"
    with suppress(*_DAMAGED):
        return _opened(folder)
    _convert(source, folder, PRECISIONS[backend])
    try:
        return _opened(folder)
    except _DAMAGED as error:
        raise ConversionError(f"the converted model is damaged: {first_line(error)}") from error


def cache_folder() -> Path:
    """Return the folder of converted models."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "ragbot" / "onnx"


def available_processors() -> int:
    """Return the number of processors that this process may use; `OMP_NUM_THREADS` lowers it."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def converter_versions() -> list[str]:
    """Return the versions of the packages that convert a model."""
    return [_version(package) for package in CONVERTERS]


def _opened(folder: Path) -> OnnxModel:
    """Open a folder of the cache; raise `ConversionError` if it records a failed conversion."""
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    if "reason" in settings and settings["versions"] == converter_versions():
        raise ConversionError(str(settings["reason"]))
    return OnnxModel(folder)


def _convert(source: Path, folder: Path, precision: str) -> None:
    """Convert a model in a child process, which frees the memory of torch when it ends.

    Other processes that need the same model wait until it is converted.
    """
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            with suppress(*_DAMAGED):
                _opened(folder)
                return
            command = [sys.executable, "-m", "ragbot.inference.onnx_export"]
            done = subprocess.run(
                [*command, str(source), str(folder), precision],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConversionError(
            f"the converted model cannot be stored in {folder.parent} ({reason}); "
            "free some space, or set XDG_CACHE_HOME to another folder"
        ) from error
    if done.returncode:
        *_, last = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ConversionError(last.rstrip(". "))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
