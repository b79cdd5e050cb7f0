"""Floors on what is found, with the real encoder: the shipped garden's own questions."""

import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.evaluation import metrics
from ragbot.evaluation.retrieval import evaluate, read
from ragbot.inference.encoder import LocalEncoder
from ragbot.notes import link_resolver, mentions, vault
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import retrieve

ROOT = Path(__file__).resolve().parents[2]


QUESTIONS = read(ROOT / "tests" / "evaluation" / "garden.jsonl")


@pytest.fixture(scope="module")
def encoder():
    return LocalEncoder()


@pytest.fixture(scope="module")
def garden(encoder):
    """The shipped notes, the mentions in them, and their passages encoded."""
    notes = link_resolver.resolve(vault.read(ROOT / "notes")[0])
    return notes, list(mentions.find(notes)), cache(lambda texts: encoder.encode_passages(texts))


def corpus_of(notes, found, encode):
    return MemoryCorpus(notes, lambda texts: encode(tuple(texts)), found)


@pytest.fixture(scope="module")
def report(garden, encoder):
    return evaluate(corpus_of(*garden), encoder.encode_question, QUESTIONS)


def recall(corpus, encoder, k, **options):
    values = []
    for question in QUESTIONS:
        if question.gold:
            asked = analyse(corpus, question.question, encode=encoder.encode_question)
            hits = retrieve(corpus, asked, k=k, **options)
            values.append(metrics.recall([hit.passage.note for hit in hits], question.gold, k))
    return sum(values) / len(values)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_links_that_lead_anywhere_do_no_harm(garden, encoder, seed):
    notes, found, encode = garden
    links = [one for note in notes for one in note.relations if one.target]
    targets = [one.target for one in (*links, *found)]
    random.Random(seed).shuffle(targets)

    def led(relations):
        return tuple(replace(one, target=targets.pop()) if one.target else one for one in relations)

    mixed = [replace(note, relations=led(note.relations)) for note in notes]
    corpus = corpus_of(mixed, led(found), encode)
    assert corpus.link_trust < 0.15
    for k in (5, 10):
        shuffled, none = recall(corpus, encoder, k), recall(corpus, encoder, k, hops=0)
        assert shuffled >= none - 0.01


def reached(report, method, kind="all", measure="recall@10"):
    return next(m for m in report.methods if m.method == method).by_type[kind][measure].value


@pytest.mark.slow
def test_recall_is_above_its_threshold(report):
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
