"""One generation of an index: everything that an answer needs, and it never changes.

A folder below `generations/` holds the notes as read, the chunks, the words and
the graph; its manifest names the segments that hold the vectors, the encoder
that made them, and a hash of every file.

Floor 3: reading and writing of one such folder; `index.py` decides which counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot.chunk import VERSION as CHUNKER
from ragbot.chunk import chunk, embedding_text
from ragbot.embed import EncoderIdentity, FloatArray
from ragbot.errors import IndexDamagedError, IndexTooNewError
from ragbot.graph import RelationGraph
from ragbot.lexical import Lexical
from ragbot.links import resolve
from ragbot.schema import Chunk, Note, NoteId
from ragbot.snapshot import Snapshot, dump_chunks, dump_snapshot, load_chunks, load_snapshot
from ragbot.store import Segment

FORMAT = 1
"""Counts up when the files of a generation change their meaning."""

MANIFEST = "manifest.json"
_VAULT, _CHUNKS = "vault.json", "chunks.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds. `embedded` counts the chunks with a vector."""

    generation: str
    created: float
    encoder: EncoderIdentity | None
    segments: tuple[str, ...]
    notes: int
    chunks: int
    embedded: int
    hashes: Mapping[str, str]
    chunker: int = CHUNKER
    format: int = FORMAT

    def dump(self) -> str:
        """Write the manifest as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of a generation.

        Raises
        ------
        IndexTooNewError
            If a newer version wrote it.
        IndexDamagedError
            If it is missing or cannot be read.
        """
        try:
            data: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if data["format"] > FORMAT:
                raise IndexTooNewError(folder.parent.parent, data["format"], FORMAT)
            encoder = data["encoder"]
            if encoder is not None:
                encoder = EncoderIdentity(**encoder | {"prefixes": tuple(encoder["prefixes"])})
            return cls(**data | {"encoder": encoder, "segments": tuple(data["segments"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamagedError(folder, f"its manifest: {error}") from error


@dataclass(frozen=True, slots=True)
class Content:
    """What a vault amounts to before anything is embedded; the same notes give the same content."""

    snapshot: Snapshot
    notes: Mapping[NoteId, Note]
    chunks: tuple[Chunk, ...]
    keys: tuple[str, ...]
    graph: RelationGraph
    lexical: Lexical


def content_of(
    snapshot: Snapshot, before: Content | None = None, *, on_note: Callable[[int], None]
) -> Content:
    """Resolve, cut and index the words of a vault.

    Parameters
    ----------
    before
        An earlier content: the chunks of notes whose text and name are the same are taken over.
    on_note
        Called with the number of notes cut so far.
    """
    notes = {note.id: note for note in resolve(snapshot.notes, snapshot.files)}
    known = _rows_by_note(before) if before is not None else {}
    chunks: list[Chunk] = []
    keys: list[str] = []
    for done, note in enumerate(notes.values(), start=1):
        old = before.notes.get(note.id) if before is not None else None
        if (
            before is not None
            and old is not None
            and (old.text, old.title) == (note.text, note.title)
        ):
            rows = known[note.id]
            chunks += before.chunks[rows.start : rows.stop]
            keys += before.keys[rows.start : rows.stop]
        else:
            fresh = chunk(note)
            chunks += fresh
            keys += [vector_key(embedding_text(note, c)) for c in fresh]
        on_note(done)
    values = list(notes.values())
    return Content(
        snapshot,
        notes,
        tuple(chunks),
        tuple(keys),
        RelationGraph.build(values),
        Lexical.build(values, chunks),
    )


def vector_key(text: str) -> str:
    """Name of the vector of a text: texts that are equal share one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _rows_by_note(content: Content) -> dict[NoteId, range]:
    rows: dict[NoteId, range] = {}
    for row, c in enumerate(content.chunks):
        first = rows[c.note].start if c.note in rows else row
        rows[c.note] = range(first, row + 1)
    return rows


class Generation:
    """A loaded generation: the `Corpus` that retrieval and answers read.

    Safe to share between threads.
    """

    def __init__(self, manifest: Manifest, content: Content, segments: Sequence[Segment]) -> None:
        self.manifest = manifest
        self.content = content
        self.segments = tuple(segments)

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
        return self.content.chunks

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

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Segment and position of each row's vector, shape (chunks, 2); -1 where there is none."""
        where = {
            key: (number, position)
            for number, segment in enumerate(self.segments)
            for position, key in enumerate(segment.keys)
        }
        places = [where.get(key, (-1, -1)) for key in self.content.keys]
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
            ask = k
            while True:
                near = segment.nearest(query, ask)
                living = [(row, cosine) for at, cosine in near for row in rows.get(at, ())]
                if len(living) >= min(k, len(rows)) or len(near) < ask:
                    break
                ask *= 2
            found += living
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[:k]

    def similarities(self, query: FloatArray, rows: Sequence[int]) -> FloatArray:
        """Exact cosine of a unit vector with these rows, shape (rows,); 0 without a vector."""
        return self.vectors(rows) @ query

    def vectors(self, rows: Sequence[int]) -> FloatArray:
        """Give the unit vectors of these rows, shape (rows, dimension); zeros without a vector."""
        wanted = self._places[np.asarray(rows, np.int64)]
        dimension = self.manifest.encoder.dimension if self.manifest.encoder else 1
        vectors = np.zeros((len(wanted), dimension), np.float32)
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(wanted[:, 0] == number)
            vectors[here] = segment.matrix[wanted[here, 1]]
        return vectors


def write_content(folder: Path, content: Content) -> dict[str, str]:
    """Write what stands beside the vectors into a new folder; gives the hash of each file."""
    folder.mkdir(parents=True)
    (folder / _VAULT).write_text(dump_snapshot(content.snapshot), encoding="utf-8")
    (folder / _CHUNKS).write_text(dump_chunks(content.chunks, content.keys), encoding="utf-8")
    for name, part in (("graph", content.graph), ("lexical", content.lexical)):
        (folder / name).mkdir()
        part.save(folder / name)
    return hashes(folder)


def read_content(folder: Path, expected: Mapping[str, str]) -> Content:
    """Read what `write_content` wrote.

    Raises
    ------
    IndexDamagedError
        If a file is missing, was changed since, or cannot be read.
    """
    found = hashes(folder)
    if found != dict(expected):
        wrong = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))
        raise IndexDamagedError(folder, f"{', '.join(wrong)} is not as it was written")
    try:
        snapshot = load_snapshot((folder / _VAULT).read_text(encoding="utf-8"))
        notes = {note.id: note for note in resolve(snapshot.notes, snapshot.files)}
        chunks, keys = load_chunks((folder / _CHUNKS).read_text(encoding="utf-8"), notes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(folder, str(error)) from error
    graph = RelationGraph.load(folder / "graph", notes)
    return Content(snapshot, notes, chunks, keys, graph, Lexical.load(folder / "lexical"))


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below a folder, but for the manifest."""
    found: dict[str, str] = {}
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(root, name)
            if name != MANIFEST:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                found[path.relative_to(folder).as_posix()] = digest
    return found
