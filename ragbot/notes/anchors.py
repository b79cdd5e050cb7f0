"""The headings and blocks of a note that links point at."""

from __future__ import annotations

import re
from collections import Counter

from ragbot.models import Note
from ragbot.text.folding import fold_name
from ragbot.text.fuzzy import Nearest


class Anchors:
    """The headings and blocks of one note that a link can name."""

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
        self._written_as, self._slugs = _other_names(note)

    def find(self, heading: str | None, block: str | None = None) -> int | None:
        """Return the offset of the heading or block that a link into this note names.

        Case, punctuation and markup are ignored; `A#B` means the heading B below a
        heading A. A heading may be written as its source or as GitHub's slug. None if
        there is no such place.
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
        written = self._written_as.get(_words(heading)) if heading.strip() else None
        return written if written is not None else self._slugs.get(heading.lower())

    def nearest_heading(self, heading: str) -> str | None:
        """Return the heading, as written, that is most similar to a missing one."""
        near = Nearest(self._names).find(_words(heading.rpartition("#")[2]), 1)
        return self._names[near[0]] if near else None

    def nearest_block(self, block: str) -> str | None:
        """Return the block id, as written, that is most similar to a missing one."""
        written = {name.lower(): name for name in self._written}
        near = Nearest(written).find(block.lower(), 1)
        return written[near[0]] if near else None


def _other_names(note: Note) -> tuple[dict[str, int], dict[str, int]]:
    """Return the offsets of the headings by their source, and by GitHub's slugs."""
    sources: dict[str, int] = {}
    slugs: dict[str, int] = {}
    times: Counter[str] = Counter()
    for section in note.sections:
        if not section.headings:
            continue
        at = section.span[0]
        line = note.text[at : at + 1000].splitlines()[:1]
        sources.setdefault(_words("".join(line)), at)
        name = slug(section.headings[-1])
        slugs.setdefault(f"{name}-{times[name]}" if times[name] else name, at)
        times[name] += 1
    return sources, slugs


def slug(heading: str) -> str:
    """Return GitHub's anchor for a heading.

    Examples
    --------
    >>> slug("What's new in 2.0?")
    'whats-new-in-20'
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _words(heading: str) -> str:
    """Return a heading folded to its words, as Obsidian writes heading links without punctuation.

    Examples
    --------
    >>> _words("Plan: The *Big* One") == _words("plan the big one")
    True
    """
    return " ".join(re.sub(r"[^\w\s]|_", " ", fold_name(heading)).split()) or fold_name(
        heading.strip()
    )
