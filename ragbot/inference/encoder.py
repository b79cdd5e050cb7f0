"""The encoder: text in, unit vectors out."""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np

from ragbot.errors import ModelUnavailableError
from ragbot.inference import token_codes
from ragbot.inference.model_files import (
    DEFAULT_MODEL,
    ENCODER_REMEDY,
    default_model_folder,
    find_model,
    fingerprint,
    verify_default_weights,
)
from ragbot.inference.token_codes import (
    Codes,
    Encoded,
    EncodedQuestion,
    FloatArray,
    TokenVectors,
)

_log = logging.getLogger(__name__)

BATCH = 2
"""Texts encoded together: as fast as one, with less padding than four (benchmarks/encoder.py)."""

CACHED_TEXTS = 2_000
"""Texts in the cache: 3 MB at 384 dimensions."""

_PIECE = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9\s]")
_CACHED_QUESTIONS = 512


Role = Literal["query", "document"]
"""Role of a text: some models encode questions and passages differently."""

ROLES: tuple[Role, Role] = ("query", "document")


class TextModel(Protocol):
    """A model that runs. Safe to share between threads."""

    precision: str
    """`float32` or `int8`."""

    dimension: int

    prefixes: tuple[str, str]
    """Texts that precede a query, and a document."""

    workers: int
    """Batches to run in parallel."""

    def vectors(self, texts: Sequence[str], role: Role) -> FloatArray:
        """Return unit vectors of a batch of texts, shape (texts, dimension)."""

    def read(self, texts: Sequence[str], role: Role) -> list[tuple[FloatArray, TokenVectors]]:
        """Return for each text of a batch its unit vector, and those of its word pieces."""


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """Identity of an encoder: only vectors of equal identities are comparable.

    `weights` is the SHA-256 of the weights; `prefixes` precede a query and a passage.
    """

    name: str
    weights: str
    dimension: int
    prefixes: tuple[str, str]
    normalised: bool = True


EncodedBatches: TypeAlias = Generator[Encoded, None, None]
"""Batches of encoded passages, in order, encoded ahead of the reader once it has read one.

Close it to cancel the batches that have not begun.
"""


class Encoder(Protocol):
    """Encodes passages and questions. Safe to share between threads."""

    @property
    def identity(self) -> EncoderIdentity:
        """Identity of the vectors: only vectors of equal identities are comparable."""

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return a unit row for each text, shape (len(texts), dimension)."""

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode a question, as a whole and word by word."""

    def passages(self, texts: Sequence[str]) -> EncodedBatches:
        """Encode passages, each as a whole and word by word, in the order of `texts`.

        It is fastest if neighbours in `texts` have about the same length; see `longest_first`.
        """

    def encode_passages(self, texts: Sequence[str]) -> Encoded:
        """Encode passages and wait for all of them."""
        dimension = self.identity.dimension
        vectors = np.zeros((len(texts), dimension), np.float32)
        codes = [token_codes.none(dimension)] * len(texts)
        order = longest_first(texts)
        places = iter(order)
        with closing(self.passages([texts[i] for i in order])) as batches:
            for batch in batches:
                for vector, code, i in zip(batch.vectors, batch.codes, places, strict=False):
                    vectors[i], codes[i] = vector, code
        return Encoded(vectors, codes)


class LocalEncoder(Encoder):
    """An `Encoder` that runs a sentence-transformers model here, loaded at its first use.

    Parameters
    ----------
    model
        Name or local path of a sentence-transformers model; empty for the
        all-MiniLM-L6-v2 that is installed with ragbot.
    backend
        `onnx`, `onnx-int8` or `torch`. If one of the first two cannot run a model,
        torch runs it, and a warning says why.
    """

    def __init__(self, model: str = "", backend: str = "onnx") -> None:
        self.name = model or DEFAULT_MODEL
        self.backend = backend
        self._custom = bool(model)
        self._lock = threading.Lock()
        self._model: TextModel | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._hash = ""
        self._question = lru_cache(_CACHED_QUESTIONS)(self._encoded_question)

    @property
    def identity(self) -> EncoderIdentity:
        """The identity of the vectors; torch and `onnx` have the same."""
        if not self._custom and self.backend != "onnx-int8":
            with self._lock:
                return EncoderIdentity(self.name, self._weights(), 384, ("", ""))
        model = self.load()
        name = self.name if model.precision == "float32" else f"{self.name} ({self.backend})"
        return EncoderIdentity(name, self._hash, model.dimension, model.prefixes)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return a unit row for each text, shape (len(texts), dimension).

        Text beyond the model's window is cut off.
        """
        model = self.load()
        vectors = np.zeros((len(texts), model.dimension), np.float32)
        order = longest_first(texts)
        batches = _batches([texts[i] for i in order])

        def encode(batch: Sequence[str]) -> FloatArray:
            return model.vectors(batch, "document")

        if len(batches) == 1:
            vectors[order] = encode(batches[0])
        elif batches:
            vectors[order] = np.concatenate(list(self._threads(model).map(encode, batches)))
        return vectors

    def passages(self, texts: Sequence[str]) -> EncodedBatches:
        """Encode passages, each as a whole and word by word, in the order of `texts`."""
        model = self.load()

        def encode(batch: Sequence[str]) -> Encoded:
            read = model.read(batch, "document")
            codes = [_quantized(text, words) for text, (_, words) in zip(batch, read, strict=True)]
            return Encoded(np.stack([vector for vector, _ in read]), codes)

        pool = self._threads(model)
        pending = deque(pool.submit(encode, batch) for batch in _batches(texts))
        try:
            while pending:
                yield pending.popleft().result()
        finally:
            while pending:
                pending.pop().cancel()

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode a question, as a whole and word by word; the last ones are cached."""
        return self._question(text)

    def _encoded_question(self, text: str) -> EncodedQuestion:
        ((vector, words),) = self.load().read([text], "query")
        vector.setflags(write=False)
        return EncodedQuestion(vector, words)

    def load(self) -> TextModel:
        """Return the model; at the first call, load it, and at its first use here, convert it.

        Raises
        ------
        ModelUnavailableError
            If there is no such model here, or it cannot be read.
        """
        with self._lock:
            if self._model is None:
                self._model = self._open()
            return self._model

    def _open(self) -> TextModel:
        weights = self._weights()
        if self.backend != "torch":
            from ragbot.inference import onnx

            try:
                return onnx.open_model(self._folder(), weights, self.backend)
            except onnx.ConversionError as error:
                _log.warning("%s runs on torch, which is slower to start: %s", self.name, error)
        from ragbot.inference import sentence_transformer

        loaded = sentence_transformer.load(self._folder(), self.name)
        return sentence_transformer.SentenceTransformerModel(loaded)

    def _folder(self) -> Path:
        return find_model(self.name, ENCODER_REMEDY) if self._custom else default_model_folder()

    def _weights(self) -> str:
        """Return the hash of the model's files, computed once. The caller holds the lock."""
        if not self._hash:
            try:
                custom = self._custom
                self._hash = fingerprint(self._folder()) if custom else verify_default_weights()
            except OSError as error:
                reason = f"it cannot be read ({error.strerror})"
                raise ModelUnavailableError(self.name, reason, ENCODER_REMEDY) from error
        return self._hash

    def _threads(self, model: TextModel) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(model.workers, "ragbot-encode")
            return self._pool


class VectorCache:
    """Encode texts, each only once while it is among the last `size` used. Safe between threads."""

    def __init__(
        self, encode: Callable[[Sequence[str]], FloatArray], size: int = CACHED_TEXTS
    ) -> None:
        self._encode = encode
        self._size = size
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, FloatArray] = OrderedDict()

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of texts, shape (len(texts), dimension), in their order."""
        if not texts:
            return self._encode(texts)
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, self._encode(new), strict=True))
        with self._lock:
            for text in texts:
                self._vectors[text] = known[text]
                self._vectors.move_to_end(text)
            while len(self._vectors) > self._size:
                self._vectors.popitem(last=False)
        return np.stack([known[text] for text in texts])


def longest_first(texts: Sequence[str]) -> list[int]:
    """Return the positions of texts by length, so that batches need little padding.

    Length counts words and punctuation marks, which predict word pieces better than characters do:
    8.6 % padding against 20 %, in batches of 8 of 2,332 passages.
    """
    sizes = [len(_PIECE.findall(text)) for text in texts]
    return sorted(range(len(texts)), key=lambda i: -sizes[i])


def _batches(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]


def _quantized(text: str, words: TokenVectors) -> Codes:
    """Return the quantized vectors of a passage's content words."""
    kept = np.flatnonzero(token_codes.is_content(text, words.spans))
    return token_codes.quantize(words.vectors[kept], [words.spans[n][0] for n in kept])
