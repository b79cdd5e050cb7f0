"""Questions about relations: recognised, in the right direction, answered from edges."""

import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.notes import link_resolver, mentions, parser
from ragbot.questions.question import analyse

FILES = {
    "Heat.md": "- extends::[[Energy]] — adds disorder\n- extracted_from::[[Old Notebook]]\nText.",
    "Energy.md": "- coordinates_with::[[Work]]\n- relates_to::[[Lost Page]]\nText.",
    "Entropy as a Measure of Heat.md": "- extends::[[Heat]]\n- motivated_by::[[Work]]\nText.",
    "Work.md": "- coordinated_by::[[Energy]]\nText about work.",
    "sub/Energy.md": "Another.",
    "Models.md": "models models",
    "Alone.md": "Nothing here.",
}


def asked_relation(corpus, question):
    return analyse(corpus, question).relation


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES)


def relations_of(corpus, question):
    found = asked_relation(corpus, question)
    return found and [(r.source[:-3], r.predicate, r.written) for r in found.relations]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param("What does Heat extend?", [("Heat", "extends", "Energy")], id="out"),
        pytest.param("What does heat build on?", [("Heat", "extends", "Energy")], id="meaning"),
        pytest.param(
            "Which notes extend Heat?",
            [("Entropy as a Measure of Heat", "extends", "Heat")],
            id="in",
        ),
        pytest.param(
            "What was Heat extracted from?",
            [("Heat", "extracted_from", "Old Notebook")],
            id="ghost",
        ),
        pytest.param(
            "What motivated the note on entropy as a measure?",
            [("Entropy as a Measure of Heat", "motivated_by", "Work")],
            id="part-of-a-title",
        ),
        pytest.param(
            "Who coordinates with Work?", [("Energy", "coordinates_with", "Work")], id="symmetric"
        ),
        pytest.param("Who coordinates Work?", [("Work", "coordinated_by", "Energy")], id="by"),
        pytest.param(
            "Which things does Energy relate to that have no page?",
            [("Energy", "relates_to", "Lost Page")],
            id="ghosts-only",
        ),
        pytest.param(
            "Which notes are related to the lost page?",
            [("Energy", "relates_to", "Lost Page")],
            id="to-a-ghost",
        ),
        pytest.param("What does the lost page extend?", None, id="from-a-ghost"),
        pytest.param("What contradicts Heat?", [], id="known-but-not-here"),
        pytest.param(
            "Which notes link to Heat?",
            [("Entropy as a Measure of Heat", "extends", "Heat")],
            id="any-relation-is-a-link",
        ),
    ],
)
def test_edges(corpus, question, expected):
    assert relations_of(corpus, question) == expected


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("What is Heat?", id="no-relation"),
        pytest.param("Why does it extend so far?", id="no-note"),
        pytest.param("Tell me about work and energy", id="no-question"),
        pytest.param("What extends the life of a battery?", id="unknown-thing"),
        pytest.param("Which models are there?", id="common-word"),
        pytest.param("How is a link to Heat different from a link to Energy?", id="comparison"),
        pytest.param("Which motivated people use entropy as a measure?", id="said-of-people"),
        pytest.param("", id="nothing"),
    ],
)
def test_other_questions_are_left_alone(corpus, question):
    assert asked_relation(corpus, question) is None


def test_a_mention_is_no_link():
    files = {"Heat.md": "Text.", "Ice.md": "Ice lacks Heat.", "Sun.md": "[[Heat]]"}
    notes = link_resolver.resolve([parser.parse(text, name)[0] for name, text in files.items()])
    mentioning = MemoryCorpus(notes, None, mentions.find(notes))
    assert len(list(mentioning.graph.relations())) - mentioning.graph.written == 1
    assert relations_of(mentioning, "What links to Heat?") == [("Sun", "links_to", "Heat")]


def test_a_who_question_does_not_ask_for_extracted_from(corpus):
    assert relations_of(corpus, "Who extracted Heat?") is None


def test_the_shorter_path_wins_the_name(corpus):
    assert asked_relation(corpus, "What does Energy coordinate with?").subject == "Energy.md"


def test_how_two_notes_are_connected(corpus):
    found = asked_relation(corpus, "How are Heat and Work connected?")
    assert (found.kind, found.subject, found.object) == ("path", "Heat.md", "Work.md")
    assert [r.predicate for r in found.relations] in (
        ["extends", "coordinates_with"],
        ["extends", "coordinated_by"],
        ["extends", "motivated_by"],
    )


def test_a_relation_between_the_two_comes_before_any_path(corpus):
    found = asked_relation(corpus, "What is the relation between Energy and Work?")
    assert {r.predicate for r in found.relations} == {"coordinates_with", "coordinated_by"}


def test_two_notes_without_a_path(corpus):
    found = asked_relation(corpus, "How are Heat and Alone connected?")
    assert found.kind == "path"
    assert found.relations == ()


@pytest.mark.parametrize(
    ("question", "kind", "expected"),
    [
        ("Does Heat extend Energy?", "stated", [("Heat", "extends")]),
        ("Is Energy extended by Heat?", "stated", [("Heat", "extends")]),
        ("Does Energy extend Heat?", "unstated", [("Heat", "extends")]),
        ("Does Heat coordinate with Work?", "unstated", None),
        ("Does Work coordinate with Energy?", "stated", [("Energy", "coordinates_with")]),
        ("Does Heat link to Energy?", "stated", [("Heat", "extends")]),
        ("Does Energy link to Heat?", "unstated", [("Heat", "extends")]),
        ("Does Heat extend Alone?", "unstated", []),
    ],
)
def test_a_yes_or_no_question_about_a_relation_is_answered(corpus, question, kind, expected):
    found = asked_relation(corpus, question)
    assert (found.kind, found.subject != found.object) == (kind, True)
    if expected is not None:
        assert [(r.source[:-3], r.predicate) for r in found.relations][: len(expected)] == expected
        assert bool(found.relations) == bool(expected)


def test_a_yes_or_no_about_something_else_is_no_question_about_a_relation(corpus):
    assert asked_relation(corpus, "Is Heat with Energy a danger to batteries and engines?") is None


def test_the_direction_is_returned(corpus):
    assert asked_relation(corpus, "What does Heat extend?").direction == "out"
    assert asked_relation(corpus, "What extends Heat?").direction == "in"
    assert asked_relation(corpus, "Who coordinates with Work?").direction == "both"


def test_annotations_come_with_the_edges(corpus):
    [relation] = asked_relation(corpus, "What does Heat extend?").relations
    assert relation.annotation == "adds disorder"


LINKED = {
    "Heat.md": "- extends::[[Energy]] — adds disorder\n- extracted_from::[[Old Notebook]]\nText.",
    "Energy.md": "- coordinates_with::[[Work]]\nText.",
    "Work.md": "Work is paid, see [[Conservation in Closed Systems]].",
    "laws/Conservation in Closed Systems.md": "See [[Heat]].\n- depends_on::[[Energy]]",
    "Measure of Heat.md": "- extends::[[Heat]]\nText.",
}


@pytest.fixture(scope="module")
def linked():
    return MemoryCorpus.of(LINKED)


TO_HEAT = [("Measure of Heat", "extends"), ("laws/Conservation in Closed Systems", "links_to")]
FROM_HEAT = [("Heat", "extends"), ("Heat", "extracted_from")]
TO_LAW = [("Work", "links_to")]
TO_ENERGY = [("laws/Conservation in Closed Systems", "depends_on")]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who links to Heat", TO_HEAT),
        ("Which notes link to heat?", TO_HEAT),
        ("what links to Heat", TO_HEAT),
        ("what cites Heat?", TO_HEAT),
        ("which pages reference Heat?", TO_HEAT),
        ("what mentions Heat", TO_HEAT),
        ("in which notes is Heat mentioned?", TO_HEAT),
        ("what is Heat cited by?", TO_HEAT),
        ("what is Heat linked from", TO_HEAT),
        ("which notes point to Heat", TO_HEAT),
        ("list everything that links to Heat", TO_HEAT),
        ("what are the backlinks of Heat?", TO_HEAT),
        ("what are Heat's backlinks?", TO_HEAT),
        ("what does Heat link to?", FROM_HEAT),
        ("what links are there from Heat?", FROM_HEAT),
        ("who links to the note on conservation and what do they say about why", TO_LAW),
        ("Which articles cite the note about conservation?", TO_LAW),
        ("what does the conservation note depend on?", TO_ENERGY),
        ("which laws rely on Energy", TO_ENERGY),
    ],
)
def test_links_are_asked_for_in_many_ways(linked, question, expected):
    found = asked_relation(linked, question)
    assert sorted((r.source[:-3], r.predicate) for r in found.relations) == sorted(expected)


@pytest.mark.parametrize(
    "question",
    [
        "How does heat link the sun to the weather of a region?",
        "What does heat need to flow from one room to another?",
        "who came up with heat?",
        "which queues belong to Heat?",
        "Which batteries need heat?",
        "how do strangers get linked through energy and heat when they meet at work?",
        "what mentions of fairness did the crew make when heat rose in summer?",
        "what happens next to heat in a room?",
        "what does it cite?",
        "who wrote about steam engines and links them to cities?",
        "Is heat mentioned as a reason why engines fail early?",
        "what do links between atoms do to heat in a solid body?",
        "how does the note on taxes work with invoices?",
        "what is missing from our discussion of heat and politics?",
        "Which examples of heat pumps are cheap?",
    ],
)
def test_words_of_relations_mean_other_things_too(linked, question):
    assert asked_relation(linked, question) is None
