"""A vault made ready for questions: notes, links, graph and words; vectors stand apart.

Floor 3: made of a snapshot, written beside what is there already, read from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ragbot import mentions
from ragbot.errors import IndexDamagedError
from ragbot.graph import RelationGraph
from ragbot.lexical import Lexical
from ragbot.links import Called
from ragbot.manifest import Manifest
from ragbot.pages import Pages, page_of, read_pages
from ragbot.places import NONE
from ragbot.resolution import Resolution
from ragbot.schema import Note, NoteId
from ragbot.sheets import read_scans, read_sheet, write_sheet
from ragbot.shelf import Shelf
from ragbot.snapshot import EMPTY, Snapshot

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Content:
    """A vault made ready for questions, vectors apart; the same notes give the same content.

    `sheets` name the arcs of each page's notes on disk; empty where they are not written yet.
    `mentions` spare the next build the notes that stay; None when this one was loaded (see
    `with_mentions`).
    """

    snapshot: Snapshot
    pages: Pages
    links: Resolution
    graph: RelationGraph
    lexical: Lexical
    sheets: tuple[str, ...]
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
    links, called = _resolved(snapshot, before), _called(snapshot)
    same: Set[NoteId] = links.shared_with(before.links) if before else frozenset()
    looked = before.mentions if before else None
    found = mentions.find_again(links, called, looked, same) if mentioned else None
    if found is not None:
        same = same & found.shared_with(looked) if looked is not None else frozenset()
    new = snapshot.entries.keys() - same
    told = [relation for note in new for relation in found.told(note)] if found else []
    graph = RelationGraph.build(links, told, *_former(links, before, same))
    lexical = Lexical.of(
        called,
        snapshot.chunks.first,
        snapshot.keys,
        snapshot.chunks.text,
        before.lexical if before else None,
        snapshot.since(before.snapshot) if before else None,
    )
    sheets = _sheets_kept(snapshot, pages, before, new)
    return Content(snapshot, pages, links, graph, lexical, sheets, found)


def _resolved(snapshot: Snapshot, before: Content | None) -> Resolution:
    return Resolution.of(snapshot.entries, snapshot.files, before.links if before else None)


def _called(snapshot: Snapshot) -> list[Called]:
    return [entry.called for entry in snapshot.entries.values()]


def _former(
    notes: Collection[NoteId], before: Content | None, same: Set[NoteId]
) -> tuple[RelationGraph | None, IntArray | None]:
    """Give the graph as it was, and the row in it of each note whose arcs are the same."""
    if before is None:
        return None, None
    rows = before.snapshot.rows
    found = (rows[note] if note in same else NONE for note in notes)
    return before.graph, np.fromiter(found, np.int64, len(notes))


def _sheets_kept(
    snapshot: Snapshot, pages: Pages, before: Content | None, new: Set[NoteId]
) -> tuple[str, ...]:
    """Give the sheets of before; empty where a note is gone or its arcs are new."""
    count = len(pages.names)
    if before is None or len(before.sheets) != count:
        return ("",) * count
    sheets = list(before.sheets)
    gone = before.snapshot.entries.keys() - snapshot.entries.keys()
    for note in gone | new:
        sheets[page_of(note, count)] = ""
    return tuple(sheets)


def write_content(shelf: Shelf, content: Content, before: Content | None) -> Content:
    """Write the words and arcs that `before` had not; gives the content as written."""
    content.lexical.save(shelf.words, before.lexical.parts if before else ())
    shelf.sheets.mkdir(exist_ok=True)
    sheets = list(content.sheets)
    for number in [number for number, name in enumerate(sheets) if not name]:
        notes = [entry.called.id for entry in content.pages.on(number)]
        sheets[number] = write_sheet(shelf.sheets, notes, content.graph, content.mentions)
    return replace(content, sheets=tuple(sheets))


def with_mentions(shelf: Shelf, content: Content) -> Content:
    """Read what spares the next build to look for mentions in every note.

    Raises
    ------
    IndexDamagedError
        If it cannot be read.
    """
    rows = read_scans(shelf.sheets, content.sheets)
    try:
        found = mentions.Found.load(rows, content.notes, _called(content.snapshot))
        return replace(content, mentions=found)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(shelf.sheets, f"their mentions: {error}") from error


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
    if known is not None and _is_named(known, manifest):
        return known
    there, before = (known.pages, known.snapshot) if known else (Pages(), EMPTY)
    pages = read_pages(shelf.pages, manifest.pages, there)
    new = pages.beyond(there)
    gone = there.beyond(pages).keys() - new.keys()
    snapshot = before.changed(new, gone, manifest.files, manifest.unread)
    links = _resolved(snapshot, known)
    graph = _read_graph(shelf, manifest, pages, links, known)
    lexical = Lexical.load(
        shelf.words,
        manifest.words,
        _called(snapshot),
        snapshot.chunks.first,
        snapshot.keys,
        known.lexical if known else None,
        snapshot.since(before),
    )
    return Content(snapshot, pages, links, graph, lexical, manifest.sheets)


def _is_named(content: Content, manifest: Manifest) -> bool:
    snapshot = content.snapshot
    return (content.pages.names, content.sheets, snapshot.files, snapshot.unread) == (
        manifest.pages,
        manifest.sheets,
        manifest.files,
        manifest.unread,
    )


def _read_graph(
    shelf: Shelf, manifest: Manifest, pages: Pages, links: Resolution, known: Content | None
) -> RelationGraph:
    """Read the sheets that are new; the arcs of notes on other ones are taken over."""
    there = dict(zip(known.pages.names, known.sheets, strict=True)) if known else {}
    try:
        new = {
            sheet: [entry.called.id for entry in pages.entries[page]]
            for page, sheet in zip(pages.names, manifest.sheets, strict=True)
            if there.get(page) != sheet
        }
        arcs = [read_sheet(shelf.sheets, sheet, notes) for sheet, notes in new.items()]
        read = {note for notes in new.values() for note in notes}
        same = {note for note in links if note not in read}
        return RelationGraph.of(links, arcs, *_former(links, known, same))
    except (ValueError, KeyError, IndexError) as error:
        raise IndexDamagedError(shelf.sheets, f"not of these pages: {error}") from error
