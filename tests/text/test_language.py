"""Scripts and languages: words of each, and which the default encoder knows."""

import pytest

from ragbot.text.language import language_of, scripts, unknown_share
from ragbot.text.sentences import sentences
from ragbot.text.tokenize import tokens

QUESTIONS = {
    "en": "When did I plant the quince?",
    "de": "Wann habe ich die Quitte gepflanzt?",
    "fr": "Quand ai-je planté le cognassier ?",
    "es": "¿Cuándo planté el membrillo?",
    "zh": "我什么时候种了木瓜？",
    "ja": "マルメロはいつ植えましたか？",
    "ko": "모과나무를 언제 심었나요?",
    "th": "ฉันปลูกต้นไม้เมื่อไหร่",
    "ru": "Когда я посадил айву?",
    "el": "Πότε φύτεψα την κυδωνιά;",
    "ar": "متى زرعت السفرجل؟",
    "he": "מתי שתלתי את החבוש?",
    "hi": "मैंने पेड़ कब लगाया?",
}


@pytest.mark.parametrize(("language", "question"), QUESTIONS.items(), ids=QUESTIONS)
def test_the_language_of_a_question(language, question):
    assert language_of(question) == language
    assert tokens(question)


@pytest.mark.parametrize("text", ["", "42", "quince", "Corvo berth", "Persona Drift", "Café menu?"])
def test_a_text_of_unknown_language_is_english(text):
    assert language_of(text) == "en"


def test_a_foreign_name_in_an_english_question_changes_nothing():
    assert language_of("What do the notes say about Doña Inés de la Cruz and the river?") == "en"


def test_the_share_of_a_vault_that_is_unknown():
    assert unknown_share([QUESTIONS["en"]] * 3) == 0
    assert unknown_share([QUESTIONS["ru"], QUESTIONS["el"]]) == 1
    assert 0.3 < unknown_share([QUESTIONS["en"], QUESTIONS["ru"]]) < 0.7
    assert unknown_share([]) == 0


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("яблоня", "яблони"),
        ("садом", "сады"),
        ("κυδωνιά", "κυδωνιάς"),
        ("الكتاب", "كتاب"),
        ("والبيت", "البيت"),
        ("הספר", "ספר"),
        ("किताबें", "किताब"),
        ("Ёлка", "елки"),
    ],
)
def test_words_are_found_in_another_form(asked, written):
    assert tokens(asked) == tokens(written)


@pytest.mark.parametrize(
    ("asked", "written"),
    [("яблоня", "яблоко"), ("кот", "код"), ("house", "houses"), ("が", "か"), ("कमल", "कमरा")],
)
def test_other_words_stay_apart(asked, written):
    assert tokens(asked) != tokens(written)


def test_unspaced_scripts_are_read_in_pairs():
    assert tokens("人格選択") == ["人格", "格選", "選択"]
    assert set(tokens("모과나무를")) & set(tokens("모과나무")) == {"모과", "과나", "나무"}
    assert tokens("ｶﾞｲﾄﾞ") == tokens("ガイド")


def test_signs_belong_to_their_words():
    assert len(tokens("हिन्दी की किताब")) == 3


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("今天下雨。我在家。", 2),
        ("雨です。はい！そうですか？", 3),
        ("비가 온다. 집에 있다.", 2),
        ("Идёт дождь. Я дома.", 2),
        ("В 2020 г. Иван родился.", 1),
        ("Βρέχει. Πού είσαι; Εδώ.", 3),
        ("هل هذا؟ نعم.", 2),
        ("वर्षा हो रही है। मैं घर पर हूँ।", 2),
        ("יורד גשם. אני בבית.", 2),
        ("z.B. Äpfel und Birnen.", 1),
        ("¿Qué es? Es así.", 2),
    ],
)
def test_sentences(text, count):
    assert len(sentences(text)) == count


def test_letters_are_counted_by_script():
    assert scripts("Öl und 石油, 42") == {"latin": 5, "han": 2}
