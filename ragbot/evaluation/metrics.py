"""Measures of a ranking, and their means with a bootstrap interval.

Relevant items come in *groups*: a ranking has to find one member of each group.
The rank of a group is that of its first member.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
    """Return the ranks of the groups in a ranking, from 1, ascending."""
    place = {item: rank for rank, item in reversed(list(enumerate(ranking, start=1)))}
    ranks = (min((place[item] for item in group if item in place), default=0) for group in groups)
    return sorted(rank for rank in ranks if rank)


def recall(ranking: Sequence[str], groups: Groups, k: int) -> float:
    """Return the share of the groups among the first k items, in [0, 1].

    Examples
    --------
    >>> recall(["a", "x", "b"], [["a"], ["b", "c"], ["d"]], k=3)
    0.6666666666666666
    """
    return sum(rank <= k for rank in found_at(ranking, groups)) / len(groups)


def reciprocal_rank(ranking: Sequence[str], groups: Groups) -> float:
    """Return one over the rank of the first group, 0 without any."""
    ranks = found_at(ranking, groups)
    return 1 / ranks[0] if ranks else 0.0


def ndcg(ranking: Sequence[str], groups: Groups, k: int) -> float:
    """Return the normalized discounted cumulative gain of the groups at k, in [0, 1].

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
    TOIS 2002, doi:10.1145/582415.582418, with binary gains.
    """
    gain = sum(1 / math.log2(rank + 1) for rank in found_at(ranking, groups) if rank <= k)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(groups)) + 1))
    return gain / best


def mean(values: Sequence[float], samples: int = 2000) -> Mean:
    """Return a mean with its 95 % percentile bootstrap interval, from a fixed seed.

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


def by_type(
    rows: Iterable[tuple[Sequence[str], Mapping[str, float | None]]],
) -> dict[str, dict[str, Mean]]:
    """Return the mean of each measure for each type of question.

    A row has the types and the measures of a question; None where a measure does not apply.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for types, measures in rows:
        for kind in types:
            for name, value in measures.items():
                if value is not None:
                    found.setdefault(kind, {}).setdefault(name, []).append(value)
    return {
        kind: {name: mean(values) for name, values in measures.items()}
        for kind, measures in found.items()
    }
