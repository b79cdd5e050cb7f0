"""Links that open a note in the reader's own editor."""

from __future__ import annotations

import re
import string
from pathlib import Path
from urllib.parse import quote

from ragbot.errors import ConfigError
from ragbot.models import NoteId

NOTE_FIELDS = ("path", "absolute")
FIELDS = (*NOTE_FIELDS, "vault", "line")

OBSIDIAN = "obsidian://open?vault={vault}&file={path}"
"""Template for a folder that Obsidian has opened; Obsidian names a vault by its folder."""


def template_for(configured: str, vault: Path) -> str:
    """Return the template of links to a vault's notes; empty for none.

    The configured one (`RAGBOT_NOTE_URL`) comes first. Without it, notes of a folder
    that Obsidian has opened (it has an `.obsidian` folder) open in Obsidian.
    """
    if configured or not (vault / ".obsidian").is_dir():
        return configured
    return OBSIDIAN


def editor_url(template: str, vault: Path, note: NoteId, line: int) -> str:
    """Return the link that opens a note at a line.

    Parameters
    ----------
    template
        A URL with `{path}` (below the vault) or `{absolute}`, and `{vault}` (the name of the
        folder) and `{line}`, from 1, if wanted.

    Examples
    --------
    >>> editor_url(OBSIDIAN, Path("/home/me/My garden"), "a/B & c.md", 3)
    'obsidian://open?vault=My%20garden&file=a%2FB%20%26%20c.md'
    >>> editor_url("vscode://file/{absolute}:{line}", Path("/v"), "B&C.md", 3)
    'vscode://file/v/B%26C.md:3'
    """
    absolute = (vault.absolute() / note).as_posix()
    # `vscode://file/{absolute}` must not get two slashes, `file://{absolute}` needs its third.
    if re.search(r"[^/]/\{absolute\}", template):
        absolute = absolute.lstrip("/")
    # In a query, a slash is data, which Obsidian's documentation encodes; in a path, it separates.
    query = re.search(r"\?[^#]*\{path\}", template) is not None
    values = {
        "path": quote(note, safe="" if query else "/"),
        "absolute": quote(absolute),
        "vault": quote(vault.resolve().name, safe=""),
        "line": str(line),
    }
    return template.format(**values)


def check_template(template: str) -> None:
    """Raise `ConfigError` for a template that cannot be filled.

    Such a template is no URL, names no note or another field than `FIELDS`, or leaves a brace open.
    """
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError:
        fields = {""}
    is_url = re.match(r"[a-zA-Z][\w+.-]*:", template)
    if template and not (is_url and fields <= set(FIELDS) and fields & set(NOTE_FIELDS)):
        expected = "a URL with {path} or {absolute}, perhaps {vault} and {line}, and nothing else"
        raise ConfigError("RAGBOT_NOTE_URL", template, expected)
