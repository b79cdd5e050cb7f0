"""The JSON shapes that other programs rely on, written out in full."""

import json

import pytest

from ragbot.apps import serialize
from ragbot.models import (
    Answer,
    Changes,
    Citation,
    Evidence,
    Hit,
    Note,
    Passage,
    Problem,
    Relation,
    Statement,
    Status,
)

TEXT = "# Drift\n\nPersonas drift.\nSlowly.\n"
EXTENDS = Relation("drift.md", "extends", "Soul", None, (2, 7), annotation="it wanders")
NOTE = Note("drift.md", "Persona Drift", TEXT, ("drifting",), ("persona",), relations=(EXTENDS,))
NOTES = {NOTE.id: NOTE}
CHUNK = Passage("drift.md", (9, 32), TEXT[9:32], ("Drift",))
HIT = Hit(CHUNK, 0.5, (Evidence("bm25", 1, 2.5), Evidence("graph", 3, 0.1, (EXTENDS,))))
HIT_SHAPE = {
    "note": "drift.md",
    "title": "Persona Drift",
    "headings": ["Drift"],
    "lines": [3, 4],
    "score": 0.5,
    "text": "Personas drift.\nSlowly.",
    "evidence": [
        {"retriever": "bm25", "rank": 1, "score": 2.5, "path": []},
        {
            "retriever": "graph",
            "rank": 3,
            "score": 0.1,
            "path": [{"source": "drift.md", "predicate": "extends", "target": "Soul"}],
        },
    ],
}


def test_search():
    assert serialize.searched("why?", [HIT], NOTES) == {"question": "why?", "hits": [HIT_SHAPE]}


def test_answer():
    citation = Citation(1, "drift.md", "Persona Drift", ("Drift",), (3, 3), (9, 24), TEXT[9:24])
    statement = Statement("Personas drift.", (1,))
    answer = Answer("why?", "x [1]", "extractive", False, (statement,), (citation,), (HIT,))
    assert serialize.answered(answer, NOTES) == {
        "question": "why?",
        "query": "why?",
        "kind": "extractive",
        "abstained": False,
        "text": "x [1]",
        "statements": [{"text": "Personas drift.", "citations": [1], "supported": True}],
        "citations": [
            {
                "number": 1,
                "note": "drift.md",
                "title": "Persona Drift",
                "headings": ["Drift"],
                "lines": [3, 3],
                "quote": "Personas drift.",
            }
        ],
        "hits": [HIT_SHAPE],
        "more": [],
        "notice": "",
        "followups": [],
    }


def test_answer_to_a_follow_up():
    next_one = Citation(2, "drift.md", "Persona Drift", (), (4, 4), (25, 32), TEXT[25:32])
    answer = Answer(
        "how?", "x", "extractive", False,
        query="how does drift happen?", notice="The model is down.", followups=("Why?",),
        more=(next_one,),
    )  # fmt: skip
    record = serialize.answered(answer, NOTES)
    assert (record["query"], record["notice"]) == ("how does drift happen?", "The model is down.")
    assert record["followups"] == ["Why?"]
    assert record["more"][0]["quote"] == "Slowly."


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param({}, id="gone"),
        pytest.param({"drift.md": Note("drift.md", "Persona Drift", "new")}, id="edited"),
    ],
)
def test_a_passage_that_has_moved_names_no_lines(notes):
    assert serialize.passage_record(CHUNK, notes)["lines"] == [0, 0]


def test_note():
    causes = Relation("b.md", "causes", "drift", "drift.md", (0, 3))
    record = serialize.note_record(NOTE, [EXTENDS, causes], [CHUNK], NOTES)
    assert record["relations"]["out"] == [
        {
            "source": "drift.md",
            "predicate": "extends",
            "target": None,
            "written": "Soul",
            "annotation": "it wanders",
            "line": 1,
        }
    ]
    assert [relation["source"] for relation in record["relations"]["in"]] == ["b.md"]
    assert record["ghosts"] == ["Soul"]
    assert record["aliases"] == ["drifting"]
    assert record["tags"] == ["persona"]
    assert record["passages"][0]["lines"] == [3, 4]


def test_everything_else_is_json_too():
    problem = Problem("ghost", "drift.md", 3, "no note", fix="write it", severity="info")
    changes = Changes(("a.md",), renamed=(("b.md", "c.md"),), problems=(problem,), seconds=0.5)
    assert json.loads(json.dumps(serialize.changes_record(changes))) == {
        "added": ["a.md"],
        "changed": [],
        "renamed": [["b.md", "c.md"]],
        "removed": [],
        "unchanged": 0,
        "problems": [
            {
                "kind": "ghost",
                "severity": "info",
                "note": "drift.md",
                "line": 3,
                "message": "no note",
                "fix": "write it",
            }
        ],
        "seconds": 0.5,
    }
    status = serialize.status_record(Status("g1", 2, 3, 4, 5, 3, 1.5, 0, "minilm"))
    assert status["generation"] == "g1"
    assert status["indexed_at"] == 1.5
