"""The names of the notes and files of a vault, the preferred file first."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from ragbot.models import Note, NoteId
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name


def closeness(path: str) -> tuple[int, str]:
    """Return the sort key that puts the shortest path first among files of one name."""
    return len(path), path


def endings(path: str) -> Iterator[str]:
    """Yield the folded path, then each shorter end of it after a slash."""
    ending = fold_name(path)
    yield ending
    while "/" in ending:
        ending = ending.split("/", 1)[1]
        yield ending


def folders(path: str) -> Iterator[str]:
    """Yield the folded folders above a path, the innermost first."""
    folder = posixpath.dirname(fold_name(path))
    while folder:
        yield folder
        folder = posixpath.dirname(folder)


class NameTable(Protocol):
    """The names of the notes and files of one vault. Paths come closest first."""

    def paths(self, folded: str) -> Sequence[str]:
        """Return the files whose folded path is this one."""

    def ending(self, folded: str, most: int | None = None) -> Sequence[str]:
        """Return the files whose folded path is, or ends in, this one; at most `most`."""

    def aliased(self, folded: str) -> Sequence[NoteId]:
        """Return the notes with this folded alias."""

    def titled(self, folded: str) -> Sequence[NoteId]:
        """Return the notes with this folded title."""

    def spoken(self) -> Mapping[str, str]:
        """Return every stem, title and alias by its folded form, in the closest note's spelling."""

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note, rather than of another file."""

    def has_folder(self, folded: str) -> bool:
        """Return whether a file lies below a folded folder."""


class MemoryNames:
    """A `NameTable` of notes and files in memory."""

    def __init__(self, notes: Iterable[Note], files: Iterable[str] = ()) -> None:
        self._notes = {note.id: note for note in sorted(notes, key=lambda n: closeness(n.id))}
        paths = sorted([*self._notes, *(set(files) - self._notes.keys())], key=closeness)
        self._endings: dict[str, list[str]] = {}
        self._paths: dict[str, list[str]] = {}
        self._aliases: dict[str, list[str]] = {}
        self._titles: dict[str, list[str]] = {}
        self._folders = {folder for path in paths for folder in folders(path)}
        for path in paths:
            self._paths.setdefault(fold_name(path), []).append(path)
            for ending in endings(path):
                self._endings.setdefault(ending, []).append(path)
        for note in self._notes.values():
            self._titles.setdefault(fold_name(note.title), []).append(note.id)
            for alias in dict.fromkeys(map(fold_name, note.aliases)):
                self._aliases.setdefault(alias, []).append(note.id)

    def paths(self, folded: str) -> Sequence[str]:
        """Return the files whose folded path is this one."""
        return self._paths.get(folded, ())

    def ending(self, folded: str, most: int | None = None) -> Sequence[str]:
        """Return the files whose folded path is, or ends in, this one; at most `most`."""
        return self._endings.get(folded, [])[:most]

    def aliased(self, folded: str) -> Sequence[NoteId]:
        """Return the notes with this folded alias."""
        return self._aliases.get(folded, ())

    def titled(self, folded: str) -> Sequence[NoteId]:
        """Return the notes with this folded title."""
        return self._titles.get(folded, ())

    def spoken(self) -> Mapping[str, str]:
        """Return every stem, title and alias by its folded form."""
        spoken: dict[str, str] = {}
        for note in self._notes.values():
            for name in (stem(note.id), note.title, *note.aliases):
                spoken.setdefault(fold_name(name), name)
        return spoken

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note."""
        return path in self._notes

    def has_folder(self, folded: str) -> bool:
        """Return whether a file lies below a folded folder."""
        return folded in self._folders
