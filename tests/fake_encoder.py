"""An encoder with meaning and without weights: texts that share words get near vectors."""

from __future__ import annotations

import hashlib
import re

import numpy as np

from ragbot.embed import EncoderIdentity

DIMENSION = 64


class FakeEncoder:
    """Sums a fixed random vector for each word. `encoded` counts the texts it was given."""

    def __init__(self, name: str = "fake") -> None:
        self.identity = EncoderIdentity(name, name, DIMENSION, ("", ""))
        self.encoded: list[str] = []
        self.loaded = True

    def load(self) -> None:
        """Do nothing: there is nothing to load."""

    def encode(self, texts, *, progress=lambda n: None):
        self.encoded += texts
        vectors = np.array([self._vector(text) for text in texts], np.float32)
        progress(len(texts))
        return vectors.reshape(-1, DIMENSION)

    def encode_query(self, text):
        return self._vector(text)

    def _vector(self, text):
        words = re.findall(r"\w+", text.casefold()) or [""]
        total = sum(_of_word(self.identity.name, word) for word in words)
        return (total / np.linalg.norm(total)).astype(np.float32)


def _of_word(name, word):
    seed = hashlib.sha256(f"{name} {word}".encode()).digest()[:8]
    return np.random.default_rng(int.from_bytes(seed, "big")).normal(size=DIMENSION)
