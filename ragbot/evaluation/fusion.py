"""Rank fusion: merge several rankings of the same items into one.

Only ranks count: a cosine similarity and a BM25 score share no scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item", int, str)

# Cormack, Clarke and Büttcher found little difference from 20 to 100.
RANK_OFFSET = 60.0


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[Item]], offset: float = RANK_OFFSET
) -> list[tuple[Item, float]]:
    """Merge rankings by the sum of reciprocal ranks.

    An item at rank r (1 is best) of a ranking adds `1 / (offset + r)`.

    Parameters
    ----------
    rankings
        One list of items per retriever, best first, without repetition. Lists
        may be empty and may differ in length and in members.
    offset
        Added to each rank, >= 0. The greater, the less the first ranks count.

    Returns
    -------
    list of (item, score)
        Each item once, best first; ties keep the order of first appearance, so
        two runs agree.

    Raises
    ------
    ValueError
        If a ranking repeats an item, or `offset` is negative.

    References
    ----------
    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet
    and individual Rank Learning Methods", SIGIR 2009,
    doi:10.1145/1571941.1572114.

    Examples
    --------
    >>> reciprocal_rank_fusion([["a", "b"], ["b", "c"]], offset=0)
    [('b', 1.5), ('a', 1.0), ('c', 0.5)]
    """
    if offset < 0:
        raise ValueError(f"the offset must be >= 0, got {offset}")
    scores: dict[Item, float] = {}
    for number, ranking in enumerate(rankings):
        if len(set(ranking)) < len(ranking):
            raise ValueError(f"ranking {number} repeats an item: {list(ranking)}")
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (offset + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
