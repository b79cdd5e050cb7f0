"""Records of notes, hits and answers: one shape for the command line, HTTP, MCP and LlamaIndex.

`to_json` returns a record as JSON, and FastAPI describes it. Other programs rely on the fields: add
some, but rename or remove none. `Citation`, `Statement`, `Problem`, `Changes` and `Status` of
`models.py` are records too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ragbot.errors import NoteNotFoundError
from ragbot.models import (
    UNTYPED,
    Answer,
    AnswerKind,
    Citation,
    Hit,
    Note,
    NoteId,
    Passage,
    Relation,
    RetrieverName,
    Statement,
)

if TYPE_CHECKING:
    from ragbot.bot import Ragbot
    from ragbot.graph.relation_graph import Direction


@dataclass(frozen=True, slots=True)
class RelationRecord:
    """One relation; `target` is null while nobody has written the note that `written` names."""

    source: NoteId
    predicate: str
    target: NoteId | None
    written: str
    annotation: str | None
    line: int

    @property
    def typed(self) -> bool:
        """True if an author named the relation."""
        return self.predicate not in UNTYPED


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """Why a passage was found; `path` holds the relations that led to its note."""

    retriever: RetrieverName
    rank: int
    score: float
    path: tuple[RelationRecord, ...]


@dataclass(frozen=True, slots=True)
class PassageRecord:
    """A passage; `lines` are the first and last, 0, 0 if its note changed since the search."""

    note: NoteId
    title: str
    headings: tuple[str, ...]
    lines: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class HitRecord(PassageRecord):
    """A passage that was found; a higher score is better."""

    score: float
    evidence: tuple[EvidenceRecord, ...]


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """The passages found, best first."""

    question: str
    hits: tuple[HitRecord, ...]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A checked answer; `abstained` says that the notes don't answer.

    `query` is the question as searched, `notice` a limit of the answer that the reader should know.
    `more` quotes the next passages, which the text leaves out.
    """

    question: str
    query: str
    kind: AnswerKind
    abstained: bool
    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    hits: tuple[HitRecord, ...]
    more: tuple[Citation, ...]
    notice: str
    followups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """A note with its relations, its passages and its ghosts (linked names without a note)."""

    note: NoteId
    title: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    relations: dict[Literal["out", "in"], tuple[RelationRecord, ...]]
    ghosts: tuple[str, ...]
    passages: tuple[PassageRecord, ...]
    text: str


@dataclass(frozen=True, slots=True)
class RelatedRecord:
    """The relations of a note."""

    note: NoteId
    relations: tuple[RelationRecord, ...]


@dataclass(frozen=True, slots=True)
class PathRecord:
    """The shortest path of relations between two notes; empty if there is none."""

    start: NoteId
    end: NoteId
    path: tuple[RelationRecord, ...]


class Notes:
    """Notes by id, each read once from an open bot, for titles and line numbers."""

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


def to_json(record: object, indent: int | None = None) -> str:
    """Return a record, or dictionaries and lists of records, as JSON."""
    return json.dumps(record, ensure_ascii=False, indent=indent, default=_fields)


def _fields(record: Any) -> dict[str, Any]:
    return asdict(record)


def read_note(bot: Ragbot, name: str) -> NoteRecord:
    """Return the note with a path, file name, title or alias; else raise `NoteNotFoundError`."""
    note, notes = bot.note(name), Notes(bot)
    relations = [relation_record(each, notes) for each in bot.related(note.id)]
    out = tuple(each for each in relations if each.source == note.id)
    return NoteRecord(
        note=note.id,
        title=note.title,
        aliases=note.aliases,
        tags=note.tags,
        relations={"out": out, "in": tuple(each for each in relations if each not in out)},
        ghosts=tuple(sorted({each.written for each in out if each.target is None} - {""})),
        passages=tuple(passage_record(each, notes) for each in bot.passages(note.id)),
        text=note.text,
    )


def related(
    bot: Ragbot, name: str, predicate: str | None = None, direction: Direction = "both"
) -> RelatedRecord:
    """Return the relations of a note: its own in file order, then those that lead to it."""
    note, notes = bot.note(name), Notes(bot)
    found = bot.related(note.id, predicate, direction)
    return RelatedRecord(note.id, tuple(relation_record(each, notes) for each in found))


def path_between(bot: Ragbot, start: str, end: str) -> PathRecord:
    """Return the shortest path of relations between two notes, in either direction."""
    first, last, notes = bot.note(start), bot.note(end), Notes(bot)
    path = bot.path(first.id, last.id)
    return PathRecord(first.id, last.id, tuple(relation_record(each, notes) for each in path))


def searched(question: str, hits: Iterable[Hit], notes: Notes) -> SearchRecord:
    """Return the hits of a search."""
    return SearchRecord(question, tuple(hit_record(hit, notes) for hit in hits))


def answered(answer: Answer, notes: Notes) -> AnswerRecord:
    """Return an answer with its statements, citations and hits."""
    return AnswerRecord(
        question=answer.question,
        query=answer.query or answer.question,
        kind=answer.kind,
        abstained=answer.abstained,
        text=answer.text,
        statements=answer.statements,
        citations=answer.citations,
        hits=tuple(hit_record(hit, notes) for hit in answer.hits),
        more=answer.more,
        notice=answer.notice,
        followups=answer.followups,
    )


def hit_record(hit: Hit, notes: Notes) -> HitRecord:
    """Return one hit with its evidence."""
    found = passage_record(hit.passage, notes)
    evidence = tuple(
        EvidenceRecord(
            each.retriever,
            each.rank,
            each.score,
            tuple(relation_record(step, notes) for step in each.path),
        )
        for each in hit.evidence
    )
    return HitRecord(
        found.note, found.title, found.headings, found.lines, found.text, hit.score, evidence
    )


def passage_record(passage: Passage, notes: Notes) -> PassageRecord:
    """Return one passage with the title of its note."""
    note = notes.get(passage.note)
    # In a note that was edited since the search the passage has moved, or is gone.
    unchanged = note is not None and note.text[slice(*passage.span)] == passage.text
    lines = note.lines_of(passage.span) if note and unchanged else (0, 0)
    title = note.title if note else passage.note
    return PassageRecord(passage.note, title, passage.headings, lines, passage.text)


def relation_record(relation: Relation, notes: Notes) -> RelationRecord:
    """Return one relation with the line where it begins."""
    source = notes.get(relation.source)
    return RelationRecord(
        source=relation.source,
        predicate=relation.predicate,
        target=relation.target,
        written=relation.written,
        annotation=relation.annotation,
        line=source.line_of(relation.span[0]) if source else 0,
    )


def end_of(relation: Relation | RelationRecord) -> str:
    """Return the target of a relation: the note's id, or the name of the ghost."""
    return relation.target or relation.written


def way(path: Sequence[Relation | RelationRecord], end: NoteId) -> list[tuple[str, str, str]]:
    """Return the notes on a path that leads to `end`, each with the arrow to the next.

    Returns
    -------
    list
        Note, predicate, and `"-{}->"` or `"<-{}-"` as a format for the predicate; the last note has
        neither.

    Examples
    --------
    >>> from ragbot.models import Relation
    >>> path = [("a", "extends", "b"), ("c", "uses", "b")]
    >>> way([Relation(a, name, b, b, (0, 1)) for a, name, b in path], "c")
    [('a', 'extends', '-{}->'), ('b', 'uses', '<-{}-'), ('c', '', '')]
    """
    here, found = end, [(end, "", "")]
    for each in reversed(path):
        forward = end_of(each) == here
        here = each.source if forward else end_of(each)
        found.insert(0, (here, each.predicate, "-{}->" if forward else "<-{}-"))
    return found


def counted(count: int, thing: str) -> str:
    """Return a number and its noun, in the plural if needed.

    Examples
    --------
    >>> counted(1, "note"), counted(2000, "note")
    ('1 note', '2,000 notes')
    """
    return f"{count:,} {thing}{'s' * (count != 1)}"


def footnotes(answer: Answer) -> list[str]:
    """Return a line for each citation: its number, note, lines and quote.

    A quote that the answer's text repeats word for word is left out.
    """
    text = _one_line(answer.text)
    lines = []
    for citation in answer.citations:
        first, last = citation.lines
        place = f"{citation.note}:{first}" if first == last else f"{citation.note}:{first}-{last}"
        quote = _one_line(citation.quote)
        shown = "" if quote in text else f" “{quote}”"
        lines.append(f"[{citation.number}] {place}{shown}")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
