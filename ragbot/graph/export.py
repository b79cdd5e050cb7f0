"""The graph in the formats of other programs: JSON, GraphML, DOT, Mermaid.

Each writer takes a graph as `networkx_graph` builds it.

References
----------
GraphML primer, graphml.graphdrawing.org; The DOT Language, graphviz.org;
flowchart syntax, mermaid.js.org. Each escapes strings in its own way, and a title may
contain any character.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from ragbot.models import UNTYPED

if TYPE_CHECKING:
    import networkx as nx

    Graph: TypeAlias = nx.MultiDiGraph[str]


def typed(graph: Graph) -> Graph:
    """Return the graph with only the relations that an author named."""
    found: Graph = graph.copy()
    for source, target, key, data in graph.edges(data=True, keys=True):
        if data["predicate"] in UNTYPED:
            found.remove_edge(source, target, key)
    return found


def to_json(graph: Graph) -> str:
    """Return JSON: `{"nodes": [{"id", "title", "ghost"}], "edges": [{"source", ...}]}`."""
    nodes = [
        {"id": name, "title": data["title"], "ghost": data["ghost"]}
        for name, data in graph.nodes(data=True)
    ]
    edges = [
        {
            "source": source,
            "predicate": data["predicate"],
            "target": target,
            "annotation": data["annotation"],
        }
        for source, target, data in graph.edges(data=True)
    ]
    return json.dumps({"nodes": nodes, "edges": edges}, ensure_ascii=False, indent=2)


def to_graphml(graph: Graph) -> str:
    """Return GraphML, as Gephi, yEd and NetworkX read it."""
    import networkx as nx

    clean: Graph = nx.MultiDiGraph()
    for name, data in graph.nodes(data=True):
        clean.add_node(_xml(name), title=_xml(data["title"]), ghost=data["ghost"])
    for source, target, data in graph.edges(data=True):
        values = {field: _xml(data[field]) for field in ("predicate", "annotation")}
        clean.add_edge(_xml(source), _xml(target), **values)
    return "\n".join(nx.generate_graphml(clean, named_key_ids=True))


def to_dot(graph: Graph) -> str:
    """Return DOT, as Graphviz reads it; ghosts are dashed."""
    lines = ["digraph garden {", "  node [shape=box];"]
    for name, data in graph.nodes(data=True):
        style = ", style=dashed" if data["ghost"] else ""
        lines.append(f"  {_dot(name)} [label={_dot(data['title'])}{style}];")
    lines += [
        f"  {_dot(source)} -> {_dot(target)} [label={_dot(data['predicate'])}];"
        for source, target, data in graph.edges(data=True)
    ]
    return "\n".join([*lines, "}"])


def to_mermaid(graph: Graph) -> str:
    """Return a Mermaid flowchart, as GitHub and Obsidian draw it; ghosts are rounded."""
    number = {name: f"n{place}" for place, name in enumerate(graph)}
    lines = ["flowchart LR"]
    for name, data in graph.nodes(data=True):
        before, after = ("([", "])") if data["ghost"] else ("[", "]")
        lines.append(f'  {number[name]}{before}"{_mermaid(data["title"])}"{after}')
    lines += [
        f'  {number[source]} -->|"{_mermaid(data["predicate"])}"| {number[target]}'
        for source, target, data in graph.edges(data=True)
    ]
    return "\n".join(lines)


FORMATS: Mapping[str, Callable[[Graph], str]] = {
    "json": to_json,
    "graphml": to_graphml,
    "dot": to_dot,
    "mermaid": to_mermaid,
}


def _xml(text: str) -> str:
    """Return a text with U+FFFD for each character that XML 1.0 forbids even escaped."""
    return "".join(
        c if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c not in "\ufffe\uffff"
        else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )  # fmt: skip


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    # Mermaid escapes by its own entities: `#quot;`, `#35;`.
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), ("\n", " ")):
        text = text.replace(character, entity)
    return text
