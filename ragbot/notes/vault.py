"""The folder of notes on disk. Only this module reads note files.

It opens nothing outside the folder, and follows no symbolic link. A file that
cannot be read becomes a `Problem`; the others are read.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from ragbot.errors import VaultError
from ragbot.models import Note, NoteId, Problem
from ragbot.notes.link_resolver import resolve
from ragbot.notes.parser import parse

MAX_BYTES = 5_000_000
"""Size of the largest note that is read, in bytes. A larger file is reported."""

MAX_LINES = 200_000
"""Most lines of a note that is read, which limits the memory for its structure."""

IGNORE_FILE = ".ragbotignore"
SKIPPED_FOLDERS = frozenset({"node_modules"})
INDEX_FILE = "ragbot.sqlite3"
"""Database of an index: a folder below the notes with such a file is not listed."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

LATIN, OTHER = 0.3, 0.03
"""Least share of characters with a zero byte in UTF-16: of bytes that are UTF-8 too, as Latin
letters are, and of others. In other scripts mostly the blanks have a zero byte."""

Stat = tuple[int, int, int]
"""Size, mtime and ctime of a file at listing time, in bytes and nanoseconds.

A file is unchanged if all three are. `ctime` shows a change even if a program set `mtime` back. It
is a plain tuple, which the garbage collector does not track.
"""


@dataclass(frozen=True, slots=True)
class Listing:
    """The notes of a folder. `files` are the paths that are not notes, to which links may lead."""

    notes: dict[NoteId, Stat]
    files: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Listed:
    root: Path
    ignored: GitIgnoreSpec | None
    notes: dict[NoteId, Stat] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def ignores(self, path: str) -> bool:
        """Check whether `.ragbotignore` excludes a path."""
        return self.ignored is not None and self.ignored.match_file(path)


def scan(root: Path) -> Listing:
    """Return the notes below a folder, without opening them.

    It skips hidden files and folders, `node_modules`, an index of ragbot, files that
    `.ragbotignore` names, and symbolic links.

    Raises
    ------
    VaultError
        If the folder is missing, is not a folder, or cannot be listed.
    """
    root = folder_of(root)
    listed = _Listed(root, _ignored(root))
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = list(entries)
        except OSError as problem:
            if not folder:
                folder_of(root)  # Raises an error if the folder was removed meanwhile.
                raise VaultError(root, f"cannot be listed: {problem.strerror}", _REMEDY) from None
            listed.problems.append(_unreadable(folder, problem))
            continue
        if folder and any(entry.name == INDEX_FILE for entry in found):
            continue
        folders += [path for entry in found if (path := _list_entry(listed, folder, entry))]
    notes = {path: listed.notes[path] for path in sorted(listed.notes)}
    problems = sorted(listed.problems, key=lambda problem: problem.note)
    return Listing(notes, tuple(sorted(listed.files)), tuple(problems))


_REMEDY = "Name a folder of Markdown notes with --notes or RAGBOT_NOTES."


def folder_of(root: Path) -> Path:
    """Return the absolute path of a folder of notes; raise `VaultError` if it is no folder."""
    root = Path(root)
    try:
        mode = root.stat().st_mode
    except FileNotFoundError:
        raise VaultError(root, "does not exist", _REMEDY) from None
    except OSError as problem:
        raise VaultError(root, f"cannot be read: {problem.strerror}", _REMEDY) from None
    if not stat.S_ISDIR(mode):
        raise VaultError(root, "is not a folder", _REMEDY)
    return root.resolve()


def _ignored(root: Path) -> GitIgnoreSpec | None:
    path = root / IGNORE_FILE
    if path.is_symlink() or not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        return GitIgnoreSpec.from_lines(lines)
    except (OSError, ValueError) as problem:
        remedy = f"Mend {IGNORE_FILE}; it follows the rules of .gitignore."
        raise VaultError(path, f"cannot be used: {problem}", remedy) from None


def _list_entry(listed: _Listed, folder: str, entry: os.DirEntry[str]) -> str | None:
    """Record one directory entry; return its path if it is a folder to list."""
    name = entry.name
    path = f"{folder}/{name}" if folder else name
    if name.startswith(".") or name in SKIPPED_FOLDERS:
        return None
    try:
        path.encode()
        if entry.is_symlink():
            _note_symlink(listed, path)
        elif entry.is_dir(follow_symlinks=False):
            return None if listed.ignores(path + "/") else path
        elif not listed.ignores(path):
            _list_file(listed, path, entry)
    except UnicodeEncodeError:
        problem = OSError(0, "its name is not valid UTF-8")
        listed.problems.append(_unreadable(path, problem))
    except OSError as problem:
        listed.problems.append(_unreadable(path, problem))
    return None


def _list_file(listed: _Listed, path: str, entry: os.DirEntry[str]) -> None:
    if not path.lower().endswith(".md"):
        listed.files.append(path)
        return
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is not a regular file")
    listed.notes[path] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _note_symlink(listed: _Listed, path: str) -> None:
    """Record a problem for a symbolic link out of the folder or to nothing; skip others."""
    if listed.ignores(path):
        return
    try:
        real = (listed.root / path).resolve(strict=True)
    except (OSError, RuntimeError):
        listed.problems.append(
            Problem("unreadable", path, 0, "the symbolic link leads nowhere", "Remove the link.")
        )
        return
    if not real.is_relative_to(listed.root):
        message = "the symbolic link leads out of the folder of notes and is not followed"
        fix = "Copy the file into the folder, or remove the link."
        listed.problems.append(Problem("outside", path, 0, message, fix))


def _unreadable(path: str, problem: OSError) -> Problem:
    name = path.encode("utf-8", "replace").decode()
    reason = problem.strerror or str(problem)
    fix = "Check the file's name and permissions."
    return Problem("unreadable", name, 0, f"cannot be read: {reason}", fix, "error")


def read(root: Path) -> tuple[list[Note], list[Problem]]:
    """Read and resolve every note below a folder; return them in order of id, and the problems.

    Raises `VaultError` if the folder cannot be listed.
    """
    listing = scan(root)
    notes: list[Note] = []
    problems = list(listing.problems)
    for path in listing.notes:
        note, found = read_note(root, path)
        problems += found
        if note is not None:
            notes.append(note)
    return resolve(notes, listing.files), problems


def read_note(root: Path, note: NoteId) -> tuple[Note | None, list[Problem]]:
    """Read one note, without resolving its relations; None if it cannot be read.

    The problems say why it cannot be read, or what is wrong in it.
    """
    try:
        content = _content(Path(root).resolve(), note)
    except _TooLargeError as problem:
        fix = "Split the note, or name the file in .ragbotignore."
        return None, [Problem("too_large", note, 0, str(problem), fix, "error")]
    except OSError as problem:
        return None, [_unreadable(note, problem)]
    text, problems = decode(content, note)
    value, found = parse(text, note)
    return value, problems + found


def digest(root: Path, note: NoteId) -> str | None:
    """Return the SHA-256 of a note's bytes, in hexadecimal; None if it cannot be read."""
    try:
        return hashlib.sha256(_content(Path(root).resolve(), note)).hexdigest()
    except (OSError, _TooLargeError):
        return None


class _TooLargeError(Exception):
    pass


def _content(root: Path, note: NoteId) -> bytes:
    """Read the bytes of a note; neither it nor a folder above it may be a symbolic link."""
    path = root / note
    if "\0" in note or not path.is_relative_to(root) or path.resolve() != path:
        raise OSError(0, "it leads out of the folder of notes")
    # O_NONBLOCK: a pipe must not block. O_NOFOLLOW: the file may have become a symbolic link.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        size = max(status.st_size, len(content)) / 1e6
        raise _TooLargeError(f"it has {size:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read")
    lines = content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")
    if lines > MAX_LINES:
        raise _TooLargeError(f"it has {lines:,} lines; at most {MAX_LINES:,} are read")
    return content


def decode(content: bytes, note: NoteId) -> tuple[str, list[Problem]]:
    r"""Return the text of a note, without its byte-order mark, and the problem of invalid bytes.

    The text is read as UTF-8; or as UTF-16 if it has a byte-order mark, or a zero in every
    second byte. Invalid bytes become `\ufffd` and are reported.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), _unmarked(content))
    name = "UTF-16" if encoding.startswith("utf-16") else "UTF-8"
    try:
        return content.decode(encoding), []
    except UnicodeDecodeError as problem:
        text = content.decode(encoding, errors="replace")
        before = content[: problem.start].decode(encoding, errors="replace")
        line = len(before.splitlines()) or 1
        message = f"byte {problem.start} is not valid {name}; it is shown as \ufffd"
        return text, [Problem("encoding", note, line, message, "Save the file as UTF-8.")]


def _unmarked(content: bytes) -> str:
    """Return the encoding of bytes without a mark.

    In UTF-16 every second byte of a Latin letter, blank or line end is zero; UTF-8 has no zeros.
    """
    head = content[:1000]
    if len(content) % 2 or len(head) < 4 or b"\0" not in head:
        return "utf-8"
    even, odd = head[::2].count(0), head[1::2].count(0)
    least = (LATIN if _is_utf8(head) else OTHER) * len(head) / 2
    if odd > least and not even:
        return "utf-16-le"
    return "utf-16-be" if even > least and not odd else "utf-8"


def _is_utf8(head: bytes) -> bool:
    """Check whether the first bytes of a file are UTF-8 without control characters.

    They may end within a character. In UTF-16 the high byte of a letter is a control: 4 in
    Cyrillic.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return not any(0 < byte < ord("\t") for byte in head)
