"""An encoder for tests: fast, the same on every machine, and near for texts that share words."""

from __future__ import annotations

import re
import zlib
from functools import cache

import numpy as np

from ragbot.embed import EncoderIdentity

DIMENSION = 48


@cache
def direction(word: str, seed: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(word.encode()) + seed).normal(size=DIMENSION)


class WordEncoder:
    """The sum of a direction for each distinct word, at unit length.

    `encoded` collects the passages that were asked for; another `seed` is
    another model of the same dimension.
    """

    loaded = True

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.identity = EncoderIdentity("words", f"seed {seed}", DIMENSION, ("", ""))
        self.encoded: list[str] = []

    def encode_query(self, text):
        words = sorted(set(re.findall(r"\w+", text.casefold()))) or [""]
        vector = np.sum([direction(word, self.seed) for word in words], axis=0)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def encode(self, texts, *, progress=None):
        self.encoded += texts
        vectors = [self.encode_query(text) for text in texts]
        if progress is not None:
            progress(len(texts))
        return np.array(vectors, np.float32).reshape(-1, DIMENSION)
