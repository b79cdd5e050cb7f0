"""The graph in other programs' formats, read back with their readers or by their rules."""

import io
import json

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.graph.export import to_dot, to_graphml, to_json, to_mermaid, typed
from ragbot.graph.relation_graph import around, networkx_graph
from ragbot.models import Relation

TITLES = {"a.md": 'A "quoted" <note>', "b/c.md": "C#"}
GARDEN = networkx_graph(
    TITLES,
    [
        (Relation("a.md", "extends", "c", "b/c.md", (0, 5), "it & more"), "b/c.md"),
        (Relation("b/c.md", "links_to", "Soul", None, (0, 5)), "Soul"),
    ],
)


def test_graphml_is_read_by_networkx():
    graph = nx.read_graphml(io.BytesIO(to_graphml(GARDEN).encode()), force_multigraph=True)
    assert graph.nodes["a.md"] == {"title": 'A "quoted" <note>', "ghost": False}
    assert graph.nodes["Soul"]["ghost"] is True
    edges = [(a, b, data["predicate"]) for a, b, data in graph.edges(data=True)]
    assert edges == [("a.md", "b/c.md", "extends"), ("b/c.md", "Soul", "links_to")]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20))
def test_graphml_holds_any_title(title):
    graph = networkx_graph({"a.md": title}, [])
    nx.read_graphml(io.BytesIO(to_graphml(graph).encode("utf-8", "surrogatepass")))


def test_json():
    drawn = json.loads(to_json(GARDEN))
    assert drawn["nodes"][2] == {"id": "Soul", "title": "Soul", "ghost": True}
    assert drawn["edges"][0] == {
        "source": "a.md",
        "predicate": "extends",
        "target": "b/c.md",
        "annotation": "it & more",
    }


def test_dot():
    assert to_dot(GARDEN).splitlines() == [
        "digraph garden {",
        "  node [shape=box];",
        r'  "a.md" [label="A \"quoted\" <note>"];',
        '  "b/c.md" [label="C#"];',
        '  "Soul" [label="Soul", style=dashed];',
        '  "a.md" -> "b/c.md" [label="extends"];',
        '  "b/c.md" -> "Soul" [label="links_to"];',
        "}",
    ]


def test_mermaid():
    assert to_mermaid(GARDEN).splitlines() == [
        "flowchart LR",
        '  n0["A #quot;quoted#quot; #lt;note>"]',
        '  n1["C#35;"]',
        '  n2(["Soul"])',
        '  n0 -->|"extends"| n1',
        '  n1 -->|"links_to"| n2',
    ]


@pytest.mark.parametrize(
    ("hops", "expected"), [(0, {"Soul"}), (1, {"Soul", "b/c.md"}), (2, set(GARDEN))]
)
def test_around_a_note(hops, expected):
    assert set(around(GARDEN, "Soul", hops)) == expected


def test_around_keeps_the_edges_between():
    assert [name for *_, name in around(GARDEN, "Soul", 1).edges(data="predicate")] == ["links_to"]


def test_typed():
    assert [name for *_, name in typed(GARDEN).edges(data="predicate")] == ["extends"]
