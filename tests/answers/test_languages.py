"""Eight languages through `Ragbot` with the encoder we ship: answered, declined, in their words."""

import pytest

NOTES = {
    "Bienenstock.md": "# Der Bienenstock\n\nDer Stock steht hinter der Scheune, weil dort kein "
    "Wind geht. Im Juni haben wir 23 Kilo Honig geerntet.\n",
    "Le potager.md": "# Le potager\n\nLes tomates ont gelé parce que la serre était ouverte. Le "
    "voisin Marcel nous a prêté sa brouette.\n",
    "La barca.md": "# La barca\n\nCompramos la barca a Don Anselmo en Cádiz. No salimos los martes "
    "porque el puerto está cerrado.\n",
    "茶园.md": "# 茶园\n\n四月五日我们在龙井村采茶，一共采了三公斤。师傅姓周，教我们炒茶。\n",
    "陶芸.md": "# 陶芸教室\n\n土曜日の午後、山本先生の教室で茶碗を作った。"
    "窯の温度は千二百度だった。\n",
    "Баня.md": "# Баня\n\nБаню построил дядя Миша. Веники сушим на чердаке, потому что там сухо.\n",
    "Ελιές.md": "# Οι ελιές\n\nΜαζέψαμε τις ελιές με τον θείο Στέλιο. Το ελαιοτριβείο είναι στην "
    "Καλαμάτα.\n",
    "المخبز.md": "# المخبز\n\nنخبز الخبز كل صباح في الساعة الخامسة. "
    "الفرن بناه الحاج يوسف من الطين.\n",
}
SILENT = {
    "de": "Die Notizen sagen dazu nichts.",
    "fr": "Les notes n'en disent rien.",
    "es": "Las notas no lo dicen.",
    "zh": "笔记里没有提到。",
    "ja": "ノートには書かれていません。",
    "en": "The notes don't say.",
}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Warum steht der Bienenstock hinter der Scheune?", "kein Wind"),
        ("Wie viel Honig haben wir geerntet?", "23 Kilo"),
        ("Qui nous a prêté la brouette ?", "Marcel"),
        ("Pourquoi les tomates ont-elles gelé ?", "la serre était ouverte"),
        ("¿Por qué no salimos los martes?", "el puerto está cerrado"),
        ("¿Dónde compramos la barca?", "Cádiz"),
        ("我们采了多少茶?", "三公斤"),
        ("我们在哪个村采茶?", "龙井村"),
        ("窯の温度は何度だった？", "千二百度"),
        ("茶碗はどこで作った？", "山本先生の教室"),
        ("Кто построил баню?", "дядя Миша"),
        ("Где мы сушим веники?", "на чердаке"),
        ("Πού είναι το ελαιοτριβείο;", "Καλαμάτα"),
        ("Με ποιον μαζέψαμε τις ελιές;", "Στέλιο"),
        ("متى نخبز الخبز؟", "الخامسة"),
        ("ممّ بناه الحاج يوسف؟", "الطين"),
    ],
)
def test_answered(bot, question, said):
    answer = bot.ask(question)
    assert not answer.abstained
    assert said in answer.text


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("de", "Was kostet der Honig?"),
        ("de", "Wer hat die Scheune gebaut?"),
        ("de", "Wie heißt der Präsident von Frankreich?"),
        ("fr", "Quel est le prix de la brouette ?"),
        ("fr", "Qui a construit la serre ?"),
        ("es", "¿Cuántos años tiene Don Anselmo?"),
        ("es", "¿Cuánto costó la barca?"),
        ("zh", "周师傅几岁?"),
        ("zh", "茶园的地址是什么?"),
        ("ja", "山本先生の電話番号は？"),
        ("ja", "犬の名前は何ですか"),
        ("en", "Сколько стоила баня?"),
        ("en", "Кто сломал баню?"),
        ("en", "Πόσο κόστισε το ελαιοτριβείο;"),
        ("en", "Ποια είναι η πρωτεύουσα της Ισπανίας;"),
        ("en", "كم سعر الفرن؟"),
        ("en", "من كتب رواية زقاق المدق؟"),
    ],
)
def test_declined_in_the_language_of_the_question(bot, language, question):
    answer = bot.ask(question)
    assert answer.abstained
    assert answer.text.startswith(SILENT[language])


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How many notes are there?", "There are 8 notes."),
        ("Wie viele Notizen gibt es?", "Es gibt 8 Notizen."),
        ("Combien de notes y a-t-il ?", "Il y a 8 notes."),
        ("¿Cuántas notas hay?", "Hay 8 notas."),
        ("有多少笔记？", "一共有8篇笔记。"),
        ("ノートはいくつありますか？", "ノートは8件あります。"),
    ],
)
def test_the_notes_are_counted(bot, question, said):
    assert bot.ask(question).text == said
