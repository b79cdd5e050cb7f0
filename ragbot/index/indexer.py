"""One refresh: read and write the notes that changed, then embed their passages.

Each batch of notes is committed when it is read, so questions are answered from the first seconds
of a first build. Vectors follow. While many are pending, the indexer scans again for edits.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ragbot.errors import VaultError
from ragbot.index.chroma import ChromaStore
from ragbot.index.database import count_up, read_meta, transaction, write_meta
from ragbot.index.note_rows import NoteRows, Outcome, problem_row, read_all
from ragbot.index.note_writer import NoteWriter, Written, read_problems
from ragbot.index.relation_writer import LinkWriter, MentionWriter
from ragbot.index.vectors import VectorWriter
from ragbot.inference.encoder import Encoder
from ragbot.models import Changes, NoteId, Progress
from ragbot.notes import PARSER_VERSION, vault

_log = logging.getLogger(__name__)

Report = Callable[[Progress], None]

BATCH = 300
"""Notes in one transaction."""

SCAN_SECONDS = 5.0
"""Least seconds of embedding between two scans of the folder."""

SCAN_SHARE = 3.0
"""Least time of embedding between two scans, as a multiple of the time of a scan."""

_RACY_NS = 100_000_000
"""Age below which a file may change again within the resolution of the clock."""

_REMEDY = "Name a folder of Markdown notes with --notes or RAGBOT_NOTES."


class Files(NamedTuple):
    """One state of the table `file`, which `scan` identifies.

    `stats` has size and times of each note's file at its last reading, `others` the other files.
    """

    scan: tuple[str, int]
    stats: Mapping[NoteId, vault.Stat]
    others: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class Task:
    """The inputs of a refresh.

    `listing` is the content of the folder at `listed_ns`. With `mentioned`, unlinked mentions
    become relations; with `rebuild`, all notes are read and embedded again. `files` is the table
    `file` as the last refresh of this process left it, or None.
    """

    notes: Path
    listing: vault.Listing
    listed_ns: int
    encoder: Encoder | None
    report: Report
    mentioned: bool = True
    rebuild: bool = False
    files: Files | None = None


@dataclass(slots=True)
class _Scan:
    """One scan of the folder, and the number of its notes that are read.

    With `again`, all notes are read. With `everywhere`, mentions are searched in all notes at the
    end, and not with each batch.
    """

    listing: vault.Listing
    listed_ns: int
    again: bool
    everywhere: bool
    done: int


class Indexer:
    """One run of the writer, under the writer's lock.

    `files` are those that the last scan left; None before it.
    """

    def __init__(self, connection: sqlite3.Connection, chroma: ChromaStore, task: Task) -> None:
        self._connection = connection
        self._task = task
        self._next: tuple[vault.Listing, int] | None = (task.listing, task.listed_ns)
        self._writer = NoteWriter(connection)
        self._links = LinkWriter(connection)
        self._mentions = MentionWriter(connection)
        self._digests: dict[NoteId, tuple[str | None, str | None]] = {}
        self._unused: set[int] = set()
        self._vectors = VectorWriter(
            connection, chroma, task.encoder, task.report, rebuild=task.rebuild
        )
        self._again = task.rebuild
        self.files = task.files

    def run(self) -> Changes:
        """Read, write and embed until the folder has no more changes; return the changes."""
        began = time.monotonic()
        self._vectors.adopt_encoder()
        if self._meta("embeddings due", 0):  # The last refresh ended before it removed them.
            query = "SELECT id FROM embedding"
            self._unused.update(number for (number,) in self._connection.execute(query))
        with closing(self._vectors):
            while True:
                scanned = time.monotonic()
                self._read()
                if self._task.rebuild:
                    self._vectors.renew()
                embedded = self._vectors.embedded
                spent = time.monotonic() - scanned if embedded else 0.0
                more = self._vectors.embed(max(SCAN_SECONDS, SCAN_SHARE * spent))
                # After a few texts, a second scan would cost as much as the rest of the refresh.
                late = time.monotonic() - scanned >= SCAN_SECONDS
                if not more and not (late and self._vectors.embedded > embedded):
                    break
        if self._unused:
            with transaction(self._connection):
                self._writer.remove_embeddings(self._unused)
                write_meta(self._connection, "embeddings due", 0)
        self._vectors.finish()
        count = self._count("note")
        self._task.report(Progress("done", count, count, "notes"))
        return self._changes(time.monotonic() - began)

    # Notes

    def _read(self) -> None:
        """Read the notes that changed since the last scan."""
        listing, listed_ns = self._next or (listed(self._task.notes), time.time_ns())
        self._next = None
        rules = str(PARSER_VERSION)
        again = self._again or read_meta(self._connection, "rules", rules) != rules
        self._again = False
        files = self._files()
        stats, others = files.stats, files.others
        differing = {
            path for path, stat in listing.notes.items() if again or stats.get(path) != stat
        }
        query = "SELECT path FROM file WHERE racy"
        racy = {path for (path,) in self._connection.execute(query)} & listing.notes.keys()
        changed = sorted(differing | racy)
        gone = sorted(stats.keys() - listing.notes.keys())
        everywhere = (
            len(differing) > max(BATCH, len(stats) // 4)
            or self._meta("mentioned", int(self._task.mentioned)) != self._task.mentioned
            or self._meta("mentions due", 0) == 1
        )
        scan = _Scan(listing, listed_ns, again, everywhere, len(listing.notes) - len(changed))
        with transaction(self._connection):
            if everywhere:  # In the transaction of "mentioned": a kill keeps both or neither.
                write_meta(self._connection, "mentions due", 1)
            self._begin(scan, others, gone)
            if changed or gone or others != set(listing.files):
                write_meta(self._connection, "scan", files.scan[1] + 1)
            if not again and self._meta("rules", None) is None:
                write_meta(self._connection, "rules", rules)
        outcomes = self._outcomes(changed, again)
        while batch := list(islice(outcomes, BATCH)):
            self._check_folder(outcome for _, outcome in batch)
            with transaction(self._connection):
                self._write(batch, scan)
            scan.done += len(batch)
            self._task.report(Progress("read", scan.done, len(listing.notes), "notes"))
        if not self._count("note"):
            raise VaultError(self._task.notes, "has no note that can be read", _REMEDY)
        if everywhere:
            self._mention_everywhere()
        if again:  # Only now, because a scan that was killed before must read them all again.
            with transaction(self._connection):
                write_meta(self._connection, "rules", rules)
        self.files = Files(self._scan_number(), listing.notes, set(listing.files))

    def _files(self) -> Files:
        """Return the rows of `file`, read again if another process changed them."""
        scan = self._scan_number()
        if self.files is None or self.files.scan != scan:
            self.files = Files(scan, *file_stats(self._connection))
        return self.files

    def _scan_number(self) -> tuple[str, int]:
        return self._meta("id", ""), self._meta("scan", 0)

    def _outcomes(
        self, changed: Sequence[NoteId], again: bool
    ) -> Iterator[tuple[NoteId, Outcome | None]]:
        """Yield each note that may have changed, with its rows; None for unchanged bytes."""
        new: list[NoteId] = []
        for path in changed:
            digest = None if again else self._digest(path)
            # The digest is that of the text in UTF-8. A file with a byte-order mark or in another
            # encoding never matches, and is parsed again.
            if digest is not None and vault.digest(self._task.notes, path) == digest:
                yield path, None
            else:
                new.append(path)
        yield from read_all(self._task.notes, new)

    def _digest(self, path: NoteId) -> str | None:
        query = "SELECT digest FROM note WHERE path = ?"
        row = self._connection.execute(query, (path,)).fetchone()
        return row and str(row[0])

    def _check_folder(self, outcomes: Iterable[Outcome | None]) -> None:
        """Raise `VaultError` if notes cannot be read because the folder is gone."""
        if any(isinstance(outcome, tuple) for outcome in outcomes):
            vault.folder_of(self._task.notes)

    def _begin(self, scan: _Scan, others: AbstractSet[str], gone: Sequence[NoteId]) -> None:
        """Write the changes for which no note must be read: other files, and removed notes."""
        written = Written()
        now = set(scan.listing.files)
        self._writer.put_files(others - now, now - others, written)
        for path in gone:
            self._record(path, self._digest(path), None)
            self._writer.remove(path, written)
        self._put_listing_problems(scan.listing)
        self._finish(written, scan)
        for name, value in (
            ("mentioned", int(self._task.mentioned)),
            ("listed", len(scan.listing.notes)),
            ("folder", folder_name(self._task.notes)),
        ):
            if self._meta(name, None) != value:
                write_meta(self._connection, name, value)

    def _write(self, batch: Sequence[tuple[NoteId, Outcome | None]], scan: _Scan) -> None:
        """Write a batch of notes, and its effect on other notes."""
        written = Written()
        for path, outcome in batch:
            stat = scan.listing.notes[path]
            racy = int(scan.listed_ns - max(stat[1:]) < _RACY_NS)
            query = "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)"
            self._connection.execute(query, (path, *stat, racy))
            if outcome is None:
                continue
            old = self._digest(path)
            if isinstance(outcome, NoteRows):
                if old != outcome.digest or scan.again:
                    self._record(path, old, outcome.digest)
                    self._writer.put(outcome, written)
            else:
                self._record(path, old, None)
                self._writer.remove(path, written)
                self._writer.put_problems(path, outcome)
                # Write its row in `file`, so that it is read again only when it changes.
                self._connection.execute(query, (path, *stat, racy))
        self._finish(written, scan)

    def _record(self, path: NoteId, before: str | None, after: str | None) -> None:
        """Record the digests of a note; the first call has the one from before the refresh."""
        first, _ = self._digests.get(path, (before, None))
        self._digests[path] = first, after

    def _put_listing_problems(self, listing: vault.Listing) -> None:
        """Write the problems of what is no note, such as a symbolic link."""
        execute = self._connection.execute
        others = "path NOT IN (SELECT path FROM file WHERE size IS NOT NULL)"
        query = f"SELECT kind, path, line, message, fix, severity FROM problem WHERE {others}"
        if sorted(execute(query)) != sorted(map(problem_row, listing.problems)):
            execute(f"DELETE FROM problem WHERE {others}")
            self._writer.add_problems(listing.problems)
            count_up(self._connection)

    def _finish(self, written: Written, scan: _Scan) -> None:
        """Resolve the links and find the mentions that a batch affects."""
        if not written.changed:
            return
        self._vectors.close()
        if written.embeddings:
            self._unused |= written.embeddings
            write_meta(self._connection, "embeddings due", 1)
        relinked = self._links.resolve(written.notes, written.link_keys)
        if self._task.mentioned and not scan.everywhere:
            self._mentions.update(written, relinked)
        count_up(self._connection)

    def _mention_everywhere(self) -> None:
        """Find the mentions in all notes, or remove them if they are switched off."""
        notes: list[int] = []
        with transaction(self._connection):
            if self._task.mentioned:
                notes = self._mentions.everywhere()
            else:
                self._mentions.remove_all()
            count_up(self._connection)
        for start in range(0, len(notes), BATCH):
            with transaction(self._connection):
                self._mentions.write(notes[start : start + BATCH])
                count_up(self._connection)
        with transaction(self._connection):
            write_meta(self._connection, "mentions due", 0)

    # Results

    def _meta(self, name: str, default: Any) -> Any:
        return read_meta(self._connection, name, default)

    def _count(self, table: str) -> int:
        found: int = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found

    def _changes(self, seconds: float) -> Changes:
        """Return the changes; a removed note with the same text as a new one counts as renamed."""
        pairs = sorted(self._digests.items())
        new = {note: after for note, (before, after) in pairs if before is None and after}
        gone = {note: before for note, (before, after) in pairs if before and after is None}
        changed = tuple(n for n, (old, now) in pairs if old and now and old != now)
        homes: dict[str, list[NoteId]] = {}
        for note, digest in reversed(gone.items()):
            homes.setdefault(digest, []).append(note)
        renamed = [(homes[digest].pop(), note) for note, digest in new.items() if homes.get(digest)]
        moved = {note for pair in renamed for note in pair}
        return Changes(
            added=tuple(note for note in new if note not in moved),
            changed=changed,
            renamed=tuple(renamed),
            removed=tuple(note for note in gone if note not in moved),
            unchanged=self._count("note") - len(new) - len(changed),
            problems=read_problems(self._connection),
            seconds=seconds,
        )


def folder_name(notes: Path) -> str:
    """Return the absolute path of a folder as text that SQLite can store."""
    return str(notes.resolve()).encode("utf-8", "replace").decode()


def listed(notes: Path) -> vault.Listing:
    """Return the listing of a folder; raise `VaultError` if it has none, or no note."""
    listing = vault.scan(notes)
    if not listing.notes:
        raise VaultError(notes, "has no Markdown note", _REMEDY)
    return listing


def file_stats(connection: sqlite3.Connection) -> tuple[dict[NoteId, vault.Stat], set[str]]:
    """Return size and times of each note's file at its last reading, and the other files."""
    rows = connection.execute("SELECT path, size, mtime, ctime FROM file WHERE size IS NOT NULL")
    others = connection.execute("SELECT path FROM file WHERE size IS NULL")
    return {row[0]: row[1:] for row in rows.fetchall()}, {path for (path,) in others}


def behind(connection: sqlite3.Connection, listing: vault.Listing) -> int:
    """Return the number of notes that changed since the last scan, by size and time."""
    stats, _ = file_stats(connection)
    changed = sum(stats.get(path) != stat for path, stat in listing.notes.items())
    return changed + len(stats.keys() - listing.notes.keys())
