"""The encoder that ragbot ships, and its faster forms."""

from __future__ import annotations

import builtins
import logging
import threading

import numpy as np
import pytest

from ragbot.errors import ModelUnavailableError
from ragbot.inference import encoder as encoding
from ragbot.inference import onnx
from ragbot.inference.encoder import DEFAULT_SHA256, Encoder, verify_default_weights

TEXTS = [
    "Heat flows from warm to cold.",
    "Ice melts in warm water, slowly at first and then all at once.",
    "The parliament voted on the budget.",
    "",
    "Steam. " * 400,
]


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


def test_weights_are_the_published_ones(encoder):
    assert verify_default_weights() == DEFAULT_SHA256
    assert encoder.identity.weights == DEFAULT_SHA256
    assert (encoder.identity.dimension, encoder.identity.normalised) == (384, True)


def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(encoding, "_sha256", lambda path: "0" * 64)
    with pytest.raises(ModelUnavailableError, match="published"):
        Encoder().identity  # noqa: B018


def test_rows_are_unit_vectors_in_the_order_of_the_texts(encoder):
    seen = []
    vectors = encoder.encode(TEXTS, progress=seen.append)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    one_by_one = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.allclose(vectors, one_by_one, atol=1e-5)
    assert seen[-1] == 5


def test_batches_are_encoded_side_by_side_with_one_thread_each(encoder, monkeypatch):
    import torch

    together, threads = threading.Barrier(2, timeout=60), set()
    model = encoder.load()
    encode = model.encode

    def watched(texts, **options):
        threads.add((threading.get_ident(), torch.get_num_threads()))
        together.wait()
        return encode(texts, **options)

    monkeypatch.setattr(encoding, "_threads", lambda: 2)
    monkeypatch.setattr(model, "encode", watched)
    texts = [f"Note {n} is about topic {n * n}." for n in range(4 * encoding.BATCH)]
    seen = []
    vectors = encoder.encode(texts, progress=seen.append)
    assert np.allclose(vectors, encode(texts, normalize_embeddings=True), atol=1e-5)
    assert seen == [encoding.BATCH * done for done in (1, 2, 3, 4)]
    assert len(threads) == 2
    assert {count for _, count in threads} == {1}


def test_passages_are_encoded_as_a_whole_and_by_the_words_that_have_a_subject(encoder):
    told = encoder.encode_passages(TEXTS)
    assert np.allclose(told.vectors, encoder.encode(TEXTS), atol=1e-5)
    for text, found in zip(TEXTS, told.codes, strict=True):
        assert bool(len(found)) == bool(text.strip())
        assert all(text[place].isalnum() for place in found["place"])
    question = encoder.encode_question("What is the heat?")
    assert [("What is the heat?")[a:b] for a, b in question.words.spans] == [
        "What",
        "is",
        "the",
        "heat",
        "?",
    ]
    assert np.allclose(question.vector, encoder.encode(["What is the heat?"])[0], atol=1e-5)


def test_threads_that_encode_at_once_do_not_disturb_each_other(encoder):
    # How a tokenizer pads is a state of it: one that is shared between threads must not be set.
    texts = [f"{'a longer text about ' * (n % 5)}number {n}" for n in range(64)]
    alone = [encoder.encode_passages([text]).vectors[0] for text in texts]
    assert np.allclose(encoder.encode_passages(texts).vectors, alone, atol=1e-5)


def test_a_model_that_projects_its_texts_gives_no_words(encoder, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    modules = [*encoder.load()][:2]
    model = SentenceTransformer(modules=[*modules, Dense(384, 16)], device="cpu")
    model.save(str(tmp_path / "model"))
    projecting = Encoder(str(tmp_path / "model"))
    told = projecting.encode_passages(TEXTS)
    assert told.vectors.shape == (len(TEXTS), 16)
    assert [len(found) for found in told.codes] == [0] * len(TEXTS)
    assert projecting.encode_question("What is heat?").words.spans == ()


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_meaning_is_nearer_than_another_subject(encoder):
    query = encoder.encode_query("What happens to frozen water when it gets hot?")
    cosines = encoder.encode(TEXTS[:3]) @ query
    assert cosines.argmax() == 1
    assert cosines[2] < 0.2


def test_repeated_question_is_not_encoded_twice(encoder, monkeypatch):
    first = encoder.encode_query("What is heat?")
    monkeypatch.setattr(encoding, "load", lambda: pytest.fail("encoded again"))
    assert encoder.encode_query("What is heat?") is first


def test_nothing_is_loaded_before_it_is_needed():
    encoder = Encoder()
    assert not encoder.loaded
    assert encoder.identity.name == "all-MiniLM-L6-v2"
    assert not encoder.loaded


@pytest.mark.parametrize("model", ["./no-such-folder", "no-such/model-anywhere"])
def test_model_that_is_not_here(model):
    with pytest.raises(ModelUnavailableError) as caught:
        Encoder(model).load()
    assert caught.value.model == model


def test_folder_of_a_model_is_another_identity(encoder):
    own = Encoder(str(encoder.default_model_folder()))
    assert own.identity != encoder.identity
    assert np.allclose(own.encode(TEXTS[:1]), encoder.encode(TEXTS[:1]), atol=1e-6)


# Faster


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "least"), [("onnx", 0.99999), ("onnx-int8", 0.97)])
def test_faster_backend_is_near_and_kept(encoder, backend, least, tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="the extra ragbot[fast] is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    quick = Encoder(backend=backend)
    cosines = (quick.encode(TEXTS) * encoder.encode(TEXTS)).sum(axis=1)
    assert cosines.min() > least
    assert quick.identity != encoder.identity
    (kept,) = (tmp_path / "ragbot" / "onnx").iterdir()
    written = kept.stat().st_mtime_ns
    again = Encoder(backend=backend)
    assert np.array_equal(again.encode(TEXTS[:1]), quick.encode(TEXTS[:1]))
    assert kept.stat().st_mtime_ns == written


def test_missing_packages_fall_back_to_torch(monkeypatch, caplog):
    monkeypatch.setattr(onnx, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        encoder = Encoder(backend="onnx-int8")
    assert "ragbot[fast]" in caplog.text
    assert encoder.identity == Encoder().identity


def test_model_that_cannot_be_converted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def broken(*arguments):
        raise RuntimeError("no such operator")

    monkeypatch.setattr(onnx, "_export", broken)
    with pytest.raises(ModelUnavailableError, match="no such operator"):
        Encoder(backend="onnx").load()
    assert list((tmp_path / "ragbot" / "onnx").iterdir()) == []


def test_importing_the_encoder_loads_nothing_slow(monkeypatch):
    real = builtins.__import__
    loaded = []

    def spy(name, *arguments, **settings):
        loaded.append(name.split(".")[0])
        return real(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", spy)
    Encoder(backend="onnx")
    assert {"torch", "sentence_transformers", "onnxruntime"}.isdisjoint(loaded)


def test_texts_are_sorted_by_their_words_and_marks_and_not_by_their_letters():
    texts = ["internationalisation", "a b c", "", "a-b, c!", "Zeit für Tee"]
    assert encoder.longest_first(texts) == [3, 4, 1, 0, 2]
