"""Cross-validation: what the constants of the method are worth on questions they did not see.

Each fold of the questions is kept aside; among the settings around the one that
is shipped, the best on the other folds is chosen, and measured on the fold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

Setting = dict[str, float]

FOLDS = 5
FACTORS = (0.5, 0.75, 1.33, 2.0)
JOINT = 20
"""Settings in which every constant is drawn at random, beside those in which one differs."""


def settings(shipped: Mapping[str, float]) -> list[Setting]:
    """Return the settings that compete, the shipped one first."""
    single = [{name: shipped[name] * factor} for name, factor in product(shipped, FACTORS)]
    draw = np.random.default_rng(0)
    joint = [
        {
            name: float(value * draw.choice([FACTORS[1], 1.0, FACTORS[2]]))
            for name, value in shipped.items()
        }
        for _ in range(JOINT)
    ]
    return [{}, *single, *joint]


def validate(
    recalls: Callable[[Setting], Sequence[np.ndarray]],
    shipped: Mapping[str, float],
    wanted: Sequence[float | None],
) -> dict[str, Any]:
    """Compare what the shipped setting reaches with what choosing one reaches on unseen folds.

    Parameters
    ----------
    recalls
        Gives for a setting, for each set, recall at 5 and 10 of every question,
        shape (questions, 2).
    wanted
        For each set, the recall at 5 that a setting must reach there on the
        questions it is chosen by; None for a set on which settings compete, by
        recall at 5 and 10. Where none reaches all, the shipped one wins.

    Returns
    -------
    dict
        `in_sample`, `cross_validated` and `best`, each a row of recall at 5 and
        10 per set, in per cent, and how often each setting was `chosen`. `best`
        is the setting that is best on all questions, chosen with all in sight.
    """
    tried = settings(shipped)
    measured = [recalls(setting) for setting in tried]
    sets = range(len(measured[0]))
    fold_of = [np.random.default_rng(1).permutation(len(measured[0][s])) % FOLDS for s in sets]

    def worth(number: int, fold: int | None) -> float:
        """Recall on the sets that decide, of the questions outside a fold; -1 if it won't do."""
        seen = [measured[number][s][fold_of[s] != fold].mean(axis=0) for s in sets]
        if any(least is not None and seen[s][0] < least for s, least in enumerate(wanted)):
            return -1.0
        return float(np.mean([seen[s].mean() for s in sets if wanted[s] is None]))

    unseen = [np.zeros_like(values) for values in measured[0]]
    chosen: list[Setting] = []
    for fold in range(FOLDS):
        best = max(range(len(tried)), key=lambda number: worth(number, fold))
        chosen.append(tried[best])
        for s in sets:
            unseen[s][fold_of[s] == fold] = measured[best][s][fold_of[s] == fold]
    best = max(range(len(tried)), key=lambda number: worth(number, None))
    return {
        "in_sample": _rows(measured[0]),
        "cross_validated": _rows(unseen),
        "best": {"setting": tried[best], "reached": _rows(measured[best])},
        "chosen": chosen,
        "settings": len(tried),
    }


def _rows(values: Sequence[np.ndarray]) -> list[list[float]]:
    return [[round(100 * float(v), 1) for v in each.mean(axis=0)] for each in values]
