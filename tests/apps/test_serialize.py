"""The JSON shapes that other programs rely on, written out in full."""

import json

import pytest

from ragbot.apps import serialize
from ragbot.errors import NoteNotFoundError
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
LINK = Relation("drift.md", "extends", "Soul", "soul.md", (2, 7), annotation="it wanders")
HIT = Hit(CHUNK, 0.5, (Evidence("bm25", 1, 2.5), Evidence("graph", 3, 0.1, (LINK,))))
LINK_SHAPE = {
    "source": "drift.md",
    "predicate": "extends",
    "target": "soul.md",
    "written": "Soul",
    "annotation": "it wanders",
    "line": 1,
}
HIT_SHAPE = {
    "note": "drift.md",
    "title": "Persona Drift",
    "headings": ["Drift"],
    "lines": [3, 4],
    "text": "Personas drift.\nSlowly.",
    "score": 0.5,
    "evidence": [
        {"retriever": "bm25", "rank": 1, "score": 2.5, "path": []},
        {"retriever": "graph", "rank": 3, "score": 0.1, "path": [LINK_SHAPE]},
    ],
}


def as_json(record):
    return json.loads(serialize.to_json(record))


class Bot:
    """Has one note, which links to another, and to which a third links."""

    causes = Relation("b.md", "causes", "drift", "drift.md", (0, 3))

    def note(self, name):
        if name not in ("drift.md", "drifting"):
            raise NoteNotFoundError(name)
        return NOTE

    def related(self, note, predicate=None, direction="both"):
        return [one for one in (EXTENDS, self.causes) if predicate in (None, one.predicate)]

    def passages(self, note):
        return [CHUNK]

    def path(self, start, end):
        return [LINK]


def test_search():
    shape = {"question": "why?", "hits": [HIT_SHAPE]}
    assert as_json(serialize.searched("why?", [HIT], NOTES)) == shape


def test_answer():
    citation = Citation(1, "drift.md", "Persona Drift", ("Drift",), (3, 3), (9, 24), TEXT[9:24])
    statement = Statement("Personas drift.", (1,))
    answer = Answer("why?", "x [1]", "extractive", False, (statement,), (citation,), (HIT,))
    assert as_json(serialize.answered(answer, NOTES)) == {
        "question": "why?",
        "kind": "extractive",
        "abstained": False,
        "text": "x [1]",
        "statements": [
            {
                "text": "Personas drift.",
                "citations": [1],
                "supported": True,
                "lead": "",
                "item": False,
                "code": False,
            }
        ],
        "citations": [
            {
                "number": 1,
                "note": "drift.md",
                "title": "Persona Drift",
                "headings": ["Drift"],
                "lines": [3, 3],
                "span": [9, 24],
                "quote": "Personas drift.",
            }
        ],
        "hits": [HIT_SHAPE],
        "query": "why?",
        "notice": "",
        "more": [],
        "followups": [],
    }


def test_answer_to_a_follow_up():
    next_one = Citation(2, "drift.md", "Persona Drift", (), (4, 4), (25, 32), TEXT[25:32])
    answer = Answer(
        "how?", "x", "extractive", False,
        query="how does drift happen?", notice="The model is down.", followups=("Why?",),
        more=(next_one,),
    )  # fmt: skip
    record = as_json(serialize.answered(answer, NOTES))
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
    assert serialize.passage_record(CHUNK, notes).lines == (0, 0)


def test_note():
    record = as_json(serialize.read_note(Bot(), "drifting"))
    assert record["relations"]["out"] == [LINK_SHAPE | {"target": None}]
    assert [relation["source"] for relation in record["relations"]["in"]] == ["b.md"]
    assert record["ghosts"] == ["Soul"]
    assert record["aliases"] == ["drifting"]
    assert record["tags"] == ["persona"]
    assert record["passages"][0]["lines"] == [3, 4]
    assert record["text"] == TEXT


def test_relations_and_paths():
    assert as_json(serialize.related(Bot(), "drifting", "extends")) == {
        "note": "drift.md",
        "relations": [LINK_SHAPE | {"target": None}],
    }
    assert as_json(serialize.path_between(Bot(), "drifting", "drift.md")) == {
        "start": "drift.md",
        "end": "drift.md",
        "path": [LINK_SHAPE],
    }


def test_everything_else_is_json_too():
    problem = Problem("ghost", "drift.md", 3, "no note", fix="write it", severity="info")
    changes = Changes(("a.md",), renamed=(("b.md", "c.md"),), problems=(problem,), seconds=0.5)
    assert as_json(changes) == {
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
    status = as_json(Status("g1", 2, 3, 4, 5, 3, 1.5, 0, "minilm"))
    assert status["generation"] == "g1"
    assert status["indexed_at"] == 1.5


@pytest.mark.parametrize(
    ("path", "end", "expected"),
    [
        pytest.param([("a.md", "extends", "b.md")], "b.md", "a.md -extends-> b.md", id="out"),
        pytest.param([("a.md", "extends", "b.md")], "a.md", "b.md <-extends- a.md", id="back"),
        pytest.param(
            [("a.md", "uses", "b.md"), ("c.md", "cites", "b.md")],
            "c.md",
            "a.md -uses-> b.md <-cites- c.md",
            id="two-steps",
        ),
    ],
)
def test_a_path_reads_from_its_start_to_its_end(path, end, expected):
    relations = [Relation(a, name, b, b, (0, 1)) for a, name, b in path]
    way = serialize.way(relations, end)
    shown = [f"{note} {arrow.format(predicate)}".strip() for note, predicate, arrow in way]
    assert " ".join(shown) == expected
