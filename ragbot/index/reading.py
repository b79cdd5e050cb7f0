"""Read many notes on all processors.

Worker processes are plain children with a pipe: `multiprocessing` would import the main module of
a user's program again.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from ragbot.index.note_rows import NoteRows, read_rows
from ragbot.models import NoteId, Problem

_log = logging.getLogger(__name__)

PARALLEL = 600
"""Least number of notes for which worker processes pay."""

_TASK = 50
"""Notes in one task of a worker."""

Outcome = NoteRows | tuple[Problem, ...]
"""The rows of a note, or its problems if it cannot be read."""


def read_all(root: Path, paths: Sequence[NoteId]) -> Iterator[tuple[NoteId, Outcome]]:
    """Yield the rows of some notes, or their problems, in order."""
    workers = os.cpu_count() or 1
    if len(paths) < PARALLEL or workers == 1:
        for path in paths:
            yield path, read_rows(root, path)
        return
    tasks = [paths[start : start + _TASK] for start in range(0, len(paths), _TASK)]
    with ThreadPoolExecutor(workers) as threads:
        processes: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(workers):
            processes.put(_Worker(root))
        pending: deque[Future[list[Outcome]]] = deque()
        try:
            for number, task in enumerate(tasks):
                pending.append(threads.submit(_do, processes, task))
                if number >= 2 * workers:
                    first = tasks[number - 2 * workers]
                    yield from zip(first, pending.popleft().result(), strict=True)
            for task in tasks[len(tasks) - len(pending) :]:
                yield from zip(task, pending.popleft().result(), strict=True)
        finally:
            for future in pending:
                future.cancel()
            threads.shutdown(wait=True)
            while not processes.empty():
                processes.get().close()


class _Worker:
    """A child process that reads notes; if it fails, this process reads them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        code = f"from {__name__} import serve; serve()"
        source = str(Path(__file__).resolve().parent.parent.parent)
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C is for the program that started it
            )
        except OSError as error:
            _log.info("notes are read in one process: %s", error)

    def read(self, paths: Sequence[NoteId]) -> list[Outcome]:
        """Return the rows of some notes, or their problems."""
        process = self._process
        if process is not None and process.stdin is not None and process.stdout is not None:
            try:
                pickle.dump((str(self._root), list(paths)), process.stdin)
                process.stdin.flush()
                found: list[Outcome] = pickle.load(process.stdout)
                return found
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                _log.info("notes are read in one process: %s", error)
                self.close()
        return [read_rows(self._root, path) for path in paths]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _do(workers: SimpleQueue[_Worker], paths: Sequence[NoteId]) -> list[Outcome]:
    worker = workers.get()
    try:
        return worker.read(paths)
    finally:
        workers.put(worker)


def serve() -> None:
    """Read notes for the process at the other end of the standard streams, until it closes them."""
    given, results = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        while True:
            root, paths = pickle.load(given)
            pickle.dump([read_rows(Path(root), path) for path in paths], results)
            results.flush()
    # Exit at once, because flushing the rest of a result into a closed pipe would raise an error.
    os._exit(0)
