"""Cross-validation: what is chosen on some questions is measured on the others."""

import numpy as np
import pytest

from benchmarks.crossvalidation import FACTORS, FOLDS, JOINT, settings, validate

SHIPPED = {"seeds_MEANING": 1.0, "expand_BACK": 0.2}


def test_settings_stand_around_the_shipped_one():
    tried = settings(SHIPPED)
    assert tried[0] == {}
    assert {"expand_BACK": 0.2 * FACTORS[1]} in tried
    assert len(tried) == 1 + len(SHIPPED) * len(FACTORS) + JOINT
    assert tried == settings(SHIPPED)


def test_a_setting_that_is_best_everywhere_is_chosen_in_every_fold():
    def recalls(setting):
        return [np.full((20, 2), 0.9 if setting == {"seeds_MEANING": FACTORS[0]} else 0.5)]

    found = validate(recalls, SHIPPED, [None])
    assert found["chosen"] == [{"seeds_MEANING": FACTORS[0]}] * FOLDS
    assert found["in_sample"] == [[50.0, 50.0]]
    assert found["cross_validated"] == found["best"]["reached"] == [[90.0, 90.0]]


def test_luck_on_the_seen_questions_is_not_counted():
    lucky = {"expand_BACK": 0.2 * FACTORS[0]}
    draw = np.random.default_rng(3).random((40, 1))

    def recalls(setting):
        worth = (draw > 0.5) if setting == lucky else (draw <= 0.5)
        return [np.repeat(worth.astype(float), 2, axis=1)]

    found = validate(recalls, SHIPPED, [None])
    assert found["cross_validated"][0][0] <= found["best"]["reached"][0][0]
    assert found["best"]["reached"][0][0] == pytest.approx(
        100 * max((draw > 0.5).mean(), (draw <= 0.5).mean()), abs=0.1
    )


def test_a_setting_that_fails_a_set_is_not_chosen():
    def recalls(setting):
        greedy = setting == {"seeds_MEANING": FACTORS[0]}
        return [np.full((20, 2), 0.9 if greedy else 0.5), np.full((20, 2), 0.5 if greedy else 0.9)]

    assert validate(recalls, SHIPPED, [None, 0.8])["chosen"] == [{}] * FOLDS
    assert validate(recalls, SHIPPED, [None, 0.4])["chosen"] != [{}] * FOLDS
    assert validate(recalls, SHIPPED, [None, 0.99])["chosen"] == [{}] * FOLDS
