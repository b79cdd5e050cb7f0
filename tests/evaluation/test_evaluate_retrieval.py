"""Evaluation: reading a set, comparing the methods, naming what failed."""

import json

import pytest

from benchmarks.memory import MemoryCorpus, asked, bags
from ragbot.apps.serialize import to_json
from ragbot.errors import EvaluationError
from ragbot.evaluation.retrieval import (
    as_text,
    bm25,
    dense,
    evaluate,
    fusion,
    read,
    reciprocal_rank_fusion,
)

FILES = {
    "Heat.md": "Heat flows downhill. See [[Kelvin]].",
    "Kelvin.md": "A baron of Largs.",
    "Work.md": "Work moves things.",
}


@pytest.fixture
def corpus():
    return MemoryCorpus.of(FILES, bags)


def write(tmp_path, *questions):
    path = tmp_path / "questions.jsonl"
    lines = (q if isinstance(q, str) else json.dumps(q) for q in questions)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def ask(question, *gold, **fields):
    return {"question": question, "gold_notes": list(gold), "type": "single", **fields}


def test_every_method_is_measured_by_type(corpus, tmp_path):
    path = write(
        tmp_path,
        ask("What flows downhill?", "Heat.md"),
        ask("What moves?", ["Gone.md", "Work.md"], type="list"),
        ask("What is the capital of Peru?", type="unanswerable"),
    )
    report = evaluate(corpus, asked, read(path))
    assert [m.method for m in report.methods] == [
        "ragbot", "fusion only", "dense only", "BM25 only",
    ]  # fmt: skip
    assert set(report.methods[0].by_type) == {"all", "single", "list"}
    assert report.methods[0].by_type["all"]["recall@5"].n == 2
    assert report.methods[0].by_type["all"]["mrr"].value == 1
    assert report.skipped == 1
    assert report.failures == ()


def test_a_failure_lists_the_missing_and_the_found_notes(corpus, tmp_path):
    report = evaluate(corpus, asked, read(write(tmp_path, ask("Heat?", "Gone.md", id="q7"))))
    [failure] = report.failures
    assert failure.missing == (("Gone.md",),)
    assert failure.found[0] == "Heat.md"
    assert "q7 (single) Heat?\n  missing: Gone.md\n  found:   Heat.md" in as_text(report)


def test_the_report_is_json_and_a_table(corpus, tmp_path):
    report = evaluate(corpus, asked, read(write(tmp_path, ask("Heat?", "Heat.md"))))
    recall = json.loads(to_json(report))["methods"][0]["by_type"]["all"]["recall@5"]
    assert recall == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    assert as_text(report).splitlines()[1].startswith("ragbot       all             1     1.000")


def test_history_makes_the_question_stand_alone(corpus, tmp_path):
    path = write(tmp_path, ask("and then?", "Heat.md", history=["What flows downhill?"]))
    report = evaluate(corpus, asked, read(path))
    assert report.methods[0].by_type["all"]["recall@5"].value == 1


def test_words_are_measured_without_an_encoder(tmp_path):
    corpus = MemoryCorpus.of(FILES)
    path = write(tmp_path, ask("What flows downhill?", "Heat.md"))
    report = evaluate(corpus, lambda text: None, read(path))
    reached = {m.method: m.by_type["all"]["mrr"].value for m in report.methods}
    assert reached == {"ragbot": 1, "fusion only": 1, "dense only": 0, "BM25 only": 1}


def test_the_parts_rank_notes(corpus):
    question = "What flows downhill?"
    assert dense(corpus, question, asked)[0] == "Heat.md"
    assert bm25(corpus, question, asked) == ["Heat.md"]
    assert fusion(corpus, question, asked)[0] == "Heat.md"


@pytest.mark.parametrize(
    ("lines", "line", "complaint"),
    [
        pytest.param(["{"], 1, "is not JSON", id="broken"),
        pytest.param([ask("a"), "[]"], 2, "is not an object", id="no-object"),
        pytest.param(
            ['{"gold_notes": []}'], 1, "is not an object with the field", id="no-question"
        ),
        pytest.param([{"question": "a", "gold_notes": "b"}], 1, "needs lists", id="no-list"),
        pytest.param([], 0, "has no question", id="empty"),
    ],
)
def test_refuses_a_bad_set(tmp_path, lines, line, complaint):
    with pytest.raises(EvaluationError, match=complaint) as error:
        read(write(tmp_path, *lines))
    assert error.value.line == line


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(EvaluationError, match="cannot be read"):
        read(tmp_path / "none.jsonl")


def test_refuses_a_set_without_answers(corpus, tmp_path):
    with pytest.raises(EvaluationError, match="in the notes"):
        evaluate(corpus, asked, read(write(tmp_path, ask("Peru?"))))


def test_a_file_that_is_not_text_is_reported_with_its_byte(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_bytes(b'{"question": "\xff"}')
    with pytest.raises(EvaluationError, match="is not UTF-8: byte 14"):
        read(path)


@pytest.mark.parametrize(
    ("rankings", "fused"),
    [
        pytest.param([["alone", "both"], ["both"]], ["both", "alone"], id="agreement"),
        pytest.param([["b"], ["a"]], ["b", "a"], id="tie"),
        pytest.param([[], []], [], id="nothing"),
    ],
)
def test_rankings_are_fused(rankings, fused):
    assert reciprocal_rank_fusion(rankings) == fused
