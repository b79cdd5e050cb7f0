"""Which vectors a vault needs, which segments hold them, and when segments are merged.

Floor 3: decisions about segments; `store.py` reads and writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ragbot.index.merging import alike, first_due
from ragbot.index.places import Places, Rows
from ragbot.index.snapshot import Snapshot
from ragbot.index.vectors import Segment
from ragbot.inference.text_model import FloatArray
from ragbot.inference.token_codes import Codes, Encoded

LOOSE = 1024
"""Vectors outside of a collection before they are made one: what is compared one by one."""

Write = Callable[[Sequence[str], Encoded], Segment]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Which passages of a vault have a vector, and where it stands."""

    snapshot: Snapshot
    places: Places[Segment]

    @classmethod
    def of(
        cls, segments: Sequence[Segment], snapshot: Snapshot, before: Vectors | None = None
    ) -> Vectors:
        """Look up the vectors of a vault's passages.

        Parameters
        ----------
        before
            Of the vault as it was: passages that stay are not looked up again.
        """
        if before is None:
            return cls(snapshot, Places.of(segments, snapshot.chunks.keys))
        if before.snapshot is snapshot and before.places.parts == tuple(segments):
            return before
        same = before.snapshot is snapshot
        splice = None if same else snapshot.since(before.snapshot).passages
        return cls(snapshot, Places.of(segments, snapshot.chunks.keys, before.places, splice))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What holds the vectors."""
        return self.places.parts

    @property
    def count(self) -> int:
        """Number of passages that have a vector."""
        return len(self.snapshot.chunks.keys) - len(self.places.missing)

    def living(self) -> list[Segment]:
        """Give the segments that hold a vector of this vault."""
        return [segment for segment, held in self._pairs() if len(held.rows)]

    def missing(self) -> dict[str, str]:
        """Give the texts that have no vector, by key, each once, in order of their notes."""
        found: dict[str, str] = {}
        for row in self.places.missing.tolist():
            key = self.snapshot.chunks.keys[row]
            if key not in found:
                found[key] = self.snapshot.chunks.text(row)
        return found

    def settled(self, write: Write) -> list[Segment]:
        """Merge segments when they have become many, loose, or mostly dead; gives those of now.

        Parameters
        ----------
        write
            Makes a collection of some vectors.
        """
        pairs = sorted(
            self._pairs(), key=lambda pair: (pair[0].settled, len(pair[0].keys)), reverse=True
        )
        if not pairs:
            return []
        largest, held = pairs[0]
        loose = sum(len(s.keys) for s, _ in pairs if not s.settled)
        alive = len(held.living) if largest.settled else 0
        due = first_due([len(s.keys) for s, _ in pairs], alive, crowded=loose > LOOSE)
        return self._merged(pairs[due:], write)

    def gathered(self, write: Write) -> list[Segment]:
        """Merge the arrays of a build's pieces where they are many; gives all segments of now.

        Each holds files open, of which a process may have few.

        Parameters
        ----------
        write
            Makes an array of some vectors.
        """
        loose = [pair for pair in self._pairs() if not pair[0].settled]
        return self._merged([loose[at] for at in alike([len(s.keys) for s, _ in loose])], write)

    def _merged(self, merge: Sequence[tuple[Segment, Rows]], write: Write) -> list[Segment]:
        """Put what is alive of some segments into one; gives all segments of now."""
        if not merge:
            return list(self.segments)
        names: list[str] = []
        vectors: list[FloatArray] = []
        codes: list[Codes] = []
        for segment, held in merge:
            names += [segment.keys[at] for at in held.living.tolist()]
            part = segment.encoded(held.living)
            vectors.append(part.vectors)
            codes += part.codes
        gone = [segment for segment, _ in merge]
        kept = [s for s in self.segments if s not in gone]
        return [*kept, write(names, Encoded(np.concatenate(vectors), codes))] if names else kept

    def _pairs(self) -> Iterable[tuple[Segment, Rows]]:
        return zip(self.segments, self.places.held, strict=True)
