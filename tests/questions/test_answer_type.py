"""What a question asks for, and whether a sentence holds it."""

import pytest

from ragbot.questions import answer_type
from ragbot.text.tokenize import tokens


def wanted(question):
    return answer_type.wanted(question, tokens(question))


def fit(question, sentences):
    return answer_type.fit(wanted(question), sentences)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many notes are there?", ("count",)),
        ("how much does it cost to join", ("amount",)),
        ("What is the price of a ticket?", ("amount",)),
        ("Who is in charge of what?", ("name",)),
        ("How long did the walk take?", ("amount",)),
        ("How much memory does it need?", ("amount",)),
        ("When is it worth the trouble?", ()),
        ("When does the meeting start?", ("date",)),
        ("What accuracy did it reach?", ("amount",)),
        ("what's the recall of the check", ("amount",)),
        ("When was it written?", ("date",)),
        ("Which year did it start, and who began it?", ("date", "name")),
        ("Which university did she attend?", ("name",)),
        ("Why does it drift?", ()),
        ("What happens when a persona drifts?", ()),
        ("What is the use of precision in speech?", ()),
        ("Warum driftet es?", ()),
        ("What decides how many they are?", ()),
        ("On how many discs did it come?", ("count",)),
        ("What is known of it, and on how many discs did it come?", ("count",)),
        ("What is the price of waiting?", ()),
        ("What does it share with the other one?", ()),
        ("What share of the notes is long?", ("amount",)),
        ("What becomes of people who wait?", ()),
        ("By whom was it built?", ("name",)),
        ("Who may read it?", ()),
        ("What did people keep on their desks?", ()),
        ("What people live there?", ("name",)),
    ],
)
def test_answer_types(question, expected):
    assert wanted(question).types == expected


@pytest.mark.parametrize(
    ("question", "sentence", "share"),
    [
        ("How many notes are there?", "There are 34 notes.", 1),
        ("How many notes are there?", "Notes: thirty.", 1),
        ("How many notes are there?", "In 2026 a garden was begun, in which notes are kept.", 0),
        ("How many notes are there?", "It has sixty, in two gardens.", 0.5),
        ("How many people are there?", "It has sixty developers.", 1),
        ("How many stars are there?", "There are hundreds of stars.", 1),
        ("How many of its personas are deep?", "Only 3 of its 27 personas are.", 1),
        ("how many", "It is 5.", 1),
        ("What does it cost?", "It costs a good deal.", 0),
        ("What does it cost?", "Two points of accuracy.", 1),
        ("How long did it take?", "It took 3 weeks.", 1),
        ("When did it begin?", "It began in March.", 1),
        ("When did it begin?", "It began early.", 0),
        ("When did it begin?", "It began in 331 BCE.", 1),
        ("When did it begin?", "It began in the 1860s.", 1),
        ("When did it begin?", "Revised 01/06/94.", 1),
        ("How often does it look?", "It looks every half-hour.", 1),
        ("How often does it look?", "It looks.", 0),
        ("How long may it stay?", "It stays for some weeks.", 1),
        ("Who wrote it?", "It was written by Ada.", 1),
        ("Who wrote it?", "it was written long ago", 0),
        ("Who did Ada meet?", "Ada went out.", 0),
        ("Who wrote it?", "This was written long ago.", 0),
        ("What language is it in?", "It is written in C++.", 1),
        ("When did it begin, and who began it?", "Ada began it.", 0.5),
        ("Why?", "Because.", 1),
    ],
)
def test_fit(question, sentence, share):
    assert fit(question, [sentence]) == share


def test_each_value_asked_for_may_be_in_another_sentence():
    question = "When did it begin, and who began it?"
    assert fit(question, ["Ada began it.", "It began in March."]) == 1
    assert fit(question, ["Ada began it.", "Ada ended it."]) == 0.5
