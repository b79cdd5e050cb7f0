"""Find the names that are most similar to a misspelt one, quickly among many.

To compare each misspelt name with every other takes quadratic time. So names are
indexed by their groups of three letters, and only names that share a rare group
with the wanted one are compared.

References
----------
Likeness is `rapidfuzz.fuzz.ratio`: 200 times the length of the longest common
subsequence, divided by the sum of both lengths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

LIKENESS = 75.0
"""Least likeness, 0 to 100, of a name that may be a misspelling of another."""

MAX_COMPARED = 200
"""Most names that are compared with a wanted one."""


class Nearest:
    """Folded names to search by a similar spelling."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(dict.fromkeys(names))
        self._groups: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            for group in _groups(name):
                self._groups.setdefault(group, []).append(number)

    def find(self, name: str, n: int = 3, likeness: float = LIKENESS) -> list[str]:
        """Return up to `n` other names that are similar to `name`, the most similar first.

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
    """Check whether two folded names are so similar that one is likely a misspelling.

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
