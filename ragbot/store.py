"""Vectors: segments, each written once and never changed.

A settled segment is a Chroma collection. A small one that a recent edit brought is
an array alone and is searched exactly, which takes a fraction of the time that
it takes to make a collection; it is merged into a collection later.

Nothing changes after it is written. That is how readers in other processes stay
right: an open Chroma client does not see what another process writes to its
folder, and would go on serving what that one deleted. A new build writes new
segments for new texts and names the old ones that it still uses.

Floor 2: the one module that imports chromadb. Distances stay in here: what
leaves is cosine similarity.
"""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import IndexDamagedError, RagbotError, StorageError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_COLLECTION = "passages"
_KEYS, _VECTORS, _CHROMA = "keys.txt", "vectors.npy", "chroma"
_BATCH = 2000
_HNSW = {"hnsw": {"space": "cosine", "ef_search": 200}}
_REMEDY = "Free some space or choose another folder with --index; the index is as it was."


class Segment:
    """Some vectors by key, unchangeable. Safe to share between threads.

    Attributes
    ----------
    keys
        Key of each vector; a vector's *position* is that of its key.
    settled
        Whether a collection stands behind it, rather than an array alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.keys = (folder / _KEYS).read_text(encoding="ascii").split()
            self._matrix: FloatArray = np.load(folder / _VECTORS, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise IndexDamagedError(folder, str(error)) from error
        if len(self.keys) != len(self._matrix):
            found = f"{len(self.keys)} keys for {len(self._matrix)} vectors"
            raise IndexDamagedError(folder, found)
        self.settled = (folder / _CHROMA).is_dir()
        self._lock = threading.Lock()
        self._collection: Any = None

    @property
    def name(self) -> str:
        """Name of the segment within its index."""
        return self.folder.name

    def take(self, positions: IntArray) -> FloatArray:
        """Give the unit vectors at these positions, shape (positions, dimension)."""
        return self._matrix[positions]

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Positions of the nearest vectors with their cosine, best first; at most `k`.

        Raises
        ------
        IndexDamagedError
            If the collection cannot be read.
        """
        k = min(k, len(self.keys))
        if k == 0:
            return []
        return self._ask_chroma(query, k) if self.settled else self._compare(query, k)

    def _compare(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        cosines = self._matrix @ query
        best = np.argsort(-cosines, kind="stable")[:k]
        return [(int(at), float(cosines[at])) for at in best]

    def _ask_chroma(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        from chromadb.errors import ChromaError

        try:
            with self._lock:
                if self._collection is None:
                    self._collection = self._opened()
                found = self._collection.query(
                    query_embeddings=[query.tolist()], n_results=k, include=[]
                )
        except (ChromaError, ValueError) as error:
            raise IndexDamagedError(self.folder, str(error)) from error
        # Exact, so that it does not matter by which segment a vector was found.
        positions = np.array([int(name) for name in found["ids"][0]], np.int64)
        cosines = self._matrix[positions] @ query
        return list(zip(positions.tolist(), cosines.tolist(), strict=True))

    def _opened(self) -> Any:
        client = _client(self.folder / _CHROMA)
        # A segment may be in use by an answer when its generation is left behind: it is
        # closed when the last one who holds it lets go.
        weakref.finalize(self, client.close)
        return client.get_collection(_COLLECTION, embedding_function=None)


def write_segment(
    folder: Path, keys: Sequence[str], vectors: FloatArray, *, settled: bool
) -> Segment:
    """Write a segment into a folder that does not exist yet.

    Parameters
    ----------
    keys
        One distinct name a vector, ASCII without blanks.
    vectors
        Unit rows, shape (len(keys), dimension).
    settled
        Whether to make a collection of it.

    Raises
    ------
    StorageError
        If the disk is full or cannot be written. What was begun is removed.
    """
    try:
        folder.mkdir(parents=True)
        np.save(folder / _VECTORS, np.ascontiguousarray(vectors, np.float32))
        (folder / _KEYS).write_text("\n".join(keys), encoding="ascii")
        if settled:
            _write_collection(folder / _CHROMA, vectors)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StorageError(folder, error.strerror or str(error), _REMEDY) from error
    except RagbotError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Segment(folder)


def _write_collection(folder: Path, vectors: FloatArray) -> None:
    from chromadb.errors import ChromaError

    try:
        client = _client(folder)
        try:
            collection = client.create_collection(
                _COLLECTION, embedding_function=None, configuration=_HNSW
            )
            add_vectors(collection, vectors)
        finally:
            client.close()
    except ChromaError as error:
        # Chroma tells of a full disk in words of its own.
        raise StorageError(folder, str(error), _REMEDY) from error


def add_vectors(collection: Any, vectors: FloatArray) -> None:
    """Fill a new collection; the id of a vector is its position."""
    for start in range(0, len(vectors), _BATCH):
        rows = vectors[start : start + _BATCH]
        collection.add(ids=[str(start + i) for i in range(len(rows))], embeddings=rows)


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(
        str(folder), settings=Settings(anonymized_telemetry=False, is_persistent=True)
    )
