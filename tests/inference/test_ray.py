"""Embedding on a Ray cluster: a real one, started here, with two workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ragbot.errors import ModelUnavailableError, StorageError
from ragbot.index.index import Index
from ragbot.inference.ray import TEXTS_A_TASK, ClusterEncoder
from tests.word_encoder import WordEncoder

pytest.importorskip("ray", reason="the extra ragbot[ray] is not installed")
HERE = Path(__file__).parents[1]
TEXTS = [f"Passage {number} on topic{number % 7}." for number in range(3 * TEXTS_A_TASK)]


def assert_same(one, other):
    assert np.allclose(one.vectors, other.vectors)
    assert [codes.tobytes() for codes in one.codes] == [codes.tobytes() for codes in other.codes]


class Dying(WordEncoder):
    """Kills the worker that it is in, once; `folder` remembers that."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def encode_passages(self, texts):
        killed = self.folder / "killed"
        if self.folder.is_dir() and not killed.exists():
            killed.write_text(str(os.getpid()), encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_passages(texts)


class Lasting(WordEncoder):
    """Takes two minutes for any task but the first; `folder` knows when it has begun."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def encode_passages(self, texts):
        if texts[0] != TEXTS[0]:
            (self.folder / "begun").touch()
            for _ in range(1200):
                time.sleep(0.1)
        return super().encode_passages(texts)


@dataclass(frozen=True)
class Recipe:
    """Makes an encoder; with `folder`, one that dies once in a worker."""

    folder: Path | None = None

    def __call__(self):
        return WordEncoder() if self.folder is None else Dying(self.folder)


@dataclass(frozen=True)
class OtherThere:
    """Makes another model in a worker than here."""

    here: int

    def __call__(self):
        return WordEncoder(seed=int(os.getpid() != self.here))


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": path}},
    )
    yield
    ray.shutdown()


@pytest.mark.slow
def test_cluster_gives_the_same_vectors(cluster):
    cluster = ClusterEncoder(Recipe(), "auto")
    assert_same(cluster.encode_passages(TEXTS), WordEncoder().encode_passages(TEXTS))
    counts = [len(encoded.codes) for encoded in cluster.passages(TEXTS)]
    assert counts == [TEXTS_A_TASK] * 3


@pytest.mark.slow
def test_worker_that_is_killed_costs_nothing_but_time(cluster, tmp_path):
    encoded = ClusterEncoder(Recipe(tmp_path), "auto").encode_passages(TEXTS)
    assert (tmp_path / "killed").exists()
    assert_same(encoded, WordEncoder().encode_passages(TEXTS))


@pytest.mark.slow
def test_index_is_the_same_as_one_embedded_here(cluster, tmp_path):
    vault = tmp_path / "vault"
    vault.mkdir()
    for number, text in enumerate(TEXTS):
        (vault / f"n{number}.md").write_text(text, encoding="utf-8")
    there, here = Index(tmp_path / "there"), Index(tmp_path / "here")
    there.refresh(vault, ClusterEncoder(Recipe(), "auto"))
    here.refresh(vault, WordEncoder())
    with there.snapshot() as one, here.snapshot() as other:
        assert one.encoder == other.encoder
        for note in one.notes:
            pair = [corpus.vectors.of(corpus.passages_of(note)) for corpus in (one, other)]
            assert np.allclose(*pair)


@pytest.mark.slow
def test_cancelled_batches_are_not_awaited(cluster, tmp_path):
    coming = ClusterEncoder(partial(Lasting, tmp_path), "auto").passages(TEXTS)
    next(coming)
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    closing = threading.Thread(target=coming.close)
    closing.start()
    closing.join(60)
    assert not closing.is_alive()


@pytest.mark.slow
def test_worker_with_another_model_is_refused(cluster):
    with pytest.raises(ModelUnavailableError, match="a worker has"):
        ClusterEncoder(OtherThere(os.getpid()), "auto").encode_passages(TEXTS)


def test_cluster_that_cannot_be_reached(monkeypatch):
    import ray

    def refuse(**settings):
        raise ConnectionError("could not connect")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(StorageError, match="could not connect"):
        ClusterEncoder(Recipe(), "10.0.0.1:6379").encode_passages(TEXTS)
