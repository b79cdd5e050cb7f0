"""An encoder for tests: fast, the same on every machine, and near for texts that share words."""

from __future__ import annotations

import re
import zlib
from functools import cache

import numpy as np

from ragbot.inference import token_codes
from ragbot.inference.encoder import EncoderIdentity
from ragbot.inference.token_codes import Encoded, EncodedQuestion, TokenVectors

DIMENSION = 48


@cache
def direction(word: str, seed: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(word.encode()) + seed).normal(size=DIMENSION)


class WordEncoder:
    """The sum of a direction for each distinct word, at unit length.

    `encoded` collects the passages that were asked for; another `seed` is
    another model of the same dimension.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.identity = EncoderIdentity("words", f"seed {seed}", DIMENSION, ("", ""))
        self.encoded: list[str] = []

    def encode_query(self, text):
        words = sorted(set(re.findall(r"\w+", text.casefold()))) or [""]
        vector = np.sum([direction(word, self.seed) for word in words], axis=0)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def encode_question(self, text):
        spans, vectors = self._words(text)
        return EncodedQuestion(self.encode_query(text), TokenVectors(vectors, spans))

    def passages(self, texts):
        return (self.encode_passages([text]) for text in texts)

    def encode_passages(self, texts):
        self.encoded += texts
        vectors = np.array([self.encode_query(text) for text in texts], np.float32)
        words = [self._words(text) for text in texts]
        return Encoded(
            vectors.reshape(-1, DIMENSION),
            [token_codes.quantize(rows, [first for first, _ in spans]) for spans, rows in words],
        )

    def _words(self, text):
        found = list(re.finditer(r"\w+", text)) or [re.match("", text)]
        rows = [self.encode_query(match.group()) for match in found]
        return tuple(match.span() for match in found), np.array(rows, np.float32)
