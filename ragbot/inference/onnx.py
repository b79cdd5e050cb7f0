"""A faster encoder: the same model run by ONNX Runtime, its weights rounded to bytes if wanted.

The model is converted here, once, and kept where programs keep what they can
make again. sentence-transformers goes on doing the rest: tokens, pooling,
length. Its own ONNX support rests on optimum, which holds transformers below
version 5; so the two steps that it would do are done here.

Floor 2: imports torch, onnx and onnxruntime, inside the functions that need them.

References
----------
ONNX Runtime, "Quantize ONNX models": dynamic quantisation, weights per channel.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbot.errors import ModelUnavailableError, StorageError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BACKENDS = {"onnx": False, "onnx-int8": True}
"""What a backend does with the weights: whether they are rounded to 8 bits."""

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OPSET = 17


def missing_packages() -> list[str]:
    """Name the packages that a conversion needs and that are not installed."""
    return [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]


def cache_folder() -> Path:
    """Folder of converted models."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "ragbot" / "onnx"


def speed_up(model: SentenceTransformer, weights: str, backend: str) -> None:
    """Have a model's transformer run by ONNX Runtime from now on.

    Parameters
    ----------
    model
        A model whose first module is a BERT-like transformer.
    weights
        Hash of its weights, by which the converted model is kept.
    backend
        One of `BACKENDS`.

    Raises
    ------
    ModelUnavailableError
        If the model cannot be converted.
    StorageError
        If the converted model cannot be kept.
    """
    path = cache_folder() / f"{weights[:32]}-{backend}.onnx"
    transformer: Any = model[0].model
    if not path.is_file():
        _convert(transformer, model.tokenizer, path, rounded=BACKENDS[backend])
    transformer.forward = _runner(path)


def _runner(path: Path) -> Callable[..., dict[str, Any]]:
    import onnxruntime  # type: ignore[import-untyped]  # ships no types
    import torch

    options = onnxruntime.SessionOptions()
    # Batches are run side by side (see `embed.side_by_side`).
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}

    def forward(**features: Any) -> dict[str, Any]:
        given = {name: features[name].numpy() for name in wanted}
        return {"last_hidden_state": torch.from_numpy(session.run(None, given)[0])}

    return forward


def _convert(transformer: Any, tokenizer: Any, path: Path, *, rounded: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            exported = Path(folder) / "exported.onnx"
            _export(transformer, tokenizer, exported)
            if rounded:
                exported = _rounded(exported, Path(folder) / "rounded.onnx")
            exported.replace(path)
    except OSError as error:
        remedy = "Free some space, or set XDG_CACHE_HOME to another folder."
        raise StorageError(path.parent, error.strerror or str(error), remedy) from error
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        found = f"it cannot be converted to ONNX ({str(error).splitlines()[0]})"
        raise ModelUnavailableError(path.stem, found, "Unset RAGBOT_BACKEND.") from error


def _export(transformer: Any, tokenizer: Any, path: Path) -> None:
    import torch

    class Hidden(torch.nn.Module):
        """The transformer with its arguments by position and its output alone, as export wants."""

        def __init__(self, names: list[str]) -> None:
            super().__init__()
            self.transformer = transformer
            self.names = names

        def forward(self, *values: torch.Tensor) -> torch.Tensor:
            named = dict(zip(self.names, values, strict=True))
            hidden: torch.Tensor = self.transformer(**named, return_dict=True).last_hidden_state
            return hidden

    sample = tokenizer(["two texts of", "unequal length"], return_tensors="pt", padding=True)
    names = [name for name in _INPUTS if name in sample]
    axes = {0: "batch", 1: "length"}
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter tells its own makers about branches on shapes; the result is tested.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Hidden(names).eval(),
            tuple(sample[name] for name in names),
            str(path),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes=dict.fromkeys((*names, "last_hidden_state"), axes),
            opset_version=_OPSET,
            dynamo=False,
        )


def _rounded(source: Path, target: Path) -> Path:
    import logging

    from onnxruntime.quantization import (  # type: ignore[import-untyped]  # ships no types
        QuantType,
        quantize_dynamic,
    )

    # It advises, on the root logger, a step that is for convolutions.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
    finally:
        root.setLevel(level)
    return target
