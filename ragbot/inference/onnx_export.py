"""Convert a sentence-transformers model to ONNX: `python -m ragbot.inference.onnx_export`.

The whole model is exported (transformer, pooling, dense layers, normalization), with the vector of
a text and those of its word pieces as outputs. The result is compared with sentence-transformers on
probe texts. If they differ, the folder records that the model cannot be converted.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ragbot.inference.encoder import ROLES
from ragbot.inference.model_files import first_line
from ragbot.inference.onnx import (
    MODEL,
    SETTINGS,
    TOKENIZER,
    ConversionError,
    OnnxModel,
    converter_versions,
)
from ragbot.inference.sentence_transformer import (
    SentenceTransformerModel,
    load,
    own_tokenizer,
    prefixes_of,
)
from ragbot.inference.token_codes import FloatArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LEAST_COSINE = {"float32": 0.9999, "int8": 0.9}
"""Least cosine to sentence-transformers, by precision."""

PROBES = (  # the last one is longer than the window of the default model
    "Heat flows from warm to cold.",
    "  Two spaces, a tab\tand\n\nan empty line  ",
    "Why?",
    "ÄÖÜ: Straße, naïve café, Ελλάδα, Москва, 東京, עברית",
    "`code` and [[links|shown]], 3.14 % of 2,718 (see §4); e-mail: a@b.example",
    "internationalization antidisestablishmentarianism",
    "A longer passage has several sentences. Some of them are short. Others go on for a while, "
    "with clauses that depend on each other, so that padding and attention both matter.",
    "word " * 700,
)

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OPSET = 17


def convert(source: Path, target: Path, precision: str) -> None:
    """Convert a model into a folder that `onnx.OnnxModel` opens.

    If that is impossible, the folder has the reason instead. It is written whole or not at all.

    Raises
    ------
    OSError
        If the folder cannot be written.
    ModelUnavailableError
        If sentence-transformers cannot load the model.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as home:
        made = Path(home) / "made"
        made.mkdir()
        model = load(source, str(source), device="cpu")
        try:
            _write(model, made, precision)
        except OSError:
            raise
        except Exception as error:  # torch and its exporter raise many types
            reason = {"reason": first_line(error), "versions": converter_versions()}
            (made / MODEL).unlink(missing_ok=True)
            (made / SETTINGS).write_text(json.dumps(reason), encoding="utf-8")
        if target.exists():
            target.rename(Path(home) / "damaged")
        made.rename(target)


def _write(model: SentenceTransformer, folder: Path, precision: str) -> None:
    tokenizer = own_tokenizer(model)
    if tokenizer is None:
        raise ConversionError("its tokenizer is not one of the tokenizers library")
    shown: Any = model.tokenizer
    _export(model, folder / MODEL)
    if precision == "int8":
        _quantize(folder / MODEL)
    tokenizer.save(str(folder / TOKENIZER))
    query, document = prefixes_of(model)
    reference = SentenceTransformerModel(model)
    settings = {
        "precision": precision,
        "dimension": reference.dimension,
        "query": query,
        "document": document,
        "pad": shown.pad_token_id or 0,
        "pads_left": shown.padding_side == "left",
        "bytes": (folder / MODEL).stat().st_size,
    }
    (folder / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    _verify(model, reference, OnnxModel(folder), LEAST_COSINE[precision])


def _export(model: SentenceTransformer, path: Path) -> None:
    import torch

    class Pipeline(torch.nn.Module):
        """The model with positional inputs, as the exporter needs it."""

        def __init__(self, names: list[str], constants: dict[str, Any]) -> None:
            super().__init__()
            self.model = model
            self.names = names
            self.constants = constants

        def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features: Any = self.constants | dict(zip(self.names, values, strict=True))
            found: Any = self.model(features)
            vector = found["sentence_embedding"][:, : self.model.truncate_dim]
            return vector, found["token_embeddings"]

    sample: Any = model.preprocess(["two texts of", "unequal length"])
    names = [name for name, value in sample.items() if isinstance(value, torch.Tensor)]
    if "attention_mask" not in names or not set(names).issubset(_INPUTS):
        raise ConversionError(f"it reads {', '.join(names)}, not the tokens of a transformer")
    constants = {name: value for name, value in sample.items() if name not in names}
    axes = {name: {0: "batch", 1: "length"} for name in (*names, "tokens")}
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter warns of branches on shapes; the result is verified.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pipeline(names, constants).eval(),
            tuple(sample[name] for name in names),
            str(path),
            input_names=names,
            output_names=["vector", "tokens"],
            dynamic_axes=axes | {"vector": {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
        )


def _quantize(path: Path) -> None:
    """Write a model again with weights of 8 bits, and a scale for each channel."""
    from onnxruntime.quantization import (  # type: ignore[import-untyped]  # ships no types
        QuantType,
        quantize_dynamic,
    )

    # It logs advice to the root logger that is only for convolutions.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    quantized = path.with_suffix(".int8")
    try:
        quantize_dynamic(path, quantized, weight_type=QuantType.QInt8, per_channel=True)
    finally:
        root.setLevel(level)
    quantized.replace(path)


def _verify(
    model: SentenceTransformer, reference: SentenceTransformerModel, made: OnnxModel, least: float
) -> None:
    """Raise `ConversionError` unless vectors agree for every probe, alone and in a batch."""
    probes, short = list(PROBES), list(PROBES[:-1])
    for role in ROLES:
        encode: Any = model.encode_query if role == "query" else model.encode_document
        wanted = encode(probes, normalize_embeddings=True, show_progress_bar=False, batch_size=1)
        alone = np.concatenate([made.vectors([probe], role) for probe in probes])
        _compare(wanted, alone, least)
        _compare(wanted[:-1], made.vectors(short, role), least)
        read = zip(reference.read(short, role), made.read(short, role), strict=True)
        for (_, words), (vector, found) in read:
            if words.spans != found.spans:
                raise ConversionError("its tokens differ from those of sentence-transformers")
            if found.spans:
                _compare(words.vectors, found.vectors, least)
            if not np.isfinite(vector).all():
                raise ConversionError("its vectors are not finite")


def _compare(wanted: FloatArray, found: FloatArray, least: float) -> None:
    cosine = float((wanted * found).sum(axis=1).min())
    if not cosine >= least:
        raise ConversionError(
            f"its vectors differ from those of sentence-transformers (cosine {cosine:.4f})"
        )


def main(arguments: Sequence[str]) -> int:
    """Convert the model that the arguments name: source, target, precision."""
    source, target, precision = arguments
    try:
        convert(Path(source), Path(target), precision)
    except Exception as error:  # the caller reads one line
        sys.stderr.write(f"\n{first_line(error)}\n")
        shutil.rmtree(target, ignore_errors=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
