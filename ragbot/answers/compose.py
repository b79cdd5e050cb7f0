"""Compose: chosen sentences become an answer that reads, with a citation for each.

Floor 4: pure functions on notes and picked sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ragbot.answers import grounding
from ragbot.answers.candidates import Candidate, is_row, readable
from ragbot.answers.sentence_ranker import Picked
from ragbot.models import Citation, Note, NoteId, Passage, Statement
from ragbot.notes.parser import stem as stem_of
from ragbot.questions.predicate_matcher import stem
from ragbot.questions.question_type import Kind
from ragbot.text.sentences import sentences
from ragbot.text.tokenize import STOP_WORDS, tokens

WORDS = 150
"""Words of the longest answer, unless more is asked for."""

BELOW_BEST = 0.6
"""A sentence that scores this much less than the best one is left out."""

LONGEST_BEFORE = 30
"""Words of the longest sentence that is quoted only because a pronoun stands for it."""

_ASKING_WORDS = (
    "note page concept idea thing folder garden vault relation link typed kind sort type list name "
    "say tell give show know else many much reason purpose question answer explain describe matter "
    "difference differ different compare comparison contrast common versus vs between among inside "
    "within across during through per via"
)
ASKING = frozenset(stem(word) for word in _ASKING_WORDS.split())
"""Stems of words that a question about notes is put with, and that answer nothing."""

_ITEM = re.compile(r"^[ \t]*(?:>[ \t]*)*(?:[-*+•]|\d{1,3}[.)])[ \t]", re.MULTILINE)
_END = re.compile(r"[.!?…:;。！？][\"'”’»)\]]*$")


_SPECIAL = re.compile(r"[\\`*<\[\]]|(?<!\w)_|_(?!\w)|~(?=~)|^[#>+-](?=\s)|&(?=#?\w+;)")


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text with the statements and citations that it is made of."""

    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences that stand together in an answer, behind a lead, as prose or as a list."""

    lead: str
    candidates: tuple[Candidate, ...]
    items: bool = False


def choose(
    notes: Mapping[NoteId, Note], picked: Sequence[Picked], words: int = WORDS
) -> list[Picked]:
    """Take the best sentences that fit into a number of words; the best one always fits.

    The name of a note counts, as it introduces its sentences.
    """
    chosen: list[Picked] = []
    used = 0
    named: set[NoteId] = set()
    for pick in picked:
        if chosen and pick.score < picked[0].score - BELOW_BEST:
            continue
        candidate = pick.candidate
        size = len(candidate.text.split())
        if candidate.note not in named:
            size += len(notes[candidate.note].title.split())
        if not chosen or used + size <= words:
            chosen.append(pick)
            used += size
            named.add(candidate.note)
    return chosen


def by_note(notes: Mapping[NoteId, Note], kind: Kind, chosen: Sequence[Picked]) -> list[Group]:
    """Group chosen sentences by note, each under its name when several speak."""
    ordered = _ordered(chosen, kind)
    names = _names(notes, ordered)
    groups = groupby(ordered, key=lambda candidate: candidate.note)
    return [
        Group(names[note] if len(names) > 1 else "", tuple(group), kind == "list")
        for note, group in groups
    ]


def compose(
    notes: Mapping[NoteId, Note],
    passage: Callable[[int], Passage],
    groups: Sequence[Group],
    words: int = WORDS,
) -> Composed:
    """Complete sentences and write them down, group by group, each with its citation.

    Parameters
    ----------
    words
        Words of the whole answer: what is left of them is room for sentences
        that a pronoun refers to.
    """
    room = words - sum(len(group.lead.split()) for group in groups)
    room -= sum(len(one.text.split()) for group in groups for one in group.candidates)
    statements: list[Statement] = []
    citations: list[Citation] = []
    before: Candidate | None = None
    for group in groups:
        for place, candidate in enumerate(group.candidates):
            whole = candidate
            note, chunk = notes[candidate.note], passage(candidate.passage_id)
            item = group.items or is_row(note.text[slice(*candidate.span)])
            if not item:
                whole = _completed(note, chunk, candidate, before, room)
            room -= len(whole.text.split()) - len(candidate.text.split())
            number = len(citations) + 1
            lead = "" if place else group.lead
            statements.append(Statement(whole.text, (number,), lead=lead, item=item))
            citations.append(grounding.cite(notes, number, whole.note, whole.span))
            before = candidate
    return Composed(render(statements), tuple(statements), tuple(citations))


def render(statements: Sequence[Statement]) -> str:
    """Write statements as Markdown: paragraphs and lists, a group's lead in front.

    Text from notes is escaped where Markdown would take it for markup or HTML.
    """
    text = ""
    before: Statement | None = None
    for statement in statements:
        marks = "".join(f"[{number}]" for number in statement.citations)
        flag = "" if statement.supported else " *(not supported by the notes)*"
        line = f"{escaped(_ended(statement))} {marks}{flag}".rstrip()
        line = f"- {line}" if statement.item else line
        if statement.lead:
            lead = f"**{escaped(statement.lead.rstrip(':'))}:**"
            line = f"{lead}\n\n{line}" if statement.item else f"{lead} {line}"
        text += _between(before, statement) + line
        before = statement
    return text


def _between(before: Statement | None, statement: Statement) -> str:
    """Give what parts a statement from the one before: a space, a line or a blank line."""
    if before is None:
        return ""
    if statement.lead or statement.item != before.item:
        return "\n\n"
    return "\n" if statement.item else " "


def stems(text: str) -> set[str]:
    """Stems of the words of a text that carry a subject."""
    return {stem(word) for word in tokens(text) if word not in STOP_WORDS}


def unsaid(query: str, said: str) -> set[str]:
    """Stems of a question that what is said does not hold; words that only ask are left out."""
    return stems(query) - stems(said) - ASKING


def renumbered(made: Composed, after: int) -> Composed:
    """Count citations on from a number."""
    statements = tuple(
        replace(statement, citations=tuple(number + after for number in statement.citations))
        for statement in made.statements
    )
    citations = tuple(replace(cited, number=cited.number + after) for cited in made.citations)
    return Composed(render(statements), statements, citations)


def escaped(text: str) -> str:
    r"""Escape what Markdown or a browser would take for markup, and no more.

    Examples
    --------
    >>> escaped("<b> *x* [y](z) a_b _c_")
    '\\<b> \\*x\\* \\[y\\](z) a_b \\_c\\_'
    """
    return _SPECIAL.sub(r"\\\g<0>", text)


def _ended(statement: Statement) -> str:
    text = statement.text
    return text if statement.item or _END.search(text) else f"{text}."


def _ordered(chosen: Sequence[Picked], kind: Kind) -> list[Candidate]:
    """Put notes in the order of their best sentence; in a note keep that of the file.

    Where a number is asked for, the best sentence leads: it is the one that holds it.
    """
    groups: dict[NoteId, list[Candidate]] = {}
    for pick in chosen:
        groups.setdefault(pick.candidate.note, []).append(pick.candidate)
    ordered: list[Candidate] = []
    for group in groups.values():
        best, *rest = group
        if kind in ("number", "when", "who"):
            ordered += [best, *sorted(rest, key=lambda candidate: candidate.span)]
        else:
            ordered += sorted(group, key=lambda candidate: candidate.span)
    return ordered


def _names(notes: Mapping[NoteId, Note], ordered: Sequence[Candidate]) -> dict[NoteId, str]:
    """Name each note by its title; by its file where two have the same."""
    found = {candidate.note: notes[candidate.note].title for candidate in ordered}
    titles = Counter(found.values())
    return {note: title if titles[title] == 1 else stem_of(note) for note, title in found.items()}


def _completed(
    note: Note, chunk: Passage, candidate: Candidate, before: Candidate | None, room: int
) -> Candidate:
    """Add the sentence before, when this one starts with a word that stands for it."""
    if not candidate.leans:
        return candidate
    earlier = [
        span for span in sentences(chunk.text, chunk.span[0]) if span[1] <= candidate.span[0]
    ]
    if not earlier or _ITEM.match(note.text, candidate.span[0]):
        return candidate
    first, last = earlier[-1]
    if before is not None and before.note == note.id and before.span[1] >= last:
        return candidate
    between = note.text[last : candidate.span[0]]
    source = note.text[first : candidate.span[1]]
    text = readable(source)
    extra = len(text.split()) - len(candidate.text.split())
    if between.strip(" \t\r\n*_>") or "\n\n" in between or extra > min(room, LONGEST_BEFORE):
        return candidate
    return replace(candidate, span=(first, candidate.span[1]), text=text)
