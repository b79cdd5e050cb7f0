"""Where an index keeps its generations, and who uses which: names, leases, the writer's lock.

    index/CURRENT                   the name of the generation that answers
    index/generations/NAME/         the manifest of each
    index/pages/HASH                notes as read and their passages (see pages.py)
    index/sheets/HASH               what they lead to (see sheets.py)
    index/states.jsonl              how the files of notes stood when they were read
    index/HELD                      what the notes looked like when someone went back (see `hold`)
    index/words/HASH/               words of passages (see postings.py)
    index/segments/NAME/            vectors (see store.py)
    index/leases/                   one locked file a reader: what it uses is not swept
    index/writer.lock               held by the one process that writes

Floor 3: files and locks; what is in a generation is not known here.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ragbot.errors import IndexDamagedError, IndexLockedError, StorageError
from ragbot.index.pieces import sync
from ragbot.index.vectors import Server, remove_segment

_COUNT = itertools.count()


@dataclass(frozen=True, slots=True)
class Used:
    """What a generation needs beside its own folder, by name."""

    segments: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Shelf:
    """The folder of an index. Safe to share between threads and processes.

    Parameters
    ----------
    directory
        The folder; made when it is written to.
    server
        Where its collections are kept; None for the folder itself.
    """

    def __init__(self, directory: Path, server: Server | None = None) -> None:
        self.directory = Path(directory)
        self.server = server
        self.generations = self.directory / "generations"
        self.segments = self.directory / "segments"
        self.pages = self.directory / "pages"
        self.sheets = self.directory / "sheets"
        self.words = self.directory / "words"
        self.states = self.directory / "states.jsonl"
        self._current = self.directory / "CURRENT"
        self._held = self.directory / "HELD"
        self._leases = self.directory / "leases"

    def current(self) -> str | None:
        """Name of the current generation; None before the first build."""
        try:
            return self._current.read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise IndexDamagedError(self.directory, f"CURRENT: {error}") from error

    def switch(self, name: str) -> None:
        """Make a generation current, in one step that is whole or has not happened."""
        new = self.directory / "CURRENT.new"
        new.write_text(name, encoding="ascii")
        sync(new)
        new.replace(self._current)
        sync(self.directory)

    def hold(self, notes: str) -> None:
        """Keep the current generation until the notes look otherwise than they do now."""
        self._held.write_text(notes, encoding="utf-8")

    def held(self) -> bool:
        """Whether someone went back, and the current generation may be one to keep."""
        return self._held.is_file()

    def holds(self, notes: str) -> bool:
        """Whether the current generation is kept while the notes look like this."""
        try:
            return self._held.read_text(encoding="utf-8") == notes
        except (OSError, ValueError):
            return False

    def let_go(self) -> None:
        """Keep the current generation no longer."""
        self._held.unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Names of the finished generations, oldest first."""
        if not self.generations.is_dir():
            return []
        return sorted(p.name for p in self.generations.iterdir() if not p.name.startswith("."))

    def lease(self, generation: str) -> Lease | None:
        """Mark a generation as in use by this process; None where the folder is read-only."""
        while True:
            path = self._leases / f"{generation}.{os.getpid()}-{next(_COUNT)}"
            try:
                self._leases.mkdir(exist_ok=True)
                return Lease(path)
            except Timeout:
                continue  # a sweeper looked into it before it was locked
            except OSError:
                return None

    def leased(self) -> set[str]:
        """Name the generations that a living process reads; the leases of dead ones are removed."""
        names = set()
        for path in self._leases.iterdir() if self._leases.is_dir() else ():
            try:
                with FileLock(path, timeout=0):
                    path.unlink(missing_ok=True)
            except Timeout:
                names.add(path.name.partition(".")[0])
        return names

    def sweep(self, used_by: Callable[[str], Used]) -> None:
        """Remove what neither the current generation, the one before, nor a reader uses.

        Parameters
        ----------
        used_by
            Tells what a generation needs beside its own folder.
        """
        current, names = self.current() or "", self.names()
        keep = {current, *[name for name in names if name < current][-1:], *self.leased()}
        used = [used_by(name) for name in keep.intersection(names)]
        for path in _others(self.generations, keep):
            shutil.rmtree(path, ignore_errors=True)
        pages = {name for one in used for name in one.pages}
        sheets = {name for one in used for name in one.sheets}
        for path in [*_others(self.pages, pages), *_others(self.sheets, sheets)]:
            path.unlink(missing_ok=True)
        for path in _others(self.words, {words for one in used for words in one.words}):
            shutil.rmtree(path, ignore_errors=True)
        for path in _others(self.segments, {name for one in used for name in one.segments}):
            remove_segment(path, self.server)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock, and leave one's name with it.

        Raises
        ------
        IndexLockedError
            If another process holds it.
        StorageError
            If the folder cannot be written.
        """
        lock = FileLock(self.directory / "writer.lock", timeout=0)
        holder = self.directory / "writer"
        try:
            self.generations.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise IndexLockedError(self.directory, _read_holder(holder)) from None
        except OSError as error:
            raise storage_error(self.directory, error) from error
        try:
            with contextlib.suppress(OSError):
                told = f"process {os.getpid()} since {time.strftime('%H:%M:%S')}"
                holder.write_text(told, encoding="utf-8")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()


class Lease:
    """A locked file that says which generation this process reads; freed when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Let go of by whichever thread drops the generation last.
        self._lock = FileLock(path, timeout=0, thread_local=False)
        self._lock.acquire()

    def release(self) -> None:
        """Say that the generation is no longer used."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._lock.release()


def _others(folder: Path, wanted: set[str]) -> list[Path]:
    return [p for p in folder.iterdir() if p.name not in wanted] if folder.is_dir() else []


def new_name() -> str:
    """Name that sorts by time: microseconds since the epoch, the process, a number within it."""
    return f"{time.time_ns() // 1000:016x}{os.getpid() & 0xFFFF:04x}{next(_COUNT) & 0xFFFF:04x}"


def storage_error(directory: Path, error: OSError) -> StorageError:
    """Say what could not be written, and what to do."""
    remedy = "Free some space or choose another folder with --index; the index is as it was."
    if isinstance(error, FileExistsError | NotADirectoryError):
        remedy = "It is a file; the index needs a folder. Choose one with --index."
    return StorageError(error.filename or directory, error.strerror or str(error), remedy)


def _read_holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except OSError:
        return "another process"
