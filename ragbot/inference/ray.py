"""Passages encoded by the workers of a Ray cluster; questions are encoded here.

Each worker loads the model once, and returns its identity with its vectors: vectors of another
model are refused. If a worker dies, another one runs its task again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, cast

from ragbot.errors import ModelUnavailableError, StorageError
from ragbot.inference.encoder import (
    EncodedBatches,
    Encoder,
    EncoderIdentity,
    LocalEncoder,
)
from ragbot.inference.model_files import first_line
from ragbot.inference.token_codes import Encoded, EncodedQuestion, FloatArray

TEXTS_A_TASK = 16
"""Texts of one task, which runs again if its worker dies."""

PENDING = 64
"""Tasks submitted at a time: the greatest number of busy workers."""

RETRIES = 5

Make = Callable[[], Encoder]

_REMEDY = "Look at the cluster with: ray status. Without --ray the passages are embedded here."
_SAME = "Install the same model and version of ragbot on every node."


def open_encoder(model: str, backend: str, ray: str) -> Encoder:
    """Return an encoder for passages: local, or on a Ray cluster if `ray` is not empty."""
    make = partial(LocalEncoder, model, backend)
    return ClusterEncoder(make, ray) if ray else make()


class ClusterEncoder(Encoder):
    """An `Encoder` whose passages are encoded by a cluster.

    Parameters
    ----------
    make
        Returns the encoder, here for questions and in each worker for passages.
    address
        Address of the cluster: `ray://host:10001`, `host:6379`, `auto`, or `local` to
        start one here.
    """

    def __init__(self, make: Make, address: str) -> None:
        self._make = make
        self._local = make()
        self._address = address

    @property
    def identity(self) -> EncoderIdentity:
        """Identity of the vectors: only vectors of equal identities are comparable."""
        return self._local.identity

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode a question in this process."""
        return self._local.encode_question(text)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode sentences in this process."""
        return self._local.encode(texts)

    def passages(self, texts: Sequence[str]) -> EncodedBatches:
        """Encode passages on the cluster; see `Encoder.passages`.

        Raises
        ------
        StorageError
            If the cluster cannot be reached, or keeps losing its workers.
        ModelUnavailableError
            If ray is not installed, or a worker has another model.
        """
        ray = _connect(self._address)
        task = ray.remote(max_retries=RETRIES)(_encode)
        starts = range(0, len(texts), TEXTS_A_TASK)
        waiting = (texts[start : start + TEXTS_A_TASK] for start in starts)
        running = deque(task.remote(self._make, part) for part in islice(waiting, PENDING))
        try:
            while running:
                found = self._result(ray, running[0])
                running.popleft()
                running.extend(task.remote(self._make, part) for part in islice(waiting, 1))
                yield found
        finally:
            while running:
                ray.cancel(running.pop())

    def _result(self, ray: Any, task: Any) -> Encoded:
        """Return the result of a task when it is done; raise a `RagbotError` if it failed."""
        try:
            identity, encoded = ray.get(task)
        except ray.exceptions.RayError as error:
            text = str(error).strip() or type(error).__name__
            reason = f"a worker failed ({text.splitlines()[-1]})"
            raise StorageError(self._address, reason, _REMEDY) from error
        if identity != self.identity:
            reason = f"a worker has {identity}, here is {self.identity}"
            raise ModelUnavailableError(self.identity.name, reason, _SAME)
        return cast(Encoded, encoded)


_encoders: dict[str, Encoder] = {}
"""In a worker: the loaded encoders, by the repr of their factory."""


def _encode(make: Make, texts: Sequence[str]) -> tuple[EncoderIdentity, Encoded]:
    """Return the encoder's identity and the encoded texts; runs in a worker."""
    # Each task unpickles `make` again, so equal ones are recognised by their repr.
    encoder = _encoders.get(repr(make)) or _encoders.setdefault(repr(make), make())
    return encoder.identity, encoder.encode_passages(texts)


def _connect(address: str) -> Any:
    """Connect to a cluster unless this process is connected, and return the ray package."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        reason = "the package ray is not installed"
        remedy = "Install it with: pip install 'ragbot[ray]'"
        raise ModelUnavailableError("ray", reason, remedy) from error
    if not ray.is_initialized():
        try:
            if address == "local":
                ray.init(include_dashboard=False, log_to_driver=False)
            else:
                ray.init(address=address, log_to_driver=False)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            reason = f"the cluster cannot be reached ({first_line(error)})"
            raise StorageError(address, reason, _REMEDY) from error
    return ray
