"""Conflict copies: files that a sync program writes when two devices changed a note."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ragbot.models import NoteId

# Dropbox, Nextcloud, Obsidian Sync, Seafile and pCloud add brackets to the name; Syncthing, Resilio
# and ownCloud add a suffix.
_BRACKETS = re.compile(
    r"(?P<name>.+?)[ _.-]*[(\[](?:[^()\[\]]*[ '’]s? *)?(?:"
    r"conflicted(?: copy)?|conflict(?:ing)? copy|conflict(?=[ #_-]*\d)|sfconflict|case conflict|"
    r"in konflikt stehende kopie|konfliktkopie|copie en conflit|copia en conflicto"
    r")[^()\[\]]*[)\]]",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"(?P<name>.+?)(?:\.sync-conflict-\d{8}-\d{6}(?:-\w+)?|[._-]conflict-\d{8}[\w-]*|\.conflict)",
    re.IGNORECASE,
)


# iCloud and Google Drive number a copy, OneDrive adds the device: so people name notes too.
_NUMBERED = re.compile(r"(?P<name>.+?)(?: [2-9]| ?\([1-9]\)|-[A-Za-z][\w-]*)")

ALIKE = 2 / 3
"""Share of lines that a note with such a name has in common with the original."""


def conflict_copies(
    notes: Iterable[NoteId], text_of: Callable[[NoteId], str]
) -> dict[NoteId, NoteId]:
    """Return the notes that are conflict copies, each with its original.

    `text_of` returns the text of a note; it is called if the name alone cannot tell.

    Examples
    --------
    >>> conflict_copies(["Plan.md", "Plan (Ann's conflicted copy 2026-06-05).md"], str)
    {"Plan (Ann's conflicted copy 2026-06-05).md": 'Plan.md'}
    """
    known = set(notes)
    copies = {}
    for note in sorted(known):
        named = original_name(note)
        numbered = _original(note, _NUMBERED)
        if named != note and named in known:
            copies[note] = named
        elif numbered != note and numbered in known and _alike(text_of(note), text_of(numbered)):
            copies[note] = numbered
    return copies


def _alike(one: str, other: str) -> bool:
    lines = [{line.strip() for line in text.splitlines()} - {""} for text in (one, other)]
    return len(lines[0] & lines[1]) >= ALIKE * max(1, *map(len, lines))


def original_name(note: NoteId) -> NoteId:
    """Return the name of a note without the mark of a conflict copy.

    Examples
    --------
    >>> original_name("a/Plan.sync-conflict-20260605-101112.md"), original_name("Plan.md")
    ('a/Plan.md', 'Plan.md')
    """
    return _original(note, _BRACKETS, _SUFFIX) if "onfli" in note.lower() else note


def _original(note: NoteId, *marks: re.Pattern[str]) -> NoteId:
    folder, slash, name = note.rpartition("/")
    matches = (mark.fullmatch(name.removesuffix(".md")) for mark in marks)
    found = next(filter(None, matches), None)
    return f"{folder}{slash}{found['name']}.md" if found else note
