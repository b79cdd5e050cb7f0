"""The index of a folder of notes: refreshed by one process at a time, read in snapshots."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragbot.errors import (
    ClosedError,
    IndexDamagedError,
    IndexLockedError,
    IndexMissingError,
    IndexOutdatedError,
    IndexTooNewError,
    OtherNotesError,
    StorageError,
)
from ragbot.index.chroma import ChromaStore
from ragbot.index.corpus import Corpus
from ragbot.index.database import (
    DAMAGED,
    Database,
    StateCache,
    errors_of,
    is_begun,
    is_whole,
    read_meta,
)
from ragbot.index.indexer import (
    Files,
    Indexer,
    Report,
    Task,
    behind,
    file_stats,
    folder_name,
    listed,
)
from ragbot.inference.encoder import Encoder
from ragbot.models import Changes
from ragbot.notes import vault

_log = logging.getLogger(__name__)

_IDLE = 8
"""Connections to keep open for later snapshots."""


class Index:
    """A folder with an index. Safe to share between threads and processes.

    Parameters
    ----------
    directory
        Folder of the index; created by the first `refresh`.
    chroma_url
        `http://host:port` of a Chroma server for the collection; empty to keep it in the folder.
    mentioned
        Whether unlinked mentions become relations.
    """

    def __init__(self, directory: Path, chroma_url: str = "", *, mentioned: bool = True) -> None:
        self.directory = Path(directory)
        self._mentioned = mentioned
        self._database = Database(self.directory)
        self._chroma = ChromaStore(self._database, chroma_url)
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._file: tuple[int, int] | None = None
        self._cache: tuple[object, StateCache] = (None, StateCache())
        self._files: Files | None = None
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[Corpus]:
        """Open a snapshot of one state, which later writes do not change.

        Raises
        ------
        IndexMissingError
            If nothing was built yet.
        IndexDamagedError, IndexTooNewError
            If it cannot be read.
        ClosedError
            If the index was closed.
        """
        connection, file = self._acquire()
        try:
            with errors_of(self.directory, files=False):
                connection.execute("BEGIN")
                state = read_meta(connection, "id"), read_meta(connection, "counter", 0)
                if not is_begun(connection):
                    raise IndexMissingError(self.directory)
                with self._lock:
                    if self._cache[0] != state:
                        self._cache = (state, StateCache())
                    cache = self._cache[1]
                yield Corpus(connection, self._chroma, cache)
        finally:
            self._release(connection, file)

    def close(self) -> None:
        """Close the index. Open snapshots can still be read."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        self._chroma.close()

    def refresh(
        self,
        notes: Path,
        encoder: Encoder | None,
        *,
        rebuild: bool = False,
        report: Report = lambda progress: None,
    ) -> Changes:
        """Update the index from a folder of notes, and return the changes.

        Notes are committed as they are read. Words and links find them while their passages are
        embedded.

        Parameters
        ----------
        encoder
            Embeds new texts; None to embed nothing.
        rebuild
            Whether to read and embed everything again.
        report
            Called with the progress. An exception from it ends the refresh after the last commit.

        Raises
        ------
        VaultError
            If the folder of notes is missing, holds no note, or cannot be listed.
        IndexLockedError
            If another process is writing.
        IndexTooNewError
            If a newer version wrote the index, and `rebuild` is False.
        OtherNotesError
            If the index has the notes of another folder, and `rebuild` is False.
        StorageError
            If the index cannot be written.
        ClosedError
            If the index was closed.
        """
        self._check_open()
        listed_ns = time.time_ns()
        found = listed(notes)
        if not rebuild:
            self._check_folder(notes, found)
        killed = self._database.was_left_open()
        with self._database.writing():
            task = Task(
                notes, found, listed_ns, encoder, report, self._mentioned, rebuild, self._files
            )
            try:
                return self._run(task, suspect=killed or rebuild)
            except IndexDamagedError as error:
                self._set_aside(error)
                return self._run(task, suspect=False)

    def catch_up(self, notes: Path) -> None:
        """Update words and links, unless another process writes the index.

        If the index cannot be written, as on a full or read-only disk, its last state is used.

        Raises
        ------
        VaultError, IndexTooNewError
            As for `refresh`.
        IndexLockedError, StorageError
            If the index cannot be written, and it cannot be read or has no notes yet.
        """
        try:
            self.refresh(notes, None)
        except (IndexLockedError, StorageError) as error:
            try:
                with self.snapshot():
                    pass
            except (IndexMissingError, IndexDamagedError):
                raise error from None
            if isinstance(error, StorageError):
                _log.warning("%s Answers come from the index as it was.", error)

    def behind(self, notes: Path) -> int:
        """Return the number of notes that were added, changed or removed since they were read."""
        listing = vault.scan(notes)
        connection, file = self._acquire()
        try:
            with errors_of(self.directory):
                return behind(connection, listing)
        finally:
            self._release(connection, file)

    @property
    def chroma_error(self) -> str:
        """Why the last use of Chroma failed; empty if it did not."""
        return self._chroma.last_error

    def _check_folder(self, notes: Path, listing: vault.Listing) -> None:
        """Raise `OtherNotesError` if the index is of another folder that shares few notes.

        A folder that was moved, copied, or mounted elsewhere shares most of them. An index of an
        older version is checked too, because a refresh would replace it.
        """
        try:
            reader = contextlib.closing(self._database.reader(outdated=True))
            with reader as connection, errors_of(self.directory):
                indexed = str(read_meta(connection, "folder", ""))
                same = indexed in ("", folder_name(notes))
                stats = {} if same else file_stats(connection)[0]
        except (IndexMissingError, IndexDamagedError, IndexTooNewError):
            return  # The refresh builds it, or raises the error.
        if 2 * len(stats.keys() & listing.notes.keys()) < len(stats):
            raise OtherNotesError(self.directory, indexed, folder_name(notes))

    # Connections

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(self.directory)

    def _acquire(self) -> tuple[sqlite3.Connection, tuple[int, int] | None]:
        """Return a connection to the present file, or to the last one if the file was removed."""
        with self._lock:
            self._check_open()
            file = self._database.file_id()
            if file is not None and file != self._file:
                for connection in self._idle:
                    connection.close()
                self._idle, self._file = [], file
            if self._idle:
                return self._idle.pop(), self._file
        return self._database.reader(), file

    def _release(self, connection: sqlite3.Connection, file: tuple[int, int] | None) -> None:
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        with self._lock:
            if not self._closed and file == self._file and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _run(self, task: Task, *, suspect: bool) -> Changes:
        """Run the indexer; with `suspect`, check the database for damage first."""
        with contextlib.closing(self._writer(task)) as connection, errors_of(self.directory):
            if suspect and not is_whole(connection):
                raise IndexDamagedError(self.directory, "SQLite finds damage in it")
            indexer = Indexer(connection, self._chroma, task)
            try:
                return indexer.run()
            finally:
                self._files = indexer.files

    def _writer(self, task: Task) -> sqlite3.Connection:
        """Open the database to write; replace one of another version by an empty one."""
        try:
            return self._database.writer()
        except IndexOutdatedError as error:
            _log.warning("The index in %s is built again now: %s.", error.directory, error.found)
        except IndexTooNewError:
            if not task.rebuild:
                raise
        self._database.remove()
        return self._database.writer()

    def _set_aside(self, error: IndexDamagedError) -> None:
        message = (
            "The index in %s cannot be read: %s. It is renamed to %s, and a new one is built now."
        )
        _log.warning(message, error.directory, error.found, DAMAGED)
        self._database.set_aside()
