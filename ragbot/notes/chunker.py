"""Chunks: the passages of a note that are embedded and found.

A chunk never crosses a heading, starts and ends with a sentence, and is one
slice of the file, so it can be quoted as it stands. What is embedded carries
the title and the headings as well: a passage that says "it degrades
capabilities" is only found when the text says what *it* is.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ragbot.models import Note, Passage, Section, Span
from ragbot.notes import parser
from ragbot.text.sentences import sentences

VERSION = 1
"""Counts up when the same note would be cut or embedded otherwise: an index then embeds anew."""

BUDGET = 250
"""Word pieces of the text that is embedded; the encoder we ship reads 256, two of them its own."""

_LEAST_PROSE = 60
"""Word pieces that a passage may always have, however long the title and the headings are."""

SUMMARIES = ("brief_summary", "summary", "description", "abstract", "tagline")
"""Frontmatter fields that say what a note is about, the first that is there counts."""

_FRONTMATTER = re.compile(r"\A---[ \t]*(?:\r\n|\n|\r)(.*?)(?:^---[ \t]*$|\Z)", re.DOTALL | re.M)
_WORD = re.compile(r"[a-z]+|[0-9]+|[^\s]", re.IGNORECASE)

# Where a link leads is not read; between two stretches of prose, marks of lists and quotes.
_DESTINATION = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_BETWEEN = re.compile(r"[\s>*+|:-]*(?:\d{1,9}[.)][\s>]*)?(?:\[.\]\s*)?")


def chunk(note: Note) -> list[Passage]:
    """Cut a note into chunks, in the order of the file.

    Returns
    -------
    list of Passage
        At least one, so that every note can be found: a note without prose
        has an empty chunk at its start, embedded as its title alone. Chunks
        do not overlap.
    """
    chunks = [_chunk(note, span, ()) for span in _summary(note)]
    prose = _joined(note, parser.prose(note))
    for section in note.sections:
        for run in _within(prose, section.span):
            chunks += [
                _chunk(note, span, section.headings) for span in _passages(note, section, run)
            ]
    return chunks or [Passage(note.id, (0, 0), "")]


def embedding_text(note: Note, chunk: Passage) -> str:
    r"""Text that stands for a chunk when it is embedded: title, headings, plain prose.

    Examples
    --------
    >>> note = Note("a.md", "Heat", "# Heat\n## Limits\nIt has [[Entropy|some]].")
    >>> embedding_text(note, Passage("a.md", (17, 41), note.text[17:41], ("Heat", "Limits")))
    'Heat. Limits. It has some.'
    """
    return f"{context(note, chunk)} {plain_prose(chunk.text)}".strip()


def context(note: Note, chunk: Passage) -> str:
    """Title and headings as they stand before the prose of a chunk that is embedded."""
    return _context(note.title, chunk.headings)


@lru_cache(maxsize=20_000)  # a question reads the same sentences in several places
def plain_prose(source: str) -> str:
    """Plain text of a slice of a note, as it is embedded."""
    return _DESTINATION.sub(r"\1", parser.plain(source))


def text_key(text: str) -> str:
    """Name of a text that is embedded: of its vector, and of its words."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def pieces(text: str) -> int:
    """Estimate, rather too high, the word pieces that a BERT encoder makes of a text.

    Counted rather than asked of the tokenizer, which would be a slow import at
    every scan: a short word is one piece, a long one a piece per four letters,
    and every sign or letter beyond ASCII a piece of its own.
    """
    return sum(_pieces_of(word) for word in _WORD.findall(text))


def _pieces_of(word: str) -> int:
    if len(word) <= 1:
        return 1
    if word[0].isdigit():
        return math.ceil(len(word) / 2)
    return 1 if len(word) <= 6 else math.ceil(len(word) / 4)


def _context(title: str, headings: Sequence[str]) -> str:
    path = [_heading(heading) for heading in headings]
    if path and path[0].casefold() == title.casefold():
        path = path[1:]
    return " ".join(f"{part}." for part in (title, *path) if part)


@lru_cache(maxsize=4096)
def _heading(text: str) -> str:
    """Give a heading as text; cached, because each passage below it has it."""
    return parser.plain(text)


def _chunk(note: Note, span: Span, headings: tuple[str, ...]) -> Passage:
    return Passage(note.id, span, note.text[slice(*span)], headings)


def _joined(note: Note, spans: Sequence[Span]) -> list[Span]:
    """Join stretches of prose with nothing to read between them: paragraphs, list items."""
    joined: list[Span] = []
    for span in spans:
        if joined and _BETWEEN.fullmatch(note.text, joined[-1][1], span[0]):
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
    return joined


def _within(spans: Sequence[Span], window: Span) -> Iterator[Span]:
    for first, last in spans:
        first, last = max(first, window[0]), min(last, window[1])
        if first < last:
            yield first, last


def _passages(note: Note, section: Section, run: Span) -> list[Span]:
    """Sentences of one run of prose, packed into passages of about equal size."""
    room = max(_LEAST_PROSE, BUDGET - pieces(_context(note.title, section.headings)))
    sized = [
        (span, pieces(_DESTINATION.sub(r"\1", note.text[slice(*span)])))
        for sentence in sentences(note.text[slice(*run)], run[0])
        for span in _cut(note.text, sentence, room)
    ]
    return _packed(sized, room)


def _packed(sized: Sequence[tuple[Span, int]], room: int) -> list[Span]:
    total = sum(size for _, size in sized)
    goal = total / max(1, math.ceil(total / room))
    packed: list[Span] = []
    filled = 0
    for span, size in sized:
        if packed and filled + size <= room and filled < goal:
            packed[-1] = (packed[-1][0], span[1])
            filled += size
        else:
            packed.append(span)
            filled = size
    return packed


def _cut(text: str, sentence: Span, room: int) -> Iterator[Span]:
    """Cut a sentence that no encoder would read whole: at spaces, else anywhere."""
    first, last = sentence
    while pieces(text[first:last]) > room:
        cut = _last_that_fits(text, first, last, room)
        yield first, first + len(text[first:cut].rstrip())
        first = cut + len(text[cut:last]) - len(text[cut:last].lstrip())
    if first < last:
        yield first, last


def _last_that_fits(text: str, first: int, last: int, room: int) -> int:
    filled = 0
    space = first
    for match in _WORD.finditer(text, first, last):
        if match.start() > first and text[match.start() - 1].isspace():
            space = match.start()
        filled += _pieces_of(match.group())
        if filled > room:
            return space if space > first else max(match.start(), first + 1)
    return last


def _summary(note: Note) -> list[Span]:
    """Where the frontmatter's summary stands in the file, quotes left out."""
    named = [name for name in SUMMARIES if isinstance(note.metadata.get(name), str)]
    block = _FRONTMATTER.match(note.text)
    if not named or block is None:
        return []
    field = re.compile(
        rf"(?m)^{re.escape(named[0])}[ \t]*:[ \t]*(?:[>|][+-]?[0-9]?[ \t]*$)?"
        r"(?P<value>[^\r\n]*(?:(?:\r\n|\n|\r)[ \t]+[^\r\n]*)*)"
    )
    found = field.search(note.text, block.start(1), block.end(1))
    if found is None:
        return []
    first, last = found.span("value")
    value = note.text[first:last]
    first += len(value) - len(value.lstrip(" \t\r\n\"'"))
    last = first + len(note.text[first:last].rstrip(" \t\r\n\"'"))
    return [(first, last)] if first < last else []
