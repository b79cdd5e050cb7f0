"""Asking for a relation: stems, voice, prepositions, meanings, and who does what to whom."""

import pytest

from ragbot.questions.predicate_matcher import asked, stands_at_source

VAULT = [
    "extends", "extended_by", "relates_to", "coordinates_with", "coordinated_by", "motivated_by",
    "extracted_from", "is_a", "in_domain", "evidence_for", "set_with", "grounds", "directed-at",
]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param("what extends heat", {"extends", "extended_by"}, id="verb"),
        pytest.param("what is heat extended by", {"extends", "extended_by"}, id="participle"),
        pytest.param("who coordinates with ann", {"coordinates_with"}, id="preposition"),
        pytest.param("who coordinates ann", {"coordinated_by"}, id="no-preposition"),
        pytest.param("what motivated heat", {"motivated_by"}, id="past"),
        pytest.param("what was heat extracted from", {"extracted_from"}, id="from-at-the-end"),
        pytest.param("who is heat directed at", {"directed-at"}, id="dashes"),
        pytest.param("is there evidence for heat", {"evidence_for"}, id="noun"),
        pytest.param("is there a sister of heat", {"set_with"}, id="meaning"),
        pytest.param("what does heat build on", {"extends"}, id="meaning-of-two-words"),
        pytest.param("what is heat", set(), id="is-a-is-no-word"),
        pytest.param("how hot is heat", set(), id="none"),
    ],
)
def test_predicates_asked_for(question, expected):
    words = question.split()
    assert {match.predicate for match in asked(words, VAULT, [True] * len(words))} == expected


def test_a_word_inside_a_name_asks_for_nothing():
    words = ["what", "is", "ground", "truth"]
    assert asked(words, ["grounds"], [True, True, True, True])
    assert not asked(words, ["grounds"], [True, True, False, False])


@pytest.mark.parametrize(
    ("question", "predicate", "at_source"),
    [
        pytest.param("what does HEAT extends", "extends", True, id="active-active"),
        pytest.param("what extends HEAT", "extends", False, id="object"),
        pytest.param("what is HEAT extended by", "extends", False, id="passive-active"),
        pytest.param("what is extended by HEAT", "extends", True, id="agent"),
        pytest.param("what extends HEAT", "extended_by", True, id="active-passive"),
        pytest.param("what is HEAT extended by", "extended_by", True, id="passive-passive"),
        pytest.param("what is extended by HEAT", "extended_by", False, id="agent-of-passive"),
        pytest.param("what motivated HEAT", "motivated_by", True, id="past-is-active"),
        pytest.param("what was HEAT extracted from", "extracted_from", True, id="from"),
        pytest.param("what was extracted from HEAT", "extracted_from", False, id="from-object"),
    ],
)
def test_direction(question, predicate, at_source):
    words = question.split()
    verb = next(place for place, word in enumerate(words) if word[:4] == predicate[:4])
    assert stands_at_source(predicate, words, verb, words.index("HEAT")) is at_source
