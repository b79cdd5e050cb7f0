"""Floors on what is found, with the real encoder: the shipped garden's own questions."""

from pathlib import Path

import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.evaluation.retrieval import evaluate, read
from ragbot.inference.encoder import LocalEncoder
from ragbot.notes import link_resolver, mentions, vault

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def report():
    encoder = LocalEncoder()
    notes = link_resolver.resolve(vault.read(ROOT / "notes")[0])
    corpus = MemoryCorpus(notes, encoder.encode_passages, mentions.find(notes))
    questions = read(ROOT / "tests" / "evaluation" / "garden.jsonl")
    return evaluate(corpus, encoder.encode_question, questions)


def reached(report, method, kind="all", measure="recall@10"):
    return next(m for m in report.methods if m.method == method).by_type[kind][measure].value


@pytest.mark.slow
def test_most_of_what_is_needed_is_found(report):
    assert reached(report, "ragbot", measure="recall@5") >= 0.945
    assert reached(report, "ragbot") >= 0.985


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["all", "single", "multi", "relation", "compare", "list", "followup"]
)
def test_no_type_of_question_is_below_plain_fusion(report, kind):
    assert reached(report, "ragbot", kind) >= reached(report, "fusion only", kind)


@pytest.mark.slow
def test_links_pay_for_questions_about_relations(report):
    whole = reached(report, "ragbot", "relation", "recall@5")
    assert whole >= reached(report, "fusion only", "relation", "recall@5") + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["compare", "followup", "list"])
def test_easy_types_are_found_whole(report, kind):
    assert reached(report, "ragbot", kind, "recall@5") == 1.0
