"""Reranking with a cross-encoder: order, evidence, failure. The model is a tiny one, made here."""

import pytest

from ragbot.errors import ModelUnavailableError
from ragbot.rerank import CANDIDATES, Reranker
from ragbot.schema import Chunk, Evidence, Hit, Note

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
        Hit(Chunk(n.id, (0, len(n.text)), n.text), 1 - i / 100, (Evidence("bm25", i + 1, 1.0),))
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
    assert {hit.chunk for hit in ranked} == {hit.chunk for hit in hits}
    assert [hit.evidence[-1].rank for hit in ranked] == [1, 2, 3]
    assert all(hit.evidence[-1].retriever == "reranker" for hit in ranked)
    assert all(hit.evidence[0].retriever == "bm25" for hit in ranked)


def test_hits_beyond_the_candidates_stay_behind(model):
    hits, notes = found(CANDIDATES + 5)
    ranked = Reranker(model).rerank("heat", hits, notes)
    assert [hit.chunk for hit in ranked[CANDIDATES:]] == [hit.chunk for hit in hits[CANDIDATES:]]
    scores = [hit.score for hit in ranked]
    assert scores == sorted(scores, reverse=True)


def test_nothing_is_loaded_for_nothing():
    assert Reranker("/nowhere").rerank("heat", [], []) == []


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelUnavailableError, match="RAGBOT_RERANKER"):
        Reranker(str(tmp_path / "none")).rerank("heat", *found())


def test_retrieval_reads_its_hits_anew(model):
    from benchmarks.memory import MemoryCorpus
    from ragbot.retrieve import retriever

    corpus = MemoryCorpus.of({"Heat.md": "heat flows.", "Work.md": "work moves heat."})
    hits = retriever(model)(corpus, "heat", None, k=2)
    assert [hit.evidence[-1].rank for hit in hits] == [1, 2]
    assert len(retriever(model)(corpus, "heat", None, k=1)) == 1
