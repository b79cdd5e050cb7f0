"""Retrieval: what is found, why it is said to be found, and that every path holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.memory import MemoryCorpus, asked, bags
from ragbot.models import Filters
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import retrieve

FILES = {
    "models/Heat.md": "---\ntags: [physics/heat]\ncreated: 2024-05-01\n---\nHeat flows downhill."
    "\n\n## Measure\n\nThermometers measure heat in [[Kelvin]].",
    "people/Kelvin.md": "---\ntags: [people]\ncreated: 2025-01-01\n---\nA baron of Largs.",
    "models/Work.md": "Work moves things. See [[Joule]].\n\n- extends::[[Heat]] — both are energy",
    "people/Joule.md": "A brewer in Salford, friend of William Thomson.",
    "people/Thomson.md": "William Thomson grew up in Belfast.",
    "Alone.md": "Nothing leads here.",
}


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES, bags)


def search(corpus, question, **options):
    encode = asked if corpus.embedded else None
    return retrieve(corpus, analyse(corpus, question, encode=encode), **options)


def notes(hits):
    return [hit.passage.note for hit in hits]


def evidence(hits, note):
    hit = next(hit for hit in hits if hit.passage.note == note)
    return {e.retriever: e for e in hit.evidence}


def test_the_best_passage_of_the_best_note_comes_first(corpus):
    hit = search(corpus, "Which thermometers measure heat?")[0]
    assert hit.passage.headings == ("Measure",)
    ranks = {e.retriever: e.rank for e in hit.evidence}
    assert (ranks["dense"], ranks["bm25"]) == (1, 1)


def test_a_link_brings_a_note_that_shares_no_word_with_the_question(corpus):
    hits = search(corpus, "Which thermometers measure it?")
    found = evidence(hits, "people/Kelvin.md")
    assert not {"dense", "bm25"}.intersection(found)
    [relation] = found["graph"].path
    assert (relation.source, relation.target) == ("models/Heat.md", "people/Kelvin.md")


def test_without_hops_words_and_meaning_alone_count(corpus):
    hits = search(corpus, "Which thermometers measure it?", hops=0)
    assert notes(hits) == ["models/Heat.md"]


def test_a_second_hop_returns_the_whole_path(corpus):
    question = "What moves things about?"
    assert "people/Kelvin.md" not in notes(search(corpus, question, hops=1))
    path = evidence(search(corpus, question, hops=2), "people/Kelvin.md")["graph"].path
    assert [r.predicate for r in path] == ["extends", "links_to"]


def test_relations_asked_for_lead_to_their_notes(corpus):
    hits = search(corpus, "Which notes extend Heat?")
    assert set(notes(hits)[:2]) == {"models/Heat.md", "models/Work.md"}
    [relation] = evidence(hits, "models/Work.md")["graph"].path
    assert relation.predicate == "extends"


def test_a_named_note_is_found_by_its_name(corpus):
    found = evidence(search(corpus, "Who was Joule?"), "people/Joule.md")
    assert found["names"].rank == 1


def test_one_hit_a_note_unless_more_are_wanted(corpus):
    assert notes(search(corpus, "heat")).count("models/Heat.md") == 1
    hits = search(corpus, "heat", per_note=3)
    assert notes(hits).count("models/Heat.md") == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_at_most_k_hits(corpus):
    assert len(search(corpus, "heat work", k=2)) == 2


@pytest.mark.parametrize("question", ["", "???", "zebra quagga"], ids=repr)
def test_nothing_in_common_finds_nothing_by_words(question):
    corpus = MemoryCorpus.of(FILES)
    assert retrieve(corpus, analyse(corpus, question)) == []


def test_words_names_and_links_find_without_vectors():
    corpus = MemoryCorpus.of(FILES)
    hits = retrieve(corpus, analyse(corpus, "Which thermometers measure it?"))
    assert set(notes(hits)[:2]) == {"models/Heat.md", "people/Kelvin.md"}
    assert not any(e.retriever == "dense" for hit in hits for e in hit.evidence)


def test_an_empty_vault_answers_nothing():
    nothing = MemoryCorpus.of({})
    assert retrieve(nothing, analyse(nothing, "heat")) == []


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        pytest.param(Filters(folders=("people",)), "people/", id="folder"),
        pytest.param(Filters(folders=("/people/",)), "people/", id="folder-with-slashes"),
        pytest.param(Filters(folders=("peop",)), None, id="folder-is-whole"),
        pytest.param(Filters(tags=("physics",)), "models/Heat", id="nested-tag"),
        pytest.param(Filters(tags=("#People",)), "people/Kelvin", id="tag-in-any-case"),
        pytest.param(Filters(since="2024-12-31"), "people/Kelvin", id="since"),
        pytest.param(Filters(until="2024-12-31"), "models/Heat", id="until"),
        pytest.param(Filters(near="models/Heat.md", predicate="extends"), "models/", id="near"),
        pytest.param(Filters(predicate="extends"), "models/", id="predicate"),
        pytest.param(Filters(near="gone.md"), None, id="near-an-unknown-note"),
        pytest.param(Filters(folders=("people",), tags=("physics",)), None, id="all-must-hold"),
    ],
)
def test_filters_leave_out_the_other_notes(corpus, filters, kept):
    question = "Does heat, work, a baron, a brewer or a thermometer matter?"
    hits = search(corpus, question, filters=filters)
    assert bool(hits) is (kept is not None)
    assert all(hit.passage.note.startswith(kept) for hit in hits)
    words = retrieve(corpus, analyse(corpus, question), filters=filters)
    assert all(hit.passage.note.startswith(kept) for hit in words)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"per_note": 0}, {"hops": -1}], ids=repr)
def test_refuses(corpus, wrong):
    with pytest.raises(ValueError, match="need k >= 1"):
        search(corpus, "heat", **wrong)


names = ["Ann", "Bob", "Cid", "Dan", "Eve"]
line = st.tuples(
    st.sampled_from(["links_to", "extends", "mentions"]), st.sampled_from([*names, "Ghost"])
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(line, max_size=4), min_size=5, max_size=5),
    st.sampled_from(
        [
            "Ann",
            "Who extends Bob?",
            "How are Ann and Eve connected?",
            "word",
            "What does Ann say of words, and what do links of Bob say?",
        ]
    ),
    st.integers(0, 3),
)
def test_every_path_replays_on_the_graph(links, question, hops):
    corpus = MemoryCorpus.of(
        {
            f"{name}.md": f"word of {name.upper()}\n\n"
            + "".join(f"- {predicate}::[[{target}]]\n" for predicate, target in lines)
            for name, lines in zip(names, links, strict=True)
        },
        bags,
    )
    for hit in search(corpus, question, hops=hops):
        assert hit.evidence
        assert hit.passage in map(corpus.passage, corpus.passages_of(hit.passage.note))
        for found in hit.evidence:
            assert found.rank >= 1
            assert bool(found.path) is (found.retriever == "graph")
            here = hit.passage.note
            for relation in reversed(found.path):
                assert relation in corpus.graph.neighbours(here)
                here = relation.source if relation.target == here else relation.target
            assert len(found.path) <= max(hops, len(names))


def test_each_clause_of_a_question_finds_its_note(corpus):
    question = "Which thermometers measure heat, and where did William Thomson grow up?"
    hits = search(corpus, question)
    assert set(notes(hits)[:2]) == {"models/Heat.md", "people/Thomson.md"}
    assert hits[0].score >= hits[1].score


def test_clauses_are_searched_by_words_where_nothing_encodes_them(corpus):
    question = "Which thermometers measure heat, and where did William Thomson grow up?"
    for hit in search(corpus, question):
        assert hit.evidence
    assert "people/Thomson.md" in notes(search(corpus, question, k=2))
