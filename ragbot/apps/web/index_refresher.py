"""Refresh the index, one refresh at a time, with its progress for all visitors."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ragbot.models import Progress

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

_WAIT = 0.1
"""Seconds between two looks whether a waiting rebuild was cancelled."""


class Cancelled(Exception):  # noqa: N818  # not an error: a person said stop
    """Ends a rebuild from within its progress report, or while it waits for its turn."""


class IndexRefresher:
    """Refreshes the index for the watcher and for visitors, one refresh at a time.

    Attributes
    ----------
    bot
        The open bot.
    begun
        Set once a refresh has reported, or ended: then the index can be asked.
    step
        The last report of the refresh in progress; None while there is none.
    """

    def __init__(self, bot: Ragbot) -> None:
        self.bot = bot
        self.step: Progress | None = None
        self.begun = threading.Event()
        self._turn = threading.Lock()

    def refresh(self, *, rebuild: bool = False, stop: threading.Event | None = None) -> None:
        """Bring the index up to date, or rebuild it, once earlier refreshes are done.

        Parameters
        ----------
        rebuild
            Whether to read and embed everything again.
        stop
            Cancels the refresh once it is set; the former index stays in use.

        Raises
        ------
        Cancelled
            If `stop` was set.
        VaultError, IndexLockedError, StorageError, ModelUnavailableError
            As `Ragbot.refresh`.
        """
        stop = stop or threading.Event()

        def report(step: Progress) -> None:
            if stop.is_set():
                raise Cancelled
            self.step = step
            if step.stage != "read" or step.done:
                self.begun.set()

        while not self._turn.acquire(timeout=_WAIT):
            if stop.is_set():
                raise Cancelled
        try:
            self.bot.refresh(rebuild=rebuild, progress=report)
        finally:
            self.step = None
            self.begun.set()
            self._turn.release()
