"""Links: how far they are trusted, what they bring, and that they do no harm."""

import random
from dataclasses import replace

import pytest

from benchmarks.memory import MemoryCorpus, asked, bags
from ragbot.index.corpus import PRIOR
from ragbot.models import LINKS_TO, Relation
from ragbot.notes.parser import parse
from ragbot.questions.question import analyse
from ragbot.retrieval.expansion import along_links
from ragbot.retrieval.retriever import retrieve

SUBJECTS = {
    "tea": "kettle leaf steep cup brew",
    "sail": "mast rope keel wind harbour",
    "bread": "dough oven yeast crust flour",
    "star": "orbit planet comet lens sky",
    "wool": "sheep spindle loom thread cloth",
}
EACH = 8


def subject_of(number):
    return list(SUBJECTS)[number // EACH]


def near_links():
    """Link each note to two others of its subject."""
    return [
        [number // EACH * EACH + (number + step) % EACH for step in (1, 3)]
        for number in range(len(SUBJECTS) * EACH)
    ]


def shuffled(links, seed):
    ends = [end for some in links for end in some]
    random.Random(seed).shuffle(ends)
    return [[ends.pop() for _ in some] for some in links]


def vault(links, encode=bags):
    """Build notes of some subjects; `links` has the numbers that each note links to."""
    notes = []
    for number, ends in enumerate(links):
        words = SUBJECTS[subject_of(number)].split()
        text = f"{SUBJECTS[subject_of(number)]}. About {words[number % 5]}."
        name = f"{number}.md"
        relations = tuple(Relation(name, LINKS_TO, "", f"{end}.md", (0, 0)) for end in ends)
        notes.append(replace(parse(text, name)[0], relations=relations))
    return MemoryCorpus(notes, encode)


def test_links_between_what_belongs_together_are_trusted():
    assert vault(near_links()).link_trust > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_links_that_were_shuffled_are_not(seed):
    assert vault(shuffled(near_links(), seed)).link_trust < 0.2


@pytest.mark.parametrize("encode", [bags, None], ids=["no-links", "no-vectors"])
def test_a_vault_too_small_to_measure_gets_the_usual_trust(encode):
    links = near_links() if encode is None else [[] for _ in near_links()]
    assert vault(links, encode).link_trust == PRIOR


def test_an_empty_vault_has_a_trust_too():
    assert MemoryCorpus.of({}, bags).link_trust == PRIOR


def test_a_hub_gains_less_than_a_note_that_nobody_else_links_to():
    files = {f"{name}.md": "See [[Hub]]." for name in "abcdef"}
    corpus = MemoryCorpus.of(files | {"Hub.md": "", "Rare.md": "", "a.md": "[[Hub]] [[Rare]]"})
    reached = along_links(corpus, [("a.md", 1.0)])
    assert reached["Hub.md"].score < reached["Rare.md"].score


def test_many_ways_to_a_note_count_as_the_best_one():
    corpus = MemoryCorpus.of({"a.md": "[[c]]", "b.md": "[[c]]", "c.md": ""})
    alone = along_links(corpus, [("a.md", 1.0)])["c.md"]
    both = along_links(corpus, [("a.md", 1.0), ("b.md", 0.5)])["c.md"]
    assert both == alone
    assert both.origin == "a.md"


def test_a_directory_of_links_does_not_lead():
    topics = ["kettle", "tea", "leaf", "pot", "cup", "water", "steam", "copper", "spout", "handle"]
    files = {
        f"{topic}.md": f"# The {topic}\n\nWhy the {topic} matters when tea is made by hand.\n"
        for topic in topics
    }
    files["Index.md"] = "# Index\n\n" + "".join(
        f"- [[{topic}]]: why the {topic} matters when tea is made\n\n## More on {topic}\n\n"
        f"Notes on why the {topic} matters.\n\n"
        for topic in topics
    )
    corpus = MemoryCorpus.of(files, bags)
    for topic in topics:
        question = f"Why does the {topic} matter?"
        hits = retrieve(corpus, analyse(corpus, question, encode=asked))
        assert hits[0].passage.note == f"{topic}.md"


def test_a_linked_note_comes_behind_the_one_that_leads_to_it():
    files = {f"{letter}.md": "Nothing." for letter in "abcdef"}
    files["z.md"] = "Steam in copper kettles. " + " ".join(f"[[{letter}]]" for letter in "abcdef")
    corpus = MemoryCorpus.of(files, bags)
    hits = retrieve(corpus, analyse(corpus, "steam in copper kettles", encode=asked))
    assert hits[0].passage.note == "z.md"
    assert len(hits) > 1
    assert all(hit.score < hits[0].score for hit in hits[1:])
