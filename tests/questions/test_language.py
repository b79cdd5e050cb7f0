"""The language of a question, what the bot says in it, and scripts that an encoder knows."""

import pytest

from ragbot.questions.conversation import talk_of
from ragbot.questions.language import PHRASES
from ragbot.text.language import is_readable, language_of


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is the pressure of the boiler?", "en"),
        ("Wie hoch ist der Druck im Kessel?", "de"),
        ("Quelle est la pression de la chaudière ?", "fr"),
        ("¿Cuál es la presión de la caldera?", "es"),
        ("锅炉的压力是多少？", "zh"),
        ("ボイラーの圧力はいくつですか", "ja"),
        ("Какое давление в котле?", "ru"),
        ("kettle", "en"),
    ],
)
def test_the_language_of_a_question(question, language):
    assert language_of(question) == language


@pytest.mark.parametrize(
    ("said", "talk"),
    [
        ("Hallo!", "greeting"),
        ("Merci beaucoup", "thanks"),
        ("¡Hola!", "greeting"),
        ("谢谢", "thanks"),
        ("さようなら", "farewell"),
        ("Tschüss", "farewell"),
        ("Danke für den Kessel im Keller", ""),
        ("hello world in Rust", ""),
    ],
)
def test_small_talk_in_six_languages(said, talk):
    assert talk_of(said) == talk


def test_every_language_says_every_phrase():
    for phrases in PHRASES.values():
        assert phrases.unanswered.format(part="x") != phrases.unanswered
        assert phrases.nearest.format(names="x") != phrases.nearest
        assert phrases.ghost.format(name="x", names="y") != phrases.ghost
        assert phrases.help.format(count=3) != phrases.help


@pytest.mark.parametrize(
    ("text", "pieces", "known"),
    [
        ("the kettle", ["the", "ket", "tle"], True),
        ("чайник кипит", ["ч", "а", "й", "н", "и", "к", "к", "и", "п", "и", "т"], False),
        ("чайник кипит", ["чай", "ник", "кип", "ит"], True),
        ("อุณหภูมิของกาต้มน้ำคือ", ["อุณหภูมิของกาต้มน้ำคือ"], False),
        ("the чай kettle", ["the", "ч", "а", "й", "kettle"], True),
    ],
)
def test_an_encoder_knows_a_script_of_which_it_has_pieces(text, pieces, known):
    spans, at = [], 0
    for piece in pieces:
        at = text.index(piece, at)
        spans.append((at, at + len(piece)))
        at += len(piece)
    assert is_readable(text, spans) == known
