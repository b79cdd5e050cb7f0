"""One refresh: read the notes that changed, write them, embed what is new, bring Chroma up to date.

Notes are committed in batches as they are read, so a first build answers from its first seconds.
Vectors follow, and while there are many of them the folder is looked at again now and then.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ragbot.errors import VaultError
from ragbot.index.database import read_meta, transaction, write_meta
from ragbot.index.embedding_queue import EmbeddingQueue
from ragbot.index.link_writer import LinkWriter
from ragbot.index.mention_writer import MentionWriter
from ragbot.index.note_rows import NoteRows, problem_row
from ragbot.index.note_writer import NoteWriter, Written
from ragbot.index.reading import Outcome, read_all
from ragbot.index.vectors import ChromaStore, chroma_state, write_chroma_state
from ragbot.inference.encoder import Encoder, EncoderIdentity
from ragbot.inference.token_codes import Encoded
from ragbot.models import Changes, Note, NoteId, Passage, Problem, Progress
from ragbot.notes import PARSER_VERSION, vault
from ragbot.notes.chunker import VERSION as CHUNKER_VERSION
from ragbot.notes.chunker import embedding_text

_log = logging.getLogger(__name__)

Report = Callable[[Progress], None]

BATCH = 300
"""Notes that are written in one transaction."""

PIECE = 256
"""Texts embedded before their vectors are written."""

WAITING = 20_000
"""Texts that wait in memory to be embedded."""

EVERY = 5.0
"""Seconds from the first vectors until edits are looked for."""

REST = 3.0
"""Times as long as a look takes that embedding goes on, so that looking is not all that is done."""

_RACY_NS = 100_000_000
"""A file as young as this when it was listed may change again within the clock's resolution."""

_REMEDY = "Name a folder of Markdown notes with --notes or RAGBOT_NOTES."


@dataclass(frozen=True, slots=True)
class Task:
    """What a refresh is to do.

    `listing` is what the folder held at `listed_ns`, just now. `mentioned` tells whether unlinked
    mentions become relations, `rebuild` whether everything is read and embedded again.
    """

    notes: Path
    listing: vault.Listing
    listed_ns: int
    encoder: Encoder | None
    report: Report
    mentioned: bool = True
    rebuild: bool = False


@dataclass(slots=True)
class _Digests:
    """Digests of the notes that a refresh met with a change, as they were and as they are."""

    before: dict[NoteId, str | None] = field(default_factory=dict)
    after: dict[NoteId, str | None] = field(default_factory=dict)

    def add(self, path: NoteId, before: str | None, after: str | None) -> None:
        self.before.setdefault(path, before)
        self.after[path] = after


@dataclass(slots=True)
class _Look:
    """One look at the folder: what it holds, and how far it is read.

    `again` tells whether all notes are read, `everywhere` whether mentions are found in all of
    them at the end, rather than with each batch.
    """

    listing: vault.Listing
    listed_ns: int
    again: bool
    everywhere: bool
    done: int


class Indexer:
    """One run of the writer, under the writer's lock."""

    def __init__(self, connection: sqlite3.Connection, chroma: ChromaStore, task: Task) -> None:
        self._connection = connection
        self._chroma = chroma
        self._task = task
        self._next: tuple[vault.Listing, int] | None = (task.listing, task.listed_ns)
        self._writer = NoteWriter(connection)
        self._links = LinkWriter(connection)
        self._mentions = MentionWriter(connection)
        self._digests = _Digests()
        self._unused: set[int] = set()
        self._queue = EmbeddingQueue(task.encoder)
        self._again = task.rebuild
        self._embedded = 0
        self._to_embed = "p.embedding IS NULL"

    def run(self) -> Changes:
        """Read, write and embed until nothing is left to do."""
        began = time.monotonic()
        self._adopt_encoder()
        with closing(self._queue):
            while True:
                looked = time.monotonic()
                self._read()
                if self._task.rebuild:
                    self._renew_vectors()
                texts = self._pending()
                if not texts:
                    break
                spent = time.monotonic() - looked if self._embedded else 0.0
                self._embed(texts, max(EVERY, REST * spent))
        if self._unused:
            with transaction(self._connection):
                self._writer.remove_embeddings(self._unused)
        if self._task.rebuild:
            self._forget_chroma()
        if self._task.encoder is not None and self._chroma.is_due(self._connection, last=True):
            self._write_chroma()
        count = self._count("note")
        self._task.report(Progress("done", count, count, "notes"))
        return self._changes(time.monotonic() - began)

    # Notes

    def _read(self) -> None:
        """Read what changed since the last look."""
        listing, listed_ns = self._next or (listed(self._task.notes), time.time_ns())
        self._next = None
        rules = f"{PARSER_VERSION}.{CHUNKER_VERSION}"
        again = self._again or read_meta(self._connection, "rules", rules) != rules
        self._again = False
        stats, others = self._files()
        changed = [
            path
            for path, stat in listing.notes.items()
            if again or path not in stats or stats[path] != (*stat, 0)
        ]
        gone = [path for path in stats if path not in listing.notes]
        everywhere = (
            len(changed) > max(BATCH, len(stats) // 4)
            or self._meta("mentioned", int(self._task.mentioned)) != self._task.mentioned
            or self._meta("mentions due", 0) == 1
        )
        look = _Look(listing, listed_ns, again, everywhere, len(listing.notes) - len(changed))
        with transaction(self._connection):
            self._begin(look, others, gone, rules)
        outcomes = self._outcomes(changed, again)
        while batch := list(islice(outcomes, BATCH)):
            self._check_folder(outcome for _, outcome in batch)
            with transaction(self._connection):
                self._write(batch, look)
            look.done += len(batch)
            self._task.report(Progress("read", look.done, len(listing.notes), "notes"))
        if not self._count("note"):
            raise VaultError(self._task.notes, "holds no note that can be read", _REMEDY)
        if everywhere:
            self._mention_everywhere()

    def _files(self) -> tuple[dict[NoteId, tuple[int, ...]], set[str]]:
        """Return the size and times of each note's file at its last reading, and other files."""
        query = "SELECT path, size, mtime, ctime, racy FROM file"
        stats: dict[NoteId, tuple[int, ...]] = {}
        others: set[str] = set()
        for path, size, mtime, ctime, racy in self._connection.execute(query):
            if size is None:
                others.add(path)
            else:
                stats[path] = (size, mtime, ctime, racy)
        return stats, others

    def _outcomes(
        self, changed: Sequence[NoteId], again: bool
    ) -> Iterator[tuple[NoteId, Outcome | None]]:
        """Yield each note that may have changed with its rows; None for one with the same bytes."""
        if again or len(changed) > BATCH:
            yield from read_all(self._task.notes, changed)
            return
        for path in changed:
            digest = self._digest(path)
            # The bytes of a file that was touched but not changed are those of its text (unless
            # it has a byte-order mark or is no UTF-8: then it is parsed again).
            if digest is not None and vault.digest(self._task.notes, path) == digest:
                yield path, None
            else:
                yield from read_all(self._task.notes, [path])

    def _digest(self, path: NoteId) -> str | None:
        query = "SELECT digest FROM note WHERE path = ?"
        row = self._connection.execute(query, (path,)).fetchone()
        return row and str(row[0])

    def _check_folder(self, outcomes: Iterable[Outcome | None]) -> None:
        """Check that the folder is still there, where a note could not be read."""
        if any(isinstance(outcome, tuple) for outcome in outcomes):
            vault.folder_of(self._task.notes)

    def _begin(self, look: _Look, others: set[str], gone: Sequence[NoteId], rules: str) -> None:
        """Write what is known before any note is read: other files, and the notes that are gone."""
        written = Written()
        now = set(look.listing.files)
        self._writer.put_files(others - now, now - others, written)
        self._put_listing_problems(look.listing)
        for path in gone:
            self._digests.add(path, self._digest(path), None)
            self._writer.remove(path, written)
        self._finish(written, look)
        for name, value in (
            ("rules", rules),
            ("mentioned", int(self._task.mentioned)),
            ("listed", len(look.listing.notes)),
        ):
            if self._meta(name, None) != value:
                write_meta(self._connection, name, value)

    def _write(self, batch: Sequence[tuple[NoteId, Outcome | None]], look: _Look) -> None:
        """Write a batch of notes, and what it changes for others."""
        written = Written()
        for path, outcome in batch:
            stat = look.listing.notes[path]
            racy = int(look.listed_ns - max(stat[1:]) < _RACY_NS)
            query = "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)"
            self._connection.execute(query, (path, *stat, racy))
            if outcome is None:
                continue
            old = self._digest(path)
            if isinstance(outcome, NoteRows):
                if old != outcome.digest or look.again:
                    self._digests.add(path, old, outcome.digest)
                    self._writer.put(outcome, written)
            else:
                self._digests.add(path, old, None)
                self._writer.remove(path, written)
                self._writer.put_problems(path, outcome)
                # It stays listed: it is read again when it changes.
                self._connection.execute(query, (path, *stat, racy))
        self._finish(written, look)

    def _put_listing_problems(self, listing: vault.Listing) -> None:
        query = (
            "SELECT kind, path, line, message, fix, severity FROM problem "
            "WHERE path NOT IN (SELECT path FROM file WHERE size IS NOT NULL)"
        )
        old = sorted(self._connection.execute(query).fetchall())
        if old != sorted(map(problem_row, listing.problems)):
            for path in {row[1] for row in old}:
                self._writer.put_problems(path, ())
            for path in {problem.note for problem in listing.problems}:
                found = [problem for problem in listing.problems if problem.note == path]
                self._writer.put_problems(path, found)
            self._count_up()

    def _finish(self, written: Written, look: _Look) -> None:
        """Resolve the links that a batch touches, and find the mentions that it changes."""
        if not (written.notes or written.link_keys or written.words):
            return
        self._unused |= written.embeddings
        sources, targets = self._links.resolve(written.notes, written.link_keys)
        targets |= written.neighbours
        if look.everywhere:
            write_meta(self._connection, "mentions due", 1)
        elif self._task.mentioned:
            looked, mentioned = self._mentions.update(written, sources)
            sources |= looked
            targets |= mentioned
        self._links.count(sources, targets)
        self._count_up()

    def _mention_everywhere(self) -> None:
        """Find the mentions in all notes, or remove them where they are switched off."""
        with transaction(self._connection):
            if self._task.mentioned:
                notes = self._mentions.everywhere()
            else:
                query = "SELECT DISTINCT source FROM relation WHERE kind = 'mention'"
                notes = [note for (note,) in self._connection.execute(query)]
            write_meta(self._connection, "mentions due", 1)
        for start in range(0, len(notes), BATCH):
            some = notes[start : start + BATCH]
            with transaction(self._connection):
                if self._task.mentioned:
                    targets = self._mentions.write(some)
                else:
                    targets = self._mentions.remove(some)
                self._links.count(some, targets)
                self._count_up()
        with transaction(self._connection):
            write_meta(self._connection, "mentions due", 0)

    # Vectors

    def _adopt_encoder(self) -> None:
        """Forget the vectors of another encoder: they cannot be compared."""
        encoder = self._task.encoder
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
            self._forget_chroma_rows()
            write_meta(self._connection, "encoder", json.dumps(asdict(now)))
            write_meta(self._connection, "dimension", now.dimension)
            self._count_up()

    def _renew_vectors(self) -> None:
        """Have the texts that have a vector embedded again, which serves until then."""
        if "temp" not in self._to_embed:
            self._connection.execute(
                "CREATE TEMP TABLE renew AS SELECT DISTINCT text_key FROM passage"
            )
            self._to_embed += " OR p.text_key IN (SELECT text_key FROM temp.renew)"

    def _pending(self) -> dict[str, str]:
        """Return texts that have no vector, by key: as many as are embedded at a time."""
        if self._task.encoder is None:
            return {}
        query = (
            "SELECT p.text_key, n.path, n.title, p.headings, p.first, p.last, c.text "
            "FROM passage p JOIN note n ON n.id = p.note JOIN content c ON c.note = p.note "
            f"WHERE {self._to_embed} ORDER BY p.id LIMIT ?"
        )
        texts: dict[str, str] = {}
        rows = self._connection.execute(query, (WAITING,))
        for key, path, title, headings, first, last, text in rows:
            if key not in texts:
                names = tuple(json.loads(headings))
                passage = Passage(path, (first, last), text[first:last], names)
                texts[key] = embedding_text(Note(path, title, text), passage)
        return texts

    def _embed(self, texts: dict[str, str], seconds: float) -> None:
        """Embed texts and write their vectors, piece by piece, for some seconds after the first."""
        query = f"SELECT count(DISTINCT text_key) FROM passage p WHERE {self._to_embed}"
        total = self._embedded + int(self._connection.execute(query).fetchone()[0])

        def report(count: int) -> None:
            self._embedded += count
            self._task.report(Progress("embed", self._embedded, total, "passages"))

        report(0)
        self._queue.want(texts)
        while piece := self._queue.take(PIECE, seconds, report):
            self._write_vectors(*piece)
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
            if self._task.rebuild:
                self._connection.executemany(
                    "DELETE FROM temp.renew WHERE text_key = ?", [(key,) for key in keys]
                )
            self._count_up()

    def _write_chroma(self) -> None:
        self._task.report(Progress("write", 0, 1, "vectors"))
        self._chroma.write(self._connection)

    def _forget_chroma(self) -> None:
        with transaction(self._connection):
            self._forget_chroma_rows()

    def _forget_chroma_rows(self) -> None:
        """Have the collection built again from nothing."""
        state = chroma_state(self._connection)
        write_chroma_state(self._connection, state._replace(collection="", ready=False))

    # Results

    def _count_up(self) -> None:
        """Count up the index counter, by which readers know a new state."""
        write_meta(self._connection, "counter", self._meta("counter", 0) + 1)
        write_meta(self._connection, "indexed_at", time.time())

    def _meta(self, name: str, default: Any) -> Any:
        return read_meta(self._connection, name, default)

    def _count(self, table: str) -> int:
        found: int = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found

    def _changes(self, seconds: float) -> Changes:
        """Return what changed. A note that is gone while one with its text is new was renamed."""
        before, after = self._digests.before, self._digests.after
        added = sorted(n for n in after if before[n] is None and after[n] is not None)
        gone = {n: digest for n in sorted(after) if after[n] is None and (digest := before[n])}
        changed = tuple(
            n for n in sorted(after) if before[n] and after[n] and before[n] != after[n]
        )
        homes: dict[str, list[NoteId]] = {}
        for note, digest in reversed(gone.items()):
            homes.setdefault(digest, []).append(note)
        renamed = [
            (homes[str(after[note])].pop(), note) for note in added if homes.get(str(after[note]))
        ]
        moved = {note for pair in renamed for note in pair}
        return Changes(
            added=tuple(note for note in added if note not in moved),
            changed=changed,
            renamed=tuple(renamed),
            removed=tuple(note for note in gone if note not in moved),
            unchanged=self._count("note") - len(added) - len(changed),
            problems=read_problems(self._connection),
            seconds=seconds,
        )


def listed(notes: Path) -> vault.Listing:
    """List a folder of notes that must hold some.

    Raises
    ------
    VaultError
        If it is missing, holds no note, or cannot be listed.
    """
    listing = vault.scan(notes)
    if not listing.notes:
        raise VaultError(notes, "holds no Markdown note", _REMEDY)
    return listing


def behind(connection: sqlite3.Connection, listing: vault.Listing) -> int:
    """Count the notes that came, changed or went since they were read, by size and time."""
    query = "SELECT path, size, mtime, ctime FROM file WHERE size IS NOT NULL"
    known = {path: stat for path, *stat in connection.execute(query)}
    changed = sum(1 for path, stat in listing.notes.items() if known.get(path) != list(stat))
    return changed + len(known.keys() - listing.notes.keys())


def encoder_of(connection: sqlite3.Connection) -> EncoderIdentity | None:
    """Return which encoder made the vectors; None before there are any."""
    known = read_meta(connection, "encoder")
    if known is None:
        return None
    values: dict[str, Any] = json.loads(known)
    return EncoderIdentity(**values | {"prefixes": tuple(values["prefixes"])})


def read_problems(connection: sqlite3.Connection) -> tuple[Problem, ...]:
    """Return what is wrong with the files, in order of path and line."""
    query = (
        "SELECT kind, path, line, message, fix, severity FROM problem "
        "ORDER BY path, line, kind, message"
    )
    return tuple(Problem(*row) for row in connection.execute(query))
