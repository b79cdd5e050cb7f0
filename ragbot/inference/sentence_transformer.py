"""Models run by sentence-transformers and torch, on a GPU if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbot.errors import ModelUnavailableError
from ragbot.inference.model_files import ENCODER_REMEDY, first_line, prepare_libraries
from ragbot.inference.text_model import (
    FloatArray,
    Role,
    no_token_vectors,
    token_vectors,
    unit,
)
from ragbot.inference.token_codes import TokenVectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_LONGEST = 8192
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Names of the prompt of a document, as sentence-transformers looks for them."""


def load(folder: Path, name: str, device: str | None = None) -> SentenceTransformer:
    """Load a model from its folder.

    Parameters
    ----------
    name
        The name of the model in errors.
    device
        Device of torch, such as "cpu"; torch chooses if None.

    Raises
    ------
    ModelUnavailableError
        If it cannot be read.
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
        prefix = self._prefix(role)
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

    def _prefix(self, role: Role) -> str:
        return self.prefixes[0] if role == "query" else self.prefixes[1]

    def _run(self, texts: Sequence[str], role: Role) -> dict[str, Any]:
        import torch
        from sentence_transformers.util import batch_to_device

        # Not `encode`: before 6.2 it fails to return both kinds of vectors for more than a few
        # texts.
        with torch.inference_mode():
            features = self._model.preprocess(
                list(texts), prompt=self._prefix(role) or None, task=role
            )
            found: dict[str, Any] = self._model(
                batch_to_device(features, self._model.device), task=role
            )
        return found
