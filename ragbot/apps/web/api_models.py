"""Requests and responses of the HTTP routes, as pydantic checks and describes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ragbot.graph.relation_graph import Direction
from ragbot.models import Filters, Turn

MOST_PASSAGES = 100
MOST_TURNS = 50
MOST_SOURCES = 20
MOST_HOPS = 3

# A text with a limit is checked: it has no half of a surrogate pair, which no encoder reads.
Text = Annotated[str, Field(max_length=10_000)]
Name = Annotated[
    str,
    Field(min_length=1, max_length=1000, description="Path, file name, title or alias of a note"),
]
Question = Annotated[str, Field(min_length=1, description="The question, in plain words")]
Date = Annotated[str, Field(pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?)?$")]


class Request(BaseModel):
    """A JSON object with the declared fields only, strictly of the declared types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class EarlierTurn(Request):
    """An earlier question, and its answer if the client has it."""

    question: Text
    answer: Annotated[str, Field(max_length=100_000)] | None = None


class FilterFields(Request):
    """Filters of the notes to find; an empty field filters nothing."""

    folders: Annotated[list[Text], Field(description="Only notes below one of these")] = []
    tags: Annotated[list[Text], Field(description="Only notes with one of these, without #")] = []
    since: Annotated[Date, Field(description="Only notes from this date on")] = ""
    until: Annotated[Date, Field(description="Only notes up to this date")] = ""

    def filters(self) -> Filters:
        """Return the filters that the fields describe."""
        return Filters(
            folders=tuple(self.folders), tags=tuple(self.tags), since=self.since, until=self.until
        )


class AskRequest(FilterFields):
    """A question, the earlier turns, and how to answer."""

    question: Question
    history: Annotated[
        list[Text | EarlierTurn],
        Field(description="Earlier questions, oldest first, each a text or with its answer"),
    ] = []
    use_llm: Annotated[
        bool | None, Field(description="Whether a language model may write; null: as configured")
    ] = None
    sources: Annotated[
        int | None, Field(ge=1, le=MOST_SOURCES, description="Passages to answer from")
    ] = None
    hops: Annotated[
        int | None, Field(ge=0, le=MOST_HOPS, description="Links to follow from a note")
    ] = None
    stream: Annotated[bool, Field(description="Whether to send server-sent events")] = False

    def turns(self) -> list[Turn]:
        """Return the newest earlier turns."""
        return [
            Turn(turn) if isinstance(turn, str) else Turn(turn.question, turn.answer)
            for turn in self.history[-MOST_TURNS:]
        ]

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `Ragbot.stream`."""
        return {
            "filters": self.filters(),
            "use_llm": self.use_llm,
            "sources": self.sources,
            "hops": self.hops,
        }


class SearchRequest(FilterFields):
    """A question to find passages for."""

    question: Question
    k: Annotated[int, Field(ge=1, le=MOST_PASSAGES, description="How many passages")] = 10
    words: Annotated[bool, Field(description="Whether to search without the encoder")] = False


class NoteRequest(Request):
    """The name of a note to read."""

    name: Name


class RelatedRequest(Request):
    """The name of a note whose relations to list."""

    name: Name
    predicate: Annotated[Text | None, Field(description="Only this relation")] = None
    direction: Annotated[
        Direction, Field(description="Relations to the note, from it, or both")
    ] = "both"


class PathRequest(Request):
    """The names of two notes to find the shortest path between."""

    start: Name
    end: Name


class Response(BaseModel):
    """A JSON object of `serialize.py`, with the same fields."""

    model_config = ConfigDict(extra="forbid")


Lines = Annotated[list[int], Field(description="First and last line, from 1")]


class RelationBody(Response):
    """One relation; `target` is null while nobody has written the note."""

    source: str
    predicate: str
    target: str | None
    written: str
    annotation: str | None
    line: int


class Step(Response):
    """One step of the path of relations that led to a passage."""

    source: str
    predicate: str
    target: str


class EvidenceBody(Response):
    """Why a passage was found."""

    retriever: str
    rank: int
    score: float
    path: list[Step]


class PassageBody(Response):
    """A passage of a note, as in the file."""

    note: str
    title: str
    headings: list[str]
    lines: Lines
    text: str


class HitBody(PassageBody):
    """A passage that was found; a higher score is better."""

    score: float
    evidence: list[EvidenceBody]


class CitationBody(Response):
    """A checked quotation; `number` is the one in the text of the answer."""

    number: int
    note: str
    title: str
    headings: list[str]
    lines: Lines
    quote: str


class StatementBody(Response):
    """One sentence of an answer, with the numbers of its citations."""

    text: str
    citations: list[int]
    supported: bool


class AnswerBody(Response):
    """A checked answer; `abstained` says that the notes don't answer."""

    question: str
    query: Annotated[str, Field(description="The question as it was searched")]
    kind: str
    abstained: bool
    text: str
    statements: list[StatementBody]
    citations: list[CitationBody]
    hits: list[HitBody]
    more: Annotated[
        list[CitationBody], Field(description="The next passages, which the text leaves out")
    ]
    notice: Annotated[str, Field(description="What to know about how the answer was made")]
    followups: list[str]


class SearchBody(Response):
    """The passages found, best first."""

    question: str
    hits: list[HitBody]


class NoteRelations(Response):
    """Relations from a note, and to it."""

    out: list[RelationBody]
    in_: Annotated[list[RelationBody], Field(alias="in")]


class NoteBody(Response):
    """A note with its text, its relations, its passages and its ghosts."""

    note: str
    title: str
    aliases: list[str]
    tags: list[str]
    relations: NoteRelations
    ghosts: list[str]
    passages: list[PassageBody]
    text: str


class RelatedBody(Response):
    """The relations of a note."""

    note: str
    relations: list[RelationBody]


class PathBody(Response):
    """The shortest path of relations; empty if there is none."""

    start: str
    end: str
    path: list[RelationBody]


class ProgressBody(Response):
    """Progress of the work on the index; `total` is 0 while it is unknown."""

    stage: str
    done: int
    total: int
    unit: str


class StatusBody(BaseModel):
    """State of the index, and its lag behind the notes."""

    model_config = ConfigDict(extra="allow")

    notes: int
    passages: int
    relations: int
    behind: Annotated[int, Field(description="Notes that have changed since")]
    notice: str
    progress: Annotated[ProgressBody | None, Field(description="Work under way, if any")]


class ErrorBody(Response):
    """Why a request was refused, and what to do."""

    detail: str
