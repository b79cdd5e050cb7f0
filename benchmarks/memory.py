"""A corpus in memory: notes and a matrix of vectors, without an index on disk.

For tests and benchmarks of retrieval, which then measure nothing else.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.generation import Generation
from ragbot.index.lexical import Lexical
from ragbot.inference import token_codes
from ragbot.inference.token_codes import Codes, Encoded, EncodedQuestion, TokenVectors
from ragbot.models import Note, Passage, Relation
from ragbot.notes import link_resolver, parser
from ragbot.notes.chunker import chunk, embedding_text
from ragbot.text.tokenize import content_words

FloatArray = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Encoded]


class MemoryCorpus:
    """A `Corpus` whose vectors are one array; exact search."""

    def __init__(
        self,
        notes: Iterable[Note],
        encode: Encode | None,
        mentions: Iterable[Relation] = (),
        cut: Callable[[Note], list[Passage]] = chunk,
    ) -> None:
        ordered = sorted(notes, key=lambda note: note.id)
        self.generation = "memory"
        self.notes = {note.id: note for note in ordered}
        self.chunks = [piece for note in ordered for piece in cut(note)]
        self.graph = RelationGraph.build(self.notes, mentions)
        self.lexical = Lexical.build(ordered, self.chunks)
        self.embedded = encode is not None
        texts = [embedding_text(self.notes[piece.note], piece) for piece in self.chunks]
        held = Encoded(np.zeros((0, 0), np.float32), []) if encode is None else encode(texts)
        self.matrix = held.vectors
        self._codes = held.codes

    @classmethod
    def of(cls, files: Mapping[str, str], encode: Encode | None = None) -> MemoryCorpus:
        """Read notes from `{path: text}`."""
        notes = [parser.parse(text, path)[0] for path, text in files.items()]
        return cls(link_resolver.resolve(notes), encode)

    passage = Generation.passage
    passages_of = Generation.passages_of
    bm25 = Generation.bm25
    by_title = Generation.by_title
    rarity = Generation.rarity
    names_in = Generation.names_in

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Rows of the k chunks nearest to a unit vector, with their cosine, best first."""
        cosines = self.matrix @ query
        order = np.argsort(-cosines, kind="stable")[:k]
        return [(int(row), float(cosines[row])) for row in order]

    def similarities(self, query: FloatArray, rows: Sequence[int]) -> FloatArray:
        """Exact cosine of a unit vector to these rows, shape (rows,)."""
        return self.matrix[list(rows)] @ query

    def codes(self, rows: Sequence[int]) -> list[Codes]:
        """Codes of the words of these rows."""
        return [self._codes[row] for row in rows]

    def vectors(self, rows: Sequence[int]) -> FloatArray:
        """Return the unit vectors of these rows, shape (rows, dimension)."""
        return self.matrix[list(rows)]


def bags(texts: Sequence[str]) -> Encoded:
    """Encode passages as bags of words, and each of their words as itself."""
    words = [_words(text) for text in texts]
    vectors = [bag_of_words([word for word, _ in found]) for found in words]
    return Encoded(
        bag_of_words(texts),
        [
            token_codes.quantize(rows, [place for _, place in found])
            for rows, found in zip(vectors, words, strict=True)
        ],
    )


def asked(question: str) -> EncodedQuestion:
    """Encode a question as a bag of words, and each of its words as itself."""
    found = _words(question)
    spans = tuple((place, place + len(word)) for word, place in found)
    vectors = bag_of_words([word for word, _ in found])
    return EncodedQuestion(bag_of_words([question])[0], TokenVectors(vectors, spans))


def _words(text: str) -> list[tuple[str, int]]:
    return [(match.group(), match.start()) for match in re.finditer(r"\w+", text)]


def bag_of_words(texts: Sequence[str], dimension: int = 512) -> FloatArray:
    """Encode texts as unit vectors of their words: equal words, equal vectors.

    A word's form is cut to five letters, so that "model" and "models" agree.
    """
    vectors = np.zeros((len(texts), dimension), np.float32)
    for row, text in enumerate(texts):
        for word in content_words(text):
            vectors[row, zlib.crc32(word[:5].encode()) % dimension] += 1
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
