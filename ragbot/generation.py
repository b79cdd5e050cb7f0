"""One generation of an index: everything that an answer needs, and it never changes.

A folder below `generations/` holds the graph; its manifest names the pages that
hold the notes, the words, the segments that hold the vectors and the encoder
that made them, with a hash of every file.

Floor 3: reading and writing of one such folder; `index.py` decides which counts.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ragbot.codes import Codes, none
from ragbot.content import Content, read_content
from ragbot.embed import EncoderIdentity, FloatArray
from ragbot.graph import RelationGraph
from ragbot.lexical import Lexical
from ragbot.manifest import Manifest
from ragbot.schema import Chunk, Note, NoteId
from ragbot.shelf import Lease, Shelf
from ragbot.store import Segment, cosine

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
        segments: Sequence[Segment],
        lease: Lease | None = None,
    ) -> None:
        self.manifest = manifest
        self.content = content
        self.segments = tuple(segments)
        self._lease = lease
        if lease is not None:
            weakref.finalize(self, lease.release)

    @property
    def generation(self) -> str:
        """Name of the generation."""
        return self.manifest.generation

    @property
    def notes(self) -> Mapping[NoteId, Note]:
        """Every note by id, its relations resolved."""
        return self.content.notes

    @property
    def chunks(self) -> Sequence[Chunk]:
        """Every passage, in order of note id and place; a row is a position in it."""
        return self.content.snapshot.chunks

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

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Segment and position of each row's vector, shape (chunks, 2); -1 where there is none."""
        where = {
            key: (number, position)
            for number, segment in enumerate(self.segments)
            for position, key in enumerate(segment.keys)
        }
        places = [where.get(key, (-1, -1)) for key in self.content.snapshot.keys]
        return np.array(places, np.int64).reshape(-1, 2)

    @cached_property
    def _rows(self) -> list[dict[int, list[int]]]:
        """For each segment, the rows that share the vector at a position."""
        rows: list[dict[int, list[int]]] = [{} for _ in self.segments]
        for row, (segment, position) in enumerate(self._places.tolist()):
            if segment >= 0:
                rows[segment].setdefault(position, []).append(row)
        return rows

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Rows nearest to a unit vector, with their cosine, best first; at most `k`.

        A segment may hold vectors that no note of this generation has any more:
        more are asked for until enough of the living are found.
        """
        found: list[tuple[int, float]] = []
        for segment, rows in zip(self.segments, self._rows, strict=True):
            ask = k + TIED
            while True:
                near = segment.nearest(query, ask)
                living = [(row, c) for at, c in near for row in rows.get(at, ())]
                if len(living) >= min(k, len(rows)) or len(near) < ask:
                    break
                ask *= 2
            found += living
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[:k]

    def similarities(self, query: FloatArray, rows: Sequence[int]) -> FloatArray:
        """Cosine of a unit vector with these rows, shape (rows,); 0 without a vector."""
        return cosine(self.vectors(rows), query)

    def vectors(self, rows: Sequence[int]) -> FloatArray:
        """Give the unit vectors of these rows, shape (rows, dimension); zeros without a vector."""
        wanted = self._places[np.asarray(rows, np.int64)]
        dimension = self.manifest.encoder.dimension if self.manifest.encoder else 1
        vectors = np.zeros((len(wanted), dimension), np.float32)
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(wanted[:, 0] == number)
            if len(here):
                vectors[here] = segment.take(wanted[here, 1])
        return vectors

    def codes(self, rows: Sequence[int]) -> list[Codes]:
        """Give the codes of the words of these rows; none without a vector."""
        wanted = self._places[np.asarray(rows, np.int64)]
        dimension = self.manifest.encoder.dimension if self.manifest.encoder else 1
        found = [none(dimension)] * len(wanted)
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(wanted[:, 0] == number)
            for at, codes in zip(here.tolist(), segment.codes(wanted[here, 1]), strict=True):
                found[at] = codes
        return found


def load(
    shelf: Shelf,
    name: str,
    content: Content | None = None,
    segments: Sequence[Segment] = (),
) -> Generation:
    """Read a generation, and mark it as in use as long as it is.

    Parameters
    ----------
    content, segments
        Of another generation: what they share is not read again.

    Raises
    ------
    IndexTooNewError, IndexDamagedError
        If it cannot be read.
    """
    # Marked before it is read, so that a writer does not sweep it meanwhile.
    lease = shelf.lease(name)
    try:
        folder = shelf.generations / name
        manifest = Manifest.load(folder)
        known = {s.name: s for s in segments}
        opened = [
            known.get(s) or Segment(shelf.segments / s, shelf.server) for s in manifest.segments
        ]
        content = read_content(shelf, manifest, content)
        if lease is None:
            # What is not read now may be swept before it is asked for.
            list(content.notes.values())
    except BaseException:
        if lease is not None:
            lease.release()
        raise
    return Generation(manifest, content, opened, lease)
