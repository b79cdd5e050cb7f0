"""Notes as JSON: what a generation keeps of the vault.

Notes are kept as parsed, their links unresolved: names resolve against the
whole vault, so they are resolved anew whenever a snapshot is loaded. JSON and
not pickle, because an index folder is data and must not be able to run code.

Floor 3: strings and values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ragbot.schema import Chunk, Note, NoteId, Problem, Relation, Section

_RELATION_FIELDS = [f.name for f in fields(Relation) if f.name != "source"]


@dataclass(frozen=True, slots=True)
class FileState:
    """What is remembered of a file: `digest` is of its text, the rest tells when to look again.

    `racy` means that the file was so young when it was read that it may have
    changed again within the resolution of the clock.
    """

    size: int
    mtime_ns: int
    digest: str
    racy: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A vault as it was read: notes in order of id, the other files, and what was wrong."""

    notes: tuple[Note, ...]
    states: Mapping[NoteId, FileState]
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def says_the_same(self, other: Snapshot) -> bool:
        """Whether both hold the same texts under the same names, and the same problems."""
        mine = {note: state.digest for note, state in self.states.items()}
        theirs = {note: state.digest for note, state in other.states.items()}
        return (mine, self.files, self.problems) == (theirs, other.files, other.problems)


def dump_snapshot(snapshot: Snapshot) -> str:
    """Write a snapshot as one JSON text."""
    return json.dumps(
        {
            "files": snapshot.files,
            "problems": [
                [p.kind, p.note, p.line, p.message, p.fix, p.severity] for p in snapshot.problems
            ],
            "states": {
                n: [s.size, s.mtime_ns, s.digest, s.racy] for n, s in snapshot.states.items()
            },
            "notes": [_note_row(note) for note in snapshot.notes],
        },
        default=str,
    )


def load_snapshot(text: str) -> Snapshot:
    """Read what `dump_snapshot` wrote; KeyError, TypeError or ValueError if it is not that."""
    data = json.loads(text)
    return Snapshot(
        notes=tuple(_note(row) for row in data["notes"]),
        states={note: FileState(*state) for note, state in data["states"].items()},
        files=tuple(data["files"]),
        problems=tuple(Problem(*row) for row in data["problems"]),
    )


def dump_chunks(chunks: tuple[Chunk, ...], keys: tuple[str, ...]) -> str:
    """Write chunks and the key of each one's vector; the text is the note's, so it is left out."""
    rows = [[c.note, *c.span, c.headings, key] for c, key in zip(chunks, keys, strict=True)]
    return json.dumps(rows)


def load_chunks(
    text: str, notes: Mapping[NoteId, Note]
) -> tuple[tuple[Chunk, ...], tuple[str, ...]]:
    """Read what `dump_chunks` wrote of these notes."""
    chunks, keys = [], []
    for note, start, end, headings, key in json.loads(text):
        chunks.append(Chunk(note, (start, end), notes[note].text[start:end], tuple(headings)))
        keys.append(key)
    return tuple(chunks), tuple(keys)


def _note_row(note: Note) -> list[Any]:
    relations = [[getattr(r, name) for name in _RELATION_FIELDS] for r in note.relations]
    sections = [[s.headings, s.span] for s in note.sections]
    return [
        note.id,
        note.title,
        note.text,
        note.aliases,
        note.tags,
        note.metadata,
        sections,
        relations,
        note.blocks,
    ]


def _note(row: list[Any]) -> Note:
    note, title, text, aliases, tags, metadata, sections, relations, blocks = row
    return Note(
        note,
        title,
        text,
        tuple(aliases),
        tuple(tags),
        metadata,
        tuple(Section(tuple(headings), (span[0], span[1])) for headings, span in sections),
        tuple(_relation(note, values) for values in relations),
        blocks,
    )


def _relation(source: NoteId, values: list[Any]) -> Relation:
    named = dict(zip(_RELATION_FIELDS, values, strict=True))
    for place in ("span", "annotation_span"):
        if named[place] is not None:
            named[place] = tuple(named[place])
    return Relation(source=source, **named)
