"""Clauses: a question that asks several things is cut where each begins, and only there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.questions.question_type import MOST_CLAUSES, clauses
from ragbot.text.tokenize import tokens


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Why does heat flow downhill, and which engine did Carnot describe?",
            ["Why does heat flow downhill", "which engine did Carnot describe?"],
        ),
        (
            "Who built the first kiln? And what happens to wet clay in it?",
            ["Who built the first kiln?", "And what happens to wet clay in it?"],
        ),
        (
            "how do bees find home and around what time do they leave the hive",
            ["how do bees find home", "around what time do they leave the hive"],
        ),
        (
            "Spring floods drown the fields. Which crops did the monks plant instead?",
            ["Spring floods drown the fields.", "Which crops did the monks plant instead?"],
        ),
        (
            "Does rye need much rain, or can millet grow without any water?",
            ["Does rye need much rain", "can millet grow without any water?"],
        ),
        (
            "How must a miller mark the flour, and may the baker open a sealed sack?",
            ["How must a miller mark the flour", "may the baker open a sealed sack?"],
        ),
        (
            "Which rule binds every mill, and if a wheel breaks at night who repairs it?",
            ["Which rule binds every mill", "if a wheel breaks at night who repairs it?"],
        ),
    ],
)
def test_each_thing_asked_is_a_clause(question, parts):
    assert clauses(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What are heat and work?",
        "What is heat, and why?",
        "Which engine did Carnot and Clapeyron describe?",
        "Where was J. P. Joule born?",
        "what is it",
        "",
        "?!",
        "How big is her website? (Ada Lovelace)",
        "熱とは何ですか",
    ],
)
def test_one_thing_is_not_cut(question):
    assert clauses(question) == []


def test_a_long_text_has_few_clauses():
    long = " ".join(f"Which of the {n} engines burns coal?" for n in range(50))
    assert len(clauses(long)) == MOST_CLAUSES


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["what", "and", "heat", "flows.", "or", "is,", "Why", "?"])))
def test_no_word_is_lost_but_those_that_join(words):
    question = " ".join(words)
    parts = clauses(question)
    said = [word for part in parts for word in tokens(part)]
    lost = tokens(question)
    for word in said:
        lost.remove(word)
    assert not parts or set(lost) <= {"and", "or"}
