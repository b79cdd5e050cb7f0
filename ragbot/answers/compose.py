"""Build statements with citations from quotes, and Markdown from statements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ragbot.answers import grounding
from ragbot.models import Citation, Note, NoteId, Span, Statement
from ragbot.notes.parser import stem as stem_of
from ragbot.text.folding import stem
from ragbot.text.tokenize import STOP_WORDS, tokens

_ASKING_WORDS = (
    "note page concept idea thing folder garden vault relation link typed kind sort type list name "
    "say tell give show know else many much reason purpose question answer explain describe matter "
    "difference differ different compare comparison contrast common versus vs between among inside "
    "within across during through per via"
)
ASKING = frozenset(stem(word) for word in _ASKING_WORDS.split())
"""Stems of words by which questions ask, such as "say" and "list"; answers need not have them."""

_SPECIAL = re.compile(
    r"`|\*(?=\S)|(?<=\S)\*|\\(?=[^\w\s])|<(?=[A-Za-z/!?])|\[(?=.?\]|[\^!\d])|\](?=[(\[:])"
    r"|(?<!\w)_|_(?!\w)|~(?=~)|^[#>+*-](?=\s)|&(?=#?\w+;)"
)
"""Signs that Markdown or a browser may read as markup, and brackets that look like a citation."""
_FENCE = re.compile(r"`{3,}")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote without markup: running text, an item of a list, or code."""

    text: str
    item: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """A slice of a note, and its lines without markup."""

    note: NoteId
    span: Span
    lines: tuple[Line, ...]

    @property
    def words(self) -> int:
        """Words of its lines."""
        return sum(len(line.text.split()) for line in self.lines)

    def overlaps(self, other: Quote | Citation) -> bool:
        """Check whether it shares a character of a note with another quote, or has its place."""
        shared = self.span[0] < other.span[1] and other.span[0] < self.span[1]
        return self.note == other.note and (shared or self.span == other.span)


@dataclass(frozen=True, slots=True)
class Composed:
    """The text of an answer, with its statements and citations."""

    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]


def compose(
    notes: Mapping[NoteId, Note], quotes: Sequence[Quote], leads: Sequence[str] = ()
) -> Composed:
    """Return the statements of some quotes, in their order, each with its citation.

    `leads` introduce the quotes; by default with the note's name, if several notes are quoted.
    """
    leads = leads or _names(notes, quotes)
    statements: list[Statement] = []
    citations: list[Citation] = []
    before = ""
    for number, (quote, lead) in enumerate(zip(quotes, leads, strict=True), start=1):
        citations.append(grounding.cite(notes, number, quote.note, quote.span))
        source = citations[-1].quote
        for place, line in enumerate(quote.lines):
            shown = "" if place or lead == before else lead
            text = line.text if line.code else _with_code(line.text, source)
            statements.append(
                Statement(text, (number,), lead=shown, item=line.item, code=line.code)
            )
        before = lead
    return Composed(render(statements), tuple(statements), tuple(citations))


def render(statements: Sequence[Statement]) -> str:
    """Return statements as Markdown: paragraphs, lists and code, each lead before its statement.

    Text from notes is escaped, so that it has no markup or HTML. The last line of each quote has
    the number of the citation.
    """
    text = ""
    before: Statement | None = None
    for place, statement in enumerate(statements):
        following = statements[place + 1 : place + 2]
        last = not following or following[0].citations != statement.citations
        marks = "".join(f"[{number}]" for number in statement.citations) if last else ""
        text += _between(before, statement) + _markdown(statement, marks)
        before = statement
    return text


def _markdown(statement: Statement, marks: str) -> str:
    lead = f"**{escaped(statement.lead.rstrip(':'))}:**" if statement.lead else ""
    if statement.code:
        longest = max((len(run) for run in _FENCE.findall(statement.text)), default=2)
        fence = "`" * (longest + 1)
        block = f"{fence}\n{statement.text.rstrip()}\n{fence}"
        return "\n\n".join(part for part in (lead, block, marks) if part)
    flag = "" if statement.supported else " *(not supported by the notes)*"
    line = f"{escaped(statement.text)} {marks}{flag}".rstrip()
    line = f"- {line}" if statement.item else line
    if lead:
        line = f"{lead}\n\n{line}" if statement.item else f"{lead} {line}"
    return line


def _between(before: Statement | None, statement: Statement) -> str:
    """Return the separator between two statements: a space, a line end or a blank line."""
    if before is None:
        return ""
    if statement.lead or statement.item != before.item or statement.code or before.code:
        return "\n\n"
    if statement.item:
        return "\n"
    return " " if statement.citations == before.citations else "\n\n"


def stems(text: str) -> set[str]:
    """Return the stems of the content words of a text."""
    return {stem(word) for word in tokens(text) if word not in STOP_WORDS}


def unsaid(asked: Collection[str], said: str) -> set[str]:
    """Return the stems of a question that a text lacks, without words that only ask."""
    return set(asked) - stems(said) - ASKING


def renumbered(made: Composed, after: int) -> Composed:
    """Return an answer with citation numbers that begin after `after`."""
    statements = tuple(
        replace(statement, citations=tuple(number + after for number in statement.citations))
        for statement in made.statements
    )
    citations = tuple(replace(cited, number=cited.number + after) for cited in made.citations)
    return Composed(render(statements), statements, citations)


def escaped(text: str) -> str:
    r"""Return a text with the characters escaped that Markdown or a browser reads as markup.

    Code between backticks stays as it is.

    Examples
    --------
    >>> escaped("<b> *x* [y](z) [w] a < b_c _d_ `*e*`")
    '\\<b> \\*x\\* \\[y\\](z) \\[w] a < b_c \\_d\\_ `*e*`'
    """
    shown, end = "", 0
    for match in _CODE.finditer(text):
        shown += _SPECIAL.sub(r"\\\g<0>", text[end : match.start()]) + match.group()
        end = match.end()
    return shown + _SPECIAL.sub(r"\\\g<0>", text[end:])


def _with_code(text: str, source: str) -> str:
    """Return a text with backticks around code of its source that has special characters."""
    codes = {" ".join(match.group(2).split()) for match in _CODE.finditer(source)}
    marked = [code for code in codes if len(code) > 2 and _SPECIAL.search(code)]
    if not marked:
        return text
    pattern = "|".join(map(re.escape, sorted(marked, key=len, reverse=True)))
    return re.sub(pattern, _as_code, text)


def _as_code(match: re.Match[str]) -> str:
    ticks = "`" * (1 + max(map(len, re.findall("`+", match.group())), default=0))
    pad = " " if ticks != "`" else ""
    return f"{ticks}{pad}{match.group()}{pad}{ticks}"


def _names(notes: Mapping[NoteId, Note], quotes: Sequence[Quote]) -> list[str]:
    """Return the title of each note, its file name if titles are equal; "" for a single note."""
    titles = {quote.note: notes[quote.note].title for quote in quotes}
    if len(titles) < 2:
        return [""] * len(quotes)
    counts = Counter(titles.values())
    return [
        title if counts[title := titles[quote.note]] == 1 else stem_of(quote.note)
        for quote in quotes
    ]
