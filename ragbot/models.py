"""The values that modules exchange: notes, relations, passages, hits, answers.

Every value is immutable. Every position is a `Span`, a half-open pair of
character offsets into `Note.text`, so a quote can be checked against its
note: `note.text[slice(*citation.span)] == citation.quote`.

This module imports nothing from ragbot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NoteId = str
"""Path of the note below the vault, with forward slashes: `"models/Persona Drift.md"`."""

Span = tuple[int, int]
"""Half-open pair of character offsets into `Note.text`."""

LINKS_TO = "links_to"
"""Predicate of a plain `[[wikilink]]` or Markdown link."""

EMBEDS = "embeds"
"""Predicate of an embed, `![[Target]]`."""

MENTIONS = "mentions"
"""Predicate of a title or alias that the text mentions without a link."""

UNTYPED = frozenset({LINKS_TO, EMBEDS, MENTIONS})
"""Predicates that no author wrote; a relation with another one is typed."""

RetrieverName = Literal["dense", "bm25", "names", "graph", "reranker"]
AnswerKind = Literal["graph", "extractive", "generated", "smalltalk"]
ProblemKind = Literal[
    "unreadable",
    "encoding",
    "frontmatter",
    "too_large",
    "outside",
    "broken_link",
    "ambiguous_link",
    "dead_heading",
    "dead_block",
    "ghost",
    "orphan",
    "duplicate_title",
    "conflict_copy",
    "alias_clash",
    "unknown_predicate",
    "one_sided",
    "unlinked_mention",
]
Severity = Literal["error", "warning", "info"]

_STAGES = {
    "read": "reading",
    "embed": "embedding",
    "write": "writing",
    "verify": "checking",
    "done": "done with",
}


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a note below one heading.

    `headings` is the path from the top, outermost first, and is empty above
    the first heading. The sections of a note tile its text: no gap, no overlap.
    """

    headings: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """A directed edge between two notes, as the author wrote it.

    A plain link has the predicate `LINKS_TO`. `written` is the target's name in
    the note (trimmed, unescaped, percent-decoded; `""` for a link into the note
    itself). `target` is None while no note has that name: the target is then a
    ghost, which is a state and not an error.

    `span` covers the link with its brackets. `annotation` is the author's text
    about the relation, without markup; `annotation_span` is its place in the
    file. `heading` is the part after `#`, `block` the part after `^`. `marker`
    is the `↑`, `⊙` or `↗` that follows the link.
    """

    source: NoteId
    predicate: str
    written: str
    target: NoteId | None
    span: Span
    annotation: str | None = None
    annotation_span: Span | None = None
    heading: str | None = None
    block: str | None = None
    alias: str | None = None
    marker: str | None = None

    @property
    def typed(self) -> bool:
        """True if an author named the relation."""
        return self.predicate not in UNTYPED


@dataclass(frozen=True, slots=True)
class Note:
    """One Markdown file.

    `text` is the decoded file, unchanged (a byte-order mark apart), so that
    offsets are file offsets. `title` is the frontmatter's, else the first
    level-1 heading, else the file name. `tags` come without `#`. `metadata`
    holds every frontmatter field as written. `relations` holds every link of
    the note in file order, frontmatter first, typed or not; resolved once the
    whole vault is known. `blocks` maps a block id (without `^`) to its offset.
    """

    id: NoteId
    title: str
    text: str
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    relations: tuple[Relation, ...] = ()
    blocks: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, offset: int) -> int:
        """Return the line, from 1, of a character offset (CR, LF and CRLF end a line)."""
        before = self.text[:offset]
        ends = before.count("\n") + before.count("\r") - before.count("\r\n")
        split = before.endswith("\r") and self.text[offset : offset + 1] == "\n"
        return 1 + ends - split

    def lines_of(self, span: Span) -> tuple[int, int]:
        """Return the first and last line, from 1 and inclusive, of a span."""
        return self.line_of(span[0]), self.line_of(max(span[0], span[1] - 1))


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit of embedding and retrieval: one slice of one note.

    `text == note.text[slice(*span)]`. Equal texts at two places are two passages.
    """

    note: NoteId
    span: Span
    text: str
    headings: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the passage: its note and its span."""
        return f"{self.note}#{self.span[0]}-{self.span[1]}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a passage was found: the retriever, its rank (1 is best), its own score.

    `score` is comparable only within one retriever; higher is better. `path`
    holds the relations from a first hit to the passage's note; it is empty for
    retrievers other than the graph.
    """

    retriever: RetrieverName
    rank: int
    score: float
    path: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage with its final score (higher is better) and its evidence."""

    passage: Passage
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim quote and its place.

    `quote == note.text[slice(*span)]`, which is checked before an answer is
    returned. `number` is the one in brackets in the answer's text, from 1; `lines`
    are the first and last line of the quote, from 1, inclusive.
    """

    number: int
    note: NoteId
    title: str
    headings: tuple[str, ...]
    lines: tuple[int, int]
    span: Span
    quote: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence (or list item, or table row) of an answer.

    `citations` holds the numbers of the citations that carry it. `supported`
    is False if the check failed. `lead` is text before the statement that claims
    nothing, such as a note's name. `item` is True for an item of a list, `code` for
    a code block, shown verbatim.
    """

    text: str
    citations: tuple[int, ...] = ()
    supported: bool = True
    lead: str = ""
    item: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    `abstained` means that the notes do not answer: `statements` is then empty, and
    `text` names the nearest notes. `text` is Markdown with marks such as `[1]`.
    `notice` explains limits of the answer, such as a model that was down. `query` is
    the question as searched, with references to the conversation resolved.
    `followups` are questions that the graph suggests. `confidence` is the score above
    the threshold of abstention, below 0 for an abstention, None without a score.
    `more` quotes the next passages; `unanswered` holds the parts of the question that
    the notes do not answer.
    """

    question: str
    text: str
    kind: AnswerKind
    abstained: bool
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    query: str = ""
    notice: str = ""
    followups: tuple[str, ...] = ()
    confidence: float | None = None
    more: tuple[Citation, ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def grounded(self) -> bool:
        """True if every statement is supported and has a citation."""
        return not self.abstained and all(s.citations and s.supported for s in self.statements)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    question: str
    answer: Answer | str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of the notes to find. An empty field filters nothing.

    `folders` are paths below the vault; `tags` come without `#` and match
    nested tags too (`a` matches `a/b`). `near` with `predicate` keeps the
    notes joined to that note by that predicate, in either direction.
    `since` and `until` are dates in any usual spelling, compared with the day of
    a note (`notes/note_dates.py`); a note without one is left out when either is set.
    """

    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    predicate: str = ""
    near: NoteId = ""
    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in the vault, such as a broken link.

    `line` counts from 1; 0 means the whole file. `fix` is the edit that mends
    it, if one is known.
    """

    kind: ProblemKind
    note: NoteId
    line: int
    message: str
    fix: str = ""
    severity: Severity = "warning"


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of a refresh: note ids, and pairs of old and new id in `renamed`."""

    added: tuple[NoteId, ...] = ()
    changed: tuple[NoteId, ...] = ()
    renamed: tuple[tuple[NoteId, NoteId], ...] = ()
    removed: tuple[NoteId, ...] = ()
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.renamed or self.removed)


@dataclass(frozen=True, slots=True)
class Status:
    """State of the index, and its lag behind the notes.

    Every write of the index raises `generation`. `indexed_at` is in seconds since the epoch.
    `embedded` counts the passages that have vectors; the others are found by words and links
    only. `behind` counts the notes that have changed since. `listed` counts the notes in the
    folder, and `notes` those that are read.
    """

    generation: str
    notes: int
    passages: int
    relations: int
    ghosts: int
    embedded: int
    indexed_at: float
    behind: int
    encoder: str
    notice: str = ""
    listed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a refresh in progress. `total` is 0 while it is not yet known."""

    stage: Literal["read", "embed", "write", "verify", "done"]
    done: int
    total: int
    unit: str

    def __str__(self) -> str:
        """Return the report in words: `reading 3,400 of 14,000 notes`."""
        of = f" of {self.total:,}" if self.total else ""
        return f"{_STAGES[self.stage]} {self.done:,}{of} {self.unit}"
