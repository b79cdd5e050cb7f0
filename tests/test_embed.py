"""The encoder: published weights, unit vectors, meaning, wrong models refused."""

import numpy as np
import pytest

from ragbot import embed
from ragbot.embed import Encoder
from ragbot.errors import ModelUnavailableError


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


def test_the_embedded_weights_are_the_published_ones():
    assert embed.verify_default_weights() == embed.DEFAULT_SHA256


def test_other_weights_are_refused(monkeypatch, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other")
    monkeypatch.setattr(embed, "default_model_folder", lambda: tmp_path)
    with pytest.raises(ModelUnavailableError, match="published ones have 53aa5117"):
        embed.verify_default_weights()


def test_vectors_are_unit_rows_in_the_order_of_the_texts(encoder):
    texts = ["A short one.", "A much longer sentence about kettles, tea and cups. " * 5, "Cold."]
    vectors = encoder.encode(texts)
    assert vectors.shape == (3, encoder.identity.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        assert vector @ encoder.encode_query(text) == pytest.approx(1, abs=1e-4)


def test_meaning_is_near_without_a_shared_word(encoder):
    query = encoder.encode_query("How do I brew a hot drink?")
    tea, law = encoder.encode(["Steep tea leaves in boiling water.", "The court overturned it."])
    assert tea @ query > law @ query + 0.2


def test_a_repeated_question_is_encoded_once(encoder):
    assert encoder.encode_query("the same") is encoder.encode_query("the same")


def test_nothing_to_encode_gives_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize("model", ["./no-such-folder", "nobody/no-such-model"])
def test_a_missing_model_is_a_clear_error(model):
    with pytest.raises(ModelUnavailableError, match="RAGBOT_EMBED_MODEL"):
        Encoder(model).load()


def test_a_local_path_is_a_model_too(encoder):
    local = Encoder(str(embed.default_model_folder()))
    assert local.identity.dimension == 384
    assert local.encode_query("tea") == pytest.approx(encoder.encode_query("tea"), abs=1e-5)
    # Named otherwise, so never taken for the same without being measured.
    assert local.identity != encoder.identity
