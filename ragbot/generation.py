"""One generation of an index: everything that an answer needs, and it never changes.

A folder below `generations/` holds the graph; its manifest names the pages that
hold the notes, the words, the segments that hold the vectors and the encoder
that made them, with a hash of every file.

Floor 3: reading and writing of one such folder; `index.py` decides which counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot import mentions
from ragbot.embed import EncoderIdentity, FloatArray
from ragbot.errors import IndexDamagedError, IndexTooNewError
from ragbot.graph import RelationGraph
from ragbot.lexical import Lexical
from ragbot.resolution import Resolution
from ragbot.schema import Chunk, Note, NoteId, Problem
from ragbot.shelf import Lease, Shelf
from ragbot.snapshot import Pages, Snapshot, entries_on, problem_rows, problems_of, read_pages
from ragbot.store import Segment, cosine

FORMAT = 2
"""Counts up when the files of a generation change their meaning."""

TIED = 8
"""More of the nearest that are looked at than are wanted, as the last ones may be equally near."""

MANIFEST = "manifest.json"
GRAPH, MENTIONS = "graph", "mentions.json"
_LISTS = ("segments", "pages", "words", "files")

# What the words, links and passages of a note are decided by: when one of these modules
# changes, the notes are read anew. Vectors are kept: they belong to texts.
_READING_RULES = (
    "blocks", "inline", "fields", "page", "asserted", "prose", "frontmatter", "predicates",
    "markdown", "links", "resolution", "mentions", "sentences", "chunk", "words", "postings",
    "graph", "vault",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds. `embedded` counts the chunks with a vector.

    `rules` names the code that read the notes, see `reading_rules`; `hashes`
    are of the files in the generation's own folder.
    """

    generation: str
    created: float
    rules: str
    encoder: EncoderIdentity | None
    segments: tuple[str, ...]
    pages: tuple[str, ...]
    words: tuple[str, ...]
    files: tuple[str, ...]
    unread: tuple[Problem, ...]
    notes: int
    chunks: int
    embedded: int
    hashes: Mapping[str, str]
    format: int = FORMAT

    def dump(self) -> str:
        """Write the manifest as JSON."""
        return json.dumps(asdict(self) | {"unread": problem_rows(self.unread)}, indent=1)

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
            lists = {name: tuple(data[name]) for name in _LISTS}
            unread = problems_of(data["unread"])
            return cls(**data | lists | {"encoder": encoder, "unread": unread})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamagedError(folder, f"its manifest: {error}") from error


@cache
def reading_rules(mentioned: bool = True) -> str:
    """Name the code that turns files into notes, passages, words and edges: a hash of it.

    Parameters
    ----------
    mentioned
        Whether unlinked mentions become edges.
    """
    digest = hashlib.sha256(b"" if mentioned else b"no mentions")
    for module in _READING_RULES:
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Content:
    """A vault made ready for questions, vectors apart; the same notes give the same content.

    `hashes` are of the files that hold the graph; empty before they are written. `mentions`
    spare the next build the notes that stay; None when this one was loaded (see `with_mentions`).
    """

    snapshot: Snapshot
    pages: Pages
    links: Resolution
    graph: RelationGraph
    lexical: Lexical
    hashes: Mapping[str, str] = field(default_factory=dict)
    mentions: mentions.Found | None = None

    @property
    def notes(self) -> Mapping[NoteId, Note]:
        """Every note by id, its relations resolved."""
        return self.links.notes


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


def content_of(
    snapshot: Snapshot, pages: Pages, mentioned: bool = True, before: Content | None = None
) -> Content:
    """Resolve the links of a vault, and index its words and relations.

    Parameters
    ----------
    mentioned
        Whether unlinked mentions become edges too.
    before
        Content of the vault as it was: what stays is not read, searched or counted again.
    """
    links = _resolved(snapshot, before)
    values = list(links.notes.values())
    found = mentions.find(values, before.mentions if before else None) if mentioned else None
    told = found.relations if found else ()
    graph = RelationGraph.build(values, told, before.graph if before else None)
    texts = dict(zip(snapshot.keys, snapshot.texts, strict=True))
    known = before.lexical if before else None
    lexical = Lexical.build(values, snapshot.chunks, texts, snapshot.keys, known)
    return Content(snapshot, pages, links, graph, lexical, mentions=found)


def _resolved(snapshot: Snapshot, before: Content | None) -> Resolution:
    read = [entry.note for entry in snapshot.entries.values()]
    return Resolution.of(read, snapshot.files, before.links if before else None)


def write_content(folder: Path, words: Path, content: Content) -> dict[str, str]:
    """Write the graph into a new folder, and the words to those of all; gives each file's hash."""
    content.graph.save(folder / GRAPH)
    rows = content.mentions.dump() if content.mentions else []
    (folder / MENTIONS).write_text(json.dumps(rows), encoding="ascii")
    content.lexical.save(words)
    return hashes(folder)


def with_mentions(content: Content, folder: Path) -> Content:
    """Read what spares the next build to look for mentions in every note.

    Raises
    ------
    IndexDamagedError
        If it cannot be read.
    """
    try:
        rows = json.loads((folder / MENTIONS).read_text(encoding="ascii"))
        return replace(content, mentions=mentions.Found.load(rows, content.notes))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(folder, f"its mentions: {error}") from error


def read_content(shelf: Shelf, manifest: Manifest, known: Content | None) -> Content:
    """Read what a manifest names.

    Parameters
    ----------
    known
        Of another generation: what is the same need not be read again.

    Raises
    ------
    IndexDamagedError
        If a file is missing, was changed since, or cannot be read.
    """
    vault = (manifest.pages, manifest.files, manifest.unread)
    same = known is not None and vault == (
        known.pages.names,
        known.snapshot.files,
        known.snapshot.unread,
    )
    if known and same and known.hashes == manifest.hashes:
        return known
    folder = shelf.generations / manifest.generation
    found = hashes(folder)
    if found != dict(manifest.hashes):
        names = {*found, *manifest.hashes}
        wrong = sorted(n for n in names if found.get(n) != manifest.hashes.get(n))
        raise IndexDamagedError(folder, f"{', '.join(wrong)} is not as it was written")
    if known and same:
        pages, snapshot, links = known.pages, known.snapshot, known.links
    else:
        pages = read_pages(shelf.pages, manifest.pages, known.pages if known else Pages())
        snapshot = Snapshot(entries_on(pages), manifest.files, manifest.unread)
        links = _resolved(snapshot, known)
    graph = RelationGraph.load(folder / GRAPH, links.notes)
    words = known.lexical if known else None
    lexical = Lexical.load(
        shelf.words, manifest.words, links.notes.values(), snapshot.chunks, snapshot.keys, words
    )
    mentioned = known.mentions if known and same else None
    return Content(snapshot, pages, links, graph, lexical, manifest.hashes, mentioned)


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
    except BaseException:
        if lease is not None:
            lease.release()
        raise
    return Generation(manifest, content, opened, lease)


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
