"""The notes of a vault on disk: pages named by their content.

Notes are spread over pages by the hash of their id, and a page that did not change is the same
file in every generation: an edit rewrites one page and not the vault. The first line of a page is
what its notes are called and their passages by key, the second what they say, which is read when
somebody asks. JSON and not pickle, because an index folder is data and must not be able to run
code.

Floor 3: values and files.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from ragbot.errors import IndexDamagedError
from ragbot.links import Called
from ragbot.schema import Chunk, NoteId, Problem
from ragbot.snapshot import Body, Entry, note_of, note_row

NOTES_A_PAGE = 64
"""About how many notes share a page: what an edit rewrites, against how many files there are."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a snapshot's notes stand on disk: the name of each page, and what is on it."""

    names: tuple[str, ...] = ()
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    def in_order(self) -> dict[NoteId, Entry]:
        """Entries of all pages, in order of note id."""
        found = {e.called.id: e for name in self.names for e in self.entries[name]}
        return dict(sorted(found.items()))


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


class _OnPage(Sequence[Body]):
    """What the notes on a page say, read when it is first asked for. Safe to share."""

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Body: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Body]: ...
    def __getitem__(self, place: int | slice) -> Body | Sequence[Body]:
        return self._read[place]

    @cached_property
    def _read(self) -> tuple[Body, ...]:
        try:
            content = self._path.read_bytes()
            return tuple(_body(row) for row in json.loads(content[content.index(b"\n") :]))
        except (OSError, ValueError, TypeError) as error:
            raise IndexDamagedError(self._path.parent, f"{self._path.name}: {error}") from error


def _same(old: Sequence[Entry], new: Sequence[Entry]) -> bool:
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))


def _write_page(folder: Path, page: Sequence[Entry]) -> str:
    heads = json.dumps([_head_row(entry) for entry in page])
    bodies = json.dumps([_body_row(entry) for entry in page])
    content = f"{heads}\n{bodies}".encode("ascii")
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
        rows = json.loads(content[: content.index(b"\n")])
        bodies = _OnPage(folder / name, len(rows))
        return tuple(_entry(row, bodies, place) for place, row in enumerate(rows))
    except (OSError, ValueError, TypeError) as error:
        raise IndexDamagedError(folder, f"the page {name}: {error}") from error


def problem_rows(problems: Iterable[Problem]) -> list[Any]:
    """Problems as JSON has them."""
    return [astuple(problem) for problem in problems]


def problems_of(rows: Iterable[Any]) -> tuple[Problem, ...]:
    """Read what `problem_rows` gave."""
    return tuple(Problem(*row) for row in rows)


def _head_row(entry: Entry) -> list[Any]:
    return [entry.called, entry.digest, problem_rows(entry.problems), entry.keys]


def _entry(row: list[Any], bodies: Sequence[Body], place: int) -> Entry:
    (note, title, aliases), digest, problems, keys = row
    called = Called(note, title, tuple(aliases))
    return Entry(called, digest, problems_of(problems), tuple(keys), bodies, place)


def _body_row(entry: Entry) -> list[Any]:
    return [note_row(entry.note), [[c.span, c.headings] for c in entry.chunks], entry.texts]


def _body(row: list[Any]) -> Body:
    note = note_of(row[0])
    chunks = tuple(
        Chunk(note.id, (span[0], span[1]), note.text[span[0] : span[1]], tuple(headings))
        for span, headings in row[1]
    )
    return Body(note, chunks, tuple(row[2]))
