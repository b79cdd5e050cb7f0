"""The default encoder: its vectors, its identity, and what it imports."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from ragbot.errors import ModelUnavailableError
from ragbot.inference import encoder as encoding
from ragbot.inference import model_files
from ragbot.inference.encoder import BATCH, LocalEncoder, VectorCache
from ragbot.inference.model_files import (
    DEFAULT_SHA256,
    default_model_folder,
    verify_default_weights,
)
from tests.conftest import ROOT

TEXTS = [
    "Heat flows from warm to cold.",
    "Ice melts in warm water, slowly at first and then all at once.",
    "The parliament voted on the budget.",
    "",
    "Steam. " * 400,
]


@pytest.fixture(scope="module")
def encoder():
    return LocalEncoder()


def test_weights_are_the_published_ones(encoder):
    assert verify_default_weights() == DEFAULT_SHA256
    assert encoder.identity.weights == DEFAULT_SHA256
    assert (encoder.identity.dimension, encoder.identity.normalised) == (384, True)


def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(model_files, "_sha256", lambda path: "0" * 64)
    with pytest.raises(ModelUnavailableError, match="published"):
        LocalEncoder().identity  # noqa: B018
    with pytest.raises(ModelUnavailableError, match="published"):
        LocalEncoder().load()


def test_rows_are_unit_vectors_in_the_order_of_the_texts(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    one_by_one = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.allclose(vectors, one_by_one, atol=1e-5)


def test_vectors_are_those_of_sentence_transformers(encoder):
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(default_model_folder()), device="cpu")
    wanted = reference.encode(TEXTS, normalize_embeddings=True)
    assert (encoder.encode(TEXTS) * wanted).sum(axis=1).min() > 0.999999
    assert encoder.encode_question(TEXTS[0]).vector @ wanted[0] > 0.999999


def test_torch_and_onnx_make_the_same_vectors_tokens_and_identity(encoder):
    torch = LocalEncoder(backend="torch")
    assert torch.identity == encoder.identity
    here, there = encoder.encode_passages(TEXTS), torch.encode_passages(TEXTS)
    assert np.allclose(here.vectors, there.vectors, atol=1e-5)
    for ours, theirs in zip(here.codes, there.codes, strict=True):
        assert ours["place"].tolist() == theirs["place"].tolist()
        assert np.allclose(ours["scale"].astype(float), theirs["scale"].astype(float), rtol=0.01)
        differing = np.unpackbits(ours["bits"] ^ theirs["bits"]).mean() if len(ours) else 0
        assert differing < 0.001
    ours, theirs = (one.encode_question("How hot is tea?").words for one in (encoder, torch))
    assert ours.spans == theirs.spans
    assert np.allclose(ours.vectors, theirs.vectors, atol=1e-5)


def test_batches_are_encoded_side_by_side(encoder, monkeypatch):
    encoder.load()
    together, threads = threading.Barrier(2, timeout=60), set()
    model = encoder._model
    read = model.read

    def watched(texts, role):
        threads.add(threading.get_ident())
        together.wait()
        return read(texts, role)

    fresh = LocalEncoder()
    fresh.load()
    monkeypatch.setattr(fresh._model, "read", watched)
    monkeypatch.setattr(fresh._model, "workers", 2)
    texts = [f"Note {n} is about topic {n * n}." for n in range(4 * BATCH)]
    assert np.allclose(fresh.encode_passages(texts).vectors, encoder.encode(texts), atol=1e-5)
    assert len(threads) == 2


def test_batches_that_are_closed_are_not_encoded(encoder, monkeypatch):
    fresh, began, gate = LocalEncoder(), [], threading.Event()
    fresh.load()

    def slow(texts, role):
        began.append(texts)
        gate.wait(60)
        return [(np.zeros(384, np.float32), encoder.encode_question("x").words) for _ in texts]

    monkeypatch.setattr(fresh._model, "read", slow)
    monkeypatch.setattr(fresh._model, "workers", 1)
    batches = fresh.passages([f"text {n}" for n in range(10 * BATCH)])
    batches.close()
    gate.set()
    assert list(batches) == []
    assert len(list(fresh.passages(["one more"]))) == 1
    assert len(began) <= 2


def test_an_error_of_a_batch_is_raised_in_its_place_and_ends_the_rest(encoder, monkeypatch):
    fresh = LocalEncoder()
    fresh.load()
    read = fresh._model.read

    def failing(texts, role):
        if f"text {BATCH}" in texts:
            raise RuntimeError("out of memory")
        return read(texts, role)

    monkeypatch.setattr(fresh._model, "read", failing)
    batches = fresh.passages([f"text {n}" for n in range(10 * BATCH)])
    assert len(next(batches).codes) == BATCH
    with pytest.raises(RuntimeError, match="out of memory"):
        next(batches)
    assert list(batches) == []


def test_passages_are_encoded_as_a_whole_and_by_their_content_words(encoder):
    encoded = encoder.encode_passages(TEXTS)
    assert np.allclose(encoded.vectors, encoder.encode(TEXTS), atol=1e-5)
    for text, codes in zip(TEXTS, encoded.codes, strict=True):
        assert bool(len(codes)) == bool(text.strip())
        assert all(text[place].isalnum() for place in codes["place"])
    question = encoder.encode_question("What is the heat?")
    words = ["What", "is", "the", "heat", "?"]
    assert [("What is the heat?")[a:b] for a, b in question.words.spans] == words
    assert np.allclose(question.vector, encoder.encode(["What is the heat?"])[0], atol=1e-5)


def test_threads_that_encode_at_once_do_not_disturb_each_other(encoder):
    texts = [f"{'a longer text about ' * (n % 5)}number {n}" for n in range(64)]
    alone = [encoder.encode_passages([text]).vectors[0] for text in texts]
    assert np.allclose(encoder.encode_passages(texts).vectors, alone, atol=1e-5)


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.encode_passages([]).vectors.shape == (0, 384)
    assert list(encoder.passages([])) == []


def test_meaning_is_nearer_than_another_subject(encoder):
    query = encoder.encode_question("What happens to frozen water when it gets hot?").vector
    cosines = encoder.encode(TEXTS[:3]) @ query
    assert cosines.argmax() == 1
    assert cosines[2] < 0.2


def test_repeated_question_is_not_encoded_twice(encoder):
    first = encoder.encode_question("What is heat?")
    assert encoder.encode_question("What is heat?") is first
    with pytest.raises(ValueError, match="read-only"):
        first.vector[0] = 1


def test_nothing_is_loaded_before_it_is_needed():
    encoder = LocalEncoder()
    assert encoder.identity.name == "all-MiniLM-L6-v2"
    assert encoder._model is None
    assert encoder.load() is encoder._model


@pytest.mark.parametrize("model", ["./no-such-folder", "no-such/model-anywhere", "no such model"])
@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_model_that_is_not_here(model, backend):
    with pytest.raises(ModelUnavailableError) as caught:
        LocalEncoder(model, backend).load()
    assert caught.value.model == model


def test_a_folder_that_is_no_model_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelUnavailableError):
        LocalEncoder(str(tmp_path / "model")).load()


def test_importing_torch_is_over_budget(encoder, tmp_path):
    """A question with the default encoder imports none of the slow libraries."""
    encoder.load()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "Tea.md").write_text("# Tea\n\nGreen tea brews at 80 °C.\n", "utf-8")
    code = (
        "import sys\n"
        "from ragbot import Ragbot\n"
        "with Ragbot.open('notes', 'index') as bot:\n"
        "    assert not bot.ask('At what temperature does green tea brew?').notice\n"
        "    assert bot.search('hot drinks')\n"
        "print(sorted(name for name in sys.argv[1:] if name in sys.modules))"
    )
    slow = ["torch", "transformers", "sentence_transformers", "sklearn", "onnx", "pandas"]
    done = subprocess.run(
        [sys.executable, "-c", code, *slow],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_model_that_onnx_cannot_run_is_run_by_torch_with_one_line(monkeypatch, caplog):
    from ragbot.inference import onnx

    def refuse(*arguments):
        raise onnx.ConversionError("no such operator")

    monkeypatch.setattr(onnx, "open_model", refuse)
    with caplog.at_level(logging.WARNING):
        encoder = LocalEncoder(backend="onnx-int8")
        assert encoder.identity == LocalEncoder().identity
    (record,) = caplog.records
    assert record.getMessage().endswith("runs on torch, which is slower to start: no such operator")
    assert "\n" not in record.getMessage()


def test_texts_are_sorted_by_their_words_and_marks_and_not_by_their_letters():
    texts = ["internationalisation", "a b c", "", "a-b, c!", "Zeit für Tee"]
    assert encoding.longest_first(texts) == [3, 4, 1, 0, 2]


class Counting:
    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32).reshape(-1, 2)


def test_a_text_is_encoded_once_and_rows_keep_their_order():
    encode = Counting()
    cached = VectorCache(encode)
    assert cached(["bb", "a", "bb"]).tolist() == [[2, 98], [1, 97], [2, 98]]
    assert cached(["ccc", "a"]).tolist() == [[3, 99], [1, 97]]
    assert encode.asked == ["bb", "a", "ccc"]


def test_nothing_has_the_shape_of_the_encoder():
    assert VectorCache(Counting())([]).shape == (0, 2)


def test_the_oldest_are_forgotten_but_a_long_request_is_served_whole():
    encode = Counting()
    cached = VectorCache(encode, size=2)
    assert len(cached(["a", "b", "c"])) == 3
    cached(["c", "b"])
    cached(["a"])
    assert encode.asked == ["a", "b", "c", "a"]
    cached(["c"])
    assert encode.asked[-1] == "c"
