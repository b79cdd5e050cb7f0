"""Which vectors a vault needs, which segments hold them, and when segments are merged.

Floor 3: decisions about segments; `store.py` reads and writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ragbot.embed import FloatArray
from ragbot.snapshot import Snapshot
from ragbot.store import Segment

MANY = 8
"""Segments of one generation before the small ones are merged."""

LOOSE = 1024
"""Vectors outside of a collection before they are made one: what is compared one by one."""

Write = Callable[[Sequence[str], FloatArray], Segment]


def living(segments: Sequence[Segment], snapshot: Snapshot) -> list[Segment]:
    """Keep the segments that hold a vector of this vault."""
    keys = set(snapshot.keys)
    return [s for s in segments if not keys.isdisjoint(s.keys)]


def missing(segments: Sequence[Segment], snapshot: Snapshot) -> dict[str, str]:
    """Give the texts that have no vector, by key, each once, in order of their notes."""
    known = {key for s in segments for key in s.keys}
    pairs = zip(snapshot.keys, snapshot.texts, strict=True)
    return {key: text for key, text in pairs if key not in known}


def embedded(segments: Sequence[Segment], snapshot: Snapshot) -> int:
    """Count the passages that have a vector."""
    known = {key for s in segments for key in s.keys}
    return sum(key in known for key in snapshot.keys)


def settled(segments: Sequence[Segment], snapshot: Snapshot, write: Write) -> list[Segment]:
    """Merge segments when they have become many, loose, or mostly dead.

    The largest is left alone unless half of it is dead or the others amount to
    half of it: so a vector is rewritten a few times at most as a vault grows.

    Parameters
    ----------
    write
        Makes a collection of some vectors.
    """
    keys = set(snapshot.keys)
    ordered = sorted(segments, key=lambda s: (s.settled, len(s.keys)), reverse=True)
    if not ordered:
        return []
    largest, rest = ordered[0], ordered[1:]
    loose = sum(len(s.keys) for s in segments if not s.settled)
    alive = sum(key in keys for key in largest.keys)
    merge: list[Segment] = []
    if not largest.settled or 2 * alive < len(largest.keys):
        merge = ordered
    elif len(segments) > MANY or loose > LOOSE:
        grown = 2 * sum(len(s.keys) for s in rest) > len(largest.keys)
        merge = ordered if grown else rest
    if not merge:
        return list(segments)
    names: list[str] = []
    parts: list[FloatArray] = []
    for segment in merge:
        positions = [i for i, key in enumerate(segment.keys) if key in keys]
        names += [segment.keys[i] for i in positions]
        parts.append(segment.take(np.array(positions, np.int64)))
        keys.difference_update(segment.keys)
    kept = [s for s in segments if s not in merge]
    return [*kept, write(names, np.concatenate(parts))] if names else kept
