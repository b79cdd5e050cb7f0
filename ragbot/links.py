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
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from urllib.parse import unquote

from ragbot.markdown import stem
from ragbot.schema import Note, NoteId, Relation

_ESCAPED_LABEL = re.compile(r"!?\[\[(.+?)\]\][\s↑⊙↗]*")


def fold(name: str) -> str:
    """Give the form in which names compare: lower case and NFC, as Obsidian has it."""
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

    def __init__(self, notes: Sequence[Note], files: Iterable[str] = ()) -> None:
        self._notes = {note.id for note in notes}
        self._paths: dict[str, list[str]] = {}
        self._endings: dict[str, list[str]] = {}
        self._aliases: dict[str, list[NoteId]] = {}
        self._titles: dict[str, list[NoteId]] = {}
        self._spoken: dict[str, str] = {}
        paths = sorted({*self._notes, *files}, key=lambda path: (len(path), path))
        for path in paths:
            self._add_path(path)
        for note in sorted(notes, key=lambda note: (len(note.id), note.id)):
            self._titles.setdefault(fold(note.title), []).append(note.id)
            for name in (stem(note.id), note.title, *note.aliases):
                self._spoken.setdefault(fold(name), name)
            for alias in dict.fromkeys(fold(alias) for alias in note.aliases):
                self._aliases.setdefault(alias, []).append(note.id)

    def _add_path(self, path: str) -> None:
        folded = fold(path)
        self._paths.setdefault(folded, []).append(path)
        ending = folded
        while True:
            self._endings.setdefault(ending, []).append(path)
            if "/" not in ending:
                return
            ending = ending.split("/", 1)[1]

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
        return found if found in self._notes else None

    def find_file(self, name: str, source: NoteId | None = None) -> str | None:
        """Give the note or other file that a link leads to; see `find`."""
        if not name:
            return source
        found = self.candidates(name, source)
        return found[0] if found else None

    def candidates(self, name: str, source: NoteId | None = None) -> list[str]:
        """Give every file that could be meant, the one that is chosen first.

        Files come before aliases: an alias counts only where no file has the name.
        """
        for written in _spellings(name):
            if found := self._by_path(written, source):
                return found
        if name.lower().endswith(".html") and (found := self._published(name, source)):
            return found
        return _own_folder_first(self._aliases.get(fold(name), []), source)

    def named(self, name: str) -> NoteId | None:
        """Give the note that a person calls `name`: by path, file name, alias or title."""
        titled = self._titles.get(fold(name.strip()))
        return self.find(name.strip()) or (titled[0] if titled else None)

    def nearest(self, name: str, n: int = 3) -> list[str]:
        """Give up to `n` names of notes that look like `name`, the likest first."""
        close = get_close_matches(fold(stem(name)), self._spoken, n, 0.6)
        return [self._spoken[folded] for folded in close]

    def _by_path(self, name: str, source: NoteId | None) -> list[str]:
        relative = name.startswith(("./", "../"))
        rooted = name.startswith("/")
        folder = posixpath.dirname(source or "") if relative else ""
        path = _normal_path(posixpath.join(folder, name.lstrip("/")))
        if path is None:
            return []
        exact = self._paths.get(path, [])
        if relative or rooted:
            return _exact_case_first(exact, name)
        rest = self._endings.get(path, [])
        if exact:
            chosen = _exact_case_first(exact, name)
            return [*chosen, *(file for file in rest if file not in chosen)]
        return _own_folder_first(rest, source)

    def _published(self, name: str, source: NoteId | None) -> list[str]:
        """Find the note behind a published page: `.html` for `.md`, relative to the page."""
        path = name[: -len(".html")] + ".md"
        if not path.startswith("/"):
            joined = posixpath.join(posixpath.dirname(source or ""), path)
            beside = _normal_path(joined)
            if beside is not None and beside in self._paths:
                return _exact_case_first(self._paths[beside], joined)
        return self._by_path(path, source)


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


def _exact_case_first(paths: list[str], name: str) -> list[str]:
    wanted = unicodedata.normalize("NFC", posixpath.normpath(name).lstrip("/"))
    return sorted(paths, key=lambda path: (unicodedata.normalize("NFC", path) != wanted, path))


def _own_folder_first(paths: list[str], source: NoteId | None) -> list[str]:
    if len(paths) < 2 or source is None:
        return paths
    folder = posixpath.dirname(source)
    return sorted(paths, key=lambda path: posixpath.dirname(path) != folder)


def resolve(notes: Sequence[Note], files: Iterable[str] = ()) -> list[Note]:
    """Fill the target of every relation, whatever it was before.

    Parameters
    ----------
    notes
        All notes of the vault.
    files
        Paths of its other files. A link to one of them is no relation between
        notes and is left out.

    Returns
    -------
    list of Note
        The same notes in the same order. A name that nothing answers to leaves
        its target None.
    """
    names = Names(notes, files)
    return [_resolved(note, names) for note in notes]


def _resolved(note: Note, names: Names) -> Note:
    relations = []
    for relation in note.relations:
        found = target(relation, note, names)
        if found.target is None or found.target in names._notes:
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
        label = _ESCAPED_LABEL.fullmatch(relation.alias)
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
