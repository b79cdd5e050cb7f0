"""The graph of a real vault, beside counts made by an independent program."""

import json
from collections import Counter

import pytest

from ragbot.notes import vault
from ragbot.notes.link_resolver import stem

# What differs from that program's count, and why.
#
# It left frontmatter out; `part_of: "[[...]]"` in three notes is a relation here.
# It took `(attendee::[[Person Name]])` in running text for a mere mention, twice; in
# brackets it is the inline form of a field, and is read as one.
FRONTMATTER = {"part_of": 3}
INLINE = {"attendee": 2}


@pytest.fixture(scope="module")
def counts(shared):
    return json.loads((shared / "eval" / "garden-graph.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def garden(real_vault):
    notes, problems = vault.read(real_vault)
    return {note.id: note for note in notes}, problems


def edges(garden):
    """Typed relations that both programs count."""
    notes, _ = garden
    for note in notes.values():
        for relation in note.relations:
            in_matter = note.text.startswith("---") and relation.span[0] < note.text.find("\n---")
            if relation.typed and not in_matter and relation.predicate not in INLINE:
                yield note, relation


def test_every_note_is_read(garden, counts):
    notes, problems = garden
    assert len(notes) == counts["notes"]
    assert not problems


def test_typed_edges(garden, counts):
    found = Counter(relation.predicate for _, relation in edges(garden))
    assert found == {name: count["total"] for name, count in counts["per_predicate_edges"].items()}
    assert sum(found.values()) == counts["relations"]["edges"] == 1122


def test_the_count_leaves_out_some_relations(garden):
    notes, _ = garden
    everything = Counter(r.predicate for n in notes.values() for r in n.relations if r.typed)
    counted = Counter(relation.predicate for _, relation in edges(garden))
    assert everything - counted == Counter(FRONTMATTER) + Counter(INLINE)


def test_forms(garden, counts):
    forms = Counter()
    for note, relation in edges(garden):
        written = note.text[slice(*relation.span)]
        escaped = written.startswith(r"[\[\[")
        forms["escaped" if escaped else "raw" if written.startswith("[[") else "plain"] += 1
    assert forms == counts["relations"]["edges_by_form"]


def test_targets(garden, counts):
    resolved = Counter(r.predicate for _, r in edges(garden) if r.target is not None)
    expected = {
        name: count["resolved_in_folder"] for name, count in counts["per_predicate_edges"].items()
    }
    assert resolved == {name: number for name, number in expected.items() if number}
    assert sum(resolved.values()) == counts["relations"]["edges_resolved_in_folder"] == 881


def test_markers_do_not_decide_whether_a_note_exists(garden, counts):
    marked = [relation for _, relation in edges(garden) if relation.marker == "↑"]
    assert len(marked) == counts["relations"]["edges_by_marker"]["↑"]
    there = sum(relation.target is not None for relation in marked)
    assert there == counts["relations"]["up_marker_but_note_exists"]


def test_annotations_below(garden, counts):
    below = [
        relation
        for note, relation in edges(garden)
        if relation.annotation_span
        and note.line_of(relation.annotation_span[1] - 1) > note.line_of(relation.span[0])
    ]
    assert len(below) == counts["relations"]["with_indented_annotation"] == 331


def test_spot_checks(garden, counts):
    notes, _ = garden
    for expected in counts["spot_check_edges"]:
        note = notes[expected["source"]]
        found = [
            relation
            for relation in note.relations
            if relation.predicate == expected["predicate"]
            and note.line_of(relation.span[0]) == expected["line"]
            and stem(relation.written.removesuffix(".html")) == expected["target"]
        ]
        assert len(found) == 1, expected["source_line"]
        assert found[0].target == expected["resolved_path"]
        assert found[0].marker == expected["marker"]
        why = [part for part in (expected["inline_note"], expected["annotation"]) if part]
        assert " ".join(" ".join(why).split()) == (found[0].annotation or "")


def test_links_in_running_text(garden, counts):
    notes, _ = garden
    for expected in counts["body_links_not_relations"]:
        note = notes[expected["source"]]
        targets = {
            relation.target
            for relation in note.relations
            if note.line_of(relation.span[0]) == expected["line"] and not relation.typed
        }
        assert expected["resolved_path"] in targets


def test_every_span_covers_its_link(garden):
    notes, _ = garden
    for note in notes.values():
        for relation in note.relations:
            written = note.text[slice(*relation.span)]
            assert written[0] in "[!"
            assert written[-1] in "])"
            if relation.annotation_span:
                quoted = note.text[slice(*relation.annotation_span)]
                assert quoted == quoted.strip()
                assert relation.annotation.split()[-1] in quoted
