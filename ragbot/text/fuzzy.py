"""The names that look most like a given one, among many, in little time.

Comparing a misspelt name with every other is quadratic in a large vault. Here
each name is filed under its groups of three letters; only names that share
a rare group with the wanted one are compared.

References
----------
Likeness is `rapidfuzz.fuzz.ratio`: 100 times twice the length of the longest
common subsequence over the sum of both lengths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

LIKENESS = 75.0
"""Least likeness, 0..100, at which one name may be meant by another."""

MAX_COMPARED = 200
"""Most names that are compared with a wanted one."""


class Nearest:
    """Names to be found by one that is spelt nearly alike.

    Parameters
    ----------
    names
        Folded names; `find` gives them back as they are.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(dict.fromkeys(names))
        self._groups: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            for group in _groups(name):
                self._groups.setdefault(group, []).append(number)

    def find(self, name: str, n: int = 3, likeness: float = LIKENESS) -> list[str]:
        """Return up to `n` names that look like `name`, the likest first, never itself.

        Examples
        --------
        >>> Nearest(["persona drift", "soul document", "drift"]).find("persona drfit")
        ['persona drift']
        """
        lists = sorted((self._groups.get(group, ()) for group in _groups(name)), key=len)
        shared: Counter[int] = Counter()
        for numbers in lists:
            shared.update(numbers[:MAX_COMPARED])
            if len(shared) > 2 * MAX_COMPARED:
                break
        likely = [self._names[number] for number, _ in shared.most_common(MAX_COMPARED)]
        found = process.extract(
            name,
            [other for other in likely if other != name],
            scorer=fuzz.ratio,
            score_cutoff=likeness,
            limit=n,
        )
        return [other for other, _, _ in found]


def is_slip(one: str, other: str) -> bool:
    """Check whether two folded names differ by so little that one is likely a slip of the other.

    At most one letter in eight, and three in all, is wrong, missing, added or
    swapped with its neighbour.

    Examples
    --------
    >>> is_slip("persona drfit", "persona drift"), is_slip("person name", "person note")
    (True, False)
    """
    most = min(3, max(1, max(len(one), len(other)) // 8))
    return OSA.distance(one, other, score_cutoff=most) <= most


def _groups(name: str) -> set[str]:
    padded = f"  {name} "
    return {padded[start : start + 3] for start in range(min(len(padded), 200) - 2)}
