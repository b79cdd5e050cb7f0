"""Resolve the name in a link to a file, by Obsidian's rules.

No file is read: `Names` looks names up in a table, in memory or in the index.

References
----------
Obsidian 1.13.7, `getFirstLinkpathDest`, as observed by third parties; see
docs/links.md for each rule with an example.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal, Protocol
from urllib.parse import unquote

from ragbot.models import Note, NoteId, Relation
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name
from ragbot.text.fuzzy import Nearest

ESCAPED_LABEL = re.compile(r"!?\[\[(.+?)\]\][\s↑⊙↗]*")

ANY_NAME = ""
"""Link key of a name that may mean any file: a folder, or a path that ends in dots."""

NameKind = Literal["path", "ending", "folder", "title", "alias"]
"""How a folded name refers to a file: as its path, an end of its path after a slash, a folder above
it, its title, or one of its aliases."""


class Names:
    """Resolves the names that links and people use, by a table of names or by the notes.

    Links may lead to other files too, which are no notes.
    """

    def __init__(self, notes: Iterable[Note] | NameTable = (), files: Iterable[str] = ()) -> None:
        self._table: NameTable = MemoryNames(notes, files) if isinstance(notes, Iterable) else notes
        self._found: dict[tuple[str, str | None], str | None] = {}

    @cached_property
    def _spoken(self) -> Mapping[str, str]:
        return self._table.spoken()

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self._spoken)

    def find(self, name: str, source: NoteId | None = None) -> NoteId | None:
        """Return the note that a link written `name` in `source` leads to; None without one.

        The name is a path or file name, `.md` optional, without heading; empty for `source` itself.
        """
        found = self.find_file(name, source)
        return found if found is not None and self.is_note(found) else None

    def find_file(self, name: str, source: NoteId | None = None) -> str | None:
        """Return the note or other file that a link leads to; see `find`."""
        if not name:
            return source
        # Of the source only the folder matters, so notes of one folder share the cached result.
        query = (name, posixpath.dirname(source) if source is not None else None)
        if query not in self._found:
            self._found[query] = self._search(name, source)
        return self._found[query]

    def _search(self, name: str, source: NoteId | None) -> str | None:
        for written in _spellings(name):
            if found := self._by_path(written, source):
                return found
        if name.lower().endswith(".html") and (found := self._published(name, source)):
            return found
        owners = self._table.find("alias", fold_name(name))
        return _in_folder(owners, source) or next(iter(owners), None)

    def candidates(self, name: str, source: NoteId | None = None) -> list[str]:
        """Return every file that a name could mean, with the chosen one first.

        At most one if the name is a full path.
        """
        chosen = self.find_file(name, source)
        if chosen is None:
            return []
        for written in _spellings(name):
            path = _normal_path(written)
            if written.startswith(("/", "./", "../")) or path is None:
                continue
            if self._table.find("path", path):
                return [chosen]
            if rest := self._table.find("ending", path):
                return [chosen, *(file for file in rest if file != chosen)]
        rest = self._table.find("alias", fold_name(name))
        return [chosen, *(note for note in rest if note != chosen)]

    def is_note(self, path: str) -> bool:
        """Return whether a path is that of a note, rather than of another file."""
        return self._table.is_note(path)

    def is_folder(self, name: str, source: NoteId) -> bool:
        """Return whether a link leads to a folder of the vault: `[all](forms/)`."""
        if not name.endswith("/"):
            return False
        beside = _normal_path(posixpath.join(posixpath.dirname(source), name))
        return any(
            folder is not None and self._table.find("folder", folder, 1)
            for folder in (beside, _normal_path(name.strip("/")))
        )

    def spelling(self, note: NoteId) -> str:
        """Return the shortest way to write a link to a note: its file name, or its path."""
        name = stem(note)
        return name if self.candidates(name) == [note] else note.removesuffix(".md")

    def named(self, name: str) -> NoteId | None:
        """Return the note with a path, file name, alias or title."""
        name = name.strip()
        return self.find(name) or next(iter(self._table.find("title", fold_name(name))), None)

    def nearest(self, name: str, n: int = 3, *, parts: bool = True) -> list[str]:
        """Return up to `n` names of notes that are similar to `name`, the most similar first.

        With `parts`, names that contain `name` follow.
        """
        wanted = fold_name(stem(name)).strip()
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
        if exact := self._table.find("path", path):
            return _exact_case(exact, posixpath.join(folder, name))
        if relative or name.startswith("/"):
            return None
        nearest = self._table.find("ending", path, 2)
        if len(nearest) > 1 and source is not None:
            beside = fold_name(posixpath.join(posixpath.dirname(source), posixpath.basename(path)))
            ends = beside == path or beside.endswith("/" + path)
            if ends and (own := self._table.find("path", beside)):
                return own[0]
        return next(iter(nearest), None)

    def _published(self, name: str, source: NoteId | None) -> str | None:
        """Return the note of a published page: `.html` for `.md`, relative to the page."""
        path = name[: -len(".html")] + ".md"
        if not path.startswith("/"):
            joined = posixpath.join(posixpath.dirname(source or ""), path)
            beside = _normal_path(joined)
            if beside is not None and (own := self._table.find("path", beside)):
                return _exact_case(own, joined)
        return self._by_path(path, source)


def _in_folder(paths: Sequence[str], source: NoteId | None) -> str | None:
    """Return the file in the folder of the linking note, if several have the name."""
    if source is None or len(paths) < 2:
        return None
    folder = posixpath.dirname(source)
    return next((path for path in paths if posixpath.dirname(path) == folder), None)


def link_keys(relation: Relation) -> tuple[str | None, str | None]:
    """Return the keys of the names that a link may mean: the written one, and another.

    The target of a link stays the same until a file or alias with one of these keys is added or
    removed (see `link_key`). The other key is that of a second spelling which `target` tries, None
    for most links, and `ANY_NAME` where it tries several. A link into the note itself has none.
    """
    if not relation.written:
        return None, None
    others = {link_key(name) for name in _other_spellings(relation)} - {link_key(relation.written)}
    other = None if not others else others.pop() if len(others) == 1 else ANY_NAME
    return link_key(relation.written), other


def link_key(name: str) -> str:
    """Return the folded last component of a path or alias, without `.md` and `.html`.

    Blanks around `#` are removed, because a link to a heading does not keep them.

    Examples
    --------
    >>> link_key("models/Persona Drift.md"), link_key("forms/")
    ('persona drift', '')
    """
    last = posixpath.basename(posixpath.normpath(name))
    if name.endswith("/") or last in ("", ".", ".."):
        return ANY_NAME
    key = re.sub(" ?# ?", "#", fold_name(last)) if "#" in last else fold_name(last)
    while key.endswith((".md", ".html")):
        key = key.removesuffix(".md").removesuffix(".html")
    return key


def _hashed_names(relation: Relation) -> Iterator[tuple[str, str | None]]:
    """Yield the names with a `#` that a link to a heading may mean, and the heading in them.

    `[[C# basics]]` may be the note "C# basics", `[[Issue #12#Why]]` a heading of "Issue #12".
    """
    if not relation.written or "/" in (relation.heading or "/"):
        return
    parts = (relation.heading or "").split("#")
    for count in range(len(parts), 0, -1):
        rest = "#".join(parts[count:]) or None
        for sign in ("# ", "#", " #", " # "):
            yield f"{relation.written}{sign}{'#'.join(parts[:count])}", rest


def _other_spellings(relation: Relation) -> Iterator[str]:
    """Yield the other spellings that `target` looks up."""
    if "%" in relation.written:
        yield unquote(relation.written)
    yield from (name for name, _ in _hashed_names(relation))
    if "^" in relation.written:
        yield relation.written.rpartition("^")[0].strip()
    if label := ESCAPED_LABEL.fullmatch(relation.alias or ""):
        yield label.group(1)


def _spellings(name: str) -> list[str]:
    """Return a name as written and with `.md`; a written extension is tried first."""
    if "." in posixpath.basename(name):
        return [name, name + ".md"]
    return [name + ".md", name]


def _normal_path(path: str) -> str | None:
    """Return a folded path with resolved dots; None if it leaves the vault or is not a path."""
    if "\0" in path or "\ufffd" in path:
        return None
    normal = posixpath.normpath(path)
    if normal == ".." or normal.startswith(("../", "/")):
        return None
    return fold_name(normal)


def _exact_case(paths: Sequence[str], name: str) -> str:
    """Return the path that is spelt like the link, among paths that differ only in case."""
    wanted = unicodedata.normalize("NFC", posixpath.normpath(name).lstrip("/"))
    same = (path for path in paths if unicodedata.normalize("NFC", path) == wanted)
    return next(same, paths[0])


def resolve(notes: Sequence[Note], files: Iterable[str] = ()) -> list[Note]:
    """Return the notes of a vault with the target of every relation resolved again.

    A link to one of the other files, or to a folder, is no relation between notes and is left out.
    A name that no note has leaves the target None.
    """
    names = Names(notes, files)
    found = []
    for note in notes:
        relations = (target(relation, note, names) for relation in note.relations)
        leading = tuple(one for one in relations if leads_to_a_note(one, names))
        found.append(replace(note, relations=leading))
    return found


def leads_to_a_note(relation: Relation, names: Names) -> bool:
    """Return whether a link leads to a note or a ghost, rather than to a file or folder."""
    if relation.target is None:
        return not names.is_folder(relation.written, relation.source)
    return names.is_note(relation.target)


def is_wikilink(text: str, relation: Relation) -> bool:
    """Return whether a link of a note is written `[[…]]` or `![[…]]`."""
    return text.startswith(("[[", "![["), relation.span[0])


def target(relation: Relation, note: Note, names: Names) -> Relation:
    """Return a relation of a note with its target, which may be a file that is not a note."""
    return resolved(relation, names, wiki=is_wikilink(note.text, relation))


def resolved(relation: Relation, names: Names, *, wiki: bool) -> Relation:
    """Return a relation with its target, see `target`; `wiki` is True for a wikilink."""
    found = names.find_file(relation.written, relation.source)
    if found is None and wiki:
        return _wikilink_target(relation, names)
    if found is None and relation.alias:
        # [\[\[Note\]\]](moved.html): the label names the note
        label = ESCAPED_LABEL.fullmatch(relation.alias)
        found = names.find_file(label.group(1), relation.source) if label else None
    return relation if found == relation.target else replace(relation, target=found)


def _wikilink_target(relation: Relation, names: Names) -> Relation:
    """Return the target by other readings: `%20`, `[[Note^block]]`, and a name with a `#`."""
    written, source = relation.written, relation.source
    found = names.find_file(unquote(written), source) if "%" in written else None
    for name, heading in _hashed_names(relation) if found is None else ():
        found = names.find_file(name, source)
        if found is not None:
            return replace(relation, written=name, heading=heading, target=found)
    if found is None and "^" in written and not relation.heading and not relation.block:
        name, _, block = written.rpartition("^")
        found = names.find_file(name.strip(), source) if name.strip() else None
        if found is not None and block.strip():
            return replace(relation, written=name.strip(), block=block.strip(), target=found)
        found = None
    return relation if found == relation.target else replace(relation, target=found)


# The names of a vault


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
