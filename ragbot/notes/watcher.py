"""Follow a folder of notes, and refresh the index when something in it changed.

Editors save in several steps, and git and sync tools write many files at once. So
changes are collected until the folder is quiet for a moment. Events get lost, so a
refresh scans the folder itself, which is cheap if nothing changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragbot.errors import IndexLockedError, RagbotError
from ragbot.notes.vault import IGNORE_FILE, INDEX_FILE, SKIPPED_FOLDERS

if TYPE_CHECKING:
    from watchfiles import Change

QUIET_MS = 200
"""Milliseconds without a change before a refresh."""

LONGEST_MS = 2000
"""Most milliseconds in which changes are collected."""

LOOK_MS = 1000
"""Milliseconds until a failed refresh is tried again, or a missing folder is searched again."""

ANYWAY = 60.0
"""Seconds until a refresh without an event, because some file systems send none."""

_TEMPORARY = ("~", ".tmp", ".swp", ".swx", ".part", ".crdownload", ".icloud", ".new")


def counts(root: Path, path: Path) -> bool:
    """Check whether a change of this path may affect the index, and is not in an index.

    Examples
    --------
    >>> counts(Path("/v"), Path("/v/a/b.md")), counts(Path("/v"), Path("/v/.git/index"))
    (True, False)
    """
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return False
    if parts == (IGNORE_FILE,):
        return True
    hidden = any(part.startswith((".", "~$")) or part in SKIPPED_FOLDERS for part in parts)
    if hidden or path.name.endswith(_TEMPORARY):
        return False
    return not any((folder / INDEX_FILE).exists() for folder in path.parents[: len(parts) - 1])


def follow(
    notes: Path,
    refresh: Callable[[], object],
    *,
    stop: threading.Event,
    failed: Callable[[RagbotError], None],
) -> None:
    """Refresh whenever the folder has changed, until about a second after `stop` is set.

    Parameters
    ----------
    notes
        The folder. It may vanish and come back.
    refresh
        Called once at the start, and after changes.
    failed
        Called with the error of a failed refresh, which is tried again. A lock of another
        process is no failure: that process does the same work.
    """
    due, looked = True, time.monotonic()
    for changed in _events(notes, stop):
        due = due or changed or time.monotonic() - looked > ANYWAY
        if not due or stop.is_set():
            continue
        looked = time.monotonic()
        try:
            refresh()
            due = False
        except IndexLockedError:
            continue
        except RagbotError as error:
            failed(error)


def _events(notes: Path, stop: threading.Event) -> Iterator[bool]:
    """Yield True soon after a change of the folder, and False about every second."""
    from watchfiles import watch

    while not stop.is_set():
        root = Path(notes).resolve()
        yield True
        if not root.is_dir():
            stop.wait(LOOK_MS / 1000)
            continue
        # A change during the first refresh, before the watch was set up, has no event.
        unseen = True
        try:
            for changes in watch(
                root,
                watch_filter=partial(_is_of_notes, root),
                debounce=LONGEST_MS,
                step=QUIET_MS,
                rust_timeout=LOOK_MS,
                yield_on_timeout=True,
                stop_event=stop,
            ):
                yield bool(changes) or unseen
                unseen = False
                if not root.is_dir():
                    break
        except OSError:
            # The folder was removed meanwhile, or the system allows no more watches.
            stop.wait(LOOK_MS / 1000)


def _is_of_notes(root: Path, _: Change, path: str) -> bool:
    return counts(root, Path(path))
