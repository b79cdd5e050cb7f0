"""The names of the notes and files of a vault, the preferred file first."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from ragbot.models import Note, NoteId
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name

NameKind = Literal["path", "ending", "folder", "title", "alias"]
"""How a folded name refers to a file: as its path, an end of its path after a slash, a folder above
it, its title, or one of its aliases."""


def closeness(path: str) -> tuple[int, str]:
    """Return the sort key that puts the shortest path first among files of one name."""
    return len(path), path


def file_names(path: str) -> Iterator[tuple[NameKind, str]]:
    """Yield the folded names that links use for any file, and its folders."""
    ending = folder = fold_name(path)
    yield "path", ending
    yield "ending", ending
    while "/" in ending:
        ending = ending.split("/", 1)[1]
        yield "ending", ending
    while folder := posixpath.dirname(folder):
        yield "folder", folder


class NameTable(Protocol):
    """The names of the notes and files of one vault."""

    def find(self, kind: NameKind, folded: str, most: int = -1) -> Sequence[str]:
        """Return the files with a folded name, the closest first; at most `most`, -1 for all."""

    def spoken(self) -> Mapping[str, str]:
        """Return every stem, title and alias by its folded form, in the closest note's spelling."""

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note, rather than of another file."""


class MemoryNames:
    """A `NameTable` of notes and files in memory."""

    def __init__(self, notes: Iterable[Note], files: Iterable[str] = ()) -> None:
        self._notes: dict[NoteId, Note] = {note.id: note for note in notes}
        self._files: dict[tuple[NameKind, str], list[str]] = {}
        for path in sorted({*self._notes, *files}, key=closeness):
            names = list(file_names(path))
            if note := self._notes.get(path):
                names.append(("title", fold_name(note.title)))
                names += [("alias", fold_name(alias)) for alias in note.aliases]
            for name in dict.fromkeys(names):
                self._files.setdefault(name, []).append(path)

    def find(self, kind: NameKind, folded: str, most: int = -1) -> Sequence[str]:
        """Return the files with a folded name, the closest first; at most `most`, -1 for all."""
        found = self._files.get((kind, folded), [])
        return found if most < 0 else found[:most]

    def spoken(self) -> Mapping[str, str]:
        """Return every stem, title and alias by its folded form, in the closest note's spelling."""
        spoken: dict[str, str] = {}
        for path in sorted(self._notes, key=closeness):
            note = self._notes[path]
            for name in (stem(path), note.title, *note.aliases):
                spoken.setdefault(fold_name(name), name)
        return spoken

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note, rather than of another file."""
        return path in self._notes
