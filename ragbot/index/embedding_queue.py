"""A queue of texts that the encoder embeds in its threads."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from ragbot.inference.encoder import EncodedBatches, Encoder, longest_first
from ragbot.inference.text_model import FloatArray
from ragbot.inference.token_codes import Codes, Encoded


class EmbeddingQueue:
    """Embeds texts, the longest first. Without an encoder, nothing may be queued."""

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._results: EncodedBatches | None = None
        self._keys: deque[str] = deque()
        self._since = math.inf

    def want(self, texts: Mapping[str, str]) -> None:
        """Replace the queue by these texts, by key; equal keys keep the work in progress.

        This restarts the time that `take` measures.
        """
        self._since = math.inf
        if set(self._keys) == texts.keys():
            return
        self.close()
        assert self._encoder is not None
        keys, wanted = list(texts), list(texts.values())
        order = longest_first(wanted)
        self._results = self._encoder.passages([wanted[i] for i in order])
        self._keys = deque(keys[i] for i in order)

    def take(
        self, most: int, seconds: float, report: Callable[[int], None]
    ) -> tuple[list[str], Encoded] | None:
        """Wait for vectors; return them with their keys, or None at the end.

        Parameters
        ----------
        most
            Approximate number of vectors to wait for.
        seconds
            Time limit, from the first vectors of the queue: loading the encoder does not count.
        report
            Called for each batch with the number of its texts.
        """
        keys: list[str] = []
        vectors: list[FloatArray] = []
        codes: list[Codes] = []
        while self._keys and len(keys) < most and time.monotonic() < self._since + seconds:
            assert self._results is not None
            batch = next(self._results)
            self._since = min(self._since, time.monotonic())
            report(len(batch.codes))
            keys += [self._keys.popleft() for _ in batch.codes]
            vectors.append(batch.vectors)
            codes += batch.codes
        return (keys, Encoded(np.concatenate(vectors), codes)) if keys else None

    def close(self) -> None:
        """Cancel the work in progress."""
        if self._results is not None:
            self._results.close()
        self._results = None
        self._keys.clear()
