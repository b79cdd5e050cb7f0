"""Whether the check keeps faithful sentences and catches corrupted ones, in many domains."""

import json
from pathlib import Path

import pytest

from ragbot.answers.verification import fault

PLANTED = Path(__file__).parent / "planted"
SETS = [
    json.loads(line)
    for file in sorted(PLANTED.glob("*.jsonl"))
    for line in file.read_text(encoding="utf-8").splitlines()
]
CORRUPTED = [
    pytest.param(one, claim, id=f"{one['domain']}-{kind}-{number}")
    for one in SETS
    for kind, claims in one["corrupted"].items()
    for number, claim in enumerate(claims)
]


def test_at_most_one_corrupted_claim_in_fifty_passes():
    passed = [claim for one, claim in (p.values for p in CORRUPTED) if not _fault(one, claim)]
    assert len(passed) <= len(CORRUPTED) / 50, passed


def test_most_faithful_claims_are_kept():
    faithful = [(one, claim) for one in SETS for claim in one["carried"]]
    lost = [claim for one, claim in faithful if _fault(one, claim)]
    assert len(lost) <= len(faithful) / 4, lost


@pytest.mark.parametrize("one", SETS, ids=lambda one: one["place"])
def test_a_quote_carries_itself_and_each_of_its_sentences(one):
    for quote in one["quotes"]:
        assert _fault(one, quote) == ""


@pytest.mark.parametrize(
    ("claim", "quotes", "reason"),
    [
        ("Heat flows.", [], "it cites no source"),
        ("It has 5 parts.", ["It has three parts."], "the number 5 is not in the source"),
        ("La chaleur circule.", ["Heat flows."], "the word"),
        ("Yes.", ["Heat flows."], "yes or no"),
        ("No.", ["Heat flows."], "yes or no"),
        ("qwrtz plmk xx", ["Heat flows."], "the word qwrtz is not in the source"),
    ],
)
def test_reasons_are_one_line_for_a_person(claim, quotes, reason):
    assert reason in fault(claim, quotes)
    assert "\n" not in fault(claim, quotes)


def test_a_yes_needs_the_sentence_that_says_so():
    quotes = ["Rye flour absorbs more water than wheat flour."]
    question = "Does rye flour absorb more water than wheat flour?"
    assert fault("Yes, rye flour absorbs more water than wheat flour.", quotes, "", question) == ""
    said = "No, rye flour absorbs more water than wheat flour."
    assert "turned" in fault(said, quotes, "", question)


def test_a_claim_is_no_surer_than_its_quote():
    quotes = ["Green tea may shorten a cold, but it does not cure one."]
    assert fault("Green tea may shorten a cold.", quotes) == ""
    assert fault("Green tea shortens a cold.", quotes) == "the source is less sure of this"


def test_a_claim_may_name_things_as_its_question_does_but_not_what_is_said_of_them():
    claim = "The rsync line of the backup script is rsync -a notes disk."
    quotes = ["rsync -a notes disk"]
    assert fault(claim, quotes, "Backup script", "rsync line of the backup script?") == ""
    assert fault(claim, quotes, "Backup script") == "the word line is not in the source"
    question = "When was the second tap by the gate installed?"
    quotes = ["The second tap by the gate was approved in 2015."]
    said = "The second tap by the gate was installed in 2015."
    assert fault(said, quotes, "", question) == "the word installed is not in the source"


def test_a_claim_may_take_its_subject_from_the_headings_if_its_quote_names_no_other():
    said = "Rye Loaf uses a lid and needs no stone."
    crust = "bakes below a lid, so it needs no stone."
    assert fault(said, [f"It {crust}"], "Rye Loaf") == ""
    assert "of another than" in fault(said, [f"Stollen Anna {crust}"], "Rye Loaf")


def test_a_claim_takes_only_its_subject_from_the_question():
    quotes = ["The mule runs at the same speed, and needs no key."]
    question = "Which of the looms runs on a battery, the mule or the jenny?"
    said = "The mule runs on a battery and needs no key."
    assert fault(said, quotes, "The mule", question) == "the word battery is not in the source"


def test_words_without_spaces_are_compared_in_pairs():
    quotes = ["恵子さんは藍色の手ぬぐいをくれた。"]
    assert fault("藍色の手ぬぐいをくれた。", quotes) == ""
    assert fault("手ぬぐいは恵子さんをくれた。", quotes)
    assert fault("恵子さんは手ぬぐいをくれなかった。", quotes)


def test_what_is_in_brackets_is_another_name():
    quotes = ["Ada and Bert describe Wren (Warm Relay of Nodes), a protocol for heat pumps."]
    assert fault("Wren stands for Warm Relay of Nodes.", quotes) == ""


def test_a_claim_keeps_the_noun_that_its_quote_speaks_of():
    quotes = ["A clerk in a salt store finds that a barrel is missing."]
    assert fault("A clerk finds that a barrel is missing.", quotes) == ""
    assert "another than salt" in fault("A salt store finds that a barrel is missing.", quotes)


def test_a_claim_does_not_join_what_a_colon_parts():
    quotes = ["Ash only by the handful: it makes the heap alkaline."]
    assert fault("Ash only by the handful makes the heap alkaline.", quotes)


def test_a_comparison_is_not_lost():
    quotes = ["Salt helps slightly more than sand to melt ice."]
    assert fault("Salt helps to melt ice.", quotes) == "the source compares"


def _fault(one, claim):
    return fault(claim, one["quotes"], one["place"])
