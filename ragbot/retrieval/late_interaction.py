"""Late interaction: compare a passage with a question word by word.

The one vector of a passage represents its subject. To see whether it answers, each word of the
question is compared with the most similar word of the passage. The score is the mean of these
cosines, weighted by the rarity of the words.

While an index is being built, some passages have no vectors yet. Their words are compared for
equality instead.

References
----------
Khattab and Zaharia (2020), "ColBERT: efficient and effective passage search via contextualized
late interaction over BERT", doi:10.1145/3397271.3401075: the sum over nearest words. Unlike
ColBERT, the encoder is not trained for it, and the words of the question have weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.inference import token_codes
from ragbot.inference.token_codes import Codes
from ragbot.models import Span
from ragbot.notes.chunker import context
from ragbot.notes.units import plain
from ragbot.questions.question import QuestionVectors
from ragbot.text.folding import stem
from ragbot.text.tokenize import tokens

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Similarity:
    """Similarity of a passage, and of pieces of it, to a question, each in about [0, 1].

    Attributes
    ----------
    passage
        Similarity of the whole passage, with its title and headings.
    own
        Shape (pieces,): of the words of each piece.
    words
        Shape (pieces, words of the question): by the words of each piece with title and headings.
    """

    passage: float
    own: Scores
    words: Scores


class Reading:
    """The comparison of a question with passages of a corpus.

    Parameters
    ----------
    asked
        The vectors of the question, with at least one word piece (see `reads`).
    """

    def __init__(self, corpus: Corpus, asked: QuestionVectors) -> None:
        self._corpus = corpus
        self._rotated = token_codes.rotate(asked.pieces)
        self._stems = [stem(word) for word in asked.words]
        self.weights = asked.weights

    def passages(self, passages: Sequence[int]) -> Scores:
        """Return the similarity of each passage to the question, shape (passages,)."""
        read = zip(passages, self._cosines(passages), strict=True)
        nearest = [
            self._best(cosines) if len(codes) else self._same(self._corpus.embedded_text(number))
            for number, (codes, cosines) in read
        ]
        return np.array([one @ self.weights for one in nearest])

    def pieces(self, passages: Sequence[tuple[int, Sequence[Span]]]) -> Iterator[Similarity]:
        """Yield the similarity of each passage and of its pieces to the question.

        Parameters
        ----------
        passages
            Each with the spans of the pieces in their note.
        """
        read = self._cosines([number for number, _ in passages])
        for (number, spans), (codes, cosines) in zip(passages, read, strict=True):
            passage = self._corpus.passage(number)
            note = self._corpus.notes[passage.note]
            text, above = self._corpus.embedded_text(number), context(note, passage)
            pieces = [plain(note.text[first:last]) for first, last in spans]
            if len(codes):
                at = codes["place"]
                whole = self._best(cosines)
                title = self._best(cosines[:, at < len(above)])
                places = token_codes.places(text, pieces)
                own = np.array([self._best(cosines[:, (a <= at) & (at < b)]) for a, b in places])
            else:
                whole, title = self._same(text), self._same(above)
                own = np.array([self._same(piece) for piece in pieces])
            yield Similarity(
                float(whole @ self.weights), own @ self.weights, np.maximum(own, title)
            )

    def _cosines(self, passages: Sequence[int]) -> Iterator[tuple[Codes, FloatArray]]:
        """Yield the codes of each passage, and the cosines of the question's words with them.

        One matrix product computes all, because the threads of BLAS spin between many small ones.
        """
        codes = self._corpus.vectors.codes(passages)
        if codes:
            ends = np.cumsum([len(one) for one in codes])[:-1]
            cosines = token_codes.cosines(self._rotated, np.concatenate(codes))
            yield from zip(codes, np.split(cosines, ends, axis=1), strict=True)

    def _same(self, text: str) -> FloatArray:
        """Return 1 for each word of the question that a text contains, 0 for the others."""
        words = {stem(word) for word in tokens(text)}
        return np.array([word in words for word in self._stems], np.float32)

    def _best(self, cosines: FloatArray) -> FloatArray:
        """Return the cosine of the nearest word to each of the question's; 0 without words."""
        best: FloatArray = cosines.max(axis=1, initial=0.0)
        return best


def reads(asked: QuestionVectors | None) -> TypeGuard[QuestionVectors]:
    """Return whether a question was encoded word by word: some encoders return one vector only."""
    return asked is not None and len(asked.pieces) > 0
