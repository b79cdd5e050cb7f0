"""The arcs of a vault on disk: beside each page of notes a sheet, named by its content.

The first line of a sheet is what the arcs of its notes lead to, the second what spares the next
build to look for mentions in them, which only a writer reads; numbers follow, as bytes.

Floor 3: values and files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragbot.errors import IndexDamagedError
from ragbot.graph.relation_graph import RelationGraph
from ragbot.index import pieces
from ragbot.index.arcs import Arcs
from ragbot.models import NoteId
from ragbot.notes.mentions import Found


def write_sheet(
    folder: Path, notes: Sequence[NoteId], graph: RelationGraph, found: Found | None
) -> str:
    """Write the arcs of the notes on a page; gives the name of the sheet."""
    arcs = graph.leaving(notes)
    lists = [arcs.targets, arcs.predicates, arcs.wanted]
    lines = "".join(f"{json.dumps(part)}\n" for part in (lists, found.dump(notes) if found else []))
    return pieces.write(folder, lines.encode("ascii") + arcs.rows.astype("<i4").tobytes())


def read_sheet(folder: Path, name: str, notes: Sequence[NoteId]) -> Arcs:
    """Read the arcs of the notes on a page.

    Raises
    ------
    IndexDamagedError
        If they are missing, or are not what their name says.
    """
    try:
        lists, _, numbers = pieces.read(folder, name).split(b"\n", 2)
        targets, predicates, wanted = json.loads(lists)
        rows = np.frombuffer(numbers, "<i4").reshape(-1, 6).astype(np.int64)
        return Arcs(notes, targets, predicates, wanted, rows)
    except ValueError as error:
        raise IndexDamagedError(folder, f"the sheet {name}: {error}") from error


def read_scans(folder: Path, names: Iterable[str]) -> Iterator[Any]:
    """Read what spares a look for mentions, see `Found.load`.

    Raises
    ------
    IndexDamagedError
        As `read_sheet`.
    """
    for name in names:
        try:
            yield from json.loads(pieces.read(folder, name).split(b"\n", 2)[1])
        except (ValueError, IndexError) as error:
            raise IndexDamagedError(folder, f"the sheet {name}: {error}") from error
