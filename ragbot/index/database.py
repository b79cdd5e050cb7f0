"""The database of an index: its connections, its lock, and its errors.

One process writes at a time, under the writer's lock. Readers do not wait for it, because the
database has a write-ahead log (WAL) if the file system allows one.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from filelock import FileLock, Timeout

from ragbot.errors import (
    IndexDamagedError,
    IndexLockedError,
    IndexMissingError,
    IndexOutdatedError,
    IndexTooNewError,
    RagbotError,
    StorageError,
)
from ragbot.index import schema
from ragbot.notes.vault import INDEX_FILE as FILE

_log = logging.getLogger(__name__)

T = TypeVar("T")

DAMAGED = "ragbot.sqlite3.damaged"

_LOG_FILES = ("", "-wal", "-shm", "-journal")
_BUSY_SECONDS = 30.0
_NO_SPACE = "Choose another folder with --index, or free some space; the index is unchanged."
_NO_ACCESS = "Choose another folder with --index, or allow writing there; the index is unchanged."


class Database:
    """The database file of one index. Safe to share between threads and processes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / FILE
        self._holder = directory / "writer"

    def file_id(self) -> tuple[int, int] | None:
        """Return the device and inode of the file; None without one."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def reader(
        self, busy_seconds: float = _BUSY_SECONDS, *, outdated: bool = False
    ) -> sqlite3.Connection:
        """Open a connection to read, even in a folder that cannot be written.

        If the file system allows no write-ahead log, it waits `busy_seconds` for a writer. With
        `outdated`, an index of an older version is opened too.

        Raises
        ------
        IndexMissingError
            If nothing was built yet.
        IndexDamagedError, IndexTooNewError
            If it cannot be read.
        """
        with errors_of(self.directory):
            if not self.path.is_file():
                raise IndexMissingError(self.directory)
            try:
                connection = _opened(self.path, "mode=ro", busy_seconds)
            except sqlite3.OperationalError as error:
                if _is_locked(error):
                    raise  # without locks, a database that changes must not be read
                # WAL needs a file of shared memory, which a read-only folder may lack.
                connection = _opened(self.path, "immutable=1", busy_seconds)
        try:
            self.check(connection)
        except BaseException as error:
            if outdated and isinstance(error, IndexOutdatedError):
                return connection
            connection.close()
            raise
        return connection

    def writer(self) -> sqlite3.Connection:
        """Open a connection for writing, and create the tables if they are missing.

        Raises
        ------
        IndexDamagedError, IndexTooNewError, StorageError
            If it cannot be used.
        """
        with errors_of(self.directory):
            connection = _opened(self.path, "mode=rwc", _BUSY_SECONDS)
            try:
                if connection.execute("PRAGMA user_version").fetchone()[0]:
                    self.check(connection)
                mode = _journal(connection)
                if mode != "wal":
                    _log.warning(
                        "%s: the file system allows no write-ahead log; readers wait while the "
                        "index is written. Choose a local folder with --index to avoid that.",
                        self.directory,
                    )
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA cache_size = -65536")
                if not connection.execute("PRAGMA user_version").fetchone()[0]:
                    schema.create_tables(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def check(self, connection: sqlite3.Connection) -> None:
        """Check that a database is an index of this version.

        Raises
        ------
        IndexMissingError, IndexDamagedError, IndexOutdatedError, IndexTooNewError
            If it is not.
        """
        with errors_of(self.directory):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            application = connection.execute("PRAGMA application_id").fetchone()[0]
        if version == 0:
            raise IndexMissingError(self.directory)
        if application != schema.APPLICATION:
            raise IndexDamagedError(self.directory, f"{FILE} is not an index of ragbot")
        if version > schema.FORMAT:
            raise IndexTooNewError(self.directory, version, schema.FORMAT)
        if version < schema.FORMAT:
            raise IndexOutdatedError(self.directory, version, schema.FORMAT)

    def was_left_open(self) -> bool:
        """Return whether the last writer was killed; call it before `writing`."""
        with errors_of(self.directory):
            return self._holder.exists()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Acquire the writer's lock for the context, and write the name of this process beside it.

        Raises
        ------
        IndexLockedError
            If another process holds it.
        StorageError
            If the folder cannot be written.
        """
        lock = FileLock(self.directory / "writer.lock", timeout=0)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise IndexLockedError(self.directory, _read_holder(self._holder)) from None
        except OSError as error:
            raise storage_error(self.directory, error) from error
        try:
            with contextlib.suppress(OSError):
                name = f"process {os.getpid()} since {time.strftime('%H:%M:%S')}"
                self._holder.write_text(name, encoding="utf-8")
            yield
        finally:
            with contextlib.suppress(OSError):
                self._holder.unlink(missing_ok=True)
            lock.release()

    def set_aside(self) -> None:
        """Rename a damaged database, so that a new one can take its place."""
        with errors_of(self.directory):
            for suffix in reversed(_LOG_FILES):
                old = Path(f"{self.path}{suffix}")
                if old.exists():
                    old.replace(self.directory / f"{DAMAGED}{suffix}")

    def remove(self) -> None:
        """Delete a database of another version."""
        with errors_of(self.directory):
            for suffix in reversed(_LOG_FILES):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)


class StateCache:
    """Values that all snapshots of one state of the index share."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, name: str, read: Callable[[], T]) -> T:
        """Return a value; the first call reads it."""
        if name not in self._values:
            self._values[name] = read()
        value: T = self._values[name]
        return value


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Open a transaction: commit at the end, roll back at an exception."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_meta(connection: sqlite3.Connection, key: str, default: Any = None) -> Any:
    """Return a value of the table `meta`."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if row is None else row[0]


def write_meta(connection: sqlite3.Connection, key: str, value: Any) -> None:
    """Write a value of the table `meta`."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def count_up(connection: sqlite3.Connection) -> None:
    """Increase the counter, by which readers recognise a state of the index."""
    write_meta(connection, "counter", read_meta(connection, "counter", 0) + 1)
    write_meta(connection, "indexed_at", time.time())


def is_begun(connection: sqlite3.Connection) -> bool:
    """Return whether a refresh has committed notes; other files and the encoder come first."""
    # If no note can be read, only `file` has rows; `note` is asked first because that is faster.
    query = "SELECT EXISTS (SELECT 1 FROM note) OR "
    query += "EXISTS (SELECT 1 FROM file WHERE size IS NOT NULL)"
    return bool(connection.execute(query).fetchone()[0])


def is_whole(connection: sqlite3.Connection) -> bool:
    """Return whether SQLite finds no damage in the pages of the database."""
    return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


@contextmanager
def errors_of(directory: Path, *, files: bool = True) -> Iterator[None]:
    """Raise the errors of SQLite, and those of `files`, as errors of the index.

    Raises
    ------
    IndexDamagedError
        If the database is damaged.
    IndexLockedError
        If another program has locked the database.
    StorageError
        If it, or another file, cannot be written or opened.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _index_error(directory, error) from error
    except OSError as error:
        if not files:
            raise
        raise storage_error(directory, error) from error


def storage_error(directory: Path, error: OSError) -> StorageError:
    """Return the error for a file that cannot be written."""
    remedy = _NO_SPACE
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        remedy = _NO_ACCESS
    if error.errno == errno.ENAMETOOLONG:
        remedy = "Choose a folder with a shorter name with --index."
    if isinstance(error, FileExistsError | NotADirectoryError):
        remedy = "It is a file; the index needs a folder. Choose a folder with --index."
    return StorageError(error.filename or directory, error.strerror or str(error), remedy)


def _index_error(directory: Path, error: sqlite3.Error) -> RagbotError:
    code = getattr(error, "sqlite_errorname", "")
    if "no such module: fts" in str(error):
        found = f"SQLite {sqlite3.sqlite_version} of this Python lacks FTS5, its full-text search"
        remedy = "Use a Python that has it, such as one from python.org or your distribution."
        return StorageError("sqlite3", found, remedy)
    if _is_locked(error) or code == "SQLITE_PROTOCOL":
        return IndexLockedError(directory, "another program")
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StorageError(directory / FILE, str(error), _NO_SPACE)
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageError(directory / FILE, str(error), _NO_ACCESS)
    return IndexDamagedError(directory, str(error))


def _is_locked(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _opened(path: Path, how: str, busy_seconds: float) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?{how}"
    connection = sqlite3.connect(
        address,
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _journal(connection: sqlite3.Connection) -> str:
    """Enable the write-ahead log, or a rollback journal if the file system allows none."""
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.OperationalError as error:
        if _is_locked(error):
            raise
        mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    return str(mode)


def _read_holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except OSError:
        return "another process"
