"""The values as plain JSON and as footnotes: one shape for the command line, HTTP and MCP.

Each function turns one value of `models.py` into dictionaries, lists, strings
and numbers. The shapes are a promise to other programs: a field may be added,
none is renamed or dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ragbot.errors import NoteNotFoundError
from ragbot.models import (
    Answer,
    Changes,
    Citation,
    Evidence,
    Hit,
    Note,
    NoteId,
    Passage,
    Problem,
    Relation,
    Statement,
    Status,
)

if TYPE_CHECKING:
    from ragbot.bot import Ragbot

Json = dict[str, Any]
"""A JSON object, ready for `json.dumps`."""


class Notes(Protocol):
    """The notes that hits and relations point into: their titles and lines."""

    def get(self, note: NoteId, /) -> Note | None:
        """Return the note with this id, or None."""


class NoteLookup:
    """Notes by id, each read once from an open bot: for titles and line numbers."""

    def __init__(self, bot: Ragbot) -> None:
        self._bot = bot
        self._read: dict[NoteId, Note | None] = {}

    def get(self, note: NoteId, /) -> Note | None:
        """Return the note with this id, or None if there is none."""
        if note not in self._read:
            found = self.named(note)
            self._read[note] = found if found is not None and found.id == note else None
        return self._read[note]

    def named(self, name: str) -> Note | None:
        """Return the note with this path, file name, title or alias, or None."""
        try:
            return self._bot.note(name)
        except NoteNotFoundError:
            return None


def searched(question: str, hits: Sequence[Hit], notes: Notes) -> Json:
    """Return the hits of a search."""
    return {"question": question, "hits": [hit_record(hit, notes) for hit in hits]}


def answered(answer: Answer, notes: Notes) -> Json:
    """Return an answer with its statements, citations and hits."""
    return {
        "question": answer.question,
        "query": answer.query or answer.question,
        "kind": answer.kind,
        "abstained": answer.abstained,
        "text": answer.text,
        "statements": [_statement(statement) for statement in answer.statements],
        "citations": [citation_record(citation) for citation in answer.citations],
        "hits": [hit_record(hit, notes) for hit in answer.hits],
        "more": [citation_record(citation) for citation in answer.more],
        "notice": answer.notice,
        "followups": list(answer.followups),
    }


def hit_record(hit: Hit, notes: Notes) -> Json:
    """Return one hit; `lines` are the first and last line of its passage."""
    evidence = [evidence_record(evidence) for evidence in hit.evidence]
    return {**passage_record(hit.passage, notes), "score": hit.score, "evidence": evidence}


def citation_record(citation: Citation) -> Json:
    """Return one checked quotation."""
    return {
        "number": citation.number,
        "note": citation.note,
        "title": citation.title,
        "headings": list(citation.headings),
        "lines": list(citation.lines),
        "quote": citation.quote,
    }


def relation_record(relation: Relation, notes: Notes) -> Json:
    """Return one relation; `target` is null while it is a ghost, named by `written`."""
    source = notes.get(relation.source)
    return {
        "source": relation.source,
        "predicate": relation.predicate,
        "target": relation.target,
        "written": relation.written,
        "annotation": relation.annotation,
        "line": source.line_of(relation.span[0]) if source else 0,
    }


def note_record(
    note: Note,
    relations: Iterable[Relation],
    passages: Iterable[Passage],
    notes: Notes,
) -> Json:
    """Return one note with its relations in and out, its passages and its ghosts.

    Parameters
    ----------
    note
        The note.
    relations
        Every relation that it is the source or the target of.
    passages
        Its passages.
    notes
        The vault, for titles and lines.
    """
    relations = list(relations)
    outgoing = [r for r in relations if r.source == note.id]
    return {
        "note": note.id,
        "title": note.title,
        "aliases": list(note.aliases),
        "tags": list(note.tags),
        "relations": {
            "out": [relation_record(r, notes) for r in outgoing],
            "in": [relation_record(r, notes) for r in relations if r.source != note.id],
        },
        "ghosts": sorted({r.written for r in outgoing if r.target is None and r.written}),
        "passages": [passage_record(passage, notes) for passage in passages],
    }


def problem_record(problem: Problem) -> Json:
    """Return one finding of the link checker; `line` 0 means the whole file."""
    return {
        "kind": problem.kind,
        "severity": problem.severity,
        "note": problem.note,
        "line": problem.line,
        "message": problem.message,
        "fix": problem.fix,
    }


def changes_record(changes: Changes) -> Json:
    """Return the changes of a refresh; `renamed` holds pairs of the old and the new id."""
    return {
        "added": list(changes.added),
        "changed": list(changes.changed),
        "renamed": [list(pair) for pair in changes.renamed],
        "removed": list(changes.removed),
        "unchanged": changes.unchanged,
        "problems": [problem_record(problem) for problem in changes.problems],
        "seconds": changes.seconds,
    }


def status_record(status: Status) -> Json:
    """Return the state of the index; `indexed_at` is seconds since the epoch."""
    return {name: getattr(status, name) for name in Status.__slots__}


def passage_record(passage: Passage, notes: Notes) -> Json:
    """Return one passage; `lines` are [0, 0] where the note has changed since it was read."""
    note = notes.get(passage.note)
    # In a note that was edited since the search the passage has moved, or is gone.
    unchanged = note is not None and note.text[slice(*passage.span)] == passage.text
    return {
        "note": passage.note,
        "title": note.title if note else passage.note,
        "headings": list(passage.headings),
        "lines": list(note.lines_of(passage.span)) if note and unchanged else [0, 0],
        "text": passage.text,
    }


def evidence_record(evidence: Evidence) -> Json:
    """Return one reason why a passage was found."""
    return {
        "retriever": evidence.retriever,
        "rank": evidence.rank,
        "score": evidence.score,
        "path": [
            {"source": step.source, "predicate": step.predicate, "target": end_of(step)}
            for step in evidence.path
        ],
    }


def end_of(relation: Relation) -> str:
    """Return the target of a relation: the note's id, or the name of the ghost."""
    return relation.target or relation.written


def footnotes(answer: Answer) -> list[str]:
    """Return a line for each citation: its number, its note and lines, and its quotation.

    A quotation that the answer's text repeats word for word is left out.
    """
    text = _one_line(answer.text)
    lines = []
    for citation in answer.citations:
        first, last = citation.lines
        place = f"{citation.note}:{first}" if first == last else f"{citation.note}:{first}-{last}"
        quotation = _one_line(citation.quote)
        shown = "" if quotation in text else f" “{quotation}”"
        lines.append(f"[{citation.number}] {place}{shown}")
    return lines


def _statement(statement: Statement) -> Json:
    return {
        "text": statement.text,
        "citations": list(statement.citations),
        "supported": statement.supported,
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())
