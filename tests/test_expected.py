"""What a question asks for, and whether a sentence holds it."""

import pytest

from ragbot.expected import forms, holds


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many notes are there?", ("count",)),
        ("how much does it cost to join", ("amount", "money")),
        ("What is the price of a ticket?", ("amount", "money")),
        ("Who is in charge of what?", ("name",)),
        ("What time does it start?", ("clock",)),
        ("How long did the walk take?", ("amount", "duration")),
        ("How much memory does it need?", ("amount", "bytes")),
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
    ],
)
def test_forms(question, expected):
    assert forms(question) == expected


@pytest.mark.parametrize(
    ("question", "sentence", "held"),
    [
        ("How many notes are there?", "There are 34 notes.", True),
        ("How many notes are there?", "Notes: thirty.", True),
        ("How many notes are there?", "In 2026 a garden was begun, which nobody keeps.", False),
        ("How many of its personas are deep?", "Only 3 of its 27 personas are.", True),
        ("how many", "It is 5.", True),
        ("What does it cost?", "It costs a good deal.", False),
        ("What does it cost?", "Two points of accuracy.", True),
        ("What did they pay for it?", "They paid $40.", True),
        ("What did they pay for it?", "40 people paid for it.", False),
        ("What time does it start?", "It starts at 9:30.", True),
        ("What time does it start?", "It starts on 9 May.", False),
        ("How long did it take?", "It took 3 weeks.", True),
        ("How long did it take?", "It took 3 people.", False),
        ("How much memory does it need?", "It needs 16 GB.", True),
        ("How much memory does it need?", "It needs 16 of them.", False),
        ("When did it begin?", "It began in March.", True),
        ("When did it begin?", "It began early.", False),
        ("What is his email address?", "Write to him.", False),
        ("What is his email address?", "Write to him@example.org.", True),
        ("What license is it under?", "It is under CC BY 4.0.", True),
        ("What license is it under?", "Weights are large.", False),
        ("Who wrote it?", "It was written by Ada.", True),
        ("Who wrote it?", "it was written long ago", False),
        ("Who did Ada meet?", "Ada went out.", False),
        ("Why?", "Because.", True),
    ],
)
def test_holds(question, sentence, held):
    assert holds(question, sentence) is held


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
    assert holds(question, answer)
    assert not holds(question, other)
