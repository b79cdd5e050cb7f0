"""Tables of what goes by a name, changed by what came and what went.

Floor 1: a pure function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

V = TypeVar("V")


def refiled(
    known: Mapping[str, tuple[V, ...]],
    gone: Iterable[tuple[str, V]],
    new: Iterable[tuple[str, V]],
    order: Callable[[V], Any] = lambda value: value,
) -> dict[str, tuple[V, ...]]:
    """Give a table in which some values are filed under their names no more, and others are.

    Only the names of those are looked at; the rest of the table is copied as it is.

    Parameters
    ----------
    known
        Values by name.
    gone, new
        Names and values. What is gone must be known.
    order
        The key by which values of one name are sorted; their own order if not given.

    Examples
    --------
    >>> refiled({"ice": ("a.md",), "heat": ("b.md",)}, [("heat", "b.md")], [("ice", "A.md")])
    {'ice': ('A.md', 'a.md')}
    """
    changed: dict[str, list[V]] = {}
    for name, value in gone:
        if name not in changed:
            changed[name] = list(known[name])
        changed[name].remove(value)
    for name, value in new:
        if name not in changed:
            changed[name] = list(known.get(name, ()))
        changed[name].append(value)
    table = dict(known)
    for name, values in changed.items():
        if values:
            table[name] = tuple(sorted(values, key=order))
        else:
            del table[name]
    return table
