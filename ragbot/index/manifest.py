"""What a generation holds, by name: its manifest, and the code that reads notes.

Floor 3: one small file of a generation's folder.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from ragbot.errors import IndexDamagedError, IndexOutdatedError, IndexTooNewError
from ragbot.index.pages import problem_rows, problems_of
from ragbot.inference.encoder import EncoderIdentity
from ragbot.models import Problem

FORMAT = 5
"""Counts up when the files of a generation change their meaning."""

MANIFEST = "manifest.json"
_LISTS = ("segments", "pages", "sheets", "words", "files")

# What the words, links and passages of a note are decided by: when one of these modules
# changes, the notes are read anew. Vectors are kept: they belong to texts.
_READING_RULES = (
    "notes/blocks",
    "notes/link_scanner",
    "notes/typed_links",
    "notes/document",
    "notes/relations",
    "notes/plain_text",
    "notes/frontmatter",
    "notes/predicates",
    "notes/parser",
    "notes/link_resolver",
    "notes/resolution",
    "notes/mentions",
    "text/sentences",
    "notes/chunker",
    "text/tokenize",
    "index/postings",
    "index/arcs",
    "graph/relation_graph",
    "notes/vault",
    "index/filing",
    "index/roll",
    "index/splice",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds. `embedded` counts the chunks with a vector.

    `rules` names the code that read the notes, see `reading_rules`.
    """

    generation: str
    created: float
    rules: str
    encoder: EncoderIdentity | None
    segments: tuple[str, ...]
    pages: tuple[str, ...]
    sheets: tuple[str, ...]
    words: tuple[str, ...]
    files: tuple[str, ...]
    unread: tuple[Problem, ...]
    notes: int
    chunks: int
    embedded: int
    format: int = FORMAT

    def dump(self) -> str:
        """Write the manifest as JSON."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        encoder = asdict(self.encoder) if self.encoder else None
        return json.dumps(data | {"encoder": encoder, "unread": problem_rows(self.unread)})

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of a generation.

        Raises
        ------
        IndexTooNewError
            If a newer version wrote it.
        IndexOutdatedError
            If an older version wrote it, in a format that is read no more.
        IndexDamagedError
            If it is missing or cannot be read.
        """
        try:
            data: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if data["format"] > FORMAT:
                raise IndexTooNewError(folder.parent.parent, data["format"], FORMAT)
            if data["format"] < FORMAT:
                raise IndexOutdatedError(folder.parent.parent, data["format"], FORMAT)
            encoder = data["encoder"]
            if encoder is not None:
                encoder = EncoderIdentity(**encoder | {"prefixes": tuple(encoder["prefixes"])})
            lists = {name: tuple(data[name]) for name in _LISTS}
            unread = problems_of(data["unread"])
            return cls(**data | lists | {"encoder": encoder, "unread": unread})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamagedError(folder, f"its manifest: {error}") from error


@cache
def reading_rules(mentioned: bool = True) -> str:
    """Name the code that turns files into notes, passages, words and edges: a hash of it.

    Parameters
    ----------
    mentioned
        Whether unlinked mentions become edges.
    """
    digest = hashlib.sha256(b"" if mentioned else b"no mentions")
    for module in _READING_RULES:
        digest.update((Path(__file__).parents[1] / f"{module}.py").read_bytes())
    return digest.hexdigest()[:16]
