"""Conflict copies: files that a sync program writes when two devices changed a note."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ragbot.models import NoteId

# Dropbox, Nextcloud, Obsidian Sync, Seafile and pCloud write brackets; Syncthing, Resilio and
# ownCloud a suffix.
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


def conflict_copies(notes: Iterable[NoteId]) -> dict[NoteId, NoteId]:
    """Return the notes that are a conflict copy of another one, with that one.

    Examples
    --------
    >>> conflict_copies(["a/Plan.md", "a/Plan (Ann's conflicted copy 2026-06-05).md"])
    {"a/Plan (Ann's conflicted copy 2026-06-05).md": 'a/Plan.md'}
    """
    known = set(notes)
    originals = {note: original_name(note) for note in known if "onfli" in note.lower()}
    return {copy: note for copy, note in originals.items() if note in known and note != copy}


def original_name(note: NoteId) -> NoteId:
    """Return the name of a note without the mark of a conflict copy.

    Examples
    --------
    >>> original_name("a/Plan.sync-conflict-20260605-101112.md"), original_name("Plan.md")
    ('a/Plan.md', 'Plan.md')
    """
    folder, slash, name = note.rpartition("/")
    stem = name.removesuffix(".md")
    found = _BRACKETS.fullmatch(stem) or _SUFFIX.fullmatch(stem)
    return f"{folder}{slash}{found['name']}.md" if found else note
