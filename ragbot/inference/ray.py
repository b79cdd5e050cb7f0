"""Passages embedded by the workers of a Ray cluster; questions are encoded here.

Each worker loads the model once and says who it is: vectors of another model
than ours are refused. A task whose worker dies is run again by another.

Floor 2: the one module that imports ray, inside the function that needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ragbot.errors import ModelUnavailableError, StorageError
from ragbot.inference.coming import Coming, UnderWay
from ragbot.inference.encoder import Encoder, EncoderIdentity, FloatArray
from ragbot.inference.loading import first_line
from ragbot.inference.token_codes import Encoded, EncodedQuestion

TEXTS_A_TASK = 16
"""Texts that a worker is given at a time: what is done again when it dies."""

UNDER_WAY = 64
"""Tasks that are given out at a time: more workers than these find nothing to do."""

RETRIES = 5

Make = Callable[[], Encoder]


def open_encoder(model: str, backend: str, ray: str) -> Encoder:
    """Open an encoder that embeds here, or on a Ray cluster if its address is given."""
    make = partial(Encoder, model, backend)
    return ClusterEncoder(make, ray) if ray else make()


class ClusterEncoder(Encoder):
    """An encoder that has its passages embedded elsewhere.

    Parameters
    ----------
    make
        Makes the encoder, here for questions and in each worker for passages.
    address
        Of the cluster: `ray://host:10001`, `host:6379`, `auto`, or `local` for
        one that is started here.
    """

    def __init__(self, make: Make, address: str) -> None:
        super().__init__()
        self._make = make
        self._here = make()
        self._address = address

    @property
    def loaded(self) -> bool:
        """Whether a question can be encoded without waiting for the model."""
        return self._here.loaded

    @property
    def identity(self) -> EncoderIdentity:
        """What the vectors of this encoder can be compared with."""
        return self._here.identity

    def load(self) -> Any:
        """Load the model that encodes questions."""
        return self._here.load()

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode a question, here."""
        return self._here.encode_question(text)

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        """Encode sentences, here."""
        return self._here.encode(texts, progress=progress)

    def passages(self, texts: Sequence[str]) -> Coming[Encoded]:
        """Encode passages on the cluster; see `Encoder.passages`.

        Raises
        ------
        StorageError
            If the cluster cannot be reached, or keeps losing its workers.
        ModelUnavailableError
            If ray is not installed, or a worker has another model.
        """
        ray = _connected(self._address)
        task = ray.remote(max_retries=RETRIES)(_embed)
        running: set[Any] = set()

        def encode(part: Sequence[str]) -> Encoded:
            reference = task.remote(self._make, part)
            running.add(reference)
            try:
                identity, told = ray.get(reference)
            except ray.exceptions.RayError as error:
                said = str(error).strip() or type(error).__name__
                found = f"a worker failed ({said.splitlines()[-1]})"
                raise StorageError(self._address, found, _REMEDY) from error
            finally:
                running.discard(reference)
            if identity != self.identity:
                found = f"a worker has {identity}, here is {self.identity}"
                raise ModelUnavailableError(self.identity.name, found, _SAME)
            encoded: Encoded = told
            return encoded

        def call_off() -> None:
            for reference in list(running):
                ray.cancel(reference)

        starts = range(0, len(texts), TEXTS_A_TASK)
        parts = [texts[start : start + TEXTS_A_TASK] for start in starts]
        return UnderWay(encode, parts, UNDER_WAY, call_off)


_REMEDY = "Look at the cluster with: ray status. Without --ray the passages are embedded here."
_SAME = "Install the same model and version of ragbot on every node."


_kept: dict[str, Encoder] = {}
"""In a worker: the encoders that it has loaded, by their recipe."""


def _embed(make: Make, texts: Sequence[str]) -> tuple[EncoderIdentity, Encoded]:
    """Embed some texts in a worker."""
    # A recipe is unpickled anew for each task: only what it says is the same.
    encoder = _kept.get(repr(make)) or _kept.setdefault(repr(make), make())
    return encoder.identity, encoder.encode_passages(texts)


def _connected(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        found = "the package ray is not installed"
        remedy = "Install it with: pip install 'ragbot[ray]'"
        raise ModelUnavailableError("ray", found, remedy) from error
    if not ray.is_initialized():
        try:
            if address == "local":
                ray.init(include_dashboard=False, log_to_driver=False)
            else:
                ray.init(address=address, log_to_driver=False)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            found = f"the cluster cannot be reached ({first_line(error)})"
            raise StorageError(address, found, _REMEDY) from error
    return ray
