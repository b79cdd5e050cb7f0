"""Who works on the index of a page that is served: one at a time, and all can see how far."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ragbot.models import Progress

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

_LOOK = 0.1
"""Seconds between two looks whether who waits for others has given up."""


class Cancelled(Exception):  # noqa: N818  # not an error: a person said stop
    """Ends work on the index from within its progress report, or while it waits for its turn."""


class Keeper:
    """Refreshes the index for the watch and for visitors, and knows how far that is.

    Attributes
    ----------
    bot
        The open bot.
    step
        The last report of the work under way; None while there is none.
    """

    def __init__(self, bot: Ragbot) -> None:
        self.bot = bot
        self.step: Progress | None = None
        self._turn = threading.Lock()

    def refresh(self, *, rebuild: bool = False, stop: threading.Event | None = None) -> None:
        """Bring the index up to date, or build it anew, after those who came before.

        Parameters
        ----------
        rebuild
            Whether a visitor asked to build it anew; otherwise nobody asked.
        stop
            Ends the work once it is set, and leaves the former index in use.

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

        while not self._turn.acquire(timeout=_LOOK):
            if stop.is_set():
                raise Cancelled
        try:
            self.bot.refresh(rebuild=rebuild, progress=report)
        finally:
            self.step = None
            self._turn.release()
