"""The type of a question, and sentences that define a term."""

import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.questions.question import analyse
from ragbot.questions.question_type import defines, question_type

CORPUS = MemoryCorpus.of({})


def term(question):
    return analyse(CORPUS, question).term


@pytest.mark.parametrize(
    "question",
    ["What is a ghost link?", "what's a ghost link", "Define ghost links.", "ghost link meaning?"],
)
def test_the_defined_term_is_the_rest_of_the_question(question):
    assert term(question) == {"ghost", "link"}


@pytest.mark.parametrize(
    "question", ["Why do ghost links help?", "How many ghost links are there?", "Ghost links"]
)
def test_other_questions_have_none(question):
    assert term(question) == frozenset()


@pytest.mark.parametrize(
    ("sentence", "is_one"),
    [
        ("A ghost link is a link to a note that nobody has written.", True),
        ("Ghost links are links to what is missing.", True),
        ("Obsidian's ghost links are links to what is missing.", True),
        ("The ghost link (in some gardens, a stub) refers to a note to come.", True),
        ("Lists of ghost links are kept in a file.", False),
        ("Untidy ghost links are rare.", False),
        ("Ghost links appear as plain text.", False),
        ("It is a link.", False),
        ("", False),
    ],
)
def test_a_definition_begins_with_its_subject_and_defines_it(sentence, is_one):
    assert defines(term("What is a ghost link?"), sentence) is is_one


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many turns until drift?", "other"),
        ("what's the difference between A and B", "compare"),
        ("Why does it drift?", "why"),
        ("when was it published?", "other"),
        ("List the traits", "list"),
        ("What are the five families?", "list"),
        ("Who wrote it?", "other"),
        ("What is drift?", "definition"),
        ("How does it drift?", "other"),
        ("the six opposites in the council?", "list"),
        ("steps for making tea", "list"),
        ("Why do the three groups drift?", "why"),
        ("How are the two notes linked?", "other"),
        ("drift", "other"),
    ],
)
def test_the_type_of_a_question(question, kind):
    assert question_type(question) == kind
