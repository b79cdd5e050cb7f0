"""The notes of a vault on disk: pages named by their content.

Notes are spread over pages by the hash of their id, and a page that did not change is the same
file in every generation: an edit rewrites one page and not the vault. The first line of a page is
what its notes are called and their passages by key, the second what their links ask for, the third
what they say; the last two are read when somebody asks. JSON and not pickle, because an index
folder is data and must not be able to run code.

Floor 3: values and files.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, overload

from ragbot.errors import IndexDamagedError
from ragbot.index import pieces
from ragbot.index.snapshot import Body, Entry, Snapshot, note_of, note_row
from ragbot.models import NoteId, Passage, Problem
from ragbot.notes.link_resolver import Called

T = TypeVar("T", covariant=True)

NOTES_A_PAGE = 64
"""About how many notes share a page: what an edit rewrites, against how many files there are."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a snapshot's notes stand on disk: the name of each page, and what is on it."""

    names: tuple[str, ...] = ()
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    def on(self, number: int) -> tuple[Entry, ...]:
        """Give what is on the page of a number, in order of note id."""
        return self.entries[self.names[number]]

    def beyond(self, other: Pages) -> dict[NoteId, Entry]:
        """Entries on the pages that another has not."""
        names = self.entries.keys() - other.entries.keys()
        return {entry.called.id: entry for name in names for entry in self.entries[name]}


def write_pages(folder: Path, snapshot: Snapshot, before: Pages, known: Snapshot) -> Pages:
    """Write the pages that `before` does not hold yet.

    Parameters
    ----------
    folder
        Holds the pages of every generation; made when missing.
    before, known
        Pages written earlier, and the notes that they hold.
    """
    folder.mkdir(exist_ok=True)
    entries = snapshot.entries
    count = 1 << (len(entries) // NOTES_A_PAGE).bit_length()
    step = snapshot.since(known)
    notes: dict[int, set[NoteId]] = {}
    changed: Iterable[NoteId] = step.new | step.gone
    if len(before.names) != count:
        before, changed = Pages(("",) * count, {"": ()}), entries
        notes = {number: set() for number in range(count)}
    for note in changed:
        number = page_of(note, count)
        if number not in notes:
            notes[number] = {entry.called.id for entry in before.on(number)}
        notes[number].add(note)
    names, held = list(before.names), dict(before.entries)
    for number, ids in notes.items():
        page = tuple(entries[note] for note in sorted(ids) if note in entries)
        names[number] = _write_page(folder, page)
        held[names[number]] = page
    return Pages(tuple(names), {name: held[name] for name in names})


def page_of(note: NoteId, count: int) -> int:
    """Give the number of the page that a note stands on, among so many."""
    return zlib.crc32(note.encode("utf-8", "surrogatepass")) & (count - 1)


def read_pages(folder: Path, names: Sequence[str], known: Pages) -> Pages:
    """Read pages, but for those that are known already.

    Raises
    ------
    IndexDamagedError
        If one is missing, or is not what its name says.
    """
    entries = {name: known.entries.get(name) or _read_page(folder, name) for name in names}
    return Pages(tuple(names), entries)


class _Later(Sequence[T]):
    """A line of a page, one value a note, read when it is first asked for. Safe to share."""

    def __init__(self, path: Path, line: int, count: int, value: Callable[[Any], T]) -> None:
        self._path = path
        self._line = line
        self._count = count
        self._value = value

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        return self._read[place]

    @cached_property
    def _read(self) -> tuple[T, ...]:
        try:
            line = self._path.read_bytes().split(b"\n")[self._line]
            return tuple(self._value(row) for row in json.loads(line))
        except (OSError, ValueError, TypeError, IndexError) as error:
            raise IndexDamagedError(self._path.parent, f"{self._path.name}: {error}") from error


def _write_page(folder: Path, page: Sequence[Entry]) -> str:
    rows = [[part(entry) for entry in page] for part in (_head_row, _asked_row, _body_row)]
    return pieces.write(folder, "\n".join(map(json.dumps, rows)).encode("ascii"))


def _read_page(folder: Path, name: str) -> tuple[Entry, ...]:
    try:
        content = pieces.read(folder, name)
        rows = json.loads(content[: content.index(b"\n")])
        path, count = folder / name, len(rows)
        links = _Later(path, 1, count, frozenset[str])
        bodies = _Later(path, 2, count, _body)
        return tuple(_entry(row, bodies, links, place) for place, row in enumerate(rows))
    except (ValueError, TypeError) as error:
        raise IndexDamagedError(folder, f"the page {name}: {error}") from error


def problem_rows(problems: Iterable[Problem]) -> list[Any]:
    """Problems as JSON has them."""
    return [astuple(problem) for problem in problems]


def problems_of(rows: Iterable[Any]) -> tuple[Problem, ...]:
    """Read what `problem_rows` gave."""
    return tuple(Problem(*row) for row in rows)


def _head_row(entry: Entry) -> list[Any]:
    return [entry.called, entry.digest, problem_rows(entry.problems), entry.keys]


def _entry(
    row: list[Any], bodies: Sequence[Body], links: Sequence[frozenset[str]], place: int
) -> Entry:
    (note, title, aliases), digest, problems, keys = row
    called = Called(note, title, tuple(aliases))
    return Entry(called, digest, problems_of(problems), tuple(keys), bodies, links, place)


def _asked_row(entry: Entry) -> list[str]:
    return sorted(entry.asked)


def _body_row(entry: Entry) -> list[Any]:
    return [note_row(entry.note), [[c.span, c.headings] for c in entry.chunks], entry.texts]


def _body(row: list[Any]) -> Body:
    note = note_of(row[0])
    chunks = tuple(
        Passage(note.id, (span[0], span[1]), note.text[span[0] : span[1]], tuple(headings))
        for span, headings in row[1]
    )
    return Body(note, chunks, tuple(row[2]))
