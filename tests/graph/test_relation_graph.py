"""The relation graph: edges, ghosts, shortest paths, and what NetworkX shows."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.memory import MemoryCorpus
from ragbot.models import MENTIONS, Note, Relation, Section
from ragbot.text.tokenize import tokens


def vault(*edges, names="ABCDEF"):
    """Make notes A.md to F.md with relations given as `(source, predicate, target)`."""
    notes = {}
    for name in names:
        relations = tuple(
            Relation(
                f"{name}.md",
                predicate,
                target,
                f"{target}.md" if target in names else None,
                (5 * place, 5 * place + 5),
                annotation=f"because {target}",
            )
            for place, (source, predicate, target) in enumerate(edges)
            if source == name
        )
        text = "x" * 5 * len(edges)
        sections = (Section((), (0, len(text))),)
        notes[f"{name}.md"] = Note(f"{name}.md", name, text, sections=sections, relations=relations)
    return notes


def graph_of(notes, mentions=()):
    return MemoryCorpus(notes.values(), None, mentions).graph


def mention(source, target):
    return Relation(f"{source}.md", MENTIONS, "x", f"{target}.md", (0, 1))


def edges(relations):
    return [(r.source[0], r.predicate, r.written) for r in relations]


@pytest.fixture
def graph():
    return graph_of(vault(("A", "extends", "B"), ("A", "links_to", "Soul"), ("C", "explains", "A")))


def test_neighbours_have_both_directions_and_ghosts(graph):
    assert edges(graph.neighbours("A.md")) == [
        ("A", "extends", "B"),
        ("A", "links_to", "Soul"),
        ("C", "explains", "A"),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"direction": "out"}, ["extends", "links_to"], id="out"),
        pytest.param({"direction": "in"}, ["explains"], id="in"),
        pytest.param({"predicate": "extends"}, ["extends"], id="predicate"),
        pytest.param({"predicate": "extends", "direction": "in"}, [], id="none"),
    ],
)
def test_neighbours_by_direction_and_predicate(graph, arguments, expected):
    assert [r.predicate for r in graph.neighbours("A.md", **arguments)] == expected


def test_an_unknown_note_is_a_key_error(graph):
    with pytest.raises(KeyError):
        graph.neighbours("Z.md")


def test_a_ghost_has_the_relations_that_lead_to_it(graph):
    there = graph.neighbours("soul")
    assert there
    assert {(r.target, r.written.casefold()) for r in there} == {(None, "soul")}
    assert graph.neighbours("Soul", direction="in") == there
    assert graph.neighbours("Soul", direction="out") == []
    with pytest.raises(KeyError):
        graph.neighbours("Nobody")


def test_ghosts_are_found_in_a_text(graph):
    assert graph.ghosts_in(tokens("is there a SOUL, or not? The soul!")) == ["Soul"]
    assert graph.ghosts_in(["soulless"]) == []


def test_ghosts_are_counted_by_name_however_it_is_written():
    edges = [("A", "links_to", "Soul"), ("B", "extends", "soul"), ("C", "extends", "Soul")]
    graph = graph_of(vault(*edges, ("C", "extends", "Other")))
    assert list(graph.ghosts().items()) == [("Soul", 3), ("Other", 1)]
    drawn = graph.to_networkx()
    assert {node for node in drawn if drawn.nodes[node]["ghost"]} == {"Soul", "Other"}
    assert [graph.end(relation) for relation in graph.neighbours("B.md")] == ["Soul"]


def test_links_of_a_note_to_itself_are_no_relations():
    assert not list(graph_of(vault(("A", "links_to", "A"))).relations())


def test_a_mention_counts_once_and_only_where_there_is_no_link():
    mentions = [mention("A", "B"), mention("A", "C"), mention("A", "C"), mention("A", "A")]
    graph = graph_of(vault(("A", "extends", "B")), mentions)
    assert [(r.predicate, r.target) for r in graph.neighbours("A.md")] == [
        ("extends", "B.md"),
        (MENTIONS, "C.md"),
    ]


def test_path_follows_relations_backwards_too():
    graph = graph_of(vault(("A", "extends", "B"), ("C", "explains", "B"), ("C", "causes", "D")))
    assert [r.predicate for r in graph.path("A.md", "D.md")] == ["extends", "explains", "causes"]


def test_path_prefers_typed_relations():
    edges = [("A", "links_to", "B"), ("B", "links_to", "D"), ("A", "extends", "C")]
    graph = graph_of(vault(*edges, ("C", "extends", "D"), ("A", "supports", "B")))
    assert [r.predicate for r in graph.path("A.md", "D.md")] == ["extends", "extends"]
    assert [r.predicate for r in graph.path("A.md", "B.md")] == ["supports"]


def test_a_shorter_path_of_links_comes_before_a_longer_typed_one():
    edges = [("A", "links_to", "D"), ("A", "extends", "B"), ("B", "extends", "D")]
    assert [r.predicate for r in graph_of(vault(*edges)).path("A.md", "D.md")] == ["links_to"]


def test_there_may_be_no_path(graph):
    assert graph.path("A.md", "F.md") == ()
    assert graph.path("A.md", "A.md") == ()


pairs = st.tuples(
    st.sampled_from("ABCDEF"),
    st.sampled_from(["extends", "links_to", "embeds"]),
    st.sampled_from("ABCDEFG"),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(pairs, max_size=12), st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF"))
def test_paths_replay_and_are_as_short_as_networkx_finds(edges, start, end):
    notes = vault(*edges)
    graph = graph_of(notes)
    path = graph.path(f"{start}.md", f"{end}.md")

    plain = graph.to_networkx().to_undirected()
    plain.remove_nodes_from([node for node, ghost in plain.nodes("ghost") if ghost])
    try:
        shortest = nx.shortest_path_length(plain, f"{start}.md", f"{end}.md")
    except nx.NetworkXNoPath:
        shortest = 0
    assert len(path) == shortest

    here = f"{start}.md"
    for relation in path:
        assert relation in graph.neighbours(here)
        here = relation.target if relation.source == here else relation.source
    assert not path or here == f"{end}.md"


def test_networkx_shows_ghosts_and_every_relation(graph):
    shown = graph.to_networkx()
    assert shown.nodes["Soul"] == {"title": "Soul", "ghost": True}
    assert shown.nodes["B.md"] == {"title": "B", "ghost": False}
    assert [data["predicate"] for *_, data in shown.edges(data=True)] == [
        "extends",
        "links_to",
        "explains",
    ]
    assert shown.edges["A.md", "B.md", "extends@0"]["annotation"] == "because B"


def test_a_vault_without_links_has_a_graph():
    graph = graph_of(vault(names="A"))
    assert graph.neighbours("A.md") == []
    assert graph.to_networkx().number_of_nodes() == 1
    assert not graph.predicates
    assert graph.ghosts() == {}
