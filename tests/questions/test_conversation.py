"""Conversation: what is carried over, what is not, and what is no question."""

from dataclasses import replace

import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.errors import QuestionError
from ragbot.models import Answer, Citation, Statement, Turn
from ragbot.questions.conversation import SUBJECT_WORDS, checked, standalone

FILES = {
    "Entropy.md": "# Entropy\nEntropy grows. See [[Heat]].",
    "Heat.md": "# Heat\nHeat flows.",
    "Persona Drift.md": "# Persona Drift\nIt slips.",
}


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES)


def query(corpus, question, *history):
    return standalone(question, [Turn(text) for text in history], corpus).query


@pytest.mark.parametrize(
    "question",
    [
        "and what are its limits?",
        "Who discovered it?",
        "what about living things?",
        "limits?",
        "why?",
        "which statistics would I watch for that?",
        "does that hold for stars?",
        "how would I build one?",
        "so which of the two should I worry about?",
    ],
)
def test_a_follow_up_takes_the_subject_of_the_question_before(corpus, question):
    assert query(corpus, question, "What is entropy?") == f"{question} (entropy)"


@pytest.mark.parametrize(
    "question",
    [
        "What is Persona Drift?",
        "Why does a kettle whistle in the kitchen?",
        "and Persona Drift?",
    ],
)
def test_a_new_subject_is_noticed(corpus, question):
    one = standalone(question, [Turn("What is entropy?")], corpus)
    assert (one.query, one.carried, one.shown) == (question, "", frozenset())


def test_a_chain_of_follow_ups_goes_back_to_its_subject(corpus):
    asked = query(corpus, "since when?", "What is entropy?", "who measured it?")
    assert asked == "since when? (entropy; measured it)"


def test_a_whole_follow_up_takes_over_the_subject_alone(corpus):
    asked = query(corpus, "so what's the unit?", "Why do closed boxes warm?", "who measured it?")
    assert asked == "so what's the unit? (closed boxes warm)"


def test_a_new_subject_is_asked_what_the_last_question_asked(corpus):
    history = ("What is entropy?", "so what's the unit?")
    assert query(corpus, "and Persona Drift?", *history) == "and Persona Drift? (unit)"


@pytest.mark.parametrize(
    "question",
    ["how many of those are there?", "so how many are there in all", "How many of them?"],
)
def test_the_items_of_the_last_answer_are_counted(corpus, question):
    items = tuple(Statement(text, (1,), item=True) for text in ("Ice", "Steam", "Water"))
    listed = Answer("List its states", "...", "extractive", False, items)
    assert standalone(question, [Turn("x", listed)], corpus).reply == "The last answer lists 3."
    shortened = replace(listed, text="- Ice\n- Steam\n- Water\n\nAnd 4 more.")
    reply = standalone(question, [Turn("x", shortened)], corpus).reply
    assert reply == "The last answer lists 3 of 7."
    assert not standalone(question, [Turn("What is entropy?")], corpus).reply


def test_the_notes_of_the_last_answer_are_carried(corpus):
    cited = Citation(1, "Entropy.md", "Entropy", (), (1, 1), (0, 9), "# Entropy")
    answer = Answer("What is entropy?", "It grows [1].", "extractive", False, (), (cited,))
    one = standalone("who found it?", [Turn("What is entropy?", answer)], corpus)
    assert one.shown == {("Entropy.md", (0, 9))}


def test_a_bare_why_asks_for_the_reason_of_the_answer(corpus):
    said = (Statement("It grows, since heat spreads.", (1,)),)
    answer = Answer("What is entropy?", "It grows [1].", "extractive", False, said)
    one = standalone("And why?", [Turn("What is entropy?", answer)], corpus)
    assert one.query == "And why? (entropy; It grows, since heat spreads.)"
    assert one.shown == frozenset()


def test_small_talk_between_questions_is_skipped(corpus):
    assert query(corpus, "who found it?", "What is entropy?", "thanks!").endswith("(entropy)")


def test_a_long_chat_stays_within_bounds(corpus):
    history = [Turn(f"and what about its {'very ' * 500}end {n}?") for n in range(100)]
    one = standalone("and it?", history, corpus)
    assert len(one.carried.split()) <= SUBJECT_WORDS


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Hello!", "Hello"),
        ("good morning", "Hello"),
        ("thanks, that helps", "welcome"),
        ("ok", "welcome"),
        ("bye", "Goodbye"),
        ("What can you do?", "quotes a note"),
        ("who are you?", "quotes a note"),
    ],
)
def test_small_talk_gets_a_reply_without_a_search(corpus, message, said):
    one = standalone(message, [Turn("What is entropy?")], corpus)
    assert said in one.reply
    assert not one.carried


@pytest.mark.parametrize("message", ["hello world programs?", "What can heat do?", "ok google is?"])
def test_a_question_that_starts_like_small_talk_is_searched(corpus, message):
    assert not standalone(message, (), corpus).reply


def test_bytes_that_are_no_text_are_no_question():
    with pytest.raises(QuestionError, match="UTF-8"):
        checked("caf\udce9 au lait", 2000)
