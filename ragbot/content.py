"""A vault made ready for questions: notes, links, graph and words; vectors stand apart.

Floor 3: made of a snapshot, written into a generation's folder, read from it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ragbot import mentions
from ragbot.errors import IndexDamagedError
from ragbot.graph import RelationGraph
from ragbot.lexical import Lexical
from ragbot.links import Called
from ragbot.manifest import MANIFEST, Manifest
from ragbot.pages import Pages, read_pages
from ragbot.resolution import Resolution
from ragbot.schema import Note, NoteId
from ragbot.shelf import Shelf
from ragbot.snapshot import Snapshot

GRAPH, MENTIONS = "graph", "mentions.json"


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
        return self.links


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
    same = links.shared_with(before.links) if before else frozenset[NoteId]()
    called, first, keys = _numbered(snapshot)
    looked = before.mentions if before else None
    found = mentions.find_again(links, called, looked, same) if mentioned else None
    told = found.relations if found else ()
    graph = RelationGraph.build(links, told, before.graph if before else None, same)
    known = before.lexical if before else None
    texts = snapshot.texts_beyond(*(known.keys if known else ()))
    lexical = Lexical.of(called, first, keys, texts, known)
    return Content(snapshot, pages, links, graph, lexical, mentions=found)


def _resolved(snapshot: Snapshot, before: Content | None) -> Resolution:
    links = before.links if before else None
    return Resolution.of(snapshot.entries.values(), snapshot.files, links)


def _numbered(snapshot: Snapshot) -> tuple[list[Called], list[int], tuple[str, ...]]:
    """Give what the notes are called, the first chunk of each, the key of each chunk's text."""
    called = [entry.called for entry in snapshot.entries.values()]
    return called, snapshot.chunks.first, snapshot.keys


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
        found = mentions.Found.load(rows, content.notes, _numbered(content.snapshot)[0])
        return replace(content, mentions=found)
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
        snapshot = Snapshot(pages.in_order(), manifest.files, manifest.unread)
        links = _resolved(snapshot, known)
    graph = RelationGraph.load(folder / GRAPH, links)
    words = known.lexical if known else None
    lexical = Lexical.load(shelf.words, manifest.words, *_numbered(snapshot), words)
    mentioned = known.mentions if known and same else None
    return Content(snapshot, pages, links, graph, lexical, manifest.hashes, mentioned)


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
