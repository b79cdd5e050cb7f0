"""Links that open a note in the reader's own editor.

Floor 1: pure functions on strings and paths.
"""

from __future__ import annotations

import re
import string
from pathlib import Path
from urllib.parse import quote

from ragbot.errors import ConfigError
from ragbot.models import NoteId

NOTE_FIELDS = ("path", "absolute")
FIELDS = (*NOTE_FIELDS, "line")


def editor_url(template: str, vault: Path, note: NoteId, line: int) -> str:
    """Fill the template of a link (`RAGBOT_NOTE_URL`) for one line of a note.

    Parameters
    ----------
    template
        A URL with `{path}` (below the vault) or `{absolute}`, and `{line}` if
        wanted.
    vault
        Folder of the notes.
    note
        The note.
    line
        Line number from 1.

    Examples
    --------
    >>> editor_url("obsidian://open?vault=garden&file={path}", Path("v"), "a/B c.md", 3)
    'obsidian://open?vault=garden&file=a/B%20c.md'
    >>> editor_url("vscode://file/{absolute}:{line}", Path("/v"), "B&C.md", 3)
    'vscode://file/v/B%26C.md:3'
    """
    absolute = (vault.absolute() / note).as_posix()
    # `vscode://file/{absolute}` must not get two slashes, `file://{absolute}` needs its third.
    if re.search(r"[^/]/\{absolute\}", template):
        absolute = absolute.lstrip("/")
    values = {"path": quote(note), "absolute": quote(absolute), "line": str(line)}
    return template.format(**values)


def check_template(template: str) -> None:
    """Refuse a template of links that cannot be filled.

    Raises
    ------
    ConfigError
        If it is no URL, names no note, names another field than `FIELDS`, or
        does not close a brace.
    """
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError:
        fields = {""}
    is_url = re.match(r"[a-zA-Z][\w+.-]*:", template)
    if template and not (is_url and fields <= set(FIELDS) and fields & set(NOTE_FIELDS)):
        expected = "a URL with {path} or {absolute}, perhaps {line}, and no other field"
        raise ConfigError("RAGBOT_NOTE_URL", template, expected)
