"""Vectors on disk: segments, each a Chroma collection that is written once.

A segment never changes after it is written. That is how readers in other
processes stay right: an open Chroma client does not see what another process
writes to its folder, and would go on serving what that one deleted. A new
build writes a new segment for the new texts and names the old ones it still
uses. Beside each collection stand the same vectors as an array, to compare a
question exactly with rows that something else than nearness has found.

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

from ragbot.errors import IndexDamagedError, StorageError

FloatArray = NDArray[np.float32]

_COLLECTION = "passages"
_KEYS, _VECTORS, _CHROMA = "keys.txt", "vectors.npy", "chroma"
_BATCH = 2000


class Segment:
    """Some vectors by key, unchangeable. Safe to share between threads.

    Attributes
    ----------
    keys
        Key of each vector, in the order of the array.
    matrix
        Unit vectors, shape (len(keys), dimension), read from the disk as needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.keys = (folder / _KEYS).read_text(encoding="ascii").split()
            self.matrix: FloatArray = np.load(folder / _VECTORS, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise IndexDamagedError(folder, str(error)) from error
        if len(self.keys) != len(self.matrix):
            found = f"{len(self.keys)} keys for {len(self.matrix)} vectors"
            raise IndexDamagedError(folder, found)
        self._lock = threading.Lock()
        self._collection: Any = None

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Positions of the nearest vectors with their cosine, best first; at most `k`."""
        k = min(k, len(self.keys))
        if k == 0:
            return []
        with self._lock:
            if self._collection is None:
                client = _client(self.folder / _CHROMA)
                # A segment may be in use by an answer when its generation is left behind: it is
                # closed when the last one who holds it lets go.
                weakref.finalize(self, client.close)
                self._collection = client.get_collection(_COLLECTION, embedding_function=None)
            found = self._collection.query(
                query_embeddings=[query.tolist()], n_results=k, include=["distances"]
            )
        # Chroma's cosine distance is 1 - cosine.
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(int(name), 1.0 - float(distance)) for name, distance in pairs]


def write_segment(folder: Path, keys: Sequence[str], vectors: FloatArray) -> None:
    """Write a segment into a folder that does not exist yet.

    Parameters
    ----------
    keys
        One distinct name a vector, ASCII without blanks.
    vectors
        Unit rows, shape (len(keys), dimension).

    Raises
    ------
    StorageError
        If the disk is full or cannot be written. What was begun is removed.
    """
    try:
        folder.mkdir(parents=True)
        np.save(folder / _VECTORS, np.ascontiguousarray(vectors, np.float32))
        (folder / _KEYS).write_text("\n".join(keys), encoding="ascii")
        _write_collection(folder / _CHROMA, vectors)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        remedy = "Free some space or choose another folder with --index; the index is as it was."
        raise StorageError(folder, error.strerror or str(error), remedy) from error


def _write_collection(folder: Path, vectors: FloatArray) -> None:
    client = _client(folder)
    try:
        collection = client.create_collection(
            _COLLECTION,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
        )
        for start in range(0, len(vectors), _BATCH):
            rows = vectors[start : start + _BATCH]
            collection.add(
                ids=[str(start + i) for i in range(len(rows))],
                embeddings=rows,
            )
    finally:
        client.close()


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(
        str(folder), settings=Settings(anonymized_telemetry=False, is_persistent=True)
    )
