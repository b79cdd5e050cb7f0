"""The notes of an open bot, looked up one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragbot.errors import NoteNotFoundError
from ragbot.models import Note, NoteId

if TYPE_CHECKING:
    from ragbot.bot import Ragbot


class NoteLookup:
    """Notes by id, each read once from an open bot: for titles and line numbers."""

    def __init__(self, bot: Ragbot) -> None:
        self._bot = bot
        self._read: dict[NoteId, Note | None] = {}

    def get(self, note: NoteId, /) -> Note | None:
        """Return the note with this id, or None if there is none."""
        if note not in self._read:
            found = self.named(note)
            self._read[note] = found if found is not None and found.id == note else None
        return self._read[note]

    def named(self, name: str) -> Note | None:
        """Return the note with this path, file name, title or alias, or None."""
        try:
            return self._bot.note(name)
        except NoteNotFoundError:
            return None
