"""A bot that is opened when it is first needed, and follows edits of the notes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from ragbot.bot import Ragbot
from ragbot.errors import RagbotError
from ragbot.models import Progress
from ragbot.notes.watcher import follow


class LazyBot:
    """A bot that the first request opens, and that follows edits of the notes.

    Parameters
    ----------
    open_bot
        Opens the bot without waiting for the encoder; called once.
    """

    def __init__(self, open_bot: Callable[[], Ragbot]) -> None:
        self._open = open_bot
        self._lock = threading.Lock()
        self._bot: Ragbot | None = None
        self._stop = threading.Event()

    def get(self) -> Ragbot:
        """Return the open bot.

        Raises
        ------
        RagbotError
            If it cannot be opened; the message says what to do.
        """
        with self._lock:
            if self._bot is None:
                self._bot = self._open()
            return self._bot

    def start_following(self) -> None:
        """Start a thread that keeps the index up to date, and return."""
        threading.Thread(target=self._follow, name="ragbot-follow", daemon=True).start()

    def close(self) -> None:
        """Stop following, and close the bot if it is open."""
        self._stop.set()
        with self._lock:
            if self._bot is not None:
                self._bot.close()
                self._bot = None

    def _follow(self) -> None:
        try:
            bot = self.get()
        except RagbotError as error:
            _log(error)
            return

        def refresh() -> None:
            bot.refresh(progress=self._unless_closed)

        follow(bot.config.notes, refresh, stop=self._stop, failed=_log)

    def _unless_closed(self, _: Progress) -> None:
        if self._stop.is_set():
            raise _ClientLeftError


class _ClientLeftError(RagbotError):
    """Ends the refresh after the client has left; everything embedded so far is committed."""


def _log(error: Exception) -> None:
    # Words and links go on answering; the log says why meaning does not.
    if not isinstance(error, _ClientLeftError):
        sys.stderr.write(f"ragbot: {error}\n")
