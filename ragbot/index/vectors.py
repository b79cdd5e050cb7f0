"""Vectors: the Chroma collection `passages`, and exact search over the database.

The database holds every vector; Chroma is derived from it. The collection is
changed in place, which does not survive a kill, and an open client does not see what another
process writes. So a reader asks Chroma only for what its client is known to hold, compares
newer vectors exactly, and compares all of them exactly while Chroma cannot be used.

The one module that imports chromadb. Distances stay in here: what leaves is cosine similarity.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ragbot.index.database import read_meta, transaction, write_meta
from ragbot.models import NoteId

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_log = logging.getLogger(__name__)

COLLECTION = "passages"
TIMEOUT = 10.0
"""Seconds to wait for an answer of a Chroma server."""

FLUSH = 1000
"""Passages that are new or gone before Chroma is written again."""

REOPEN = 2000
"""Newer vectors that are compared exactly before a reader opens its client again."""

FEW = 20_000
"""Passages that a process compares exactly until it has opened Chroma: some milliseconds, where
importing Chroma takes a second."""

OPEN_AFTER = 3.0
"""Seconds after its first question that a process opens Chroma: a short command never does."""

RETRY_SECONDS = 5.0
"""Seconds before a client that failed is opened again."""

_BATCH = 1000
_TIED = 8
"""More of the nearest that are asked for than are wanted, as the last ones may be equally near."""

_HNSW = {"hnsw": {"space": "cosine", "ef_search": 200}}
_OPENED = itertools.count()


class ChromaState(NamedTuple):
    """What the database says of Chroma.

    Attributes
    ----------
    collection
        Name of the index and, after a colon, of the collection that was built from nothing.
    flush
        Number of the last write that ended.
    ready
        Whether the collection can be used: no write has begun that did not end.
    writer
        Version of Chroma that wrote it, and where it is.
    """

    collection: str = ""
    flush: int = 0
    ready: bool = False
    writer: str = ""

    @property
    def owner(self) -> str:
        """Name of the index, by which its collection is known on a server."""
        return self.collection.partition(":")[0]


def chroma_state(connection: sqlite3.Connection) -> ChromaState:
    """Return what the database says of Chroma."""
    return ChromaState(*json.loads(read_meta(connection, "chroma", "[]")))


def write_chroma_state(connection: sqlite3.Connection, state: ChromaState) -> None:
    """Write what the database says of Chroma."""
    write_meta(connection, "chroma", json.dumps(state))


@dataclass(slots=True)
class _Open:
    """An open client: its collection, and the last write that it is known to hold."""

    client: Any
    collection: Any
    state: ChromaState


class ChromaStore:
    """The collection `passages` of one index, in its folder or on a server. Thread-safe.

    Attributes
    ----------
    trouble
        Why the collection could not be used the last time; empty when it could.
    """

    def __init__(self, directory: Path, url: str = "") -> None:
        self.trouble = ""
        self._folder = directory / "chroma"
        self._failed = directory / "chroma.failed"
        self._url = url
        self._lock = threading.RLock()
        self._open: _Open | None = None
        self._opening: threading.Timer | None = None
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a client is open."""
        return self._open is not None

    def close(self) -> None:
        """Close the client."""
        with self._lock:
            if self._opening is not None:
                self._opening.cancel()
            if self._open is not None:
                with contextlib.suppress(Exception):
                    self._open.client.close()
            self._open = None

    # Reading

    def held(self, state: ChromaState) -> int | None:
        """Return the last write that the open client holds; None where Chroma cannot be used.

        Parameters
        ----------
        state
            What the database of a snapshot says of Chroma.
        """
        with self._lock:
            if not self._is_of(state) and state.ready:
                self.reopen(state)
            # The client of a later write lacks passages that an older snapshot may hold.
            if not self._is_of(state) or self._open is None or self._open.state.flush > state.flush:
                return None
            return self._open.state.flush

    def open_later(self, state: ChromaState) -> None:
        """Open the client in a thread, when the process has run for a while."""
        with self._lock:
            if self._opening is None:
                self._opening = threading.Timer(OPEN_AFTER, self.reopen, (state,))
                self._opening.daemon = True
                self._opening.start()

    def reopen(self, state: ChromaState) -> None:
        """Open the client again, to see what another process wrote."""
        with self._lock:
            self._opening = None
            if not state.ready or time.monotonic() < self._retry_at:
                return
            self.close()
            try:
                client = self._client()
                name = self._name(client, state)
                collection = client.get_collection(name, embedding_function=None)
                self._open = _Open(client, collection, state)
                self.trouble = ""
            except BaseException as error:
                self._fail(error)

    def nearest(self, vector: FloatArray, k: int) -> list[int] | None:
        """Return the nearest passages that the client knows; None where it fails."""
        opened = self._open
        if opened is None:
            return None
        try:
            found = opened.collection.query(
                query_embeddings=[vector.tolist()], n_results=k, include=["distances"]
            )
        except BaseException as error:
            self._fail(error)
            return None
        return [int(name) for name in found["ids"][0]]

    def _is_of(self, state: ChromaState) -> bool:
        return self._open is not None and self._open.state.collection == state.collection

    def _fail(self, error: BaseException) -> None:
        """Close the client after an error, and leave word for the next refresh."""
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise error
        self.close()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self.trouble = (str(error).strip() or type(error).__name__).splitlines()[0]
        if not self._url:
            with contextlib.suppress(OSError):
                self._failed.write_text(self.trouble, encoding="utf-8")

    def _client(self) -> Any:
        if self._url:
            return _server_client(self._url)
        if not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is gone")
        return _local_client(self._folder)

    def _name(self, client: Any, state: ChromaState) -> str:
        """Return the name of this index's collection: several indexes may share a server."""
        if self._url:
            with contextlib.suppress(Exception):
                known = client.get_collection(COLLECTION, embedding_function=None)
                if (known.metadata or {}).get("index") != state.owner:
                    return f"{COLLECTION}-{state.owner[:8]}"
        return COLLECTION

    # Writing, under the writer's lock

    def is_due(self, connection: sqlite3.Connection, *, last: bool) -> bool:
        """Return whether Chroma is to be written: enough is new, or it must be built again.

        Parameters
        ----------
        last
            Whether the refresh is at its end.
        """
        if _count(connection, _PENDING) + _count(connection, _REMOVED) >= FLUSH:
            return True
        return last and self.must_rebuild(connection) and bool(_count(connection, _EMBEDDED))

    def must_rebuild(self, connection: sqlite3.Connection) -> bool:
        """Return whether the collection is missing, half written, damaged or of another version."""
        state = chroma_state(connection)
        if not state.ready or state.writer != self._writer():
            return True
        if not self._url and not self._folder.is_dir():
            return True
        return bool(self.trouble or self._failed.exists()) and not self._is_sound(state)

    def write(self, connection: sqlite3.Connection) -> None:
        """Bring Chroma up to date with the database. A failure is logged: exact search goes on."""
        rebuild = self.must_rebuild(connection)
        old = chroma_state(connection)
        now = old._replace(flush=old.flush + 1, ready=False, writer=self._writer())
        with transaction(connection):
            if rebuild:
                owner = read_meta(connection, "id")
                now = now._replace(collection=f"{owner}:{uuid.uuid4().hex[:8]}")
                connection.execute("UPDATE passage SET flush = NULL WHERE flush IS NOT NULL")
                connection.execute("DELETE FROM chroma_removed")
            write_chroma_state(connection, now._replace(flush=old.flush))
        try:
            self._fill(connection, now, rebuild=rebuild)
        except BaseException as error:
            self._fail(error)
            message = "Chroma cannot be written (%s); vectors are compared exactly until then."
            _log.warning(message, self.trouble)
            return
        with transaction(connection):
            connection.execute(f"UPDATE passage SET flush = {now.flush} WHERE {_PENDING_ROWS}")
            connection.execute("DELETE FROM chroma_removed")
            write_chroma_state(connection, now._replace(ready=True))
        with contextlib.suppress(OSError):
            self._failed.unlink(missing_ok=True)
        self.trouble = ""

    def _writer(self) -> str:
        return f"{version('chromadb')} {self._url}"

    def _is_sound(self, state: ChromaState) -> bool:
        """Return whether a collection answers that failed a reader, who may have been late."""
        self._retry_at = 0.0
        self.reopen(state)
        if self._open is None:
            return False
        try:
            some = self._open.collection.get(limit=1, include=["embeddings"])["embeddings"]
        except BaseException as error:
            self._fail(error)
            return False
        return len(some) > 0 and self.nearest(np.asarray(some[0], np.float32), 1) is not None

    def _fill(self, connection: sqlite3.Connection, state: ChromaState, *, rebuild: bool) -> None:
        opened = self._open_to_write(state, rebuild=rebuild)
        for batch in _new_passages(connection):
            opened.collection.upsert(**batch)
        # From here on it lacks passages that an older snapshot may hold.
        opened.state = state
        query = "SELECT passage FROM chroma_removed"
        gone = [str(number) for (number,) in connection.execute(query)]
        for start in range(0, len(gone), _BATCH):
            opened.collection.delete(ids=gone[start : start + _BATCH])

    def _open_to_write(self, state: ChromaState, *, rebuild: bool) -> _Open:
        before = state._replace(flush=state.flush - 1)
        with self._lock:
            if self._open is not None and self._open.state[:2] == before[:2]:
                return self._open
            self.close()
            if rebuild and not self._url:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder.mkdir(exist_ok=True)
            client = self._client()
            name = self._name(client, state)
            if rebuild:
                with contextlib.suppress(Exception):
                    client.delete_collection(name)
                collection = client.create_collection(
                    name,
                    embedding_function=None,
                    configuration=_HNSW,
                    metadata={"index": state.owner},
                )
            else:
                collection = client.get_collection(name, embedding_function=None)
            self._open = _Open(client, collection, before)
            return self._open


class Vectors:
    """The vectors of one snapshot.

    Parameters
    ----------
    cache
        Values that stay as long as the index does, shared by its snapshots.
    """

    def __init__(
        self, connection: sqlite3.Connection, store: ChromaStore | None, cache: dict[str, Any]
    ) -> None:
        self._connection = connection
        self._store = store
        self._cache = cache
        self._dimension: int = read_meta(connection, "dimension", 1)

    def nearest(
        self, query: FloatArray, k: int, within: Collection[NoteId] | None = None
    ) -> list[tuple[int, float]]:
        """Return the k passages nearest to a unit vector, with their cosine, best first."""
        found = None if within is not None or self._store is None else self._by_chroma(query, k)
        if found is None:
            ids, matrix = self._all() if within is None else self._of_notes(within)
            found = _best(ids, cosine(matrix, query), k)
        return self._ordered(found)[:k]

    def similarities(self, query: FloatArray, passages: Sequence[int]) -> FloatArray:
        """Return the cosine of a unit vector with each passage; 0 for one without a vector."""
        return cosine(self.vectors(passages), query)

    def vectors(self, passages: Sequence[int]) -> FloatArray:
        """Return the unit vector of each passage; zeros for one without a vector."""
        rows = self._rows("vector", passages)
        found = np.zeros((len(passages), self._dimension), np.float32)
        for place, number in enumerate(passages):
            if number in rows:
                found[place] = np.frombuffer(rows[number], np.float32)
        return found

    def codes(self, passages: Sequence[int]) -> Mapping[int, bytes]:
        """Return the packed codes of those passages that have a vector."""
        return self._rows("codes", passages)

    def _rows(self, column: str, passages: Sequence[int]) -> Mapping[int, bytes]:
        query = (
            f"SELECT p.id, e.{column} FROM passage p JOIN embedding e ON e.id = p.embedding "
            "WHERE p.id IN (SELECT value FROM json_each(?))"
        )
        wanted = json.dumps([int(number) for number in passages])
        return dict(self._connection.execute(query, (wanted,)).fetchall())

    def _by_chroma(self, query: FloatArray, k: int) -> list[tuple[int, float]] | None:
        """Ask Chroma, and compare what it does not hold; None where it cannot be used."""
        assert self._store is not None
        state = chroma_state(self._connection)
        if not self._store.is_open and _count(self._connection, _PASSAGES) <= FEW:
            self._store.open_later(state)
            return None
        held = self._store.held(state)
        if held is not None and held < state.flush and len(self._newer(held)[0]) > REOPEN:
            self._store.reopen(state)
            held = self._store.held(state)
        if held is None:
            return None
        ask = k + _TIED
        while True:
            names = self._store.nearest(query, ask)
            if names is None:
                return None
            alive = sorted(self._rows("id", names))
            if len(alive) >= k or len(names) < ask:
                break
            ask *= 2
        ids, matrix = self._newer(held)
        found = dict(_best(ids, cosine(matrix, query), k))
        found |= zip(alive, self.similarities(query, alive).tolist(), strict=True)
        return list(found.items())

    def _newer(self, held: int) -> tuple[IntArray, FloatArray]:
        """Return the passages with vectors that were put into Chroma after a write, or not yet."""
        where = "(p.flush IS NULL AND p.embedding IS NOT NULL) OR p.flush > ?"
        return self._matrix(f"newer {held}", where, (held,))

    def _all(self) -> tuple[IntArray, FloatArray]:
        return self._matrix("all", "p.embedding IS NOT NULL", ())

    def _of_notes(self, notes: Collection[NoteId]) -> tuple[IntArray, FloatArray]:
        where = "p.note IN (SELECT id FROM note WHERE path IN (SELECT value FROM json_each(?)))"
        return self._read(where, (json.dumps(list(notes)),))

    def _matrix(
        self, name: str, where: str, values: tuple[Any, ...]
    ) -> tuple[IntArray, FloatArray]:
        if name not in self._cache:
            self._cache[name] = self._read(where, values)
        found: tuple[IntArray, FloatArray] = self._cache[name]
        return found

    def _read(self, where: str, values: tuple[Any, ...]) -> tuple[IntArray, FloatArray]:
        query = (
            "SELECT p.id, e.vector FROM passage p JOIN embedding e ON e.id = p.embedding "
            f"WHERE {where} ORDER BY p.id"
        )
        ids: list[int] = []
        content = bytearray()
        for number, vector in self._connection.execute(query, values):
            ids.append(number)
            content += vector
        matrix = np.frombuffer(content, np.float32).reshape(len(ids), -1 if ids else 1)
        return np.array(ids, np.int64), matrix

    def _ordered(self, found: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """Return passages best first, those of equal cosine in order of note and place."""
        query = (
            "SELECT p.id, n.path, p.first FROM passage p JOIN note n ON n.id = p.note "
            "WHERE p.id IN (SELECT value FROM json_each(?))"
        )
        wanted = json.dumps([number for number, _ in found])
        places = {number: place for number, *place in self._connection.execute(query, (wanted,))}
        return sorted(found, key=lambda pair: (-pair[1], places[pair[0]]))


def cosine(vectors: FloatArray, query: FloatArray) -> FloatArray:
    """Return the cosines of unit vectors, shape (n, dimension), with another, shape (n,).

    Exact to six digits, so that it does not matter among how many others a vector is compared:
    a product of single precision is another one for another number of rows.
    """
    if not len(vectors):
        return np.zeros(0, np.float32)
    exact: NDArray[np.float64] = np.asarray(vectors, np.float64) @ np.asarray(query, np.float64)
    return np.round(exact, 6).astype(np.float32)


def _best(ids: IntArray, cosines: FloatArray, k: int) -> list[tuple[int, float]]:
    """Return the best `k` and those that are as near as the last of them."""
    if len(ids) > k:
        least = -np.partition(-cosines, k - 1)[k - 1]
        kept = np.flatnonzero(cosines >= least)
        ids, cosines = ids[kept], cosines[kept]
    return list(zip(ids.tolist(), cosines.tolist(), strict=True))


_PENDING_ROWS = "flush IS NULL AND embedding IS NOT NULL"
_PENDING = f"SELECT count(*) FROM passage WHERE {_PENDING_ROWS}"
_REMOVED = "SELECT count(*) FROM chroma_removed"
_PASSAGES = "SELECT count(*) FROM passage"
_EMBEDDED = "SELECT EXISTS (SELECT 1 FROM passage WHERE embedding IS NOT NULL)"


def _count(connection: sqlite3.Connection, query: str) -> int:
    found: int = connection.execute(query).fetchone()[0]
    return found


def _new_passages(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield what Chroma does not hold, as the arguments of `upsert`."""
    query = (
        "SELECT p.id, n.path, n.title, n.tags, p.headings, p.first, p.last, e.vector, c.text "
        "FROM passage p JOIN embedding e ON e.id = p.embedding JOIN note n ON n.id = p.note "
        "JOIN content c ON c.note = p.note "
        "WHERE p.flush IS NULL AND p.embedding IS NOT NULL ORDER BY p.id"
    )
    cursor = connection.execute(query)
    while rows := cursor.fetchmany(_BATCH):
        yield {
            "ids": [str(row[0]) for row in rows],
            "embeddings": [np.frombuffer(row[7], np.float32) for row in rows],
            "documents": [row[8][row[5] : row[6]] for row in rows],
            "metadatas": [_metadata(*row[1:5]) for row in rows],
        }


def _metadata(path: str, title: str, tags: str, headings: str) -> dict[str, Any]:
    found = {"note": path, "title": title}
    lists = {"headings": json.loads(headings), "tags": json.loads(tags)}
    return found | {name: value for name, value in lists.items() if value}


def _local_client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    # Chroma gives one client to all who name a path alike, also after its files are gone: so each
    # client has a spelling of its own.
    path = f"{folder}{'/.' * (next(_OPENED) % 500)}"
    settings = Settings(anonymized_telemetry=False, is_persistent=True)
    return chromadb.PersistentClient(path, settings=settings)


def _server_client(url: str) -> Any:
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
