"""A vault made ready for questions: notes, links, graph and words; vectors stand apart.

Floor 3: made of a snapshot, written beside what is there already, read from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from ragbot.errors import IndexDamagedError
from ragbot.graph.relation_graph import RelationGraph
from ragbot.index.lexical import Lexical
from ragbot.index.manifest import Manifest
from ragbot.index.pages import Pages, page_of, read_pages
from ragbot.index.sheets import read_scans, read_sheet, write_sheet
from ragbot.index.shelf import Shelf
from ragbot.index.snapshot import EMPTY, Snapshot
from ragbot.models import Note, NoteId
from ragbot.notes import mentions
from ragbot.notes.resolution import Resolution


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


NOTHING = Content(
    EMPTY,
    Pages(),
    Resolution.of({}, EMPTY.roll, ()),
    RelationGraph.build({}),
    Lexical.of(EMPTY.roll, EMPTY.chunks.first, (), EMPTY.chunks.text),
    (),
)
"""What a vault without notes holds."""


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
    entries, roll = snapshot.entries, snapshot.roll
    before = NOTHING if before is None else before
    step = snapshot.since(before.snapshot)
    links, anew = before.links.changed(entries, roll, snapshot.files, step.new, step.gone)
    found = None
    if mentioned:
        found, others = mentions.find_again(links, roll, anew, step.gone, before.mentions)
        anew = anew | others
    told = [relation for note in anew for relation in found.told(note)] if found else []
    graph = RelationGraph.build(links, told, before.graph, anew, step.gone)
    passages = snapshot.chunks
    lexical = Lexical.of(
        roll, passages.first, passages.keys, passages.text,
        before.lexical, step.notes, step.passages,
    )  # fmt: skip
    sheets = _sheets_kept(before, pages, anew | step.gone)
    return Content(snapshot, pages, links, graph, lexical, sheets, found)


def _sheets_kept(before: Content, pages: Pages, changed: Set[NoteId]) -> tuple[str, ...]:
    """Give the sheets of before; empty where a note is gone or its arcs are new."""
    count = len(pages.names)
    if len(before.sheets) != count:
        return ("",) * count
    sheets = list(before.sheets)
    for note in changed:
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
        found = mentions.Found.load(rows, content.notes, content.snapshot.roll)
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
    known = NOTHING if known is None else known
    if _is_named(known, manifest):
        return known
    pages = read_pages(shelf.pages, manifest.pages, known.pages)
    new = pages.beyond(known.pages)
    gone = known.pages.beyond(pages).keys() - new.keys()
    snapshot = known.snapshot.changed(new, gone, manifest.files, manifest.unread)
    step, passages = snapshot.since(known.snapshot), snapshot.chunks
    links, _ = known.links.changed(
        snapshot.entries, snapshot.roll, snapshot.files, step.new, step.gone
    )
    graph = _read_graph(shelf, manifest, pages, links, known, step.gone)
    lexical = Lexical.load(
        shelf.words, manifest.words, snapshot.roll, passages.first, passages.keys,
        known.lexical, step.notes, step.passages,
    )  # fmt: skip
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
    shelf: Shelf,
    manifest: Manifest,
    pages: Pages,
    links: Resolution,
    known: Content,
    gone: Set[NoteId],
) -> RelationGraph:
    """Read the sheets that are new; the arcs of notes on other ones are taken over."""
    there = dict(zip(known.pages.names, known.sheets, strict=True))
    try:
        new = {
            sheet: [entry.called.id for entry in pages.entries[page]]
            for page, sheet in zip(pages.names, manifest.sheets, strict=True)
            if there.get(page) != sheet
        }
        arcs = [read_sheet(shelf.sheets, sheet, notes) for sheet, notes in new.items()]
        return RelationGraph.of(links, arcs, known.graph, gone)
    except (ValueError, KeyError, IndexError) as error:
        raise IndexDamagedError(shelf.sheets, f"not of these pages: {error}") from error
