"""The Chroma collection `passages`, which is derived from the vectors in the database.

Chroma changes the collection in place, which does not survive a kill, and an open client does not
see what another process writes. So a reader queries Chroma only for what its client has, and
compares the other vectors exactly.

The one module that imports chromadb.
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
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ragbot.index.database import read_meta, transaction, write_meta

FloatArray = NDArray[np.float32]

_log = logging.getLogger(__name__)

COLLECTION = "passages"
TIMEOUT = 10.0
"""Seconds to wait for a response of a Chroma server."""

FLUSH = 1000
"""New or removed passages that make a write to Chroma due."""

OPEN_AFTER = 3.0
"""Seconds from the first question until a process opens Chroma; a short command never does."""

RETRY_SECONDS = 5.0
"""Seconds before a client that failed may be opened again."""

_BATCH = 1000
_HNSW = {"hnsw": {"space": "cosine", "ef_search": 200}}
_OPENED = itertools.count()


class ChromaState(NamedTuple):
    """The state of the collection, as the database records it.

    Attributes
    ----------
    collection
        Id of the index and, after a colon, of this build of the collection.
    flush
        Number of the last complete write.
    ready
        Whether every write that began is complete.
    writer
        Version of Chroma that wrote it, and its server.
    """

    collection: str = ""
    flush: int = 0
    ready: bool = False
    writer: str = ""

    @property
    def owner(self) -> str:
        """Id of the index, which names its collection on a server."""
        return self.collection.partition(":")[0]


def chroma_state(connection: sqlite3.Connection) -> ChromaState:
    """Return the recorded state of Chroma."""
    return ChromaState(*json.loads(read_meta(connection, "chroma", "[]")))


def write_chroma_state(connection: sqlite3.Connection, state: ChromaState) -> None:
    """Write the state of Chroma."""
    write_meta(connection, "chroma", json.dumps(state))


@dataclass(slots=True)
class _Open:
    """An open client: its collection, and the last write that it has."""

    client: Any
    collection: Any
    state: ChromaState


class Readable(NamedTuple):
    """A collection that a snapshot can query, and the last write that its client has."""

    collection: Any
    flush: int


class ChromaStore:
    """The collection `passages` of one index, in its folder or on a server. Thread-safe.

    Attributes
    ----------
    last_error
        Why the last use of the collection failed; empty if it worked.
    """

    def __init__(self, directory: Path, url: str = "") -> None:
        self.last_error = ""
        self._folder = directory / "chroma"
        self._failed = directory / "chroma.failed"
        self._url = url
        self._lock = threading.RLock()
        self._open: _Open | None = None
        self._opening: threading.Timer | None = None
        self._writing = False
        self._closed = False
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """True while a client is open."""
        return self._open is not None

    def close(self) -> None:
        """Close the client for good; open snapshots compare vectors exactly."""
        with self._lock:
            self._closed = True
            if self._opening is not None:
                self._opening.cancel()
            self._close_client()

    def _close_client(self) -> None:
        with self._lock:
            if self._open is not None:
                with contextlib.suppress(Exception):
                    self._open.client.close()
            self._open = None

    # Reading

    def readable(self, state: ChromaState) -> Readable | None:
        """Return the collection of the open client; None if a snapshot cannot use it."""
        with self._lock:
            if not self._is_of(state) and state.ready:
                self.reopen(state)
            # The client of a later write lacks passages that an older snapshot may have.
            if not self._is_of(state) or self._open is None or self._open.state.flush > state.flush:
                return None
            return Readable(self._open.collection, self._open.state.flush)

    def open_later(self, state: ChromaState) -> None:
        """Open the client in a thread, after `OPEN_AFTER` seconds."""
        with self._lock:
            if self._opening is None:
                self._opening = threading.Timer(OPEN_AFTER, self.reopen, (state,))
                self._opening.daemon = True
                self._opening.start()

    def reopen(self, state: ChromaState) -> None:
        """Open the client again, to see what another process wrote."""
        with self._lock:
            self._opening = None
            if self._closed or self._writing or not state.ready:
                return
            if time.monotonic() < self._retry_at:
                return
            self._close_client()
            try:
                client = self._client()
                name = self._name(client, state)
                collection = client.get_collection(name, embedding_function=None)
                self.last_error = ""
                # Another process may have built it again since the snapshot began.
                if (collection.metadata or {}).get("build") == state.collection:
                    self._open = _Open(client, collection, state)
                else:
                    client.close()
            except BaseException as error:
                self._fail(error)

    def nearest(self, readable: Readable, vector: FloatArray, k: int) -> list[int] | None:
        """Return the nearest passages in a collection; None if it fails, or changes meanwhile."""
        try:
            found = readable.collection.query(
                query_embeddings=[vector.tolist()], n_results=k, include=["distances"]
            )
        except BaseException as error:
            with self._lock:
                if self._has(readable):
                    self._fail(error)
            _raise_if_ending(error)
            return None
        return [int(name) for name in found["ids"][0]] if self._has(readable) else None

    def _has(self, readable: Readable) -> bool:
        opened = self._open
        if opened is None or opened.collection is not readable.collection:
            return False
        return opened.state.flush == readable.flush

    def _is_of(self, state: ChromaState) -> bool:
        return self._open is not None and self._open.state.collection == state.collection

    def _fail(self, error: BaseException) -> None:
        """Close the client after an error, and record it for the next refresh."""
        _raise_if_ending(error)
        self._close_client()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self.last_error = (str(error).strip() or type(error).__name__).splitlines()[0]
        if not self._url:
            with contextlib.suppress(OSError):
                self._failed.write_text(self.last_error, encoding="utf-8")

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
        """Return whether a write to Chroma is due: enough is new, or it must be built again.

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
        return bool(self.last_error or self._failed.exists()) and not self._is_sound(state)

    def write(self, connection: sqlite3.Connection) -> None:
        """Update Chroma from the database. A failure is logged: exact search works without it."""
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
        self._writing = True
        try:
            self._fill(connection, now, rebuild=rebuild)
        except BaseException as error:
            self._fail(error)
            message = "Chroma cannot be written (%s); vectors are compared exactly until then."
            _log.warning(message, self.last_error)
            return
        finally:
            self._writing = False
        with transaction(connection):
            connection.execute(
                f"UPDATE {_PENDING_ROWS} SET flush = {now.flush} WHERE {_IS_PENDING}"
            )
            connection.execute("DELETE FROM chroma_removed")
            write_chroma_state(connection, now._replace(ready=True))
        with contextlib.suppress(OSError):
            self._failed.unlink(missing_ok=True)
        self.last_error = ""

    def _writer(self) -> str:
        return f"{version('chromadb')} {self._url}"

    def _is_sound(self, state: ChromaState) -> bool:
        """Return whether the collection works, after it failed a reader."""
        self._retry_at = 0.0
        self.reopen(state)
        readable = self.readable(state)
        if readable is None:
            return False
        try:
            some = readable.collection.get(limit=1, include=["embeddings"])["embeddings"]
        except BaseException as error:
            self._fail(error)
            return False
        return (
            len(some) > 0 and self.nearest(readable, np.asarray(some[0], np.float32), 1) is not None
        )

    def _fill(self, connection: sqlite3.Connection, state: ChromaState, *, rebuild: bool) -> None:
        opened = self._open_to_write(state, rebuild=rebuild)
        for batch in _new_passages(connection):
            opened.collection.upsert(**batch)
        # From here on it lacks passages that an older snapshot may have.
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
            self._close_client()
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
                    metadata={"index": state.owner, "build": state.collection},
                )
            else:
                collection = client.get_collection(name, embedding_function=None)
            self._open = _Open(client, collection, before)
            return self._open


# SQLite would else scan all passages that have a vector.
_PENDING_ROWS = "passage INDEXED BY passage_unflushed"
_IS_PENDING = "flush IS NULL AND embedding IS NOT NULL"
_PENDING = f"SELECT count(*) FROM {_PENDING_ROWS} WHERE {_IS_PENDING}"
_REMOVED = "SELECT count(*) FROM chroma_removed"
_EMBEDDED = "SELECT EXISTS (SELECT 1 FROM passage WHERE embedding IS NOT NULL)"


def _raise_if_ending(error: BaseException) -> None:
    """Raise an error that ends the program; Chroma's own may derive from BaseException."""
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        raise error


def _count(connection: sqlite3.Connection, query: str) -> int:
    found: int = connection.execute(query).fetchone()[0]
    return found


def _new_passages(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield the passages that Chroma lacks, as arguments of `upsert`."""
    query = (
        "SELECT p.id, n.path, n.title, n.tags, p.headings, p.first, p.last, e.vector, c.text "
        "FROM passage p INDEXED BY passage_unflushed JOIN embedding e ON e.id = p.embedding "
        "JOIN note n ON n.id = p.note JOIN content c ON c.note = p.note "
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

    # Chroma shares one client among equal paths, even after the files were replaced. So each client
    # spells the path in its own way.
    path = f"{folder}{'/.' * (next(_OPENED) % 500)}"
    settings = Settings(anonymized_telemetry=False, is_persistent=True)
    return chromadb.PersistentClient(path, settings=settings)


def _server_client(url: str) -> Any:
    import chromadb
    import httpx
    from chromadb.config import Settings

    # Chroma's own client waits without a limit, and has no setting for one.
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
