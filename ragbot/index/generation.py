"""One generation of an index: everything that an answer needs, and it never changes.

Its manifest names the pages that hold the notes, the sheets that hold their arcs, the words, the
segments that hold the vectors and the encoder that made them. Generations share what is the same.

Floor 3: reading and writing of one such folder; `index.py` decides which counts.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.content import Content, read_content
from ragbot.index.lexical import Lexical, Spotted
from ragbot.index.manifest import Manifest
from ragbot.index.segments import Vectors
from ragbot.index.shelf import Lease, Shelf
from ragbot.index.vectors import Segment, cosine
from ragbot.inference.encoder import EncoderIdentity
from ragbot.inference.text_model import FloatArray
from ragbot.inference.token_codes import Codes, none
from ragbot.models import Note, NoteId, Passage
from ragbot.notes.link_resolver import Names

IntArray = NDArray[np.int64]

TIED = 8
"""More of the nearest that are looked at than are wanted, as the last ones may be equally near."""


class Generation:
    """A loaded generation: the `Corpus` that retrieval and answers read.

    Safe to share between threads. As long as one is in use, its files are kept.
    """

    def __init__(
        self,
        manifest: Manifest,
        content: Content,
        placed: Vectors,
        lease: Lease | None = None,
    ) -> None:
        self.manifest = manifest
        self.content = content
        self.placed = placed
        self._lease = lease
        if lease is not None:
            weakref.finalize(self, lease.release)

    @property
    def generation(self) -> str:
        """Name of the generation."""
        return self.manifest.generation

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What holds the vectors."""
        return self.placed.segments

    @property
    def notes(self) -> Mapping[NoteId, Note]:
        """Every note by id, its relations resolved."""
        return self.content.notes

    @property
    def names(self) -> Names:
        """What notes and files are called, as links look them up."""
        return self.content.links.names

    @property
    def chunks(self) -> Sequence[Passage]:
        """Every passage, in order of note id and place; a row is a position in it."""
        return self.content.snapshot.chunks

    def passage(self, number: int) -> Passage:
        """Return a passage."""
        return self.chunks[number]

    def passages_of(self, note: NoteId) -> list[int]:
        """Return the passages of a note, in the order of the file."""
        row = self.graph.row(note)
        first, last = self.lexical.first_chunk[row : row + 2].tolist()
        return list(range(first, last))

    def bm25(self, question: str) -> Mapping[int, float]:
        """Return the BM25 score, above 0, of each passage that shares a word with a question."""
        scores = self.lexical.passages(question)
        found = np.flatnonzero(scores)
        return dict(zip(found.tolist(), scores[found].tolist(), strict=True))

    def by_title(self, words: str, count: int) -> list[NoteId]:
        """Return the notes whose title and aliases match some words best, by BM25, best first."""
        scores = self.lexical.titles(words)
        return [self.lexical.notes[row] for row in np.argsort(-scores)[:count].tolist()]

    def rarity(self, word: str) -> float:
        """Return how rare a folded word is in the passages: 0 in all of them, 1 in none."""
        return self.lexical.rarity(word)

    def names_in(self, question: str) -> list[Spotted]:
        """Return the names of notes in a question: the longest ones, without overlap."""
        return self.lexical.names(question)

    @property
    def graph(self) -> RelationGraph:
        """The relations between the notes."""
        return self.content.graph

    @property
    def lexical(self) -> Lexical:
        """The words of the passages, and the notes' names."""
        return self.content.lexical

    @property
    def embedded(self) -> bool:
        """Whether any vectors are in place; without them words and graph answer."""
        return self.manifest.embedded > 0

    def understands(self, encoder: EncoderIdentity) -> bool:
        """Whether a question encoded so may be compared with these vectors."""
        return self.embedded and self.manifest.encoder == encoder

    def trouble(self) -> str:
        """Say why the vectors cannot be reached just now; empty when they can."""
        servers = {id(s.server): s.server for s in self.segments if s.server is not None}
        return next((told for server in servers.values() if (told := server.trouble())), "")

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Rows nearest to a unit vector, with their cosine, best first; at most `k`.

        A segment may hold vectors that no note of this generation has any more:
        more are asked for until enough of the living are found.
        """
        found: list[tuple[int, float]] = []
        for segment, held in zip(self.segments, self.placed.places.held, strict=True):
            ask = k + TIED
            while True:
                near = segment.nearest(query, ask)
                positions = [at for at, _ in near]
                cosines = np.repeat([cosine for _, cosine in near], held.times[positions])
                rows = held.of(positions)
                if len(rows) >= min(k, len(held.rows)) or len(near) < ask:
                    break
                ask *= 2
            found += zip(rows.tolist(), cosines.tolist(), strict=True)
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[:k]

    def similarities(self, query: FloatArray, rows: Sequence[int]) -> FloatArray:
        """Cosine of a unit vector with these rows, shape (rows,); 0 without a vector."""
        return cosine(self.vectors(rows), query)

    def vectors(self, rows: Sequence[int]) -> FloatArray:
        """Give the unit vectors of these rows, shape (rows, dimension); zeros without a vector."""
        found = np.zeros((len(rows), self._dimension), np.float32)
        for segment, here, positions in self._held(rows):
            found[here] = segment.take(positions)
        return found

    def codes(self, rows: Sequence[int]) -> list[Codes]:
        """Give the codes of the words of these rows; none without a vector."""
        found = [none(self._dimension)] * len(rows)
        for segment, here, positions in self._held(rows):
            for at, codes in zip(here.tolist(), segment.codes(positions), strict=True):
                found[at] = codes
        return found

    @property
    def _dimension(self) -> int:
        return self.manifest.encoder.dimension if self.manifest.encoder else 1

    def _held(self, rows: Sequence[int]) -> Iterator[tuple[Segment, IntArray, IntArray]]:
        """For each segment that holds some of these: which, and their positions in it."""
        wanted = np.asarray(rows, np.int64)
        places = self.placed.places
        part, position = places.part[wanted], places.position[wanted]
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(part == number)
            if len(here):
                yield segment, here, position[here]


def load(
    shelf: Shelf, name: str, content: Content | None = None, placed: Vectors | None = None
) -> Generation:
    """Read a generation, and mark it as in use as long as it is.

    Parameters
    ----------
    content, placed
        Of another generation: what they share is not read again.

    Raises
    ------
    IndexTooNewError, IndexDamagedError
        If it cannot be read.
    """
    # Marked before it is read, so that a writer does not sweep it meanwhile.
    lease = shelf.lease(name)
    try:
        manifest = Manifest.load(shelf.generations / name)
        known = {s.name: s for s in placed.segments} if placed else {}
        segments = [
            known.get(s) or Segment(shelf.segments / s, shelf.server) for s in manifest.segments
        ]
        content = read_content(shelf, manifest, content)
        placed = Vectors.of(segments, content.snapshot, placed)
        if lease is None:
            # What is not read now may be swept before it is asked for.
            list(content.notes.values())
    except BaseException:
        if lease is not None:
            lease.release()
        raise
    return Generation(manifest, content, placed, lease)
