"""Words of a text: folding, scripts without spaces."""

import pytest

from ragbot.text.folding import fold
from ragbot.text.tokenize import content_words, terms, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Persona-Vectors, 2026!", ["persona", "vectors", "2026"], id="punctuation"),
        pytest.param("snake_case", ["snake", "case"], id="underscore"),
        pytest.param("Größe CAFÉ", ["grosse", "cafe"], id="case-and-marks"),
        pytest.param("nai\u0308ve na\u00efve", ["naive", "naive"], id="unicode-forms"),
        pytest.param("人格選択", ["人格", "格選", "選択"], id="han"),
        pytest.param("心", ["心"], id="one-character"),
        pytest.param("GPT-4の人格", ["gpt", "4", "の人", "人格"], id="mixed"),
        pytest.param("Привет мир", ["прив", "мир"], id="cyrillic"),
        pytest.param("!?", [], id="nothing"),
    ],
)
def test_tokens(text, expected):
    assert tokens(text) == expected


def test_fold_is_the_same_for_composed_and_decomposed_text():
    assert fold("Ng\u0101i") == fold("Nga\u0304i") == "ngai"


def test_stop_words_are_left_out_unless_there_are_no_other_words():
    assert content_words("What is the axis?") == ["axis"]
    assert content_words("Who are you?") == ["who", "are", "you"]


@pytest.mark.parametrize("sign", ["\u00ad", "\u200b", "\u2060"])
def test_signs_that_show_nothing_part_no_word(sign):
    assert tokens(f"am{sign}persand") == ["ampersand"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("カレーは何円", ["円", "カレ", "レー"]),
        ("รถไฟ", ["รถไ", "ถไฟ"]),
        ("我们几号搬的家?", ["号", "搬", "家"]),
        ("the tide", ["tide"]),
    ],
)
def test_terms_carry_a_subject(text, expected):
    assert terms(text) == expected
