"""Arcs: the edges that some notes hold, apart from the graph that they are of.

An edit changes the arcs of a few notes; the graph is put together of those and of what it was.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragbot.models import Note, NoteId, Relation

IntArray = NDArray[np.int64]

GHOST = -1
"""Row of a target that no note answers to."""


@dataclass(frozen=True, eq=False)
class Arcs:
    """Edges that some notes hold, apart from the graph that they are of.

    Attributes
    ----------
    rows
        Shape (edges, 6), in order of source and place in the file: position in `sources`, in
        `targets` (`GHOST` where no note answers) and in `predicates`; place among the relations of
        the note, or -1 for a mention; the two ends of the span.
    wanted
        As written, the names of the edges that no note answers, in their order.
    """

    sources: Sequence[NoteId]
    targets: Sequence[NoteId]
    predicates: Sequence[str]
    wanted: Sequence[str]
    rows: IntArray

    @classmethod
    def told(
        cls, notes: Mapping[NoteId, Note], sources: Sequence[NoteId], mentions: Iterable[Relation]
    ) -> Arcs:
        """Read the edges of some notes, with the mentions in them."""
        mentioned: dict[NoteId, list[Relation]] = {}
        for relation in mentions:
            mentioned.setdefault(relation.source, []).append(relation)
        targets: dict[NoteId, int] = {}
        predicates: dict[str, int] = {}
        wanted: list[str] = []
        rows: list[tuple[int, ...]] = []
        for source, note in enumerate(sources):
            for place, relation in _told(notes[note], mentioned.get(note, ())):
                target = GHOST
                if relation.target is not None and relation.target in notes:
                    target = targets.setdefault(relation.target, len(targets))
                else:
                    wanted.append(relation.written)
                predicate = predicates.setdefault(relation.predicate, len(predicates))
                rows.append((source, target, predicate, place, *relation.span))
        table = np.array(rows, np.int64).reshape(-1, 6)
        return cls(sources, tuple(targets), tuple(predicates), wanted, table)

    def placed(self, rows: Mapping[NoteId, int], numbers: dict[str, int]) -> IntArray:
        """Give the edges by the rows of a graph's notes and the numbers of its predicates.

        Parameters
        ----------
        numbers
            Filled with the predicates that it lacks.
        """
        found = self.rows.copy()
        # GHOST is -1, and so the last one.
        targets = [*(rows[note] for note in self.targets), GHOST]
        predicates = [numbers.setdefault(name, len(numbers)) for name in self.predicates]
        for column, moves in enumerate(([rows[n] for n in self.sources], targets, predicates)):
            found[:, column] = np.array(moves, np.int64)[found[:, column]]
        return found


def _told(note: Note, mentions: Iterable[Relation]) -> Iterator[tuple[int, Relation]]:
    """Relations of a note that are edges, with their place among them; -1 for mentions."""
    seen: set[NoteId | None] = set()
    for place, relation in enumerate(note.relations):
        if relation.target != note.id and (relation.target or relation.written):
            seen.add(relation.target)
            yield place, relation
    for relation in mentions:
        if relation.target not in (*seen, note.id):
            seen.add(relation.target)
            yield -1, relation
