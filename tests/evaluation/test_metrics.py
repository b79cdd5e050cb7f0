"""Measures of a ranking: values as arithmetic, groups, intervals."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbot.evaluation.metrics import found_at, mean, ndcg, recall, reciprocal_rank


@pytest.mark.parametrize(
    ("ranking", "groups", "ranks"),
    [
        pytest.param("abc", ["a"], [1], id="first"),
        pytest.param("abc", ["c", "a"], [1, 3], id="two"),
        pytest.param("abc", ["cb"], [2], id="any-of-a-group-at-its-best"),
        pytest.param("abc", ["x"], [], id="none"),
        pytest.param("aba", ["a"], [1], id="repeated"),
        pytest.param("", ["a"], [], id="empty"),
    ],
)
def test_ranks_of_the_groups(ranking, groups, ranks):
    assert found_at(ranking, groups) == ranks


def test_recall_counts_groups():
    assert recall("axb", ["a", "bc", "d"], k=3) == 2 / 3
    assert recall("axb", ["a", "bc", "d"], k=2) == 1 / 3


def test_reciprocal_rank():
    assert reciprocal_rank("xab", ["b", "a"]) == 1 / 2
    assert reciprocal_rank("xyz", ["a"]) == 0


def test_ndcg_follows_the_formula():
    assert ndcg("xab", ["a", "b"], k=10) == pytest.approx(
        (1 / log2(3) + 1 / log2(4)) / (1 / log2(2) + 1 / log2(3))
    )
    assert ndcg("ab", ["a", "b", "c"], k=2) == 1


def test_the_mean_and_its_interval():
    found = mean([1.0, 0.0] * 50)
    assert (found.value, found.n) == (0.5, 100)
    # Normal approximation: 0.5 -+ 1.96 * sqrt(0.25 / 100)
    assert found.low == pytest.approx(0.402, abs=0.02)
    assert found.high == pytest.approx(0.598, abs=0.02)
    assert mean([1.0, 0.0] * 50) == found


def test_the_mean_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no values"):
        mean([])


@given(st.permutations("abcdef"), st.sets(st.sampled_from("abcdefgh"), min_size=1))
def test_measures_stay_in_their_range_and_agree(ranking, gold):
    groups = sorted(gold)
    for value in (recall(ranking, groups, 3), reciprocal_rank(ranking, groups)):
        assert 0 <= value <= 1
    assert 0 <= ndcg(ranking, groups, 3) <= 1 + 1e-9
    assert (recall(ranking, groups, 6) == 0) == (reciprocal_rank(ranking, groups) == 0)
