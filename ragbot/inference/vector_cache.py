"""A cache of the vectors of texts, so that a text is not encoded twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SIZE = 2_000
"""Texts in the cache: 3 MB at 384 dimensions."""


class VectorCache:
    """Encode texts, each only once while it is among the last ones used. Safe between threads.

    Parameters
    ----------
    encode
        Function from texts to vectors, shape (n, dimension).
    size
        Texts in the cache, >= 1.
    """

    def __init__(self, encode: Callable[[Sequence[str]], FloatArray], size: int = SIZE) -> None:
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
