"""Names to notes: which file a link means, as Obsidian decides it.

Floor 1: pure functions on notes; no file is looked at.

References
----------
Obsidian 1.13.7, `getFirstLinkpathDest`, as observed by third parties; see
docs/note-format.md for each rule with an example.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote

from ragbot.index.filing import refiled
from ragbot.models import Note, NoteId, Relation
from ragbot.notes.parser import stem
from ragbot.text.fuzzy import Nearest

ESCAPED_LABEL = re.compile(r"!?\[\[(.+?)\]\][\s↑⊙↗]*")


class Called(NamedTuple):
    """What a note is called: the names that links and questions use."""

    id: NoteId
    title: str
    aliases: tuple[str, ...]


def fold(name: str) -> str:
    """Give the form in which names compare: lower case and NFC, as Obsidian has it."""
    if name.isascii():  # most names, and five times as fast
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


class Names:
    """Every name that a note or file of one vault answers to.

    Parameters
    ----------
    notes
        The notes of the vault.
    files
        Paths of its other files; links may lead to them, but they are no notes.
    """

    def __init__(self, notes: Iterable[Note | Called] = (), files: Iterable[str] = ()) -> None:
        called = [
            note if isinstance(note, Called) else Called(note.id, note.title, note.aliases)
            for note in notes
        ]
        self._filed = _NOTHING.changed((), called, frozenset(files))
        self._found: dict[tuple[str, str | None], str | None] = {}

    def changed(
        self, gone: Collection[Called], new: Collection[Called], files: Iterable[str]
    ) -> Names:
        """Give the names of the vault with some notes gone and others come: the rest stay filed.

        Parameters
        ----------
        files
            Paths of all its other files.
        """
        after = Names()
        after._filed = self._filed.changed(gone, new, frozenset(files))
        return after

    @cached_property
    def _folders(self) -> set[str]:
        folders = {posixpath.dirname(path) for path in self._filed.paths}
        for folder in list(folders):
            while folder := posixpath.dirname(folder):
                folders.add(folder)
        return folders - {""}

    @cached_property
    def _titles(self) -> dict[str, NoteId]:
        titles: dict[str, NoteId] = {}
        for note in sorted(self._filed.notes.values(), key=lambda note: _closeness(note.id)):
            titles.setdefault(fold(note.title), note.id)
        return titles

    @cached_property
    def _spoken(self) -> dict[str, str]:
        spoken: dict[str, str] = {}
        for note in sorted(self._filed.notes.values(), key=lambda note: _closeness(note.id)):
            for name in (stem(note.id), note.title, *note.aliases):
                spoken.setdefault(fold(name), name)
        return spoken

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self._spoken)

    def find(self, name: str, source: NoteId | None = None) -> NoteId | None:
        """Give the note that a link written `name` in `source` leads to.

        Parameters
        ----------
        name
            Path or name, `.md` optional, without heading; empty for `source` itself.
        source
            The note that holds the link; None for a name that stands alone.

        Returns
        -------
        NoteId or None
            None when nothing, or something that is not a note, goes by that name.
        """
        found = self.find_file(name, source)
        return found if found in self._filed.notes else None

    def find_file(self, name: str, source: NoteId | None = None) -> str | None:
        """Give the note or other file that a link leads to; see `find`."""
        if not name:
            return source
        # Only the folder of the source matters, and notes of one folder link alike.
        asked = (name, posixpath.dirname(source) if source is not None else None)
        if asked not in self._found:
            self._found[asked] = self._search(name, source)
        return self._found[asked]

    def _search(self, name: str, source: NoteId | None) -> str | None:
        for written in _spellings(name):
            if found := self._by_path(written, source):
                return found
        if name.lower().endswith(".html") and (found := self._published(name, source)):
            return found
        owners = self._filed.aliases.get(fold(name), ())
        return self._own_folder(owners, source) or next(iter(owners), None)

    def candidates(self, name: str, source: NoteId | None = None) -> list[str]:
        """Give every file that a name could mean, the one that is chosen first.

        One or none when the name is a full path, which leaves nothing open.
        """
        chosen = self.find_file(name, source)
        if chosen is None:
            return []
        for written in _spellings(name):
            path = _normal_path(written)
            if written.startswith(("/", "./", "../")) or path is None:
                continue
            if path in self._filed.paths:
                return [chosen]
            if rest := self._filed.endings.get(path, ()):
                return [chosen, *(file for file in rest if file != chosen)]
        rest = self._filed.aliases.get(fold(name), ())
        return [chosen, *(note for note in rest if note != chosen)]

    def is_note(self, path: str) -> bool:
        """Whether a path is that of a note, rather than of another file."""
        return path in self._filed.notes

    def is_folder(self, name: str, source: NoteId) -> bool:
        """Whether a link leads to a folder of the vault: `[all](forms/)`."""
        if not name.endswith("/"):
            return False
        beside = _normal_path(posixpath.join(posixpath.dirname(source), name))
        return beside in self._folders or _normal_path(name.strip("/")) in self._folders

    def spelling(self, note: NoteId) -> str:
        """Give the shortest way to write a link to a note: its file name, or its path."""
        name = stem(note)
        return name if self.candidates(name) == [note] else note.removesuffix(".md")

    def named(self, name: str) -> NoteId | None:
        """Give the note that a person calls `name`: by path, file name, alias or title."""
        return self.find(name.strip()) or self._titles.get(fold(name.strip()))

    def nearest(self, name: str, n: int = 3, *, parts: bool = True) -> list[str]:
        """Give up to `n` names of notes that look like `name`, the likest first.

        With `parts`, names that hold `name` as a part come after those.
        """
        wanted = fold(stem(name)).strip()
        found = self._nearest.find(wanted, n)
        if parts and wanted and len(found) < n:
            longer = [other for other in self._spoken if wanted in other and other not in found]
            found += sorted(longer, key=len)[: n - len(found)]
        return [self._spoken[folded] for folded in found]

    def _by_path(self, name: str, source: NoteId | None) -> str | None:
        relative = name.startswith(("./", "../"))
        folder = posixpath.dirname(source or "") if relative else ""
        path = _normal_path(posixpath.join(folder, name.lstrip("/")))
        if path is None:
            return None
        if exact := self._filed.paths.get(path):
            return _exact_case(exact, posixpath.join(folder, name))
        if relative or name.startswith("/"):
            return None
        rest = self._filed.endings.get(path, ())
        return self._own_folder(rest, source, path) or next(iter(rest), None)

    def _own_folder(
        self, paths: Sequence[str], source: NoteId | None, path: str = ""
    ) -> str | None:
        """Give the file beside the linking note, if one of `paths` is there."""
        if source is None or len(paths) < 2:
            return None
        folder = posixpath.dirname(source)
        if not path:
            return next((file for file in paths if posixpath.dirname(file) == folder), None)
        beside = fold(posixpath.join(folder, posixpath.basename(path)))
        ends = beside == path or beside.endswith("/" + path)
        return self._filed.paths[beside][0] if ends and beside in self._filed.paths else None

    def _published(self, name: str, source: NoteId | None) -> str | None:
        """Find the note behind a published page: `.html` for `.md`, relative to the page."""
        path = name[: -len(".html")] + ".md"
        if not path.startswith("/"):
            joined = posixpath.join(posixpath.dirname(source or ""), path)
            beside = _normal_path(joined)
            if beside is not None and beside in self._filed.paths:
                return _exact_case(self._filed.paths[beside], joined)
        return self._by_path(path, source)


_Table = Mapping[str, tuple[str, ...]]
"""Paths that go by each folded name, the closest first."""


@dataclass(frozen=True, slots=True)
class _Filed:
    """What notes are called and which other files there are; paths by name, ending and alias."""

    notes: Mapping[NoteId, Called]
    others: Set[str]
    paths: _Table
    endings: _Table
    aliases: _Table

    def changed(
        self, gone: Collection[Called], new: Collection[Called], others: Set[str]
    ) -> _Filed:
        """File what came and take out what went."""
        came, went = ({one.id: one for one in called} for called in (new, gone))
        notes = {**self.notes, **came}
        for note in went.keys() - came.keys():
            del notes[note]
        paths_gone = (went.keys() - came.keys()) | (self.others - others)
        paths_new = (came.keys() - self.notes.keys()) | (others - self.others)
        return _Filed(
            notes,
            others,
            refiled(self.paths, _by_name(paths_gone), _by_name(paths_new), _closeness),
            refiled(self.endings, _by_ending(paths_gone), _by_ending(paths_new), _closeness),
            refiled(self.aliases, _by_alias(gone), _by_alias(new), _closeness),
        )


_NOTHING = _Filed({}, frozenset(), {}, {}, {})


def _closeness(path: str) -> tuple[int, str]:
    return len(path), path


def _by_name(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((fold(path), path) for path in paths)


def _by_ending(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        ending = fold(path)
        yield ending, path
        while "/" in ending:
            ending = ending.split("/", 1)[1]
            yield ending, path


def _by_alias(called: Iterable[Called]) -> Iterator[tuple[str, str]]:
    for note in called:
        for alias in dict.fromkeys(fold(alias) for alias in note.aliases):
            yield alias, note.id


def _spellings(name: str) -> list[str]:
    """Give a name as written and with `.md`; a written extension is tried first."""
    if "." in posixpath.basename(name):
        return [name, name + ".md"]
    return [name + ".md", name]


def _normal_path(path: str) -> str | None:
    """Fold a path and resolve its dots; None when it leaves the vault or is no path."""
    if "\0" in path or "\ufffd" in path:
        return None
    normal = posixpath.normpath(path)
    if normal == ".." or normal.startswith(("../", "/")):
        return None
    return fold(normal)


def _exact_case(paths: Sequence[str], name: str) -> str:
    """Of paths that differ in case only, give the one that is spelt like the link."""
    wanted = unicodedata.normalize("NFC", posixpath.normpath(name).lstrip("/"))
    same = (path for path in paths if unicodedata.normalize("NFC", path) == wanted)
    return next(same, paths[0])


def resolve(notes: Sequence[Note], files: Iterable[str] = ()) -> list[Note]:
    """Fill the target of every relation, whatever it was before.

    Parameters
    ----------
    notes
        All notes of the vault.
    files
        Paths of its other files. A link to one of them, or to a folder, is no
        relation between notes and is left out.

    Returns
    -------
    list of Note
        The same notes in the same order. A name that nothing answers to leaves
        its target None.
    """
    names = Names(notes, files)
    return [with_targets(note, names) for note in notes]


def with_targets(note: Note, names: Names) -> Note:
    """Fill the target of every relation of one note, see `resolve`."""
    relations = []
    for relation in note.relations:
        found = target(relation, note, names)
        if found.target is None and names.is_folder(found.written, note.id):
            continue
        if found.target is None or names.is_note(found.target):
            relations.append(found)
    return replace(note, relations=tuple(relations))


def target(relation: Relation, note: Note, names: Names) -> Relation:
    """Give a relation with its target, which may be a file that is not a note."""
    found = names.find_file(relation.written, note.id)
    start = relation.span[0]
    wiki = note.text.startswith(("[[", "![["), start)
    if found is None and wiki:
        return _wikilink_target(relation, note, names)
    if found is None and relation.alias:
        # [\[\[Note\]\]](moved.html): the label still says what was meant
        label = ESCAPED_LABEL.fullmatch(relation.alias)
        found = names.find_file(label.group(1), note.id) if label else None
    return relation if found == relation.target else replace(relation, target=found)


def _wikilink_target(relation: Relation, note: Note, names: Names) -> Relation:
    """Try the two spellings that other programs write: `%20`, and `[[Note^block]]`."""
    written = relation.written
    found = names.find_file(unquote(written), note.id) if "%" in written else None
    if found is None and "^" in written and not relation.heading and not relation.block:
        name, _, block = written.rpartition("^")
        found = names.find_file(name.strip(), note.id) if name.strip() else None
        if found is not None and block.strip():
            return replace(relation, written=name.strip(), block=block.strip(), target=found)
        found = None
    return relation if found == relation.target else replace(relation, target=found)
