"""The forms of an answer: cards, code, rows, tasks, relations with nouns, other scripts."""

import pytest

from benchmarks.memory import MemoryCorpus, asked, bags
from ragbot.answers import answer as answers
from ragbot.answers import candidates
from ragbot.models import Turn
from ragbot.questions.conversation import standalone
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import retrieve

BELTS = {"Cleo Moss": "August", "Rex Dow": "March", "Uma Roos": "April", "Finn Tamm": "May"}
FILES = {
    "Cards.md": "# Cards\n\nWhat is the capital of Peru?\nLima, on the coast of Peru.\n\n"
    "Which knot makes a loop?::The bowline makes one.\n"
    "Which hitch holds a rail?::A clove hitch.\n\n"
    "What is the largest moon of Saturn?\n\nWhich sail is hoisted first?\nThe mainsail.\n",
    "Ice.md": "# Ice\n\n> [!question]- Which ice carries a sledge?\n"
    "> Black ice of a hand's breadth,\n> [[Frost|two frosts]] old.\n\n"
    "> [!warning] Thaw\n> Leave the ice at\n> the first crack. Crawl.\n",
    "Query.md": "# Query\n\nCount the boats in the harbour database:\n\n```sql\n"
    "SELECT count(*) FROM boats -- all\nWHERE a < b;\n```\n",
    "Dune.md": "# Dune\n\nauthor:: [[Frank Herbert]]\n\nA novel of a desert planet.\n",
    "Frank Herbert.md": "# Frank Herbert\n\nFrank Herbert was a writer from Tacoma.\n",
    "Judo.md": "# Judo\n\n- Tito Pace got the belt in May.\n- Tito Blum got the belt in June.\n"
    "- Ada Pace got the belt in July.\n"
    + "".join(f"- {name} got the belt in {month}.\n" for name, month in BELTS.items()),
}


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES, bags)


def ask(corpus, question, history=()):
    one = standalone(question, history, corpus)
    analysed = analyse(corpus, question, one, asked if corpus.embedded else None)
    return answers.answer(corpus, analysed, retrieve(corpus, analysed))


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("What is the capital of Peru?", "Lima, on the coast of Peru."),
        ("Which knot makes a loop?", "The bowline makes one."),
        ("Which hitch holds a rail?", "A clove hitch."),
    ],
)
def test_a_question_in_the_notes_is_answered_by_the_text_after_it(corpus, question, quote):
    assert ask(corpus, question).citations[0].quote == quote


@pytest.mark.parametrize(
    ("question", "text", "quote"),
    [
        (
            "Which ice carries a sledge?",
            "Black ice of a hand's breadth, two frosts old.",
            "Black ice of a hand's breadth,\n> [[Frost|two frosts]] old.",
        ),
        (
            "When do I leave the ice?",
            "Thaw Leave the ice at the first crack. Crawl.",
            "[!warning] Thaw\n> Leave the ice at\n> the first crack. Crawl.",
        ),
    ],
)
def test_wrapped_lines_of_a_quote_are_one_sentence_without_marks(corpus, question, text, quote):
    answer = ask(corpus, question)
    assert answer.statements[0].text == text
    assert answer.citations[0].quote == quote


def test_a_question_in_the_notes_is_no_answer(corpus):
    answer = ask(corpus, "What is the largest moon of Saturn?")
    assert not any("Saturn?" in citation.quote for citation in answer.citations)
    # Nor is the answer to the question after it.
    assert not any("mainsail" in citation.quote for citation in answer.citations)


def test_code_is_quoted_verbatim_without_its_fence(corpus):
    answer = ask(corpus, "How do I count the boats in the harbour database?")
    code = next(statement for statement in answer.statements if statement.code)
    assert code.text.rstrip("\n") == "SELECT count(*) FROM boats -- all\nWHERE a < b;"
    assert "```\nSELECT count(*) FROM boats -- all\nWHERE a < b;\n```" in answer.text


def test_a_noun_is_read_off_the_relation(corpus):
    answer = ask(corpus, "Who is the author of Dune?")
    assert answer.statements[0].text == "The author of Dune is Frank Herbert"
    assert answer.citations[0].quote == "author:: [[Frank Herbert]]"
    assert ask(corpus, "What is Frank Herbert the author of?").citations == answer.citations


@pytest.mark.parametrize(("name", "month"), [("Tito Blum", "June"), ("Cleo Moss", "August")])
def test_of_a_list_only_the_item_with_the_whole_name_answers(corpus, name, month):
    answer = ask(corpus, f"When did {name} get the belt?")
    assert [one.quote for one in answer.citations] == [f"{name} got the belt in {month}."]


PRICES = {
    "Preise.md": "Gerste kostet vier Mark je Sack.\n\nHafer kostet neun Mark je Sack.\n",
    "Prix.md": "Le lait coûte deux sous le litre.\n\nLe cidre coûte trois sous le litre.\n",
    "Precios.md": "La leche cuesta dos pesos el litro.\n\nLa soja cuesta seis pesos el litro.\n",
    "价格.md": "牛奶每瓶八元。\n\n豆浆每瓶五元。\n",
    "値段.md": "牛乳は一本二百円です。\n\n豆乳は一本三百円です。\n",
}


@pytest.mark.parametrize(
    ("question", "before", "quote"),
    [
        ("Und Hafer?", "Was kostet ein Sack Gerste?", "Hafer kostet neun Mark je Sack."),
        ("Et le cidre ?", "Combien coûte le lait ?", "Le cidre coûte trois sous le litre."),
        ("¿Y la soja?", "¿Cuánto cuesta la leche?", "La soja cuesta seis pesos el litro."),
        ("那豆浆呢？", "牛奶每瓶多少钱？", "豆浆每瓶五元。"),
        ("豆乳は？", "牛乳はいくらですか？", "豆乳は一本三百円です。"),
    ],
)
def test_a_new_subject_replaces_the_old_in_other_languages(question, before, quote):
    answer = ask(MemoryCorpus.of(PRICES), question, [Turn(before)])
    assert [citation.quote for citation in answer.citations] == [quote]


def test_of_a_roster_only_the_sentence_with_the_whole_name_answers():
    names = [f"{first} {last}" for first in ("Aldo", "Bea", "Ciro") for last in ("Pace", "Riva")]
    text = " ".join(f"{name} rings bell {n} in the tower." for n, name in enumerate(names, 1))
    corpus = MemoryCorpus.of({"Bells.md": f"# Bells\n\n{text} The tower leans.\n"}, bags)
    answer = ask(corpus, "Which bell does Bea Riva ring in the tower?")
    assert [one.quote for one in answer.citations] == ["Bea Riva rings bell 4 in the tower."]


def test_the_answer_to_a_follow_up_begins_with_a_new_quote(corpus):
    first = ask(corpus, "What is the novel of a desert planet?")
    again = ask(corpus, "and what else of it?", [Turn(first.question, first)])
    lead = first.citations[0]
    assert again.abstained or (again.citations[0].note, again.citations[0].span) != (
        lead.note,
        lead.span,
    )


LANGUAGES = {
    "Чайник.md": "# Чайник\n\nЧайник закипает при девяноста градусах. Накипь удаляют кислотой.\n",
    "Κήπος.md": "# Κήπος\n\nΗ ελιά κλαδεύεται τον χειμώνα. Το πότισμα γίνεται το πρωί.\n",
    "水壶.md": "# 水壶\n\n水壶用来烧水。水开的温度是九十八度。铜壶比铁壶传热更快。\n",
    "庭.md": "# 庭の手入れ\n\n梅の木は冬に剪定します。水やりは朝に行います。\n",
    "정원.md": "# 정원\n\n매화나무는 겨울에 가지를 친다. 물은 아침에 준다.\n",
    "גינה.md": "# הגינה\n\nגוזמים את עץ הזית בחורף. משקים את הוורדים בבוקר.\n",
    "حديقة.md": "# الحديقة\n\nتقلم شجرة الزيتون في الشتاء. تسقى الورود في الصباح.\n",
    "สวน.md": "# สวน\n\nต้นมะม่วงตัดแต่งกิ่งในฤดูหนาว รดน้ำต้นไม้ตอนเช้า\n",
    "बगीचा.md": "# बगीचा\n\nआम के पेड़ की छंटाई सर्दियों में होती है।\n",
}


@pytest.mark.parametrize(
    ("question", "note", "silence"),
    [
        ("Когда удаляют накипь в чайнике?", "Чайник.md", ""),
        ("Πότε κλαδεύεται η ελιά;", "Κήπος.md", ""),
        ("水开的温度是多少？", "水壶.md", ""),
        ("梅の木はいつ剪定しますか？", "庭.md", ""),
        ("매화나무는 언제 가지를 치나요?", "정원.md", ""),
        ("מתי גוזמים את עץ הזית?", "גינה.md", ""),
        ("متى تقلم شجرة الزيتون؟", "حديقة.md", ""),
        ("ตัดแต่งกิ่งต้นมะม่วงเมื่อไร", "สวน.md", ""),
        ("आम के पेड़ की छंटाई कब होती है?", "बगीचा.md", ""),
        ("Сколько стоит чайник?", "", "The notes don't say."),
        ("Πόσο κοστίζει η ελιά;", "", "The notes don't say."),
        ("铜壶多少钱？", "", "笔记里没有提到。"),
        ("梅の木の値段は？", "", "ノートには書かれていません。"),
        ("犬の名前は何ですか？", "", "ノートには書かれていません。"),
        ("매화나무의 가격은 얼마입니까?", "", "The notes don't say."),
        ("כמה עולים הוורדים?", "", "The notes don't say."),
        ("كم ثمن الورود؟", "", "The notes don't say."),
        ("आम की कीमत कितनी है?", "", "The notes don't say."),
        ("Какая столица Франции?", "", "The notes don't say."),
        ("Ποια είναι η πρωτεύουσα της Γαλλίας;", "", "The notes don't say."),
        ("谁发明了电话？", "", "笔记里没有提到。"),
        ("富士山の高さは？", "", "ノートには書かれていません。"),
        ("한국의 수도는 어디입니까?", "", "The notes don't say."),
        ("מה בירת צרפת?", "", "The notes don't say."),
        ("ما هي عاصمة فرنسا؟", "", "The notes don't say."),
        ("เมืองหลวงของฝรั่งเศสคืออะไร", "", "The notes don't say."),
        ("फ्रांस की राजधानी क्या है?", "", "The notes don't say."),
        ("Wer hat das Telefon erfunden?", "", "Die Notizen sagen dazu nichts."),
        ("Quelle est la capitale du Pérou ?", "", "Les notes n'en disent rien."),
        ("¿Cuál es la capital del Perú?", "", "Las notas no lo dicen."),
    ],
)
def test_words_decide_in_scripts_that_the_encoder_does_not_know(question, note, silence):
    answer = ask(MemoryCorpus.of(LANGUAGES), question)
    if note:
        assert answer.citations[0].note == note
    else:
        assert answer.abstained
        assert answer.text.startswith(silence)


@pytest.mark.parametrize(("words", "whole"), [(20, True), (60, False)])
def test_a_list_of_over_150_words_is_no_candidate(words, whole):
    items = "".join(f"- The {thing} is {'heavy ' * words}\n" for thing in ("oar", "mast", "keel"))
    corpus = MemoryCorpus.of({"Boat.md": f"# Boat\n\n{items}"}, bags)
    question = analyse(corpus, "List what is heavy in the boat", encode=asked)
    found = candidates.gather(corpus, question, retrieve(corpus, question), 10)
    assert any(one.listed for one in found) == whole
