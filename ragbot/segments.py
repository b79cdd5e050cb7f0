"""Which vectors a vault needs, which segments hold them, and when segments are merged.

Floor 3: decisions about segments; `store.py` reads and writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ragbot.codes import Codes, Encoded
from ragbot.embed import FloatArray
from ragbot.merging import first_due
from ragbot.snapshot import Snapshot
from ragbot.store import Segment

LOOSE = 1024
"""Vectors outside of a collection before they are made one: what is compared one by one."""

Write = Callable[[Sequence[str], Encoded], Segment]


def living(segments: Sequence[Segment], snapshot: Snapshot) -> list[Segment]:
    """Keep the segments that hold a vector of this vault."""
    keys = set(snapshot.keys)
    return [s for s in segments if not keys.isdisjoint(s.keys)]


def missing(segments: Sequence[Segment], snapshot: Snapshot) -> dict[str, str]:
    """Give the texts that have no vector, by key, each once, in order of their notes."""
    return snapshot.texts_beyond(*(s.keys for s in segments))


def embedded(segments: Sequence[Segment], snapshot: Snapshot) -> int:
    """Count the passages that have a vector."""
    known = {key for s in segments for key in s.keys}
    return sum(key in known for key in snapshot.keys)


def settled(segments: Sequence[Segment], snapshot: Snapshot, write: Write) -> list[Segment]:
    """Merge segments when they have become many, loose, or mostly dead.

    Parameters
    ----------
    write
        Makes a collection of some vectors.
    """
    keys = set(snapshot.keys)
    ordered = sorted(segments, key=lambda s: (s.settled, len(s.keys)), reverse=True)
    if not ordered:
        return []
    loose = sum(len(s.keys) for s in segments if not s.settled)
    alive = sum(key in keys for key in ordered[0].keys) if ordered[0].settled else 0
    due = first_due([len(s.keys) for s in ordered], alive, crowded=loose > LOOSE)
    merge = ordered[due:]
    if not merge:
        return list(segments)
    names: list[str] = []
    vectors: list[FloatArray] = []
    codes: list[Codes] = []
    for segment in merge:
        positions = [i for i, key in enumerate(segment.keys) if key in keys]
        names += [segment.keys[i] for i in positions]
        part = segment.encoded(np.array(positions, np.int64))
        vectors.append(part.vectors)
        codes += part.codes
        keys.difference_update(segment.keys)
    kept = [s for s in segments if s not in merge]
    return [*kept, write(names, Encoded(np.concatenate(vectors), codes))] if names else kept
