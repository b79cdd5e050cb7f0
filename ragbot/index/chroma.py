"""The Chroma collection `passages`, a copy of the vectors in the database.

Chroma changes the collection in place, so a killed write damages it. An open client sees the writes
of its own process and those on a server, but no write of another process to the same folder. So the
database numbers the writes to Chroma. A client has at least the last write that was recorded before
it was opened; later passages are compared exactly. Its results count only if no write began since
the snapshot, because such a write may have removed passages that the snapshot has.

Only this module imports chromadb.
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
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import RagbotError
from ragbot.index.database import Database, read_meta, transaction, write_meta

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

    `collection` is the id of the index and, after a colon, of this build of the collection. `flush`
    is the number of the last complete write, and `ready` says whether none began since. `writer` is
    the version of Chroma that wrote it, and its server.
    """

    collection: str = ""
    flush: int = 0
    ready: bool = False
    writer: str = ""


def chroma_state(connection: sqlite3.Connection) -> ChromaState:
    """Return the recorded state of Chroma."""
    return ChromaState(*json.loads(read_meta(connection, "chroma", "[]")))


def write_chroma_state(connection: sqlite3.Connection, state: ChromaState) -> None:
    """Write the state of Chroma."""
    write_meta(connection, "chroma", json.dumps(state))


class Client(NamedTuple):
    """An open client, its collection, and a state whose write it has at least."""

    client: Any
    collection: Any
    state: ChromaState

    def can_serve(self, state: ChromaState) -> bool:
        """Return whether a snapshot of a state can use the collection."""
        return self.state.collection == state.collection and self.state.flush <= state.flush


class ChromaStore:
    """The collection `passages` of one index, in its folder or on a server. Thread-safe.

    `last_error` says why the last use of the collection failed; it is empty if that worked.
    """

    def __init__(self, database: Database, url: str = "") -> None:
        self.last_error = ""
        self._database = database
        self._folder = database.directory / "chroma"
        self._failed = database.directory / "chroma.failed"
        self._url = url
        self._lock = threading.RLock()
        self._open: Client | None = None
        self._opening: threading.Timer | None = None
        self._closed = False
        self._retry_at = 0.0

    def close(self) -> None:
        """Close the client; it is not opened again, and open snapshots compare vectors exactly."""
        with self._lock:
            self._closed = True
            if self._opening is not None:
                self._opening.cancel()
            self._close_client()

    def _close_client(self) -> None:
        with self._lock:
            opened, self._open = self._open, None
            if opened is not None:
                with contextlib.suppress(Exception):
                    opened.client.close()

    # Reading

    @property
    def is_open(self) -> bool:
        """True while a client is open."""
        return self._open is not None

    def client_for(self, state: ChromaState) -> Client | None:
        """Return a client that a snapshot of a state can use; None without one."""
        with self._lock:
            if self._open is None or not self._open.can_serve(state):
                self.reopen()
            found = self._open
        return found if found is not None and found.can_serve(state) else None

    def open_later(self) -> None:
        """Open the client in a thread, after `OPEN_AFTER` seconds."""
        # Without the lock, because no question should wait for a thread that opens the client.
        if self._opening is None and not self._closed:
            self._opening = threading.Timer(OPEN_AFTER, self.reopen)
            self._opening.daemon = True
            self._opening.start()

    def reopen(self) -> None:
        """Open a new client if there was a write since, and none is in progress."""
        with self._lock:
            self._opening = None
            if self._closed or time.monotonic() < self._retry_at:
                return
            state = self._recorded()
            if not state.ready or (self._open is not None and self._open.state == state):
                return
            try:
                _check(self._opened(state).collection)
                self.last_error = ""
            except BaseException as error:
                self._close_client()
                # Another process may be replacing the collection, which is no failure.
                if self._recorded() == state:
                    self._fail(error)

    def nearest(
        self, client: Client, state: ChromaState, vector: FloatArray, k: int
    ) -> list[int] | None:
        """Return the nearest passages, some of which the snapshot of the state may lack.

        None if the query fails, or if a write began since the snapshot.
        """
        try:
            found = client.collection.query(
                query_embeddings=[vector.tolist()], n_results=k, include=["distances"]
            )
        except BaseException as error:
            _raise_if_ending(error)
            with self._lock:
                # Another thread may have closed the client, or a process replaced the collection.
                if self._open is client and self._recorded() == state:
                    self._fail(error)
            return None
        return [int(name) for name in found["ids"][0]] if self._recorded() == state else None

    def _recorded(self) -> ChromaState:
        """Return the state that the database records now; an empty one if it cannot be read."""
        try:
            with contextlib.closing(self._database.reader(busy_seconds=0)) as connection:
                return chroma_state(connection)
        except (RagbotError, sqlite3.Error):
            return ChromaState()

    def _fail(self, error: BaseException) -> None:
        """Close the client after an error, and record it for the next refresh."""
        _raise_if_ending(error)
        with self._lock:
            self._close_client()
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self.last_error = (str(error).strip() or type(error).__name__).splitlines()[0]
            if not self._url:
                with contextlib.suppress(OSError):
                    self._failed.write_text(self.last_error, encoding="utf-8")

    def _forget_failure(self) -> None:
        self.last_error = ""
        with contextlib.suppress(OSError):
            self._failed.unlink(missing_ok=True)

    def _opened(self, state: ChromaState, *, create: bool = False) -> Client:
        """Open a client in place of the present one; with `create`, on a new, empty collection."""
        self._close_client()
        if create and not self._url:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(exist_ok=True)
        elif not self._url and not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is missing")
        client = _server_client(self._url) if self._url else _local_client(self._folder)
        name = self._name(client, state)
        if create:
            with contextlib.suppress(Exception):
                client.delete_collection(name)
            metadata = {"index": _owner(state)}
            collection = client.create_collection(
                name, embedding_function=None, configuration=_HNSW, metadata=metadata
            )
        else:
            collection = client.get_collection(name, embedding_function=None)
        self._open = Client(client, collection, state)
        return self._open

    def _name(self, client: Any, state: ChromaState) -> str:
        """Return the name of this index's collection: several indexes may share a server."""
        if self._url:
            owner = _owner(state)
            with contextlib.suppress(Exception):
                known = client.get_collection(COLLECTION, embedding_function=None)
                if (known.metadata or {}).get("index") != owner:
                    return f"{COLLECTION}-{owner[:8]}"
        return COLLECTION

    # Writing, under the writer's lock

    def is_due(self, connection: sqlite3.Connection, *, last: bool) -> bool:
        """Return whether a write is due; at the `last` call of a refresh, also for a rebuild."""
        query = f"SELECT ({_PENDING}) + (SELECT count(*) FROM chroma_removed), ({_EMBEDDED})"
        pending, embedded = connection.execute(query).fetchone()
        return pending >= FLUSH or bool(last and embedded and self.must_rebuild(connection))

    def must_rebuild(self, connection: sqlite3.Connection) -> bool:
        """Return whether the collection is missing, half written, damaged or of another version."""
        state = chroma_state(connection)
        if not state.ready or state.writer != self._writer:
            return True
        if not self._url and not self._folder.is_dir():
            return True
        if not self.last_error and not self._failed.exists():
            return False
        self._retry_at = 0.0
        self._close_client()
        self.reopen()  # and see whether it works now
        if self._open is None:
            return True
        self._forget_failure()
        return False

    def write(self, connection: sqlite3.Connection) -> None:
        """Update Chroma from the database. A failure is logged, because search works without it."""
        rebuild = self.must_rebuild(connection)
        old = chroma_state(connection)
        now = old._replace(ready=False, writer=self._writer)
        with transaction(connection):
            if rebuild:
                owner = read_meta(connection, "id")
                now = now._replace(collection=f"{owner}:{uuid.uuid4().hex[:8]}")
                connection.execute("UPDATE passage SET flush = NULL WHERE flush IS NOT NULL")
                connection.execute("DELETE FROM chroma_removed")
            write_chroma_state(connection, now)
        try:
            with self._lock:
                opened = self._open
                if opened is None or not opened.can_serve(now):
                    opened = self._opened(now, create=rebuild)
            for batch in _new_passages(connection):
                opened.collection.upsert(**batch)
            query = "SELECT passage FROM chroma_removed"
            gone = [str(number) for (number,) in connection.execute(query)]
            for start in range(0, len(gone), _BATCH):
                opened.collection.delete(ids=gone[start : start + _BATCH])
        except BaseException as error:
            self._fail(error)
            message = "Chroma cannot be written (%s); search compares all vectors until it can."
            _log.warning(message, self.last_error)
            return
        done = now._replace(flush=old.flush + 1, ready=True)
        with transaction(connection):
            connection.execute(
                f"UPDATE {_PENDING_ROWS} SET flush = {done.flush} WHERE {_IS_PENDING}"
            )
            connection.execute("DELETE FROM chroma_removed")
            write_chroma_state(connection, done)
        with self._lock:
            if self._open is opened:
                self._open = opened._replace(state=done)
        self._forget_failure()

    @cached_property
    def _writer(self) -> str:
        return f"{version('chromadb')} {self._url}"


# Without the hint, SQLite would scan all passages that have a vector.
_PENDING_ROWS = "passage INDEXED BY passage_unflushed"
_IS_PENDING = "flush IS NULL AND embedding IS NOT NULL"
_PENDING = f"SELECT count(*) FROM {_PENDING_ROWS} WHERE {_IS_PENDING}"
_EMBEDDED = "SELECT EXISTS (SELECT 1 FROM passage WHERE embedding IS NOT NULL)"


def _owner(state: ChromaState) -> str:
    """Return the id of the index that a collection belongs to."""
    return state.collection.partition(":")[0]


def _raise_if_ending(error: BaseException) -> None:
    """Raise an error that ends the program; Chroma raises others that are no Exception."""
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        raise error


def _check(collection: Any) -> None:
    """Raise an error if a collection cannot be queried, even if it can be opened."""
    vectors = collection.get(limit=1, include=["embeddings"])["embeddings"]
    if not len(vectors):
        raise LookupError("the collection is empty")
    collection.query(query_embeddings=[vectors[0]], n_results=1, include=["distances"])


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
    # gets another spelling of the path.
    path = f"{folder}{'/.' * (next(_OPENED) % 500)}"
    settings = Settings(anonymized_telemetry=False, is_persistent=True)
    return chromadb.PersistentClient(path, settings=settings)


def _server_client(url: str) -> Any:
    import chromadb
    import httpx
    from chromadb.config import Settings

    # Chroma's own client waits forever, and has no setting for a limit.
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
