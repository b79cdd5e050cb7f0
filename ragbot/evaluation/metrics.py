"""Measures of a ranking, and how sure one can be of their mean.

What is relevant comes in *groups*: all groups are needed, any member of a group
will do. A ranking finds a group at the rank of its first member there.

Floor 1: pure functions on ids and numbers; nothing from ragbot is imported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Groups = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean of a measure over n questions, with its bootstrap interval."""

    value: float
    low: float
    high: float
    n: int


def found_at(ranking: Sequence[str], groups: Groups) -> list[int]:
    """Ranks, from 1 and ascending, at which the groups that were found are found."""
    place = {item: rank for rank, item in reversed(list(enumerate(ranking, start=1)))}
    ranks = (min((place[item] for item in group if item in place), default=0) for group in groups)
    return sorted(rank for rank in ranks if rank)


def recall(ranking: Sequence[str], groups: Groups, k: int) -> float:
    """Share of the groups that are found among the first k, in [0, 1].

    Examples
    --------
    >>> recall(["a", "x", "b"], [["a"], ["b", "c"], ["d"]], k=3)
    0.6666666666666666
    """
    return sum(rank <= k for rank in found_at(ranking, groups)) / len(groups)


def reciprocal_rank(ranking: Sequence[str], groups: Groups) -> float:
    """One over the rank of the first group found, 0 when none is."""
    ranks = found_at(ranking, groups)
    return 1 / ranks[0] if ranks else 0.0


def ndcg(ranking: Sequence[str], groups: Groups, k: int) -> float:
    """Discounted gain of the groups among the first k, beside the best possible, in [0, 1].

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
    TOIS 2002, doi:10.1145/582415.582418, with binary gains.
    """
    gain = sum(1 / math.log2(rank + 1) for rank in found_at(ranking, groups) if rank <= k)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(groups)) + 1))
    return gain / best


def mean(values: Sequence[float], samples: int = 2000) -> Mean:
    """Mean of some values with its 95 % percentile bootstrap interval, the same at every call.

    Raises
    ------
    ValueError
        If there are no values.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if not values:
        raise ValueError("the mean of no values is not defined")
    drawn = np.random.default_rng(0).choice(np.asarray(values), (samples, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return Mean(float(np.mean(values)), float(low), float(high), len(values))
