"""Models converted to ONNX: any kind of pooling, exactly, or not at all; and the cache of them."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from ragbot.inference import onnx, onnx_export
from ragbot.inference.encoder import LocalEncoder
from ragbot.inference.model_files import default_model_folder, fingerprint
from ragbot.inference.onnx import ConversionError, OnnxModel
from tests.conftest import ROOT

TEXTS = ["Heat flows downhill.", "Ice.", "Water moves many things, and heat moves water. " * 5]
WORDS = [
    "heat",
    "flows",
    "downhill",
    "water",
    "moves",
    "many",
    "things",
    "and",
    "ice",
    "query",
    ":",
]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Convert into a cache of the test, in this process, where torch is imported already."""

    def run(command, **_):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = onnx_export.main(command[3:])
        return subprocess.CompletedProcess(command, code, "", errors.getvalue())

    monkeypatch.setattr(onnx, "subprocess", SimpleNamespace(run=run))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ragbot" / "onnx"


@pytest.fixture(scope="module")
def make_model(tmp_path_factory):
    """Return a function that saves a tiny random model and returns its folder and itself."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("transformer")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)

    def make(pooling="mean", dense=False, seed=0, max_length=32, include_prompt=True, **settings):
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=16,
        )  # fmt: skip
        BertModel(config).save_pretrained(folder)
        modules = [
            Transformer(str(folder), max_seq_length=max_length),
            Pooling(16, pooling_mode=pooling, include_prompt=include_prompt),
        ]
        if dense:
            modules += [Dense(modules[-1].get_embedding_dimension(), 8), Normalize()]
        model = SentenceTransformer(modules=modules, device="cpu", **settings)
        saved = tmp_path_factory.mktemp("model")
        model.save(str(saved))
        return saved, model

    return make


def converted(source, target, precision="float32"):
    onnx_export.convert(source, target, precision)
    return OnnxModel(target)


@pytest.mark.parametrize(
    "pooling", ["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
)
@pytest.mark.parametrize("dense", [False, True], ids=["", "dense"])
def test_every_pooling_is_that_of_sentence_transformers(make_model, tmp_path, pooling, dense):
    source, model = make_model(
        pooling, dense, prompts={"query": "query: ", "document": "passage: "}
    )
    made = converted(source, tmp_path / "made")
    assert made.prefixes == ("query: ", "passage: ")
    for role, encode in (("query", model.encode_query), ("document", model.encode_document)):
        wanted = encode(TEXTS, normalize_embeddings=True)
        assert np.allclose(made.vectors(TEXTS, role), wanted, atol=1e-5)
        for text, (vector, words) in zip(TEXTS, made.read(TEXTS, role), strict=True):
            assert np.allclose(vector, encode([text], normalize_embeddings=True)[0], atol=1e-5)
            spans = [text[first:last] for first, last in words.spans]
            assert spans == [] if dense else spans[0] in {"Heat", "Ice", "Water"}


def test_several_poolings_side_by_side_have_no_words(make_model, tmp_path):
    source, model = make_model(("cls", "max"))
    made = converted(source, tmp_path / "made")
    assert made.dimension == 32
    assert np.allclose(
        made.vectors(TEXTS, "query"), model.encode(TEXTS, normalize_embeddings=True), atol=1e-5
    )
    assert made.read(["heat"], "query")[0][1].spans == ()


def test_a_model_that_leaves_its_prompt_out_is_refused_and_runs_on_torch(make_model, cache, caplog):
    source, model = make_model(include_prompt=False, prompts={"query": "query: "})
    with caplog.at_level(logging.WARNING):
        encoder = LocalEncoder(str(source))
        vector = encoder.encode_question("heat flows").vector
    assert "differ from those of sentence-transformers" in caplog.text
    assert np.allclose(
        vector, model.encode_query("heat flows", normalize_embeddings=True), atol=1e-5
    )
    # The refusal is kept: the next process does not convert again.
    (settings,) = cache.glob("*/settings.json")
    assert "cosine" in json.loads(settings.read_text())["reason"]
    with pytest.raises(ConversionError, match="differ"):
        onnx.open_model(source, fingerprint(source), "onnx")


def test_a_refusal_is_forgotten_with_other_versions(make_model, cache, monkeypatch):
    source, _ = make_model()
    folder = cache / f"{fingerprint(source)[:32]}-float32-{onnx.FORMAT}"
    folder.mkdir(parents=True)
    refusal = {"reason": "too old", "versions": ["0"]}
    (folder / "settings.json").write_text(json.dumps(refusal), encoding="utf-8")
    assert LocalEncoder(str(source)).identity.dimension == 16
    assert (folder / "model.onnx").is_file()


def test_other_weights_are_converted_again_and_are_another_identity(make_model, cache):
    source, _ = make_model()
    other, _ = make_model(seed=1)
    first = LocalEncoder(str(source))
    vector = first.encode(["heat"])
    for path in other.rglob("*.safetensors"):
        path.replace(source / path.relative_to(other))
    second = LocalEncoder(str(source))
    assert second.identity != first.identity
    assert not np.allclose(second.encode(["heat"]), vector, atol=1e-3)


def test_a_damaged_conversion_is_made_again(make_model, cache):
    source, _ = make_model()
    wanted = LocalEncoder(str(source)).encode(TEXTS)
    (model,) = cache.glob("*/model.onnx")
    size = model.stat().st_size
    for damaged in (b"", b"\0" * size):
        model.write_bytes(damaged)
        assert np.allclose(LocalEncoder(str(source)).encode(TEXTS), wanted)
    (model.parent / "tokenizer.json").write_text("{", encoding="utf-8")
    assert np.allclose(LocalEncoder(str(source)).encode(TEXTS), wanted)
    assert model.stat().st_size == size


def test_converters_at_the_same_time_make_one_model(make_model, cache):
    source, _ = make_model()
    with ThreadPoolExecutor(3) as pool:
        encoders = [LocalEncoder(str(source)) for _ in range(3)]
        vectors = list(pool.map(lambda encoder: encoder.encode(TEXTS), encoders))
    assert np.allclose(vectors[0], vectors[1])
    assert len(list(cache.glob("*/model.onnx"))) == 1
    assert {path.suffix for path in cache.iterdir()} == {"", ".lock"}


def test_a_cache_that_cannot_be_written_leaves_torch_with_one_line(
    make_model, tmp_path, monkeypatch, caplog
):
    source, model = make_model()
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        vectors = LocalEncoder(str(source)).encode(TEXTS)
    assert "set XDG_CACHE_HOME to another folder" in caplog.text
    assert len(caplog.records) == 1
    assert np.allclose(vectors, model.encode(TEXTS, normalize_embeddings=True), atol=1e-5)


def test_a_kept_model_is_used_where_the_cache_is_read_only(make_model, cache):
    source, _ = make_model()
    encoder = LocalEncoder(str(source))
    encoder.load()
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    for path in cache.glob("*.lock"):
        path.unlink()
    LocalEncoder(str(source)).load()
    assert not list(cache.glob("*.lock"))
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert kept.items() <= before.items()


def test_a_name_in_the_local_hub_cache_is_found_and_converted(make_model, cache, tmp_path):
    source, model = make_model()
    snapshots = tmp_path / "hub" / "models--garden--tiny" / "snapshots"
    snapshots.mkdir(parents=True)
    source.rename(snapshots / ("0" * 40))
    (snapshots.parent / "refs").mkdir()
    (snapshots.parent / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    code = (
        "import sys\n"
        "from ragbot.inference.encoder import LocalEncoder\n"
        "print(LocalEncoder('garden/tiny').encode(['heat flows']).tolist())\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_CACHE": str(tmp_path / "hub")},
    )  # fmt: skip
    vectors, torch = done.stdout.splitlines()
    assert np.allclose(json.loads(vectors), model.encode(["heat flows"], normalize_embeddings=True))
    assert torch == "False"
    assert done.stderr == ""


@pytest.mark.slow
def test_int8_is_near_and_another_identity(cache):
    quick, exact = LocalEncoder(backend="onnx-int8"), LocalEncoder()
    texts = [*TEXTS, "The parliament voted on the budget.", "Steam. " * 400]
    cosines = (quick.encode(texts) * exact.encode(texts)).sum(axis=1)
    assert 0.97 < cosines.min() < 0.99999
    assert quick.identity != exact.identity
    assert quick.encode_question("heat").words.spans == ((0, 4),)


def test_a_folder_of_the_default_model_is_another_identity():
    own = LocalEncoder(str(default_model_folder()))
    assert own.identity != LocalEncoder().identity
    assert np.allclose(own.encode(TEXTS), LocalEncoder().encode(TEXTS), atol=1e-6)
