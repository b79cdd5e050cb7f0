"""Reranking: a cross-encoder, if one is configured, reads question and passage together.

Off by default, because it runs a model for each passage, and none is installed with ragbot.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ragbot.errors import ModelUnavailableError
from ragbot.inference.model_files import find_model, first_line, prepare_libraries
from ragbot.models import Evidence, Hit, Note
from ragbot.notes.units import plain

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

CANDIDATES = 30
"""Hits that are reranked; the others follow them in their order."""

LONGEST = 2000
"""Characters of a passage that the model reads."""

BATCH = 4
"""Pairs in one batch."""

_REMEDY = (
    "Set RAGBOT_RERANKER to the folder of a cross-encoder, or to the name of one in the local "
    "Hugging Face cache (`hf download NAME` puts it there); or unset it."
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
        """Return hits in the order of the model's scores, best first.

        Parameters
        ----------
        hits
            The retrieved hits, best first.
        notes
            The note of each hit, for its title.

        Returns
        -------
        list of Hit
            The same hits. The first `CANDIDATES` have the model's score and an
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
            found = self._loaded().predict(pairs, batch_size=BATCH, show_progress_bar=False)
            values = [float(value) for value in found]
        except (RuntimeError, TypeError, ValueError) as error:
            remedy = "Set RAGBOT_RERANKER to a cross-encoder with one output, or unset it."
            raise ModelUnavailableError(self.model, f"it failed ({error})", remedy) from error
        return values

    def _loaded(self) -> CrossEncoder:
        with self._lock:
            if self._encoder is None:
                folder = find_model(self.model, _REMEDY)
                prepare_libraries()
                from sentence_transformers import CrossEncoder

                try:
                    self._encoder = CrossEncoder(str(folder), device="cpu", local_files_only=True)
                except (OSError, ValueError, RuntimeError, KeyError) as error:
                    raise ModelUnavailableError(self.model, first_line(error), _REMEDY) from error
            return self._encoder
