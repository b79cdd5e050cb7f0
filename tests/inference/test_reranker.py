"""Reranking with a cross-encoder: order, evidence, failure. The model is a tiny one, made here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragbot.errors import ModelUnavailableError
from ragbot.inference.sentence_transformer import CANDIDATES, Reranker
from ragbot.models import Evidence, Hit, Note, Passage

WORDS = ["heat", "flows", "downhill", "work", "moves", "things"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Save a random BERT of one layer with one output."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path_factory.mktemp("reranker")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "."]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def found(count=3):
    notes = [
        Note(f"{i}.md", WORDS[i % 6], f"{WORDS[i % 6]} {WORDS[(i + 1) % 6]}.") for i in range(count)
    ]
    hits = [
        Hit(Passage(n.id, (0, len(n.text)), n.text), 1 - i / 100, (Evidence("bm25", i + 1, 1.0),))
        for i, n in enumerate(notes)
    ]
    return hits, notes


def test_hits_are_ordered_by_the_model_and_say_so(model):
    from sentence_transformers import CrossEncoder

    hits, notes = found()
    pairs = [("heat", f"{note.title}. {note.text}") for note in notes]
    expected = sorted((float(s) for s in CrossEncoder(model).predict(pairs)), reverse=True)
    ranked = Reranker(model).rerank("heat", hits, notes)
    assert [hit.score for hit in ranked] == pytest.approx(expected)
    assert {hit.passage for hit in ranked} == {hit.passage for hit in hits}
    assert [hit.evidence[-1].rank for hit in ranked] == [1, 2, 3]
    assert all(hit.evidence[-1].retriever == "reranker" for hit in ranked)
    assert all(hit.evidence[0].retriever == "bm25" for hit in ranked)


def test_hits_beyond_the_candidates_stay_behind(model):
    hits, notes = found(CANDIDATES + 5)
    ranked = Reranker(model).rerank("heat", hits, notes)
    assert [hit.passage for hit in ranked[CANDIDATES:]] == [
        hit.passage for hit in hits[CANDIDATES:]
    ]
    scores = [hit.score for hit in ranked]
    assert scores == sorted(scores, reverse=True)


def test_an_encoder_is_loaded_only_to_encode():
    assert Reranker("/nowhere").rerank("heat", [], []) == []


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelUnavailableError, match="RAGBOT_RERANKER"):
        Reranker(str(tmp_path / "none")).rerank("heat", *found())


def test_retrieval_reranks_its_hits(model):
    from benchmarks.memory import MemoryCorpus
    from ragbot.models import Filters
    from ragbot.questions.question import analyse
    from ragbot.retrieval.retriever import Retriever

    corpus = MemoryCorpus.of({"Heat.md": "heat flows.", "Work.md": "work moves heat."})
    question = analyse(corpus, "heat")
    hits = Retriever(model).retrieve(corpus, question, 2, Filters(), 1)
    assert [hit.evidence[-1].rank for hit in hits] == [1, 2]
    assert len(Retriever(model).retrieve(corpus, question, 1, Filters(), 1)) == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param("{}/missing", "there is no such folder", id="missing"),
        pytest.param("{}/file", "there is no such folder", id="file"),
        pytest.param("~no-such-user/model", "there is no such folder", id="no-user"),
        pytest.param("{}", "", id="empty-folder"),
        pytest.param("nobody/no-such-model", "", id="unknown-name"),
    ],
)
def test_a_model_that_is_none_gets_one_line_and_nothing_from_a_library(
    plot, plot_index, tmp_path, model, message
):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    # By words: the encoder has not been loaded, and has not silenced the libraries.
    words = ["search", "late blight", "--words", "--notes", str(plot), "--index", str(plot_index)]
    done = subprocess.run(
        [sys.executable, "-m", "ragbot", *words],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=200,
        env={**os.environ, "RAGBOT_RERANKER": model.format(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ragbot: The model ")
    assert done.stderr.count("\n") == 1
    assert ".." not in done.stderr.replace("...", "")
    assert message in done.stderr
    assert "Set RAGBOT_RERANKER to the folder of a cross-encoder" in done.stderr
