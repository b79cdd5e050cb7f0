"""Models run by sentence-transformers and torch: encoders, and the cross-encoder that reranks.

A cross-encoder reads question and passage together. It is off by default, because it runs a model
for each passage, and none is installed with ragbot.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbot.errors import ModelUnavailableError
from ragbot.inference.encoder import Role
from ragbot.inference.model_files import ENCODER_REMEDY, find_model, first_line, prepare_libraries
from ragbot.inference.token_codes import (
    FloatArray,
    TokenVectors,
    no_token_vectors,
    token_vectors,
    unit,
)
from ragbot.models import Evidence, Hit, Note
from ragbot.notes.units import plain

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

CANDIDATES = 30
"""Hits that are reranked; the others follow them in their order."""

LONGEST = 2000
"""Characters of a passage that the reranker reads."""

PAIRS = 4
"""Pairs of question and passage in one batch."""

_REMEDY = (
    "Set RAGBOT_RERANKER to the folder of a cross-encoder, or to the name of one in the local "
    "Hugging Face cache (`hf download NAME` puts it there); or unset it."
)
_LONGEST = 8192
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Names of the prompt of a document, as sentence-transformers looks for them."""


def load(folder: Path, name: str, device: str | None = None) -> SentenceTransformer:
    """Load a model from its folder; raise `ModelUnavailableError` if it cannot be read.

    `name` is for errors. torch chooses the device if it is None.
    """
    prepare_libraries()
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            str(folder), device=device, backend="torch", local_files_only=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelUnavailableError(name, first_line(error), ENCODER_REMEDY) from error
    return model.eval()


def prefixes_of(model: SentenceTransformer) -> tuple[str, str]:
    """Return the prefixes of a model for a query and for a document."""
    prompts = model.prompts or {}
    documents = [prompts.get(name) or "" for name in _DOCUMENT_PROMPTS]
    return prompts.get("query") or "", next(filter(None, documents), "")


def own_tokenizer(model: SentenceTransformer) -> Any:
    """Return a copy of a model's tokenizer with the model's truncation; None if it has none.

    A copy, because the model sets padding and truncation of its own one in other threads.
    """
    shown: Any = model.tokenizer
    original = getattr(shown, "backend_tokenizer", None)
    if original is None:
        return None
    tokenizer = type(original).from_str(original.to_str())
    tokenizer.no_padding()
    longest = min(model.max_seq_length or _LONGEST, _LONGEST)
    tokenizer.enable_truncation(longest, direction=shown.truncation_side)
    return tokenizer


class SentenceTransformerModel:
    """A loaded sentence-transformers model; see `TextModel`."""

    precision = "float32"
    workers = 1
    """Torch itself uses several threads for a batch."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self._tokenizer = own_tokenizer(model)
        self.dimension = int(model.get_embedding_dimension() or 0)
        self.prefixes = prefixes_of(model)

    def vectors(self, texts: Sequence[str], role: Role) -> FloatArray:
        """Return unit vectors of a batch of texts, shape (texts, dimension)."""
        vectors: FloatArray = self._run(texts, role)["sentence_embedding"].float().cpu().numpy()
        return unit(vectors[:, : self.dimension])

    def read(self, texts: Sequence[str], role: Role) -> list[tuple[FloatArray, TokenVectors]]:
        """Return for each text of a batch its unit vector, and those of its word pieces."""
        found = self._run(texts, role)
        vectors = unit(found["sentence_embedding"].float().cpu().numpy()[:, : self.dimension])
        words = found.get("token_embeddings")
        # If a model projects after pooling, its words and texts are in different spaces.
        if self._tokenizer is None or words is None or words.shape[-1] != self.dimension:
            return [(vector, no_token_vectors(self.dimension)) for vector in vectors]
        prefix = self.prefixes[role != "query"]
        rows = words.float().cpu().numpy()
        masks = found["attention_mask"].bool().cpu().numpy()
        read = []
        for row, (vector, text) in enumerate(zip(vectors, texts, strict=True)):
            offsets = self._tokenizer.encode(prefix + text).offsets
            kept = rows[row][masks[row]]
            if len(kept) == len(offsets):
                read.append((vector, token_vectors(kept, offsets, prefix)))
            else:  # a chat template or a task of the model adds tokens
                read.append((vector, no_token_vectors(self.dimension)))
        return read

    def _run(self, texts: Sequence[str], role: Role) -> dict[str, Any]:
        import torch
        from sentence_transformers.util import batch_to_device

        # Not `encode`: before 6.2 it fails to return both kinds of vectors for more than a few
        # texts.
        with torch.inference_mode():
            features = self._model.preprocess(
                list(texts), prompt=self.prefixes[role != "query"] or None, task=role
            )
            found: dict[str, Any] = self._model(
                batch_to_device(features, self._model.device), task=role
            )
        return found


class Reranker:
    """A `CrossEncoder`, by name or local path, loaded at its first use. Safe between threads."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._encoder: CrossEncoder | None = None
        self._lock = threading.Lock()

    def rerank(self, question: str, hits: Sequence[Hit], notes: Sequence[Note]) -> list[Hit]:
        """Return hits in the order of the model's scores, best first.

        The first `CANDIDATES` get the model's score and an `Evidence` of the retriever `reranker`;
        the others follow. `notes` has the note of each hit, for its title.

        Raises
        ------
        ModelUnavailableError
            If the model cannot be loaded or does not score a pair with one number.
        """
        read = list(zip(hits, notes, strict=True))[:CANDIDATES]
        if not read:
            return list(hits)
        pairs = [
            (question, f"{note.title}. {plain(hit.passage.text)}"[:LONGEST]) for hit, note in read
        ]
        scores = self._scores(pairs)
        order = sorted(range(len(read)), key=lambda place: -scores[place])
        ranked = [
            replace(
                read[place][0],
                score=scores[place],
                evidence=(*read[place][0].evidence, Evidence("reranker", rank, scores[place])),
            )
            for rank, place in enumerate(order, start=1)
        ]
        lowest = ranked[-1].score
        rest = [replace(hit, score=min(hit.score, lowest)) for hit in hits[len(read) :]]
        return ranked + rest

    def _scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        try:
            found = self._loaded().predict(pairs, batch_size=PAIRS, show_progress_bar=False)
            values = [float(value) for value in found]
        except (RuntimeError, TypeError, ValueError) as error:
            remedy = "Set RAGBOT_RERANKER to a cross-encoder with one output, or unset it."
            raise ModelUnavailableError(self.model, f"it failed ({error})", remedy) from error
        return values

    def _loaded(self) -> CrossEncoder:
        with self._lock:
            if self._encoder is None:
                folder = find_model(self.model, _REMEDY)
                prepare_libraries()
                from sentence_transformers import CrossEncoder

                try:
                    self._encoder = CrossEncoder(str(folder), device="cpu", local_files_only=True)
                except (OSError, ValueError, RuntimeError, KeyError) as error:
                    raise ModelUnavailableError(self.model, first_line(error), _REMEDY) from error
            return self._encoder
