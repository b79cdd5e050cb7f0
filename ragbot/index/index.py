"""The index: built and refreshed from a folder of notes, read one generation at a time.

A build stands beside the current generation until it has been read back and
checked, and becomes current by the renaming of one small file. Whatever kills a
build, the former generation answers; the next build sweeps what was left.

Floor 3.
"""

from __future__ import annotations

import hashlib
import logging
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
    IndexTooNewError,
    StorageError,
)
from ragbot.index.build import Build, Report, Task, listing
from ragbot.index.generation import Generation, load
from ragbot.index.manifest import Manifest
from ragbot.index.reread import behind, changes_between
from ragbot.index.shelf import Shelf, Used, storage_error
from ragbot.index.snapshot import EMPTY
from ragbot.index.states import Log
from ragbot.index.vectors import Server
from ragbot.inference.encoder import Encoder, EncoderIdentity
from ragbot.models import Changes, Progress
from ragbot.notes import vault

_log = logging.getLogger(__name__)


class Index:
    """A folder with an index. Safe to share between threads and processes.

    Parameters
    ----------
    directory
        Folder of the index; made by the first `refresh`.
    chroma_url
        `http://host:port` of a Chroma server to keep vectors on; empty to keep
        them in the folder.
    mentioned
        Whether a build makes edges of unlinked mentions.
    """

    def __init__(self, directory: Path, chroma_url: str = "", *, mentioned: bool = True) -> None:
        self.directory = Path(directory)
        self._mentioned = mentioned
        self._shelf = Shelf(self.directory, Server(chroma_url) if chroma_url else None)
        self._states = Log(self._shelf.states)
        self._lock = threading.RLock()
        self._loaded: Generation | None = None
        self._closed = False

    def current(self) -> Generation:
        """Load the current generation, unless it is loaded; a reader calls this once a question.

        Raises
        ------
        IndexMissingError
            If nothing was built yet.
        IndexDamagedError, IndexTooNewError
            If it cannot be read.
        ClosedError
            If the index was closed.
        """
        with self._lock:
            self._check_open()
            while True:
                name = self._shelf.current()
                if name is None:
                    raise IndexMissingError(self.directory)
                if self._loaded is not None and self._loaded.generation == name:
                    return self._loaded
                try:
                    self._loaded = self._load(name)
                except IndexDamagedError:
                    # A writer may have swept it a moment ago: then another one is current.
                    if self._shelf.current() == name:
                        raise

    def _load(self, name: str) -> Generation:
        old = self._loaded
        known = (old.content, old.placed) if old else ()
        return load(self._shelf, name, *known)

    def close(self) -> None:
        """Let go of the loaded generation, and load no other."""
        with self._lock:
            self._loaded, self._closed = None, True

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(self.directory)

    def refresh(
        self,
        notes: Path,
        encoder: Encoder | None,
        *,
        rebuild: bool = False,
        automatic: bool = False,
        report: Report = lambda progress: None,
    ) -> Changes:
        """Bring the index up to date with a folder of notes.

        Words and links come first and answer while the passages are embedded,
        unless few are new or everything is built anew.

        Parameters
        ----------
        notes
            The folder of notes.
        encoder
            What embeds new texts; None leaves them to words and graph.
        rebuild
            Whether to read and embed everything anew.
        automatic
            Whether nobody asked for it: an index that was rolled back then
            stays as it is until a note changes.
        report
            Called as the work goes on; an exception from it ends the work,
            and the index stays as it was last made safe.

        Raises
        ------
        VaultError
            If the folder of notes is missing, holds no note, or cannot be listed.
        IndexLockedError
            If another process is writing.
        IndexTooNewError
            If a newer version wrote the index and it is not to be built anew.
        StorageError
            If the index cannot be written.
        ClosedError
            If the index was closed.
        """
        self._check_open()
        began, listed_ns = time.monotonic(), time.time_ns()
        found = listing(notes)
        if automatic and self._shelf.held() and self._shelf.holds(_look(found)):
            return Changes(unchanged=self.current().manifest.notes)
        with self._shelf.writing(), self._storage():
            old = self._before(rebuild)
            known = old.manifest.encoder if old else None
            identity = encoder.identity if encoder else known
            self._tell_of_another(known, identity)
            task = Task(
                notes, (listed_ns, found), encoder, identity, report, self._states, self._mentioned
            )
            build = Build(self._shelf, task, self._adopt, None if rebuild else old)
            snapshot = build.run(patient=rebuild)
            self._shelf.let_go()
            self._shelf.sweep(self._used_by)
        report(Progress("done", len(snapshot.entries), len(snapshot.entries), "notes"))
        before = old.content.snapshot if old else EMPTY
        return changes_between(before, snapshot, time.monotonic() - began)

    def catch_up(self, notes: Path) -> None:
        """Bring words and links up to date, unless another process is at it: that does more.

        An index that cannot be written, on a full or read-only disk, answers as it was.

        Raises
        ------
        VaultError, IndexTooNewError
            As for `refresh`.
        StorageError
            If it cannot be written and there is none to answer.
        """
        try:
            self.refresh(notes, None, automatic=True)
        except IndexLockedError:
            return
        except StorageError as error:
            try:
                self.current()
            except (IndexMissingError, IndexDamagedError):
                raise error from None
            _log.warning("%s The index as it was answers.", error)

    def behind(self, notes: Path) -> int:
        """Count the notes that were added, changed or removed since the current generation."""
        now = self.current().content.snapshot
        return behind(vault.scan(notes), now, self._states.of(notes))

    def rollback(self, notes: Path) -> str:
        """Make the generation before the current one current; gives its name.

        It stays so until a note changes, or someone asks for a refresh.

        Raises
        ------
        IndexMissingError
            If there is no earlier one.
        VaultError
            If the folder of notes cannot be listed.
        """
        self._check_open()
        look = _look(listing(notes))
        with self._shelf.writing(), self._storage():
            current = self._shelf.current() or ""
            earlier = [name for name in self._shelf.names() if name < current]
            if not earlier:
                raise IndexMissingError(self.directory)
            load(self._shelf, earlier[-1])
            self._shelf.hold(look)
            self._shelf.switch(earlier[-1])
            return earlier[-1]

    def _before(self, rebuild: bool) -> Generation | None:
        """Load the current generation; None when there is none that can be read."""
        try:
            return self.current()
        except IndexMissingError:
            return None
        except IndexDamagedError as error:
            if not rebuild:
                told = (
                    "The index in %s cannot be read: %s. It is built again now; words answer first."
                )
                _log.warning(told, error.directory, error.found)
            return None
        except IndexTooNewError:
            if rebuild:
                return None
            raise

    def _tell_of_another(self, known: EncoderIdentity | None, now: EncoderIdentity | None) -> None:
        if known is not None and now is not None and known != now:
            told = "The index in %s was built with the encoder %r; it is embedded anew with %r."
            _log.warning(told, self.directory, known.name, now.name)

    def _adopt(self, generation: Generation) -> None:
        with self._lock:
            self._loaded = None if self._closed else generation

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(self.directory, error) from error

    def _used_by(self, name: str) -> Used:
        try:
            manifest = Manifest.load(self._shelf.generations / name)
        except (IndexDamagedError, IndexTooNewError):
            return Used()
        return Used(manifest.segments, manifest.pages, manifest.sheets, manifest.words)


def _look(found: vault.Listing) -> str:
    """Name how the files of a vault look from outside: a hash of their names, sizes and times."""
    return hashlib.sha256(repr(sorted(found.notes.items())).encode()).hexdigest()
