"""Conformance cases: small vaults, and what a reader must find in them.

A case is one line of JSON. `vault` maps paths to text, or to
`{"base64": ...}`, `{"symlink": target}` or `{"repeat": [unit, times, suffix]}`;
`outside` holds files beside the vault; `note` is the note that is described;
`expect` holds only what the case is about.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Case = dict[str, Any]
Adapter = Callable[[Path, str], dict[str, Any]]

HERE = Path(__file__).parent
FILES = (HERE / "cases.jsonl", HERE / "own.jsonl")
LIMITS = ("max_seconds", "errors_allowed", "absent")

DEPARTURES = {
    "al-016": "an alias resolves a link, after every rule on file names",
    "bl-010": "[[Note^block]] is read where no note has that name",
}
"""Contested cases that ragbot answers the other way; docs/note-format.md says why."""


def cases(*files: Path) -> Iterator[Case]:
    """Read the cases of these files, of the whole suite when none is named."""
    for file in files or FILES:
        for line in file.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                yield json.loads(line)


def build(case: Case, folder: Path) -> Path:
    """Write the vault of a case below `folder`, byte by byte, and return its root."""
    root = folder / "vault"
    root.mkdir()
    for path, text in case.get("outside", {}).items():
        _write(folder / path, text.encode())
    for path, content in case["vault"].items():
        if isinstance(content, str):
            _write(root / path, content.encode())
        elif "base64" in content:
            _write(root / path, base64.b64decode(content["base64"] + "=="))
        elif "repeat" in content:
            unit, times, suffix = content["repeat"]
            _write(root / path, (unit * times + suffix).encode())
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(content["symlink"])
    return root


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return the names of the expectations that are not met."""
    return [
        key
        for key, value in expected.items()
        if key not in LIMITS and not _equal(key, value, found.get(key))
    ]


def _equal(key: str, expected: Any, found: Any) -> bool:
    if found is None:
        return False
    if key in ("links", "relations"):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(_same_link(e, f) for e, f in pairs)
    if key == "headings":
        return [(h["level"], _text(h["text"])) for h in expected] == [
            (h["level"], _text(h["text"])) for h in found
        ]
    if key == "errors":
        return bool(expected) == bool(found)
    if key == "tags":
        return {_text(tag).lower() for tag in expected} == {_text(tag).lower() for tag in found}
    if isinstance(expected, list):
        return sorted(map(_text, expected)) == sorted(map(_text, found))
    return _text(expected) == _text(found)


def _same_link(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    for key, value in expected.items():
        if key in ("anchor_line", "kind") and key not in found:
            continue
        written = found.get(key)
        if key == "predicate":
            value, written = _predicate(value), _predicate(written)
        if _text(value) != _text(written):
            return False
    return True


def _text(value: Any) -> Any:
    """Compare texts after NFC, with blanks collapsed."""
    return (
        " ".join(unicodedata.normalize("NFC", value).split()) if isinstance(value, str) else value
    )


def _predicate(value: str | None) -> str:
    folded = re.sub(r"\s+", "-", unicodedata.normalize("NFC", value or "").strip().lower())
    return re.sub(r"[^\w-]", "", folded)
