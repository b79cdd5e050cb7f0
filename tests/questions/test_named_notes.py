"""What a question names: notes, notes that are not written yet, tags and days."""

import pytest

from benchmarks.memory import MemoryCorpus, asked, bags
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import retrieve

FILES = {
    "Kettle.md": "---\ntags: [kitchen/copper]\naliases: [Old Faithful]\n---\nIt whistles.\n",
    "Pot.md": "---\ntags: [kitchen]\n---\nClay. Bought at [[Harbour Market]].\n",
    "Journal/2026-06-19.md": "Heat. Nobody went out.\n",
    "Journal/2025-06-19.md": "Rain. Nobody went out.\n",
    "Journal/2026-06-09.md": "Wind. Nobody went out.\n",
}


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES, bags)


@pytest.mark.parametrize(
    ("question", "notes"),
    [
        pytest.param("where is the kettle?", {"Kettle.md"}, id="title"),
        pytest.param("who gave us old faithful?", {"Kettle.md"}, id="alias"),
        pytest.param("what came from the harbour market?", {"Pot.md"}, id="unwritten-note"),
        pytest.param("which notes are tagged kitchen?", {"Kettle.md", "Pot.md"}, id="tag"),
        pytest.param("everything with the tag 'kitchen'", {"Kettle.md", "Pot.md"}, id="quoted"),
        pytest.param("what is in #kitchen/copper?", {"Kettle.md"}, id="nested-tag"),
        pytest.param("is C#sharp a tag?", set(), id="no-tag"),
        pytest.param(
            "what did I do on June 19th?",
            {"Journal/2026-06-19.md", "Journal/2025-06-19.md"},
            id="day",
        ),
        pytest.param("and on 9 Jun 2026?", {"Journal/2026-06-09.md"}, id="day-before-month"),
        pytest.param("the 19th of June, 2025", {"Journal/2025-06-19.md"}, id="year"),
        pytest.param("may 3 people march on?", set(), id="no-day"),
    ],
)
def test_notes_named_by_title_tag_or_day_are_scored(corpus, question, notes):
    assert set(analyse(corpus, question).notes) == notes


def test_a_common_word_is_a_weak_name():
    files = {"Tea.md": "Tea.", "Kettle.md": "Iron."} | {f"{n}.md": "Tea again." for n in range(9)}
    scores = analyse(MemoryCorpus.of(files, bags), "tea or the kettle?").notes
    assert 0 <= scores["Tea.md"] < scores["Kettle.md"]


def test_a_tag_leads_to_its_notes_before_the_word_does(corpus):
    question = "which notes are tagged kitchen?"
    hits = retrieve(corpus, analyse(corpus, question, encode=asked))
    assert {hit.passage.note for hit in hits[:2]} == {"Kettle.md", "Pot.md"}
    assert all(hit.evidence for hit in hits)
