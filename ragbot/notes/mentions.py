"""Unlinked mentions: titles and aliases that occur in the text without a link.

Names are matched token by token, so a name starts and ends at word boundaries,
the longest one wins, and the time is linear in the text. In scripts written
without blanks each character is a token.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

from ragbot.models import MENTIONS, Note, NoteId, Relation, Span
from ragbot.notes.document import Page, Places, Text, page_of, without
from ragbot.notes.link_scanner import CODE
from ragbot.notes.parser import stem
from ragbot.notes.typed_links import Field, only_links
from ragbot.text.folding import fold_name
from ragbot.text.tokenize import MARKED, UNSPACED

MAX_TOKENS = 12
"""Longest name that is searched, in tokens."""

COMMON = 0.1
"""A name of one word that occurs in more than this share of the notes is a common word."""

_TOKEN = re.compile(rf"[{UNSPACED}]|(?:[^\W{UNSPACED}]|(?<=\w)[\u0300-\u036f{MARKED}])+")


_BLANKS = re.compile(r"\s+")

_Token = tuple[str, str, str, int, int]
"""Gap before, token, folded token, start, end."""

ProseBlock = tuple[str, tuple[int, ...]]
"""Readable text of one block of a note, and the offset in the note of each of its lines."""


class NoteName(NamedTuple):
    """One name of a note, as it is spelt."""

    spelling: str
    note: NoteId


class _Meaning(NamedTuple):
    """The note that a name means.

    `exact` is the only spelling that counts, for a single word that is written with capitals.
    """

    target: NoteId
    exact: str | None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names to find in texts: `meanings` has the unambiguous ones by their folded form.

    `longest` has the most tokens of a name that begins with a token.
    """

    meanings: Mapping[str, _Meaning]
    longest: Mapping[str, int]

    @classmethod
    def of(cls, names: Iterable[NoteName], common: Collection[str] = ()) -> Vocabulary:
        """Build a vocabulary of names, without names that two notes share or that are common."""
        bearers: dict[str, dict[NoteId, str]] = {}
        for spelling, note in names:
            bearers.setdefault(form_of(spelling), {}).setdefault(note, spelling)
        meanings: dict[str, _Meaning] = {}
        longest: dict[str, int] = {}
        for form, notes in bearers.items():
            if len(notes) > 1 or form in common:
                continue
            [(note, spelling)] = notes.items()
            tokens = _tokens(spelling)
            if _is_telling(tokens):
                meanings[form] = _Meaning(note, _exact(tokens))
                first = tokens[0][2]
                longest[first] = max(len(tokens), longest.get(first, 0))
        return cls(meanings, longest)


def find(notes: Iterable[Note]) -> list[Relation]:
    """Return the mentions of notes in the prose of other notes, in order of the notes.

    They are relations with the predicate `MENTIONS` and a `span` around the name: the first mention
    of each note in each other note that does not link to it, in file order. These are no mentions:
    names that two notes share; names of fewer than three letters (two in scripts without blanks);
    single words in another case than the name has; single words that are common in these notes.
    """
    notes = list(notes)
    proses = {note.id: prose_of(note) for note in notes}
    names = [NoteName(name, note.id) for note in notes for name in note_names(note)]
    frequency = Counter(word for prose in proses.values() for word in words_of(prose))
    most = most_common(len(notes))
    common = {word for word, count in frequency.items() if count > most}
    vocabulary = Vocabulary.of(names, common)
    return [
        relation
        for note in notes
        for relation in mentions_in(
            note.id, proses[note.id], vocabulary, {r.target for r in note.relations}
        )
    ]


def most_common(notes: int) -> float:
    """Return the greatest number of notes in which a one-word name may occur."""
    return max(5, COMMON * notes)


def note_names(note: Note) -> list[str]:
    """Return the names of a note, each in one spelling: file name, title and aliases."""
    names: dict[str, str] = {}
    for name in (stem(note.id), note.title, *note.aliases):
        names.setdefault(form_of(name), name)
    return list(names.values())


def prose_of(note: Note) -> list[ProseBlock]:
    """Return the readable blocks of a note, in file order.

    Code, links, comments, headings, and the keys of relations are replaced by signs that are
    not letters.
    """
    page = page_of(note.text)
    places = Places(note.text)
    hidden = page.comments()
    found = []
    for number, text in page.texts.items():
        if text.block.kind == "heading":
            continue
        shown: list[str] = []
        offsets: list[int] = []
        for a, b, pieces in _pieces(page, number, hidden):
            at, line = a, text.place(a)
            offsets.append(places.offset(line))
            for start, end in pieces:
                shown.append(CODE * (a + start - line - at))
                at = a + end - line
                shown.append(text.inline.masked[a + start - line : at])
            shown.append(CODE * (b - at) + "\n")
        prose = "".join(shown)
        if _TOKEN.search(prose):
            found.append((prose, tuple(offsets)))
    return found


def _pieces(page: Page, number: int, hidden: list[Span]) -> Iterator[tuple[int, int, list[Span]]]:
    """Yield each line of one block, with the spans of its prose, in positions of its text."""
    text = page.texts[number]
    by_line: dict[int, list[Field]] = {}
    for entry, at in page.fields.get(number, ()):
        by_line.setdefault(at, []).append(entry)
    for a, b in text.lines():
        entries = by_line.get(text.place(a), []) if a < b else []
        shown = _shown(text, a, b, entries)
        yield a, b, [part for piece in shown for part in without(piece, hidden)]


def _shown(text: Text, start: int, end: int, entries: list[Field]) -> list[Span]:
    """Return the spans of a line that are prose: all of it, or the annotations of its relations."""
    if start == end:
        return []
    whole = [entry for entry in entries if entry.whole]
    if whole or only_links(text.inline, start, end, entries):
        return [text.span(*entry.annotation) for entry in whole if entry.annotation]
    return [text.span(start, end)]


def words_of(prose: Sequence[ProseBlock]) -> set[str]:
    """Return the distinct folded tokens of the prose of a note."""
    found: set[str] = set()
    for text, _ in prose:
        # Most text is ASCII, and folding it as a whole is three times as fast.
        found.update(
            _TOKEN.findall(text.lower()) if text.isascii() else map(fold_name, _TOKEN.findall(text))
        )
    return found


def words_of_name(name: str) -> list[str]:
    """Return the folded tokens of a name, in order."""
    return [token[2] for token in _tokens(name)]


def form_of(name: str) -> str:
    """Return a name or text folded for comparison, without punctuation around it."""
    return "".join(gap + folded for gap, _, folded, _, _ in _tokens(name))


def name_key(name: str) -> str:
    """Return the first two folded tokens of a name, or its only one; empty without a token."""
    return " ".join(words_of_name(name)[:2])


def keys_in(prose: Sequence[ProseBlock]) -> set[str]:
    """Return the keys (see `name_key`) of all names that the prose of a note may contain."""
    words = [list(map(fold_name, _TOKEN.findall(text))) for text, _ in prose]
    pairs = {f"{a} {b}" for line in words for a, b in pairwise(line)}
    return pairs | set(chain(*words))


def mentions_in(
    note: NoteId,
    prose: Sequence[ProseBlock],
    vocabulary: Vocabulary,
    linked: Collection[NoteId | None],
) -> list[Relation]:
    """Return the first mention of each note that is not among `linked`, in file order."""
    known = {*linked, note}
    found: list[Relation] = []
    for text, offsets in prose:
        for (first, last), target in _matches(_tokens(text), vocabulary):
            if target not in known:
                known.add(target)
                span = (_offset(text, offsets, first), _offset(text, offsets, last - 1) + 1)
                written = " ".join(text[first:last].split())
                found.append(Relation(note, MENTIONS, written, target, span))
    return found


def _offset(text: str, offsets: Sequence[int], position: int) -> int:
    """Return the offset in the note of a position in one of its blocks."""
    starts = [0, *(place + 1 for place, letter in enumerate(text) if letter == "\n")]
    line = bisect_right(starts, position) - 1
    return offsets[line] + position - starts[line]


def _tokens(text: str) -> list[_Token]:
    """Return the tokens of a text, with the blanks of each gap reduced to one."""
    found: list[_Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        gap = text[end : match.start()] if found else ""
        if gap != " ":
            gap = _BLANKS.sub(" ", gap)
        token = match.group()
        found.append((gap, token, fold_name(token), match.start(), match.end()))
        end = match.end()
    return found


def _is_telling(tokens: Sequence[_Token]) -> bool:
    letters = "".join(token[1] for token in tokens)
    if not 0 < len(tokens) <= MAX_TOKENS or letters.isdigit():
        return False
    return len(letters) >= (2 if re.match(f"[{UNSPACED}]", letters) else 3)


def _exact(tokens: Sequence[_Token]) -> str | None:
    single = len(tokens) == 1 and tokens[0][1] != tokens[0][2]
    return tokens[0][1] if single else None


def _matches(tokens: Sequence[_Token], vocabulary: Vocabulary) -> Iterator[tuple[Span, NoteId]]:
    """Yield the names in a text from left to right, the longest at each place."""
    position = 0
    while position < len(tokens):
        best, target = _longest(tokens, position, vocabulary)
        if target is None:
            position += 1
            continue
        yield (tokens[position][3], tokens[best - 1][4]), target
        position = best


def _longest(
    tokens: Sequence[_Token], position: int, vocabulary: Vocabulary
) -> tuple[int, NoteId | None]:
    """Return the end, in tokens, and the note of the longest name that starts at a token."""
    best, target, form = position, None, ""
    most = vocabulary.longest.get(tokens[position][2], 0)
    for number, (gap, token, folded, _, _) in enumerate(tokens[position : position + most]):
        form += gap + folded if number else folded
        meaning = vocabulary.meanings.get(form)
        if meaning is not None and meaning.exact in (None, token):
            best, target = position + number + 1, meaning.target
    return best, target
