"""Remembered vectors: a sentence that was encoded for one question serves the next.

Floor 1: knows no encoder, only how to call one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

MOST = 20_000
"""Texts remembered: 31 MB at 384 dimensions."""

AHEAD = 15_000
"""Texts that may be encoded before they are asked for: what was asked for keeps some room."""

STEP = 4
"""Texts encoded ahead at a time: who asks meanwhile waits for these, some 50 ms."""

IDLE = 1.0
"""Seconds since the last request after which nobody is taken to ask."""


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
        self._asked = float("-inf")

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts: shape (len(texts), dimension), in their order."""
        self._asked = time.monotonic()
        return self._vectors(texts) if texts else self._encode(texts)

    def ahead(self, texts: Sequence[str], stop: threading.Event) -> int:
        """Encode texts before they are asked for, in small steps, while nobody asks.

        Parameters
        ----------
        texts
            Distinct, at most `AHEAD`, the likeliest first.
        stop
            Set it to make this method return before it is done.

        Returns
        -------
        int
            How many of the texts were encoded: those that were not known.
        """
        with self._lock:
            new = [text for text in texts if text not in self._known]
        done = 0
        while done < len(new) and not stop.is_set():
            idle = time.monotonic() - self._asked
            if idle < IDLE:
                stop.wait(IDLE - idle)
                continue
            done += len(self._vectors(new[done : done + STEP]))
        return done

    def _vectors(self, texts: Sequence[str]) -> FloatArray:
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
