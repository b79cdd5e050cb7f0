"""Remembered vectors: a text that was encoded once need not be again.

Floor 1: knows no encoder, only how to call one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

MOST = 2_000
"""Texts remembered: 3 MB at 384 dimensions."""


class Remembered:
    """Encode texts, each only once while it is among the last ones used. Safe between threads.

    Parameters
    ----------
    encode
        Texts to vectors, shape (n, dimension).
    most
        Texts remembered, >= 1.
    """

    def __init__(self, encode: Callable[[Sequence[str]], FloatArray], most: int = MOST) -> None:
        self._encode = encode
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, FloatArray] = OrderedDict()

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts: shape (len(texts), dimension), in their order."""
        if not texts:
            return self._encode(texts)
        with self._lock:
            known = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, self._encode(new), strict=True))
        with self._lock:
            for text in texts:
                self._known[text] = known[text]
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return np.stack([known[text] for text in texts])
