"""The check of citations: what stands, what is carried, and a planted set of faults."""

from dataclasses import replace

import pytest

from ragbot.answers.grounding import cite, fault, numbers, stands
from ragbot.notes.parser import parse

TEXT = "# Heat\n\nHeat flows from warm to cold bodies. Joule measured it in 1843.\n"
NOTES = {"Heat.md": parse(TEXT, "Heat.md")[0]}

# Sources, and beside each sentence that cites it, whether the source carries it.
SOURCES = {
    "vectors": "Anthropic extracted persona vectors for 7 traits from open models in July 2025.",
    "steering": "Subtracting persona vectors during generation reduces the trait but degrades "
    "capabilities. Adding them during training does not cost capabilities.",
    "drift": "Persona drift starts after eight turns. A Population Stability Index above 0.1 "
    "indicates significant drift.",
    "ghost": "A ghost link is not an error; it is a signal that a note is worth writing.",
    "law": "Wyoming placed digital identity under agency law in 2021, before any other state.",
    "ladder": "The third level gives the agent explicit non-goals. Levels one and two do not.",
}
PLANTED = [
    ("vectors", "Anthropic extracted persona vectors for 7 traits.", True),
    ("vectors", "In July 2025 persona vectors for seven traits were extracted.", True),
    ("vectors", "Anthropic extracted persona vectors for 9 traits.", False),
    ("vectors", "Anthropic extracted persona vectors for 7 traits in March 2025.", False),
    ("vectors", "OpenAI extracted persona vectors for 7 traits.", False),
    ("vectors", "Anthropic did not extract persona vectors for 7 traits.", False),
    ("steering", "Subtracting the vectors during generation degrades capabilities.", True),
    ("steering", "Subtracting vectors during generation reduces the trait.", True),
    ("steering", "Subtracting persona vectors during generation improves capabilities.", False),
    ("steering", "Adding them during training does not cost capabilities.", True),
    ("steering", "Wyoming placed digital identity under agency law.", False),
    ("drift", "Persona drift starts after 8 turns.", True),
    ("drift", "An index above 0.1 indicates significant drift.", True),
    ("drift", "An index above 0.2 indicates significant drift.", False),
    ("drift", "Persona drift never starts after eight turns.", False),
    ("drift", "Drift is cured by restarting the session each morning.", False),
    ("ghost", "A ghost link is not an error.", True),
    ("ghost", "It is a signal that a note is worth writing.", True),
    ("ghost", "A ghost link is an error.", False),
    ("law", "Wyoming placed digital identity under agency law in 2021.", True),
    ("law", "Wyoming placed digital identity under agency law in 2019.", False),
    ("law", "Nevada placed digital identity under agency law in 2021.", False),
    ("law", "Digital identity came under agency law there after other states.", False),
    ("ladder", "The third level gives the agent explicit non-goals.", True),
    ("ladder", "The third level gives agents no explicit non-goals.", False),
    ("ladder", "The third level gives the agent a budget of tokens.", False),
]


def is_carried(source, sentence):
    return not fault(sentence, [SOURCES[source]])


def test_the_planted_faults_are_found():
    found = [not is_carried(source, sentence) for source, sentence, _ in PLANTED]
    wrong = [not carried for _, _, carried in PLANTED]
    hits = sum(a and b for a, b in zip(found, wrong, strict=True))
    precision, recall = hits / sum(found), hits / sum(wrong)
    print(f"planted {len(PLANTED)}: precision {precision:.2f}, recall {recall:.2f}")
    missed = [
        sentence for (_, sentence, carried), f in zip(PLANTED, found, strict=True) if f == carried
    ]
    assert precision >= 0.9, missed
    assert recall >= 0.9, missed


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Heat weighs 3 grams.", "number 3"),
        ("It was Kelvin who measured it.", "name Kelvin"),
        ("Heat never flows from warm to cold bodies.", "deny"),
        ("Heat was a fashion among painters.", "not say"),
    ],
)
def test_the_reason_is_told(sentence, reason):
    assert reason in fault(sentence, ["Heat flows from warm to cold bodies."])


def test_nothing_cited_is_a_fault():
    assert fault("Heat flows.", []) == "it cites no source"


def test_names_may_come_from_the_title():
    quote = ["It measured 4 traits."]
    assert fault("The Mindbench measured 4 traits.", quote)
    assert not fault("The Mindbench measured 4 traits.", quote, context="The Mindbench")


def test_similarity_decides_when_it_is_known():
    quote = ["Warm bodies lose heat."]
    assert not fault("Something hot cools down.", quote, similarity=0.8)
    assert fault("Warm bodies lose heat.", quote, similarity=0.1)


def test_numbers_have_one_spelling():
    assert numbers("Three of 1,000 in May or june, v1.5.") == {"3", "1000", "june", "1.5"}


def test_a_citation_stands_where_it_says():
    span = (TEXT.index("Joule"), TEXT.index("1843.") + 5)
    citation = cite(NOTES, 1, "Heat.md", span)
    assert citation.quote == "Joule measured it in 1843."
    assert citation.lines == (3, 3)
    assert citation.headings == ("Heat",)
    assert stands(citation, NOTES)


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Joule measured it in 1844."},
        {"span": (0, 5)},
        {"lines": (1, 1)},
        {"note": "Cold.md"},
        {"quote": "", "span": (3, 3)},
    ],
)
def test_a_citation_that_is_off_does_not_stand(change):
    citation = cite(NOTES, 1, "Heat.md", (8, 20))
    assert stands(citation, NOTES)
    assert not stands(replace(citation, **change), NOTES)


@pytest.mark.parametrize("span", [(5, 5), (-1, 4), (0, 10_000)])
def test_no_quotation_outside_the_note(span):
    with pytest.raises(ValueError, match="no quotation"):
        cite(NOTES, 1, "Heat.md", span)
