"""Build the database rows of one note from its bytes.

A first build runs this in several processes. So all expensive work is done here, and rows are plain
values that pickle quickly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ragbot.models import Note, NoteId, Passage, Problem, Relation
from ragbot.notes import mentions, vault
from ragbot.notes.chunker import chunk, embedding_text, text_key
from ragbot.notes.link_resolver import is_wikilink, link_keys
from ragbot.notes.name_table import endings, folders
from ragbot.notes.note_dates import note_date
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name
from ragbot.text.tokenize import STOP_WORDS, tokens


class NameRow(NamedTuple):
    """One name of a note or file: its lookup key and its spelling."""

    kind: str
    key: str
    length: int
    path: str
    spelling: str


class LinkRow(NamedTuple):
    """One link as parsed, its target not resolved."""

    position: int
    predicate: str
    written: str
    block: str | None
    first: int
    last: int
    fields: str
    wiki: bool
    key: str | None
    other_key: str | None


class PassageRow(NamedTuple):
    """One passage: its place, the text that is embedded for it, and its words."""

    first: int
    last: int
    headings: str
    text_key: str
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class NoteRows:
    """The rows of one note.

    Attributes
    ----------
    digest
        SHA-256 of its text.
    parsed
        JSON of the note without its text and links.
    prose
        JSON of its readable blocks, see `mentions.prose_of`.
    prose_words
        The distinct tokens of these blocks, in one string.
    """

    path: NoteId
    title: str
    title_words: str
    digest: str
    tags: str
    written: str
    text: str
    parsed: str
    prose: str
    prose_words: str
    names: tuple[NameRow, ...]
    links: tuple[LinkRow, ...]
    passages: tuple[PassageRow, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(
        cls,
        note: Note,
        problems: Iterable[Problem] = (),
        cut: Callable[[Note], Sequence[Passage]] = chunk,
    ) -> NoteRows:
        """Build the rows of a note."""
        prose = mentions.prose_of(note)
        parsed = {
            "aliases": note.aliases,
            "tags": note.tags,
            "metadata": dict(note.metadata),
            "sections": [[section.headings, section.span] for section in note.sections],
            "blocks": dict(note.blocks),
        }
        title = storable(note.title)
        return cls(
            path=note.id,
            title=title,
            title_words=" ".join(tokens(" ".join((note.title, *note.aliases)))),
            digest=hashlib.sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest(),
            tags=json.dumps(note.tags),
            written=day.isoformat() if (day := note_date(note)) else "",
            text=storable(note.text),
            parsed=json.dumps(parsed, default=str),
            prose=json.dumps(prose),
            prose_words=" ".join(sorted(mentions.words_of(prose))),
            names=tuple(dict.fromkeys(names_of(note))),
            links=tuple(
                _link_row(position, relation, note.text)
                for position, relation in enumerate(note.relations)
            ),
            passages=tuple(_passage_row(note, passage) for passage in cut(note)),
            problems=tuple(problems),
        )


def read_rows(root: Path, path: NoteId) -> NoteRows | tuple[Problem, ...]:
    """Read a note and return its rows, or the problems of one that cannot be read."""
    note, problems = vault.read_note(root, path)
    return tuple(problems) if note is None else NoteRows.of(note, problems)


def names_of(note: Note) -> Iterable[NameRow]:
    """Yield the names that links, people and prose use for a note."""
    yield from file_names(note.id)
    title = storable(note.title)
    aliases = [storable(alias) for alias in note.aliases]

    def row(kind: str, key: str, spelling: str) -> NameRow:
        return NameRow(kind, key, len(note.id), note.id, spelling)

    yield row("title", fold_name(title), title)
    for alias in {fold_name(alias): alias for alias in reversed(aliases)}.values():
        yield row("alias", fold_name(alias), alias)
    for key, is_title in _spoken(title, aliases, stem(note.id)).items():
        yield row("spoken", key, "title" if is_title else "")
    for name in mentions.note_names(note):
        if key := mentions.name_key(name):
            yield row("mention", key, storable(name))


def file_names(path: str) -> Iterable[NameRow]:
    """Yield the names that links use for any file, and its folders."""
    for kind, keys in (
        ("path", [fold_name(path)]),
        ("ending", endings(path)),
        ("folder", folders(path)),
    ):
        for key in keys:
            yield NameRow(kind, key, len(path), path, "")


def storable(text: str) -> str:
    """Return a text with U+FFFD for lone surrogates, which UTF-8 cannot encode."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def problem_row(problem: Problem) -> tuple[Any, ...]:
    """Return the values of a problem, in the order of its fields."""
    return tuple(storable(v) if isinstance(v, str) else v for v in asdict(problem).values())


def _spoken(title: str, aliases: Sequence[str], file_name: str) -> dict[str, bool]:
    """Return the folded names that a question may use, and whether each is the title."""
    names: dict[str, bool] = {}
    for name in (title, *aliases, file_name):
        words = tokens(name)
        if not STOP_WORDS.issuperset(words):
            names.setdefault(" ".join(words), name is title)
    return names


def _link_row(position: int, relation: Relation, text: str) -> LinkRow:
    key, other = link_keys(relation)
    fields = (
        relation.annotation,
        relation.annotation_span,
        relation.heading,
        relation.alias,
        relation.marker,
    )
    return LinkRow(
        position,
        storable(relation.predicate),
        storable(relation.written),
        relation.block,
        *relation.span,
        json.dumps(fields),
        is_wikilink(text, relation),
        key if key is None else storable(key),
        other if other is None else storable(other),
    )


def _passage_row(note: Note, passage: Passage) -> PassageRow:
    text = embedding_text(note, passage)
    return PassageRow(
        *passage.span,
        json.dumps(passage.headings),
        text_key(text),
        storable(text),
        " ".join(tokens(text)),
    )
