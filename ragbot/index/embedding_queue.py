"""Texts that are embedded in the threads of the encoder, while the index does other things."""

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
    """Embeds what is wanted, the longest texts first.

    Parameters
    ----------
    encoder
        What embeds; None where nothing will be wanted.
    """

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._results: EncodedBatches | None = None
        self._keys: deque[str] = deque()
        self._since = math.inf

    def want(self, texts: Mapping[str, str]) -> None:
        """Embed these texts by key, and no others. What is in progress for them goes on.

        Seconds are counted from zero again, see `take`.
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
        """Wait for vectors.

        Parameters
        ----------
        most
            About how many.
        seconds
            When to be content with fewer, counted from the first vectors of what is wanted: an
            encoder may have to be loaded for them. After that None is returned.
        report
            Called for each batch with the number of its texts.

        Returns
        -------
        tuple of list of str, Encoded or None
            Keys, and what the encoder made of each; None when nothing is wanted any more, or the
            time is over.
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
        """Cancel what is in progress."""
        if self._results is not None:
            self._results.close()
        self._results = None
        self._keys.clear()
