"""Vectors of passages and codes of their words: segments, each written once and never changed.

A settled segment is a Chroma collection. A small one that a recent edit brought is
an array alone and is searched exactly, which takes a fraction of the time that
it takes to make a collection; it is merged into a collection later.

Nothing changes after it is written. That is how readers in other processes stay
right: an open Chroma client does not see what another process writes to its
folder, and would go on serving what that one deleted. A new build writes new
segments for new texts and names the old ones that it still uses.

The collections can be kept on a Chroma server instead; the folder of a segment then
holds its keys, its codes and the name of its collection.

Floor 2: the one module that imports chromadb. Distances stay in here: what
leaves is cosine similarity.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import IndexDamagedError, RagbotError, StorageError
from ragbot.inference.token_codes import Codes, Encoded

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

T = TypeVar("T")

TIMEOUT = 10.0
"""Seconds to wait for an answer of a Chroma server."""

RETRIES = (0.2, 0.8)
"""Seconds between the tries to reach it."""

_COLLECTION = "passages"
_KEYS, _VECTORS, _CHROMA, _REMOTE = "keys.txt", "vectors.npy", "chroma", "server"
_CODES, _FIRST_CODE = "codes.npy", "first_code.npy"
_BATCH = 2000
_HNSW = {"hnsw": {"space": "cosine", "ef_search": 200}}
_REMEDY = "Free some space or choose another folder with --index; the index is as it was."


class Server:
    """A Chroma server. Safe to share between threads.

    Parameters
    ----------
    url
        `http://host:port`; empty for none.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._client: Any = None

    def call(self, work: Callable[[Any], T]) -> T:
        """Do something with a client of the server, again if it cannot be reached at first.

        Raises
        ------
        StorageError
            If it stays out of reach, answers too late, or refuses.
        """
        from chromadb.errors import ChromaError
        from httpx import HTTPError

        if not self.url:
            found = "the vectors of this index are kept on a Chroma server"
            raise StorageError("RAGBOT_CHROMA_URL", found, "Set it to the address of the server.")
        failure = ""
        for pause in (*RETRIES, None):
            try:
                with self._lock:
                    self._client = self._client or _http_client(self.url)
                return work(self._client)
            except (HTTPError, ChromaError, ValueError, OSError) as error:
                # Chroma raises ValueError where it cannot connect.
                failure = (str(error).strip() or type(error).__name__).splitlines()[0]
                with self._lock:
                    self._client = None
            if pause is not None:
                time.sleep(pause)
        remedy = "Start it again, or unset RAGBOT_CHROMA_URL and run: ragbot index --rebuild"
        raise StorageError(self.url, f"the Chroma server does not answer ({failure})", remedy)

    def trouble(self) -> str:
        """Say why the server cannot be used; empty when it can."""
        try:
            self.call(lambda client: client.heartbeat())
        except StorageError as error:
            return str(error)
        return ""


class Segment:
    """Some vectors by key, unchangeable. Safe to share between threads.

    Attributes
    ----------
    keys
        Key of each vector; a vector's *position* is that of its key.
    settled
        Whether a collection stands behind it, rather than an array alone.
    server
        Where the collection is; None when it is in the folder.
    """

    def __init__(self, folder: Path, server: Server | None = None) -> None:
        self.folder = folder
        remote = (folder / _REMOTE).is_file()
        self.server = (server or Server("")) if remote else None
        self._matrix: FloatArray | None = None
        try:
            self.keys = (folder / _KEYS).read_text(encoding="ascii").split()
            self._codes: Codes = np.load(folder / _CODES, mmap_mode="r")
            self._first_code: IntArray = np.load(folder / _FIRST_CODE)
            if not remote:
                self._matrix = np.load(folder / _VECTORS, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise IndexDamagedError(folder, str(error)) from error
        if self._matrix is not None and len(self.keys) != len(self._matrix):
            found = f"{len(self.keys)} keys for {len(self._matrix)} vectors"
            raise IndexDamagedError(folder, found)
        self.settled = remote or (folder / _CHROMA).is_dir()
        self._lock = threading.Lock()
        self._collection: Any = None

    @property
    def name(self) -> str:
        """Name of the segment within its index."""
        return self.folder.name

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Position of each key."""
        return {key: position for position, key in enumerate(self.keys)}

    def take(self, positions: IntArray) -> FloatArray:
        """Give the unit vectors at these positions, shape (positions, dimension).

        Raises
        ------
        StorageError
            If the server that keeps them is out of reach.
        """
        if self._matrix is not None:
            return self._matrix[positions]
        assert self.server is not None
        names = [str(position) for position in positions]
        found = self.server.call(
            lambda client: client.get_collection(self.name, embedding_function=None).get(
                ids=names, include=["embeddings"]
            )
        )
        by_name = dict(zip(found["ids"], found["embeddings"], strict=True))
        return np.array([by_name[name] for name in names], np.float32)

    def codes(self, positions: IntArray) -> list[Codes]:
        """Give the codes of the words of the passages at these positions."""
        ends = zip(self._first_code[positions], self._first_code[positions + 1], strict=True)
        return [np.asarray(self._codes[first:last]) for first, last in ends]

    def encoded(self, positions: IntArray) -> Encoded:
        """Give what the encoder made of the passages at these positions.

        Raises
        ------
        StorageError
            If the server that keeps the vectors is out of reach.
        """
        return Encoded(self.take(positions), self.codes(positions))

    def nearest(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        """Positions of the nearest vectors with their cosine, best first; at most `k`.

        Raises
        ------
        IndexDamagedError
            If the collection cannot be read.
        StorageError
            If the server that keeps it is out of reach.
        """
        k = min(k, len(self.keys))
        if k == 0:
            return []
        if self.server is not None:
            return _pairs(self.server.call(lambda client: self._asked(client, query, k)))
        assert self._matrix is not None
        if self.settled:
            positions = np.array([at for at, _ in self._ask_chroma(query, k)], np.int64)
            cosines = cosine(self._matrix[positions], query)
            return list(zip(positions.tolist(), cosines.tolist(), strict=True))
        cosines = cosine(self._matrix, query)
        best = np.argsort(-cosines, kind="stable")[:k]
        return [(int(at), float(cosines[at])) for at in best]

    def _ask_chroma(self, query: FloatArray, k: int) -> list[tuple[int, float]]:
        from chromadb.errors import ChromaError

        try:
            with self._lock:
                if self._collection is None:
                    self._collection = self._opened()
                return _pairs(_query(self._collection, query, k))
        except (ChromaError, ValueError) as error:
            raise IndexDamagedError(self.folder, str(error)) from error

    def _opened(self) -> Any:
        client = _client(self.folder / _CHROMA)
        # A segment may be in use by an answer when its generation is left behind: it is
        # closed when the last one who holds it lets go.
        weakref.finalize(self, client.close)
        return client.get_collection(_COLLECTION, embedding_function=None)

    def _asked(self, client: Any, query: FloatArray, k: int) -> Any:
        return _query(client.get_collection(self.name, embedding_function=None), query, k)


def cosine(vectors: FloatArray, query: FloatArray) -> FloatArray:
    """Cosines of unit vectors, shape (n, dimension), with another, shape (n,).

    Exact to six digits, so that it does not matter in which segment a vector is, and among how
    many: a product of single precision is another one for another number of rows.
    """
    exact: NDArray[np.float64] = np.asarray(vectors, np.float64) @ np.asarray(query, np.float64)
    return np.round(exact, 6).astype(np.float32)


def _query(collection: Any, query: FloatArray, k: int) -> Any:
    return collection.query(query_embeddings=[query.tolist()], n_results=k, include=["distances"])


def _pairs(found: Any) -> list[tuple[int, float]]:
    """Read a result of Chroma: ids are positions, its cosine distance is 1 - cosine."""
    pairs = zip(found["ids"][0], found["distances"][0], strict=True)
    return [(int(name), 1.0 - float(distance)) for name, distance in pairs]


def write_segment(
    folder: Path,
    keys: Sequence[str],
    passages: Encoded,
    *,
    settled: bool,
    server: Server | None = None,
) -> Segment:
    """Write a segment into a folder that does not exist yet.

    Parameters
    ----------
    keys
        One distinct name a vector, ASCII without blanks.
    passages
        What the encoder made of each.
    settled
        Whether to make a collection of it.
    server
        Where to keep the collection; None for the folder.

    Raises
    ------
    StorageError
        If the disk is full or cannot be written, or the server is out of reach.
        What was begun is removed.
    """
    vectors = passages.vectors
    try:
        folder.mkdir(parents=True)
        (folder / _KEYS).write_text("\n".join(keys), encoding="ascii")
        np.save(folder / _CODES, np.concatenate(passages.codes))
        np.save(folder / _FIRST_CODE, np.cumsum([0, *map(len, passages.codes)]))
        if settled and server is not None:
            # Named before it is made: whoever removes the folder removes the collection.
            (folder / _REMOTE).write_text(server.url, encoding="utf-8")
            server.call(lambda client: _fill(client, folder.name, vectors))
        else:
            np.save(folder / _VECTORS, np.ascontiguousarray(vectors, np.float32))
            if settled:
                _write_collection(folder / _CHROMA, vectors)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StorageError(folder, error.strerror or str(error), _REMEDY) from error
    except RagbotError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Segment(folder, server)


def load_chroma() -> None:
    """Import what makes collections, which takes a second or two the first time."""
    import chromadb  # noqa: F401


def _write_collection(folder: Path, vectors: FloatArray) -> None:
    from chromadb.errors import ChromaError

    try:
        client = _client(folder)
        try:
            _fill(client, _COLLECTION, vectors)
        finally:
            client.close()
    except ChromaError as error:
        # Chroma tells of a full disk in words of its own.
        raise StorageError(folder, str(error), _REMEDY) from error


def _fill(client: Any, name: str, vectors: FloatArray) -> None:
    """Make a collection; the id of a vector is its position. A half-made one is made anew."""
    if any(collection.name == name for collection in client.list_collections()):
        client.delete_collection(name)
    collection = client.create_collection(name, embedding_function=None, configuration=_HNSW)
    for start in range(0, len(vectors), _BATCH):
        rows = vectors[start : start + _BATCH]
        collection.add(ids=[str(start + i) for i in range(len(rows))], embeddings=rows)


def remove_segment(folder: Path, server: Server | None) -> None:
    """Remove a segment and its collection; one that is out of reach is left for another time."""
    if (folder / _REMOTE).is_file() and server is not None:
        try:
            server.call(lambda client: _forget(client, folder.name))
        except StorageError:
            return
    shutil.rmtree(folder, ignore_errors=True)


def _forget(client: Any, name: str) -> None:
    from chromadb.errors import NotFoundError

    with contextlib.suppress(NotFoundError):
        client.delete_collection(name)


def _http_client(url: str) -> Any:
    import chromadb
    import httpx
    from chromadb.config import Settings

    # Asked first: Chroma's own client would wait for ever.
    httpx.get(f"{url.rstrip('/')}/api/v2/heartbeat", timeout=TIMEOUT).raise_for_status()
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    client: Any = chromadb.HttpClient(
        host=parts.hostname or "",
        port=parts.port or (443 if secure else 8000),
        ssl=secure,
        settings=Settings(anonymized_telemetry=False),
    )
    client._server._session.timeout = TIMEOUT
    return client


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(
        str(folder), settings=Settings(anonymized_telemetry=False, is_persistent=True)
    )
