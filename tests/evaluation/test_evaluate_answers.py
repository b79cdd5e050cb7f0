"""Measures of answers, on cases small enough to count by hand."""

import itertools
import json
from dataclasses import replace

import pytest

from ragbot.answers.grounding import cite
from ragbot.evaluation.answers import as_json, as_text, run, score
from ragbot.evaluation.retrieval import Question, read
from ragbot.models import Answer, Statement
from ragbot.notes.parser import parse

TEXT = "# Heat\n\nHeat flows downhill. It was measured in 1843.\n"
NOTES = {"Heat.md": parse(TEXT, "Heat.md")[0]}
ASKED = Question(
    "a",
    "Where does heat flow?",
    "single",
    (("Heat.md",),),
    (),
    ("Heat flows", "in 1843"),
    ("1843",),
)
UNANSWERABLE = Question("b", "Who sold it?", "unanswerable", (), facts=("says so",))


def answer(question, confidence=1.0):
    first = TEXT.index("Heat flows")
    citation = cite(NOTES, 1, "Heat.md", (first, first + len("Heat flows downhill.")))
    statement = Statement("Heat flows downhill.", (1,))
    return Answer(
        question,
        "Heat flows downhill. [1]",
        "extractive",
        False,
        (statement,),
        (citation,),
        confidence=confidence,
    )


def silent(question, confidence=-1.0):
    return Answer(question, "The notes don't say.", "extractive", True, confidence=confidence)


def test_an_answer_is_judged():
    scores = score(NOTES, ASKED, answer(ASKED.question)).measures
    assert [scores[name] for name in ("lead", "evidence", "facts", "valid")] == [
        1.0,
        1 / 2,
        0.0,
        1.0,
    ]
    assert (scores["parts"], scores["off_topic"]) == (1.0, 0.0)
    assert scores["words"] == 3


def test_an_abstention_has_no_citations_to_score():
    scores = score(NOTES, ASKED, silent(ASKED.question)).measures
    assert (scores["lead"], scores["evidence"]) == (0.0, 0.0)
    assert (scores["parts"], scores["valid"]) == (0.0, None)


def test_evidence_of_two_sentences_may_stand_in_two_quotations():
    first = TEXT.index("Heat flows")
    middle = TEXT.index("It was")
    spans = [(first, middle - 1), (middle, len(TEXT) - 1)]
    citations = tuple(cite(NOTES, n, "Heat.md", span) for n, span in enumerate(spans, start=1))
    both = Answer("?", "", "extractive", False, (), citations)
    expected = Question("a", "?", "single", (("Heat.md",),), (), (TEXT[first:-1],), ())
    assert score(NOTES, expected, both).measures["evidence"] == 1.0


def test_a_set_is_read_and_run(tmp_path):
    line = {
        "id": "a",
        "question": "Where does heat flow?",
        "type": "single",
        "history": [],
        "gold_notes": ["Heat.md"],
        "evidence": ["Heat flows"],
        "key_facts": ["downhill"],
    }
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    report = run(NOTES, lambda question, history: iter([answer(question)]), read(path))
    values = as_json(report)
    assert values["types"]["answerable"]["evidence"]["value"] == pytest.approx(1.0)
    assert values["types"]["single"]["facts"]["value"] == pytest.approx(1.0)
    assert "answerable" in as_text(report)
    assert "language model" not in as_text(report)


def test_written_answers_are_counted_and_timed(monkeypatch):
    clock = itertools.count()  # each look at it takes a second
    monkeypatch.setattr("ragbot.evaluation.answers.time.perf_counter", lambda: next(clock))
    quoted = answer("Where does heat flow?")
    written = replace(quoted, kind="generated")
    streams = {"a": [quoted, written, written], "b": [quoted], "c": [silent("c")]}
    questions = [Question(name, name, "single", (("Heat.md",),)) for name in streams]
    report = run(NOTES, lambda question, history: iter(streams[question]), questions)
    assert [one.answer.kind for one in report.scores] == ["generated", *["extractive"] * 2]
    assert [one.first is None for one in report.scores] == [False, True, True]
    assert (report.scores[0].first, report.scores[0].seconds) == (1, 2)
    assert "1 of 3 answers written by the language model" in as_text(report)
    assert "a written answer has 3 words (median), 3 (most)" in as_text(report)
    assert [one["first"] is None for one in as_json(report)["answers"]] == [False, True, True]
