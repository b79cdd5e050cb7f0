"""Vectors: a refresh writes them to the database and to Chroma, and a snapshot compares them.

Chroma finds the nearest ones, or all vectors in the database are compared.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot.index.chroma import (
    ChromaState,
    ChromaStore,
    Client,
    chroma_state,
    write_chroma_state,
)
from ragbot.index.database import StateCache, count_up, read_meta, transaction, write_meta
from ragbot.inference.encoder import EncodedBatches, Encoder, EncoderIdentity, longest_first
from ragbot.inference.token_codes import Codes, Encoded, none
from ragbot.models import NoteId, Progress

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_log = logging.getLogger(__name__)

BATCH = 256
"""Vectors in one transaction."""

MOST_PENDING = 20_000
"""Pending texts that are read into memory at a time."""

REOPEN = 2000
"""Most vectors newer than a client to compare exactly; with more, a reader opens another one."""

FEW = 20_000
"""Most passages to compare exactly while Chroma is closed: faster than importing it."""

_TIED = 8
"""Extra neighbours to request, as some may be as near as the last wanted one."""


class Vectors:
    """The vectors of one snapshot, by Chroma if there is a store, else compared exactly."""

    def __init__(
        self, connection: sqlite3.Connection, store: ChromaStore | None, cache: StateCache
    ) -> None:
        self._connection = connection
        self._store = store
        self._cache = cache
        self._dimension: int = read_meta(connection, "dimension", 1)

    def nearest(
        self, query: FloatArray, k: int, within: Collection[NoteId] | None = None
    ) -> list[tuple[int, float]]:
        """Return the k passages of some notes, or of all, nearest to a unit vector, best first.

        Each has its cosine.
        """
        found = None if within is not None or self._store is None else self._by_chroma(query, k)
        if found is None:
            if within is None:
                ids, matrix = self._cache.get("all", lambda: self._read("p.embedding IS NOT NULL"))
            else:
                notes = "SELECT id FROM note WHERE path IN (SELECT value FROM json_each(?))"
                ids, matrix = self._read(f"p.note IN ({notes})", json.dumps(list(within)))
            found = _best(ids, cosine(matrix, query), k)
        return self._ordered(found)[:k]

    def similarities(self, query: FloatArray, passages: Sequence[int]) -> FloatArray:
        """Return the exact cosine of a unit vector to each passage; 0 for one without a vector."""
        return cosine(self.of(passages), query)

    def of(self, passages: Sequence[int]) -> FloatArray:
        """Return the unit vector of each passage; zeros for one without a vector."""
        rows = self._rows("vector", passages)
        found = np.zeros((len(passages), self._dimension), np.float32)
        for place, number in enumerate(passages):
            if number in rows:
                found[place] = np.frombuffer(rows[number], np.float32)
        return found

    def first_of(self, notes: Collection[NoteId]) -> Mapping[NoteId, FloatArray]:
        """Return the unit vector of the first passage of each note that has one."""
        query = (
            "SELECT n.path, e.vector FROM note n JOIN passage p ON p.id = "
            "(SELECT id FROM passage WHERE note = n.id ORDER BY first, id LIMIT 1) "
            "JOIN embedding e ON e.id = p.embedding "
            "WHERE n.path IN (SELECT value FROM json_each(?))"
        )
        rows = self._connection.execute(query, (json.dumps(list(notes)),))
        return {note: np.frombuffer(vector, np.float32) for note, vector in rows}

    def codes(self, passages: Sequence[int]) -> list[Codes]:
        """Return the codes of the words of each passage; empty for one without a vector."""
        nothing = none(self._dimension)
        rows = self._rows("codes", passages)
        return [
            np.frombuffer(rows[number], nothing.dtype) if number in rows else nothing
            for number in passages
        ]

    def _rows(self, column: str, passages: Sequence[int]) -> Mapping[int, bytes]:
        query = (
            f"SELECT p.id, e.{column} FROM passage p JOIN embedding e ON e.id = p.embedding "
            "WHERE p.id IN (SELECT value FROM json_each(?))"
        )
        wanted = json.dumps([int(number) for number in passages])
        return dict(self._connection.execute(query, (wanted,)).fetchall())

    def _by_chroma(self, query: FloatArray, k: int) -> list[tuple[int, float]] | None:
        """Return the nearest passages by Chroma, and newer ones; None if Chroma cannot be used."""
        assert self._store is not None
        state = chroma_state(self._connection)
        (count,) = self._connection.execute("SELECT count(*) FROM passage").fetchone()
        if not self._store.is_open and count <= FEW:
            self._store.open_later()
            return None
        client = self._store.client_for(state)
        if client is not None and len(self._newer(client, state)[0]) > REOPEN:
            self._store.reopen()
            client = self._store.client_for(state)
        if client is None:
            return None
        ask = k + _TIED
        while True:
            names = self._store.nearest(client, state, query, ask)
            if names is None:
                return None
            alive = self._rows("vector", names)
            if len(alive) >= k or len(names) < ask:
                break
            ask *= 2
        ids, matrix = self._newer(client, state)
        found = dict(_best(ids, cosine(matrix, query), k))
        found |= zip(
            alive, cosine(_stack(b"".join(alive.values()), len(alive)), query).tolist(), strict=True
        )
        return list(found.items())

    def _newer(self, client: Client, state: ChromaState) -> tuple[IntArray, FloatArray]:
        """Return the passages with vectors that a client may lack."""
        flush = client.state.flush
        # UNION ALL uses two indexes; for an OR, SQLite would scan all passages.
        pending = "SELECT id FROM passage INDEXED BY passage_unflushed "
        pending += "WHERE flush IS NULL AND embedding IS NOT NULL"
        later = "SELECT id FROM passage WHERE flush > ?"
        where = f"p.id IN ({pending} UNION ALL {later})"
        # A write to Chroma does not count as another state of the index, so its own is in the name.
        return self._cache.get(f"newer {flush} {state}", lambda: self._read(where, flush))

    def _read(self, where: str, *values: object) -> tuple[IntArray, FloatArray]:
        query = (
            "SELECT p.id, e.vector FROM passage p JOIN embedding e ON e.id = p.embedding "
            f"WHERE {where} ORDER BY p.id"
        )
        ids: list[int] = []
        content = bytearray()  # not a list, because these may be all vectors
        for number, vector in self._connection.execute(query, values):
            ids.append(number)
            content += vector
        return np.array(ids, np.int64), _stack(content, len(ids))

    def _ordered(self, found: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """Return passages best first; of equal cosines, in order of note and place."""
        query = (
            "SELECT p.id, n.path, p.first FROM passage p JOIN note n ON n.id = p.note "
            "WHERE p.id IN (SELECT value FROM json_each(?))"
        )
        wanted = json.dumps([number for number, _ in found])
        places = {number: place for number, *place in self._connection.execute(query, (wanted,))}
        return sorted(found, key=lambda pair: (-pair[1], places[pair[0]]))


def cosine(vectors: FloatArray, query: FloatArray) -> FloatArray:
    """Return the cosines of unit vectors, shape (n, dimension), with one unit vector, shape (n,).

    They are computed in double precision and rounded to six digits, because in single precision
    the result depends on the number of rows.
    """
    if not len(vectors):
        return np.zeros(0, np.float32)
    exact: NDArray[np.float64] = np.asarray(vectors, np.float64) @ np.asarray(query, np.float64)
    return np.round(exact, 6).astype(np.float32)


def _stack(vectors: bytes | bytearray, count: int) -> FloatArray:
    """Return stored vectors, one after the other, as the rows of a matrix."""
    return np.frombuffer(vectors, np.float32).reshape(count, -1 if count else 1)


def _best(ids: IntArray, cosines: FloatArray, k: int) -> list[tuple[int, float]]:
    """Return the best `k`, and others that are as near as the last of them."""
    if len(ids) > k:
        least = -np.partition(-cosines, k - 1)[k - 1]
        kept = np.flatnonzero(cosines >= least)
        ids, cosines = ids[kept], cosines[kept]
    return list(zip(ids.tolist(), cosines.tolist(), strict=True))


class VectorWriter:
    """Writes the vectors of one refresh, and counts the texts that it has `embedded`."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        chroma: ChromaStore,
        encoder: Encoder | None,
        report: Callable[[Progress], None],
        *,
        rebuild: bool,
    ) -> None:
        self.embedded = 0
        self._connection = connection
        self._chroma = chroma
        self._encoder = encoder
        self._report = report
        self._rebuild = rebuild
        self._to_embed = "embedding IS NULL"
        self._batches: EncodedBatches | None = None
        self._keys: deque[str] = deque()

    def close(self) -> None:
        """Cancel the embedding in progress; the next `embed` reads the pending texts again."""
        if self._batches is not None:
            self._batches.close()
        self._keys.clear()

    def finish(self) -> None:
        """Update Chroma after the last vectors, if that is due."""
        if self._rebuild:
            with transaction(self._connection):
                self._forget_chroma()
        if self._encoder is not None and self._chroma.is_due(self._connection, last=True):
            self._write_chroma()

    def adopt_encoder(self) -> None:
        """Record the encoder; remove the vectors of another one, as they cannot be compared."""
        encoder = self._encoder
        if encoder is None:
            return
        known, now = encoder_of(self._connection), encoder.identity
        if known == now:
            return
        if known is not None:
            message = "The index was built with the encoder %r; it is embedded again with %r."
            _log.warning(message, known.name, now.name)
        with transaction(self._connection):
            self._connection.execute("UPDATE passage SET embedding = NULL, flush = NULL")
            self._connection.execute("DELETE FROM embedding")
            self._forget_chroma()
            write_meta(self._connection, "encoder", json.dumps(asdict(now)))
            write_meta(self._connection, "dimension", now.dimension)
            count_up(self._connection)

    def renew(self) -> None:
        """Mark all texts as pending; each keeps its old vector until it has a new one."""
        if "temp" not in self._to_embed:
            self._connection.execute(
                "CREATE TEMP TABLE renew AS SELECT DISTINCT text_key FROM passage"
            )
            self._to_embed += " OR text_key IN (SELECT text_key FROM temp.renew)"

    def embed(self, seconds: float) -> bool:
        """Embed pending texts for some seconds, and return whether there are more.

        The time begins with the first vectors: loading the encoder does not count.
        """
        if self._encoder is None or not (pending := self._count_pending()):
            return False
        if not self._keys:
            self._begin(self._encoder)
        assert self._batches is not None
        total, ends = self.embedded + pending, math.inf
        self._report(Progress("embed", self.embedded, total, "passages"))
        while self._keys and time.monotonic() < ends:
            keys: list[str] = []
            batches: list[Encoded] = []
            while self._keys and len(keys) < BATCH and not (keys and time.monotonic() >= ends):
                batches.append(next(self._batches))
                ends = min(ends, time.monotonic() + seconds)
                keys += [self._keys.popleft() for _ in batches[-1].codes]
                self.embedded += len(batches[-1].codes)
                self._report(Progress("embed", self.embedded, total, "passages"))
            self._write_vectors(keys, batches)
            if self._chroma.is_due(self._connection, last=False):
                self._write_chroma()
        return self._count_pending() > 0

    def _begin(self, encoder: Encoder) -> None:
        """Submit pending texts to the encoder, the longest first."""
        query = f"SELECT text_key, text FROM passage WHERE {self._to_embed} ORDER BY id LIMIT ?"
        texts = dict(self._connection.execute(query, (MOST_PENDING,)).fetchall())
        keys, values = list(texts), list(texts.values())
        order = longest_first(values)
        self._keys.extend(keys[i] for i in order)
        self._batches = encoder.passages([values[i] for i in order])

    def _count_pending(self) -> int:
        query = f"SELECT count(DISTINCT text_key) FROM passage WHERE {self._to_embed}"
        return int(self._connection.execute(query).fetchone()[0])

    def _write_vectors(self, keys: Sequence[str], batches: Sequence[Encoded]) -> None:
        vectors = [vector.astype("<f4").tobytes() for one in batches for vector in one.vectors]
        codes = [codes.tobytes() for one in batches for codes in one.codes]
        with transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO embedding (text_key, vector, codes) VALUES (?, ?, ?) "
                "ON CONFLICT (text_key) DO UPDATE SET vector = excluded.vector, "
                "codes = excluded.codes",
                zip(keys, vectors, codes, strict=True),
            )
            self._connection.executemany(
                "UPDATE passage SET embedding = (SELECT id FROM embedding WHERE text_key = ?1) "
                "WHERE text_key = ?1",
                zip(keys),
            )
            if self._rebuild:
                self._connection.executemany("DELETE FROM temp.renew WHERE text_key = ?", zip(keys))
            count_up(self._connection)

    def _write_chroma(self) -> None:
        self._report(Progress("write", 0, 1, "batches"))
        self._chroma.write(self._connection)

    def _forget_chroma(self) -> None:
        """Record that the collection must be built again, in the transaction of the caller."""
        state = chroma_state(self._connection)
        write_chroma_state(self._connection, state._replace(collection="", ready=False))


def encoder_of(connection: sqlite3.Connection) -> EncoderIdentity | None:
    """Return the encoder of the stored vectors; None before there are any."""
    known = read_meta(connection, "encoder")
    if known is None:
        return None
    values: dict[str, Any] = json.loads(known)
    return EncoderIdentity(**values | {"prefixes": tuple(values["prefixes"])})
