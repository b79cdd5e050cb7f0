"""Reranking: a cross-encoder reads question and passage together, when one is configured.

Off by default: it costs a pass of a model per passage, and none is shipped.

Floor 4: a door for sentence_transformers, imported when a reranker is opened.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ragbot.errors import ModelUnavailableError
from ragbot.inference.encoder import BATCH, side_by_side
from ragbot.inference.loading import first_line, place_of
from ragbot.models import Evidence, Hit, Note
from ragbot.notes.parser import plain

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

CANDIDATES = 30
"""Hits that are read anew; the rest keep their place behind them."""

LONGEST = 2000
"""Characters of a passage that are read."""

_REMEDY = (
    "RAGBOT_RERANKER takes the folder of a cross-encoder, or the name of one that is in the local "
    "Hugging Face cache; unset it for none."
)


class Reranker:
    """A `CrossEncoder`, loaded at its first use and shared between threads.

    Parameters
    ----------
    model
        Name or local path of a sentence-transformers cross-encoder.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self._encoder: CrossEncoder | None = None
        self._lock = threading.Lock()

    def rerank(self, question: str, hits: Sequence[Hit], notes: Sequence[Note]) -> list[Hit]:
        """Order hits by what the model says of each, best first.

        Parameters
        ----------
        hits
            As retrieved, best first.
        notes
            The note of each hit, for its title.

        Returns
        -------
        list of Hit
            The same hits. Those that were read have the model's score and an
            `Evidence` of the retriever `reranker`; the others follow.

        Raises
        ------
        ModelUnavailableError
            If the model cannot be loaded or does not score a pair with one number.
        """
        read = list(zip(hits, notes, strict=True))[:CANDIDATES]
        if not read:
            return list(hits)
        pairs = [
            (question, f"{note.title}. {plain(hit.passage.text)}"[:LONGEST]) for hit, note in read
        ]
        scores = self._scores(pairs)
        order = sorted(range(len(read)), key=lambda place: -scores[place])
        ranked = [
            replace(
                read[place][0],
                score=scores[place],
                evidence=(*read[place][0].evidence, Evidence("reranker", rank, scores[place])),
            )
            for rank, place in enumerate(order, start=1)
        ]
        lowest = ranked[-1].score
        rest = [replace(hit, score=min(hit.score, lowest)) for hit in hits[len(read) :]]
        return ranked + rest

    def _scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        try:
            parts = [pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)]
            score = partial(self._loaded().predict, show_progress_bar=False)
            with closing(side_by_side(score, parts)) as found:
                values = [float(value) for scores in found for value in scores]
        except (RuntimeError, TypeError, ValueError) as error:
            remedy = "Set RAGBOT_RERANKER to a cross-encoder with one output, or unset it."
            raise ModelUnavailableError(self.model, f"it failed ({error})", remedy) from error
        return values

    def _loaded(self) -> CrossEncoder:
        with self._lock:
            if self._encoder is None:
                source = place_of(self.model, _REMEDY)
                from sentence_transformers import CrossEncoder

                try:
                    self._encoder = CrossEncoder(source, device="cpu", local_files_only=True)
                except (OSError, ValueError, RuntimeError, KeyError) as error:
                    raise ModelUnavailableError(self.model, first_line(error), _REMEDY) from error
            return self._encoder
