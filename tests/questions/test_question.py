"""A question is analysed once, with its parts and its conversation."""

from benchmarks.memory import MemoryCorpus, asked
from ragbot.models import Answer, Citation, Statement, Turn
from ragbot.questions.conversation import standalone
from ragbot.questions.question import analyse

FILES = {
    "Pea.md": "# Pea protein\n\nA scoop of pea protein holds 21 grams.\n",
    "Soy.md": "# Soy\n\nA scoop of soy holds 25 grams.\n",
}
CORPUS = MemoryCorpus.of(FILES)


def query(question, *history):
    return standalone(question, [Turn(one) for one in history], CORPUS).query


def test_a_question_with_two_parts_holds_both_encoded():
    text = "How many grams does a scoop of soy hold, and who was the first to sell pea protein?"
    question = analyse(CORPUS, text, standalone(text, (), CORPUS), asked)
    assert question.type == "other"
    assert [name.name for name in question.names] == ["soy", "pea protein"]
    assert [part.text for part in question.parts] == text.split(", and ")
    assert all(part.vectors is not None for part in question.parts)


def test_words_decide_if_the_encoder_has_no_piece_of_a_script():
    text = "чайник кипит"
    letters = [(n, n + 1) for n, letter in enumerate(text) if letter != " "]

    def encode(question):
        found = asked(question)
        return type(found)(found.vector, type(found.words)(found.words.vectors, tuple(letters)))

    assert analyse(CORPUS, text, standalone(text, (), CORPUS), encode).vectors is None


def test_a_new_subject_takes_the_place_of_the_old():
    assert query("And soy?", "What about pea protein?") == "And soy?"
    carried = query("And soy?", "How many grams does a scoop of pea protein hold?")
    assert "grams" in carried
    assert "pea" not in carried


def test_more_ways_to_refer_back():
    first = "Which powders hold protein?"
    for question in ("so what's the best?", "how many of those are there?", "another one?"):
        assert query(question, first).startswith(f"{question} (")


def test_the_second_one_is_the_second_item_of_the_last_answer():
    items = tuple(Statement(text, (1,), item=True) for text in ("Pea powder", "Rice powder"))
    cited = Citation(1, "Pea.md", "Pea protein", (), (1, 1), (0, 5), "# Pea")
    answer = Answer("Which?", "", "extractive", False, items, (cited,))
    one = standalone("what does the second one cost?", [Turn("Which powders?", answer)], CORPUS)
    assert one.carried == "Rice powder"
    assert one.shown == {("Pea.md", (0, 5))}
