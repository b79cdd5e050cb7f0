"""Embed pending passages, and write their vectors to the database and to Chroma."""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ragbot.index.chroma import ChromaStore, chroma_state, write_chroma_state
from ragbot.index.database import count_up, read_meta, transaction, write_meta
from ragbot.inference.encoder import EncodedBatches, Encoder, EncoderIdentity, longest_first
from ragbot.inference.text_model import FloatArray
from ragbot.inference.token_codes import Codes, Encoded
from ragbot.models import Note, Passage, Progress
from ragbot.notes.chunker import embedding_text

_log = logging.getLogger(__name__)

BATCH = 256
"""Vectors in one transaction."""

MOST_PENDING = 20_000
"""Pending texts that are read into memory at a time."""


class VectorWriter:
    """Writes the vectors of one refresh.

    Attributes
    ----------
    embedded
        Number of texts that this refresh has embedded.
    """

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
        self._queue = _Queue(encoder)
        self._to_embed = "p.embedding IS NULL"

    def close(self) -> None:
        """Cancel the embedding in progress."""
        self._queue.close()

    def finish(self) -> None:
        """Update Chroma after the last vectors, if that is due."""
        if self._rebuild:
            with transaction(self._connection):
                self._forget_chroma()
        if self._encoder is not None and self._chroma.is_due(self._connection, last=True):
            self._write_chroma()

    def adopt_encoder(self) -> None:
        """Remove the vectors of another encoder, which cannot be compared."""
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
        """Mark all texts as pending; their old vectors serve until then."""
        if "temp" not in self._to_embed:
            self._connection.execute(
                "CREATE TEMP TABLE renew AS SELECT DISTINCT text_key FROM passage"
            )
            self._to_embed += " OR p.text_key IN (SELECT text_key FROM temp.renew)"

    def pending(self) -> dict[str, str]:
        """Return pending texts by key, `MOST_PENDING` at most."""
        if self._encoder is None:
            return {}
        query = (
            "SELECT p.text_key, n.path, n.title, p.headings, p.first, p.last, c.text "
            "FROM passage p JOIN note n ON n.id = p.note JOIN content c ON c.note = p.note "
            f"WHERE {self._to_embed} ORDER BY p.id LIMIT ?"
        )
        texts: dict[str, str] = {}
        rows = self._connection.execute(query, (MOST_PENDING,))
        for key, path, title, headings, first, last, text in rows:
            if key not in texts:
                names = tuple(json.loads(headings))
                passage = Passage(path, (first, last), text[first:last], names)
                texts[key] = embedding_text(Note(path, title, text), passage)
        return texts

    def embed(self, texts: dict[str, str], seconds: float) -> None:
        """Embed texts and write their vectors, for some seconds after the first ones."""
        query = f"SELECT count(DISTINCT text_key) FROM passage p WHERE {self._to_embed}"
        total = self.embedded + int(self._connection.execute(query).fetchone()[0])

        def report(count: int) -> None:
            self.embedded += count
            self._report(Progress("embed", self.embedded, total, "passages"))

        report(0)
        self._queue.want(texts)
        while batch := self._queue.take(BATCH, seconds, report):
            self._write_vectors(*batch)
            if self._chroma.is_due(self._connection, last=False):
                self._write_chroma()

    def _write_vectors(self, keys: Sequence[str], encoded: Encoded) -> None:
        with transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO embedding (text_key, vector, codes) VALUES (?, ?, ?) "
                "ON CONFLICT (text_key) DO UPDATE SET vector = excluded.vector, "
                "codes = excluded.codes",
                [
                    (key, vector.astype("<f4").tobytes(), codes.tobytes())
                    for key, vector, codes in zip(keys, encoded.vectors, encoded.codes, strict=True)
                ],
            )
            self._connection.executemany(
                "UPDATE passage SET embedding = (SELECT id FROM embedding WHERE text_key = ?1) "
                "WHERE text_key = ?1",
                [(key,) for key in keys],
            )
            if self._rebuild:
                self._connection.executemany(
                    "DELETE FROM temp.renew WHERE text_key = ?", [(key,) for key in keys]
                )
            count_up(self._connection)

    def _write_chroma(self) -> None:
        self._report(Progress("write", 0, 1, "vectors"))
        self._chroma.write(self._connection)

    def _forget_chroma(self) -> None:
        """Write that the collection has to be built again, in the transaction of the caller."""
        state = chroma_state(self._connection)
        write_chroma_state(self._connection, state._replace(collection="", ready=False))


class _Queue:
    """Embeds texts, the longest first. Without an encoder, nothing may be queued."""

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._results: EncodedBatches | None = None
        self._keys: deque[str] = deque()
        self._since = math.inf

    def want(self, texts: Mapping[str, str]) -> None:
        """Replace the queue by these texts, by key; equal keys keep the work in progress.

        This restarts the time that `take` measures.
        """
        self._since = math.inf
        if set(self._keys) == texts.keys():
            return
        self.close()
        assert self._encoder is not None
        keys, wanted = list(texts), list(texts.values())
        order = longest_first(wanted)
        self._results = self._encoder.passages([wanted[i] for i in order])
        self._keys = deque(keys[i] for i in order)

    def take(
        self, most: int, seconds: float, report: Callable[[int], None]
    ) -> tuple[list[str], Encoded] | None:
        """Wait for vectors; return them with their keys, or None at the end.

        Parameters
        ----------
        most
            Approximate number of vectors to wait for.
        seconds
            Time limit, from the first vectors of the queue: loading the encoder does not count.
        report
            Called for each batch with the number of its texts.
        """
        keys: list[str] = []
        vectors: list[FloatArray] = []
        codes: list[Codes] = []
        while self._keys and len(keys) < most and time.monotonic() < self._since + seconds:
            assert self._results is not None
            batch = next(self._results)
            self._since = min(self._since, time.monotonic())
            report(len(batch.codes))
            keys += [self._keys.popleft() for _ in batch.codes]
            vectors.append(batch.vectors)
            codes += batch.codes
        return (keys, Encoded(np.concatenate(vectors), codes)) if keys else None

    def close(self) -> None:
        """Cancel the work in progress."""
        if self._results is not None:
            self._results.close()
        self._results = None
        self._keys.clear()


def encoder_of(connection: sqlite3.Connection) -> EncoderIdentity | None:
    """Return the encoder of the stored vectors; None before there are any."""
    known = read_meta(connection, "encoder")
    if known is None:
        return None
    values: dict[str, Any] = json.loads(known)
    return EncoderIdentity(**values | {"prefixes": tuple(values["prefixes"])})
