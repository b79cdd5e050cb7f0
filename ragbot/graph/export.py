"""The graph in the formats of other programs: JSON, GraphML, DOT, Mermaid.

Floor 1: pure functions from a drawing to text.

References
----------
GraphML primer, graphml.graphdrawing.org; The DOT Language, graphviz.org;
flowchart syntax, mermaid.js.org. All three quote strings in their own way, and
titles of notes hold any character.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from ragbot.models import UNTYPED


@dataclass(frozen=True, slots=True)
class Node:
    """A note, or a ghost: a note that is linked to and not written yet."""

    title: str
    ghost: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation between two nodes, named by their ids."""

    source: str
    predicate: str
    target: str
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes by id, and the edges between them."""

    nodes: Mapping[str, Node]
    edges: Sequence[Edge]

    def typed(self) -> Drawing:
        """Keep the relations that an author named."""
        return Drawing(self.nodes, [edge for edge in self.edges if edge.predicate not in UNTYPED])

    def around(self, center: str, hops: int) -> Drawing:
        """Keep the nodes within so many steps of one, in either direction."""
        kept = {center}
        for _ in range(min(hops, len(self.nodes))):
            touching = [e for e in self.edges if e.source in kept or e.target in kept]
            kept |= {end for edge in touching for end in (edge.source, edge.target)}
        nodes = {node: data for node, data in self.nodes.items() if node in kept}
        return Drawing(nodes, [e for e in self.edges if e.source in kept and e.target in kept])


def to_json(drawing: Drawing) -> str:
    """Write `{"nodes": [{"id", "title", "ghost"}], "edges": [{"source", ...}]}`."""
    nodes = [
        {"id": name, "title": node.title, "ghost": node.ghost}
        for name, node in drawing.nodes.items()
    ]
    edges = [
        {
            "source": edge.source,
            "predicate": edge.predicate,
            "target": edge.target,
            "annotation": edge.annotation,
        }
        for edge in drawing.edges
    ]
    return json.dumps({"nodes": nodes, "edges": edges}, ensure_ascii=False, indent=2)


def to_graphml(drawing: Drawing) -> str:
    """Write GraphML, as Gephi, yEd and NetworkX read it."""
    root = ElementTree.Element("graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
    keys = {"title": "node", "ghost": "node", "predicate": "edge", "annotation": "edge"}
    for name, of in keys.items():
        kind = "boolean" if name == "ghost" else "string"
        attributes = {"id": name, "for": of, "attr.name": name, "attr.type": kind}
        ElementTree.SubElement(root, "key", attributes)
    graph = ElementTree.SubElement(root, "graph", edgedefault="directed")
    for name, node in drawing.nodes.items():
        element = ElementTree.SubElement(graph, "node", id=_xml(name))
        _data(element, title=node.title, ghost=str(node.ghost).lower())
    for edge in drawing.edges:
        ends = {"source": _xml(edge.source), "target": _xml(edge.target)}
        element = ElementTree.SubElement(graph, "edge", ends)
        _data(element, predicate=edge.predicate, annotation=edge.annotation)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def to_dot(drawing: Drawing) -> str:
    """Write DOT, as Graphviz reads it; ghosts are dashed."""
    lines = ["digraph garden {", "  node [shape=box];"]
    for name, node in drawing.nodes.items():
        style = ", style=dashed" if node.ghost else ""
        lines.append(f"  {_dot(name)} [label={_dot(node.title)}{style}];")
    lines += [
        f"  {_dot(edge.source)} -> {_dot(edge.target)} [label={_dot(edge.predicate)}];"
        for edge in drawing.edges
    ]
    return "\n".join([*lines, "}"])


def to_mermaid(drawing: Drawing) -> str:
    """Write a Mermaid flowchart, as GitHub and Obsidian draw it; ghosts are rounded."""
    number = {name: f"n{place}" for place, name in enumerate(drawing.nodes)}
    lines = ["flowchart LR"]
    for name, node in drawing.nodes.items():
        before, after = ("([", "])") if node.ghost else ("[", "]")
        lines.append(f'  {number[name]}{before}"{_mermaid(node.title)}"{after}')
    lines += [
        f'  {number[edge.source]} -->|"{_mermaid(edge.predicate)}"| {number[edge.target]}'
        for edge in drawing.edges
    ]
    return "\n".join(lines)


FORMATS: Mapping[str, Callable[[Drawing], str]] = {
    "json": to_json,
    "graphml": to_graphml,
    "dot": to_dot,
    "mermaid": to_mermaid,
}


def _data(element: ElementTree.Element, **values: str) -> None:
    for key, value in values.items():
        ElementTree.SubElement(element, "data", key=key).text = _xml(value)


def _xml(text: str) -> str:
    """Leave out what no XML 1.0 document may hold, escaped or not."""
    return "".join(
        c if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c not in "\ufffe\uffff"
        else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )  # fmt: skip


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    # Mermaid has no escape but entities of its own: `#quot;`, `#35;`.
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), ("\n", " ")):
        text = text.replace(character, entity)
    return text
