"""The attribute of a lookup is found; a list, a long or a joined question has none."""

import pytest

from ragbot.questions.attribute import attribute
from ragbot.text.language import language_of


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is the warranty of the winch?", "warranty"),
        ("whats the insurance number of the winch", "insurance"),
        ("Which fuel does the stove take?", "fuel"),
        ("What is Mara's shoe size?", "size"),
        ("depth of the well", "depth"),
        ("When did we paint the shed?", "paint"),
        ("What does the red kite cost?", "cost"),
        ("What does the anchor of the dinghy weigh?", "weigh"),
        ("Who designed the lighthouse?", "designed"),
        ("What does it cost? (the red kite)", "cost"),
        ("Wie heißt der Bruder von Mara?", "Bruder"),
        ("Wer hat den Schuppen gestrichen?", "gestrichen"),
        ("Quelle est l'adresse de Mara ?", "adresse"),
        ("¿Cuál es la dirección de Mara?", "dirección"),
        ("麦子的地址是什么?", "地址"),
        ("麦の住所はどこですか", "住所"),
    ],
)
def test_the_word_of_the_attribute(question, word):
    found = attribute(question, language_of(question))
    assert found is not None
    assert question[slice(*found.span)] == word


@pytest.mark.parametrize(
    "question",
    [
        "What is a winch?",
        "Which tools did we buy?",
        "What is the name of the winch?",
        "What day is the regatta, and who starts it?",
        "Why does the winch squeak?",
        "What did I write about the winch?",
        "Which rope did the man who painted the red shed lend us for the winch of the old boat?",
        "Welche Farbe hat der Schuppen?",
        "Quel est le prix de la corde ?",
    ],
)
def test_other_questions_have_none(question):
    assert attribute(question, language_of(question)) is None
