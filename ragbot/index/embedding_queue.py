"""Texts that are embedded while a build does other things.

Floor 3.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from ragbot.inference.encoder import EncodedBatches, Encoder, longest_first
from ragbot.inference.text_model import FloatArray
from ragbot.inference.token_codes import Codes, Encoded


class Ahead:
    """Embeds what is wanted, the longest first, in threads of the encoder.

    Parameters
    ----------
    encoder
        What embeds; None where nothing will be wanted.
    """

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._coming: EncodedBatches | None = None
        self._keys: deque[str] = deque()
        self._since = math.inf

    def want(self, texts: Mapping[str, str]) -> None:
        """Embed these texts by key, and no others. Where that is under way, it goes on.

        Seconds are counted anew, see `take`.
        """
        self._since = math.inf
        if set(self._keys) == texts.keys():
            return
        self.close()
        assert self._encoder is not None
        keys, wanted = list(texts), list(texts.values())
        order = longest_first(wanted)
        self._coming = self._encoder.passages([wanted[i] for i in order])
        self._keys = deque(keys[i] for i in order)

    def take(
        self, most: int, seconds: float, tell: Callable[[int], None]
    ) -> tuple[list[str], Encoded] | None:
        """Wait for vectors.

        Parameters
        ----------
        most
            About how many.
        seconds
            When to be content with less, counted from the first vectors of what is wanted: an
            encoder may have to be loaded for them. After that nothing is given.
        tell
            Told of each batch how many texts it brought.

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
            assert self._coming is not None
            told = next(self._coming)
            self._since = min(self._since, time.monotonic())
            tell(len(told.codes))
            keys += [self._keys.popleft() for _ in told.codes]
            vectors.append(told.vectors)
            codes += told.codes
        return (keys, Encoded(np.concatenate(vectors), codes)) if keys else None

    def close(self) -> None:
        """Embed nothing more."""
        if self._coming is not None:
            self._coming.close()
        self._coming = None
        self._keys.clear()
