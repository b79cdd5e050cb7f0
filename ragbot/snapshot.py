"""A vault as it was read, and its form on disk: pages of notes named by their content.

A note is kept as parsed, its links unresolved: names resolve against the whole
vault, so that is done whenever a snapshot is put to use. Notes are spread over
pages by the hash of their id, and a page that did not change is the same file
in every generation: an edit rewrites one page and not the vault. JSON and not
pickle, because an index folder is data and must not be able to run code.

Floor 3: values and files.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from ragbot.chunk import chunk, embedding_text, text_key
from ragbot.errors import IndexDamagedError
from ragbot.schema import Chunk, Note, NoteId, Problem, Relation, Section

NOTES_A_PAGE = 64
"""About how many notes share a page: what an edit rewrites, against how many files there are."""

_RELATION_FIELDS = [f.name for f in fields(Relation) if f.name != "source"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One note: as parsed, and the passages it is found by.

    `digest` is the SHA-256 of its text in UTF-8. `texts` are what is embedded for `chunks`,
    one each, and `keys` name those texts: equal texts share a key.
    """

    note: Note
    digest: str
    problems: tuple[Problem, ...]
    chunks: tuple[Chunk, ...]
    texts: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, note: Note, problems: Iterable[Problem] = ()) -> Entry:
        """Cut a note into passages."""
        # As it will be read back: a date in the frontmatter is a string from the start.
        note = _note(json.loads(json.dumps(_note_row(note), default=str)))
        digest = hashlib.sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest()
        chunks = tuple(chunk(note))
        texts = tuple(embedding_text(note, part) for part in chunks)
        return cls(note, digest, tuple(problems), chunks, texts, tuple(map(text_key, texts)))


@dataclass(frozen=True)
class Snapshot:
    """A vault as it was read: entries in order of id, paths of the other files.

    `unread` are the problems of files that gave no note; the rest stand in the entries.
    """

    entries: Mapping[NoteId, Entry]
    files: tuple[str, ...] = ()
    unread: tuple[Problem, ...] = ()

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """Every passage, in order of note id and place."""
        return tuple(c for entry in self.entries.values() for c in entry.chunks)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What is embedded for each passage."""
        return tuple(t for entry in self.entries.values() for t in entry.texts)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Name of each passage's text."""
        return tuple(k for entry in self.entries.values() for k in entry.keys)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem that reading found."""
        found = (p for entry in self.entries.values() for p in entry.problems)
        return (*self.unread, *found)

    def says_the_same(self, other: Snapshot) -> bool:
        """Whether both hold the same files under the same names, and the same problems."""
        mine = {note: entry.digest for note, entry in self.entries.items()}
        theirs = {note: entry.digest for note, entry in other.entries.items()}
        return (mine, self.files, self.unread) == (theirs, other.files, other.unread)


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a snapshot's notes stand on disk: the name of each page, and what is on it."""

    names: tuple[str, ...] = ()
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)


def write_pages(folder: Path, entries: Mapping[NoteId, Entry], before: Pages) -> Pages:
    """Write the pages that `before` does not hold yet.

    Parameters
    ----------
    folder
        Holds the pages of every generation; made when missing.
    before
        Pages written earlier. Their entries are compared by identity: one
        that was not read again is the same object.
    """
    folder.mkdir(exist_ok=True)
    count = 1 << (len(entries) // NOTES_A_PAGE).bit_length()
    spread: list[list[Entry]] = [[] for _ in range(count)]
    for note, entry in entries.items():
        spread[zlib.crc32(note.encode("utf-8", "surrogatepass")) & (count - 1)].append(entry)
    old = before.names if len(before.names) == count else ()
    names: list[str] = []
    held: dict[str, tuple[Entry, ...]] = {}
    for number, page in enumerate(spread):
        if old and _same(before.entries[old[number]], page):
            name = old[number]
        else:
            name = _write_page(folder, page)
        names.append(name)
        held[name] = tuple(page)
    return Pages(tuple(names), held)


def read_pages(folder: Path, names: Sequence[str], known: Pages) -> Pages:
    """Read pages, but for those that are known already.

    Raises
    ------
    IndexDamagedError
        If one is missing, or is not what its name says.
    """
    entries = {name: known.entries.get(name) or _read_page(folder, name) for name in names}
    return Pages(tuple(names), entries)


def entries_on(pages: Pages) -> dict[NoteId, Entry]:
    """Entries of all pages, in order of note id."""
    found = {e.note.id: e for name in pages.names for e in pages.entries[name]}
    return dict(sorted(found.items()))


def _same(old: Sequence[Entry], new: Sequence[Entry]) -> bool:
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))


def _write_page(folder: Path, page: Sequence[Entry]) -> str:
    content = json.dumps([_entry_row(entry) for entry in page]).encode("ascii")
    name = hashlib.sha256(content).hexdigest()
    target = folder / name
    if not target.exists():
        new = folder / f"{name}.new"
        new.write_bytes(content)
        new.replace(target)
    return name


def _read_page(folder: Path, name: str) -> tuple[Entry, ...]:
    try:
        content = (folder / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != name:
            raise IndexDamagedError(folder, f"the page {name} is not as it was written")
        return tuple(_entry(row) for row in json.loads(content))
    except (OSError, ValueError, TypeError) as error:
        raise IndexDamagedError(folder, f"the page {name}: {error}") from error


def problem_rows(problems: Iterable[Problem]) -> list[Any]:
    """Problems as JSON has them."""
    return [astuple(problem) for problem in problems]


def problems_of(rows: Iterable[Any]) -> tuple[Problem, ...]:
    """Read what `problem_rows` gave."""
    return tuple(Problem(*row) for row in rows)


def _entry_row(entry: Entry) -> list[Any]:
    chunks = [[c.span, c.headings] for c in entry.chunks]
    problems = problem_rows(entry.problems)
    return [_note_row(entry.note), entry.digest, problems, chunks, entry.texts]


def _entry(row: list[Any]) -> Entry:
    note = _note(row[0])
    chunks = tuple(
        Chunk(note.id, (span[0], span[1]), note.text[span[0] : span[1]], tuple(headings))
        for span, headings in row[3]
    )
    texts = tuple(row[4])
    keys = tuple(map(text_key, texts))
    return Entry(note, row[1], problems_of(row[2]), chunks, texts, keys)


def _note_row(note: Note) -> list[Any]:
    relations = [[getattr(r, name) for name in _RELATION_FIELDS] for r in note.relations]
    sections = [[s.headings, s.span] for s in note.sections]
    named = [note.id, note.title, note.text, note.aliases, note.tags, note.metadata]
    return [*named, sections, relations, note.blocks]


def _note(row: list[Any]) -> Note:
    note, title, text, aliases, tags, metadata, sections, relations, blocks = row
    return Note(
        note,
        title,
        text,
        tuple(aliases),
        tuple(tags),
        metadata,
        tuple(Section(tuple(headings), (span[0], span[1])) for headings, span in sections),
        tuple(_relation(note, values) for values in relations),
        blocks,
    )


def _relation(source: NoteId, values: list[Any]) -> Relation:
    named = dict(zip(_RELATION_FIELDS, values, strict=True))
    for place in ("span", "annotation_span"):
        if named[place] is not None:
            named[place] = tuple(named[place])
    return Relation(source=source, **named)
