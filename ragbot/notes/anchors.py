"""The headings and blocks of a note that links point at.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import re

from ragbot.models import Note
from ragbot.notes.link_resolver import fold
from ragbot.text.fuzzy import Nearest


class Anchors:
    """What can be pointed at in one note: built once, asked often."""

    def __init__(self, note: Note) -> None:
        self._blocks: dict[str, int] = {}
        self._headings: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        self._names: dict[str, str] = {}
        self._written = tuple(note.blocks)
        for name, at in note.blocks.items():
            self._blocks.setdefault(name.lower(), at)
        for section in note.sections:
            if section.headings:
                path = tuple(_words(name) for name in section.headings)
                self._headings.setdefault(path[-1], []).append((path, section.span[0]))
                self._names.setdefault(path[-1], section.headings[-1])

    def find(self, heading: str | None, block: str | None = None) -> int | None:
        """Give the offset of the heading, or of the block, that a link into this note means.

        Case, punctuation and markup do not count; of `A#B`, the heading B that
        stands below a heading A is meant. None when there is no such place.
        """
        if block is not None:
            return self._blocks.get(block.lower())
        heading = heading or ""
        named = self._headings.get(_words(heading))
        if named:
            return named[0][1]
        chain = [_words(part) for part in heading.split("#") if part.strip()]
        for path, at in self._headings.get(chain[-1], ()) if chain else ():
            above = iter(path[:-1])
            if all(name in above for name in chain[:-1]):
                return at
        return None

    def nearest_heading(self, heading: str) -> str | None:
        """Give the heading, as written, that looks most like one that is not there."""
        near = Nearest(self._names).find(_words(heading.rpartition("#")[2]), 1)
        return self._names[near[0]] if near else None

    def nearest_block(self, block: str) -> str | None:
        """Give the block id, as written, that looks most like one that is not there."""
        written = {name.lower(): name for name in self._written}
        near = Nearest(written).find(block.lower(), 1)
        return written[near[0]] if near else None


def _words(heading: str) -> str:
    """Fold a heading to its words: Obsidian drops punctuation when it writes a heading link.

    Examples
    --------
    >>> _words("Plan: The *Big* One") == _words("plan the big one")
    True
    """
    return " ".join(re.sub(r"[^\w\s]|_", " ", fold(heading)).split()) or fold(heading.strip())
