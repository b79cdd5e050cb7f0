"""The interface between an encoder and the runtime of its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ragbot.inference.token_codes import TokenVectors
from ragbot.models import Span

FloatArray = NDArray[np.float32]

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


def unit(rows: FloatArray) -> FloatArray:
    """Return rows at unit length; rows of zeros stay as they are."""
    scaled: FloatArray = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return scaled


def token_vectors(rows: FloatArray, offsets: Sequence[Span], prefix: str) -> TokenVectors:
    """Return the unit vectors of the word pieces that come after the prefix.

    Parameters
    ----------
    rows
        Output of the model, shape (pieces, dimension).
    offsets
        Of each piece in the prefix and text together; empty for special tokens.
    """
    spans = [(start - len(prefix), end - len(prefix)) for start, end in offsets]
    kept = [n for n, (start, end) in enumerate(spans) if 0 <= start < end]
    return TokenVectors(unit(rows[kept]), tuple(spans[n] for n in kept))


def no_token_vectors(dimension: int) -> TokenVectors:
    """Return the token vectors of a model that has none."""
    return TokenVectors(np.zeros((0, dimension), np.float32), ())
