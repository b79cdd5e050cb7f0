"""What ragbot finds in a vault, in the terms of the conformance cases.

from tests.conformance.adapter import ragbot
ragbot(root, "src.md")  # -> {"links": [...], "relations": [...], ...}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragbot.models import EMBEDS, LINKS_TO, Note, Problem, Relation
from ragbot.notes import link_resolver, vault
from ragbot.notes.anchors import Anchors
from ragbot.notes.units import units
from ragbot.text.folding import fold_name

NAMES = {"encoding": "invalid_utf8", "frontmatter": "invalid_yaml"}


def ragbot(root: Path, note: str) -> dict[str, Any]:
    """Read a whole vault and describe one of its notes."""
    listing = vault.scan(root)
    notes: dict[str, Note] = {}
    problems: list[Problem] = list(listing.problems)
    for path in listing.notes:
        value, found = vault.read_note(root, path)
        problems += found
        if value is not None:
            notes[path] = value
    names = link_resolver.Names(list(notes.values()), listing.files)
    here = notes[note]
    found_links = [link_resolver.target(relation, here, names) for relation in here.relations]
    return {
        "links": [_link(relation, here, notes) for relation in found_links],
        "edges": sorted({r.target for r in found_links if r.target}),
        "unresolved": sorted({fold_name(r.written) for r in found_links if not r.target}),
        "notes": sorted(notes),
        "relations": [_relation(r) for r in found_links if r.predicate not in (LINKS_TO, EMBEDS)],
        "tags": list(here.tags),
        "aliases": list(here.aliases),
        "title": here.title,
        "headings": [
            {"level": u.level, "text": u.text} for u in units(here) if u.kind == "heading"
        ],
        "blocks": list(here.blocks),
        "errors": [NAMES.get(p.kind, p.kind) for p in problems if p.note == note],
    }


def _link(relation: Relation, note: Note, notes: dict[str, Note]) -> dict[str, Any]:
    found = {
        "target": relation.written,
        "heading": relation.heading,
        "block": relation.block,
        "alias": relation.alias,
        "embed": note.text[relation.span[0]] == "!",
        "resolved": relation.target,
    }
    if relation.target:
        found["kind"] = "note" if relation.target in notes else "attachment"
    if relation.target in notes and (relation.heading or relation.block):
        there = notes[relation.target]
        at = Anchors(there).find(relation.heading, relation.block)
        found["anchor_line"] = None if at is None else there.line_of(at)
    return found


def _relation(relation: Relation) -> dict[str, Any]:
    target = relation.written
    if target.lower().endswith((".html", ".md")):
        target = target.rpartition("/")[2].rpartition(".")[0]
    return {
        "predicate": relation.predicate,
        "target": target,
        "resolved": relation.target,
        "annotation": relation.annotation,
    }
