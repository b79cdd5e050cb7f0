"""Late interaction: compare a passage with a question word by word.

The one vector of a passage represents its subject. To see whether it answers, each word of the
question is compared with the most similar word of the passage. The score is the mean of these
cosines, weighted by the rarity of the words.

While an index is being built, some passages have no vectors yet. Their words are compared for
equality instead.

References
----------
Khattab and Zaharia (2020), "ColBERT: efficient and effective passage search via contextualized
late interaction over BERT", doi:10.1145/3397271.3401075: the sum of nearest words. Ours takes an
encoder that was not trained for it, and weighs the words of the question by their rarity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.inference import token_codes
from ragbot.inference.token_codes import Codes, EncodedQuestion
from ragbot.models import Span
from ragbot.notes.chunker import context, embedding_text, plain_prose
from ragbot.text.stemming import stem
from ragbot.text.tokenize import tokens

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Met:
    """Similarity of a passage, and of pieces of it, to a question, each in about [0, 1].

    Attributes
    ----------
    passage
        Of all words of the passage, its title and headings among them.
    own, under
        Shape (pieces,): of the words of each piece; and of these with title and headings.
    near
        Shape (pieces, words of the question): by the words of each piece with title and headings.
    """

    passage: float
    own: Scores
    under: Scores
    near: Scores


class Reading:
    """The comparison of a question with passages of a corpus.

    Parameters
    ----------
    question
        The text that was encoded.
    asked
        Its vectors; its word pieces must not be none (see `reads`).
    """

    def __init__(self, corpus: Corpus, question: str, asked: EncodedQuestion) -> None:
        self._corpus = corpus
        self._rotated = token_codes.rotate(asked.words.vectors)
        self._stems = [stem(word) for word in token_codes.words_of(question, asked.words.spans)]
        self.weights = token_codes.weights(question, asked.words.spans, corpus.rarity)

    def passages(self, rows: Sequence[int]) -> Scores:
        """Return the similarity of each passage to the question, shape (rows,)."""
        return np.array(
            [
                self._weighed(self._best(cosines) if len(held) else self._same(self._text(row)))
                for row, (held, cosines) in zip(rows, self._cosines(rows), strict=True)
            ]
        )

    def pieces(self, passages: Sequence[tuple[int, Sequence[Span]]]) -> Iterator[Met]:
        """Yield the similarity of each passage and of its pieces to the question.

        Parameters
        ----------
        passages
            Row of each passage, with the spans of the pieces in their note.
        """
        read = self._cosines([row for row, _ in passages])
        for (row, spans), (held, cosines) in zip(passages, read, strict=True):
            chunk = self._corpus.passage(row)
            note = self._corpus.notes[chunk.note]
            told = [plain_prose(note.text[first:last]) for first, last in spans]
            if len(held):
                at = held["place"]
                whole = self._best(cosines)
                above = self._best(cosines[:, at < len(context(note, chunk))])
                places = token_codes.places(self._text(row), told)
                own = np.array([self._best(cosines[:, (a <= at) & (at < b)]) for a, b in places])
            else:
                whole = self._same(self._text(row))
                above = self._same(context(note, chunk))
                own = np.array([self._same(text) for text in told])
            under = np.maximum(own, above)
            yield Met(self._weighed(whole), own @ self.weights, under @ self.weights, under)

    def _cosines(self, rows: Sequence[int]) -> Iterator[tuple[Codes, FloatArray]]:
        """Yield the codes of each passage, and the cosines of the question's words with them.

        One matrix product computes all: between many small ones the threads of BLAS would spin.
        """
        held = self._corpus.codes(rows)
        if held:
            ends = np.cumsum([len(one) for one in held])[:-1]
            cosines = token_codes.cosines(self._rotated, np.concatenate(held))
            yield from zip(held, np.split(cosines, ends, axis=1), strict=True)

    def _text(self, row: int) -> str:
        chunk = self._corpus.passage(row)
        return embedding_text(self._corpus.notes[chunk.note], chunk)

    def _weighed(self, nearest: FloatArray) -> float:
        return float(nearest @ self.weights)

    def _same(self, text: str) -> FloatArray:
        """Return 1 for each word of the question that a text contains, 0 for the others."""
        held = {stem(word) for word in tokens(text)}
        return np.array([word in held for word in self._stems], np.float32)

    def _best(self, cosines: FloatArray) -> FloatArray:
        """Cosine of the nearest word, for each of the question's; 0 where there are none."""
        best: FloatArray = cosines.max(axis=1, initial=0.0)
        return best


def reads(query: EncodedQuestion | None) -> bool:
    """Return whether a question was encoded word by word: some encoders return one vector only."""
    return query is not None and len(query.words.spans) > 0
