"""Rank fusion: the formula of the paper, ties, refusals."""

import pytest

from ragbot.evaluation.fusion import reciprocal_rank_fusion as rrf


def test_scores_follow_the_formula_of_the_paper():
    fused = dict(rrf([["a", "b"], ["b"]]))

    assert fused["a"] == pytest.approx(1 / 61)
    assert fused["b"] == pytest.approx(1 / 62 + 1 / 61)


def test_two_agreeing_beat_one_first_place():
    assert rrf([["alone", "agreed"], ["agreed"]])[0][0] == "agreed"


def test_ties_keep_the_order_of_first_appearance():
    assert [item for item, _ in rrf([["a"], ["b"]])] == ["a", "b"]
    assert [item for item, _ in rrf([["b"], ["a"]])] == ["b", "a"]


@pytest.mark.parametrize("rankings", [[], [[]], [[], []]], ids=repr)
def test_an_empty_ranking_list_yields_an_empty_ranking(rankings):
    assert rrf(rankings) == []


def test_refuses_a_repeated_item():
    with pytest.raises(ValueError, match=r"ranking 1 repeats an item: \['a', 'a'\]"):
        rrf([["b"], ["a", "a"]])


def test_refuses_a_negative_offset():
    with pytest.raises(ValueError, match="got -1"):
        rrf([["a"]], offset=-1)
