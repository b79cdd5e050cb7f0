"""When the parts that edits leave behind are made one again.

Floor 1: a pure function; vectors and words are both kept in such parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MANY = 8
"""Parts before the small ones are merged."""


def first_due(sizes: Sequence[int], living: int, *, crowded: bool = False) -> int:
    """Tell from where on parts are merged: 0 for all, `len(sizes)` for none.

    The largest is left alone unless half of it is dead or the others amount to
    half of it: so whatever it holds is rewritten a few times at most as a vault grows.

    Parameters
    ----------
    sizes
        Of the parts, the largest first.
    living
        How much of the largest is in use.
    crowded
        Whether the small ones are to be merged even if they are few.

    Examples
    --------
    >>> first_due([100, 1, 1], 99), first_due([100] + [1] * 8, 99), first_due([100, 40], 49)
    (3, 1, 0)
    """
    if not sizes or 2 * living < sizes[0]:
        return 0
    if not crowded and len(sizes) <= MANY:
        return len(sizes)
    return 0 if 2 * sum(sizes[1:]) > sizes[0] else 1


def alike(sizes: Sequence[int]) -> list[int]:
    """Name parts that are made one while ever more come: `MANY` of about one size.

    Of the small come larger ones, of those still larger ones: few are there at any time, and
    what they hold is rewritten once for each size.

    Returns
    -------
    list of int
        Their positions; empty where there are not so many of any size.

    Examples
    --------
    >>> alike([200] * 7 + [3]), alike([9000, 200, 3, *[200] * 7])
    ([], [1, 3, 4, 5, 6, 7, 8, 9])
    """
    kinds: dict[int, list[int]] = {}
    for at, size in enumerate(sizes):
        kinds.setdefault(int(math.log(max(size, 1), MANY)), []).append(at)
    return next((kind for kind in kinds.values() if len(kind) >= MANY), [])
