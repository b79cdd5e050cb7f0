"""What a question asks for, and whether a sentence holds it."""

import pytest

from ragbot.questions.answer_type import answer_types, fit


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many notes are there?", ("count",)),
        ("how much does it cost to join", ("money",)),
        ("What is the price of a ticket?", ("money",)),
        ("Who is in charge of what?", ("name",)),
        ("What time does it start?", ("clock",)),
        ("How long did the walk take?", ("duration",)),
        ("How much memory does it need?", ("bytes",)),
        ("When is it worth the trouble?", ()),
        ("When does the meeting start?", ("date",)),
        ("What accuracy did it reach?", ("amount",)),
        ("what's the recall of the check", ("amount",)),
        ("When was it written?", ("date",)),
        ("Which year did it start, and who began it?", ("date", "name")),
        ("What is her email address?", ("email",)),
        ("Under which license may I use it?", ("licence",)),
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
    assert answer_types(question) == expected


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
        ("What did they pay for it?", "They paid $40.", 1),
        ("What did they pay for it?", "40 people paid for it.", 0),
        ("What time does it start?", "It starts at 9:30.", 1),
        ("What time does it start?", "It starts on 9 May.", 0),
        ("How long did it take?", "It took 3 weeks.", 1),
        ("How long did it take?", "It took 3 people.", 0),
        ("How much memory does it need?", "It needs 16 GB.", 1),
        ("How much memory does it need?", "It needs 16 of them.", 0),
        ("When did it begin?", "It began in March.", 1),
        ("When did it begin?", "It began early.", 0),
        ("When did it begin?", "It began in 331 BCE.", 1),
        ("When did it begin?", "It began in the 1860s.", 1),
        ("When did it begin?", "Revised 01/06/94.", 1),
        ("How often does it look?", "It looks every half-hour.", 1),
        ("How often does it look?", "It looks.", 0),
        ("How long may it stay?", "It stays for some weeks.", 1),
        ("What is his email address?", "Write to him.", 0),
        ("What is his email address?", "Write to him@example.org.", 1),
        ("What license is it under?", "It is under CC BY 4.0.", 1),
        ("What license is it under?", "Weights are large.", 0),
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


def test_each_thing_that_is_asked_for_may_stand_in_a_sentence_of_its_own():
    question = "When did it begin, and who began it?"
    assert fit(question, ["Ada began it.", "It began in March."]) == 1
    assert fit(question, ["Ada began it.", "Ada ended it."]) == 0.5


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        (
            "Which temperature setting is best?",
            "A temperature of 0.7 is best.",
            "Best of 3 runs.",
        ),
        ("what learning rate did they use?", "The learning rate was 1e-5.", "They ran 3 epochs."),
    ],
)
def test_an_amount_stands_beside_what_is_measured(question, answer, other):
    assert fit(question, [answer]) == 1
    assert fit(question, [other]) == 0
