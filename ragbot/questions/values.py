"""Rows and properties: "the berth of the Corvo" is a cell, "the author of Solaris" a property."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ragbot.index.corpus import Corpus
from ragbot.models import Note, NoteId, Span
from ragbot.notes.units import Unit, units
from ragbot.questions.answer_type import fit
from ragbot.questions.question import Question
from ragbot.text.dates import day_of, without_dates
from ragbot.text.folding import fold
from ragbot.text.fuzzy import is_slip
from ragbot.text.language import COMMON_WORDS
from ragbot.text.sentences import is_question
from ragbot.text.synonyms import ASKING_ROOTS, LEAST_STEM, root, roots, roots_of
from ragbot.text.tokenize import han_names, terms

MOST_PASSAGES = 20
"""Most passages, the best by BM25, whose notes are searched for a row or property."""

MOST_ROWS = 3
"""Most rows that answer together if the question names no column that they fill."""

LONGEST_NAME = 4
"""Most words of a value that a question may name by some of them, such as a surname."""

_WHICH = re.compile(
    r"^\W*(?:(?:which|list|show|name)(?: me)?(?: all)?(?: the| my| our)? (\w+s)\b"
    r"|what (\w+s) (?:are|do|did|have|were)\b)",
    re.IGNORECASE,
)
_MEANS = roots(["mean"])
"""What does "fernweh" mean?" asks for the value of its key."""
_NUMBERED = re.compile(r"([^\W\d_]+) (?:(?:no|nr|number)\b\.? ?)?#?(\d+\w?)\b", re.IGNORECASE)
"""A name of a noun and a number: "jar 3", "class 4a"."""


@dataclass(frozen=True, slots=True)
class Found:
    """One fact that was looked up, as text, with its place.

    All lines of a list have the span of the list.
    """

    note: NoteId
    span: Span
    text: str
    item: bool = True
    code: bool = False
    lead: str = ""


def values(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the rows and properties that contain the value of the column or key asked for."""
    wanted = subject(question)
    named = (corpus.notes[note] for name in question.names for note in name.notes)
    if any(wanted <= roots((note.title, *note.aliases)) for note in named):
        return  # the question is about the note itself
    every = roots_of(question.terms)
    word = question.attribute
    asked = roots([question.standalone[slice(*word.span)]]) if word else set()
    # "Which is older, A or B?" asks for a property of both.
    compared = question.names if question.type == "compare" else ()
    others = roots(question.standalone[slice(*name.span)] for name in compared)
    numbered = _NUMBERED.findall(without_dates(question.standalone))
    rows: dict[bool, list[Found]] = {True: [], False: []}
    properties: list[tuple[int, bool, Found]] = []
    for note in nearby(corpus, question) if wanted else ():
        names = (note.title, *note.aliases, note.id, *note.tags)
        place = roots(names)
        for unit in units(note):
            if unit.kind == "row":
                says = _answers(unit, wanted, place, asked)
                if (
                    says is not None
                    and _holds_names(unit, question.standalone, " ".join(names))
                    and all(_is_numbered(unit, place, *pair) for pair in numbered)
                ):
                    rows[says].append(found_unit(note, unit))
            for name, value in unit.columns if unit.kind == "property" else ():
                if question.wanted.types and not fit(question.wanted, [value]) and day_of(value):
                    continue  # "With whom did I watch it?" does not ask for the day
                key = roots([name])
                rest = wanted - key - others - _MEANS
                here = place | roots(unit.headings)
                if key <= every and wanted & key and all(_is_meant(corpus, w, here) for w in rest):
                    properties.append((len(key), bool(rest or others), found_unit(note, unit)))
    # "What is the serial number?" has an answer only if one note has a serial number.
    best = max(((size, named) for size, named, _ in properties), default=None)
    found = [one for size, named, one in properties if (size, named) == best]
    if not best or not (best[1] or len(found) == 1):
        found = []
    few = rows[False] if len(rows[False]) <= MOST_ROWS else []
    yield from rows[True] or found or few


def holders(corpus: Corpus, question: Question) -> Iterator[Found]:
    """Yield the properties with a value that "which books are by Ada Lund?" names."""
    if not (asked := _WHICH.search(question.standalone)):
        return
    wanted, kind = subject(question), roots([asked[1] or asked[2]])
    for note in nearby(corpus, question) if wanted - kind else ():
        place = roots((note.id, *note.aliases, *note.tags))
        for unit in units(note):
            for key, value in unit.columns if unit.kind == "property" else ():
                rest = roots([key]) | place | kind
                names = (roots([one]) for one in value.split(",") if not is_question(one))
                if any(
                    held & wanted - rest and wanted <= held | rest and len(held) <= LONGEST_NAME
                    for held in names
                ):
                    yield replace(found_unit(note, unit), lead=note.title)


def _answers(unit: Unit, wanted: set[str], place: set[str], asked: set[str]) -> bool | None:
    """Check whether a row contains all words of a question, and has a column that it names.

    True if the cell of such a column says something that the question does not: "which boats have
    Lars as skipper" asks for the boat. False for another such row, None for other rows. The cell of
    the attribute that the question looks up, by the roots `asked`, must say something.
    """
    names = [roots([name]) for name, _ in unit.columns]
    columns = set().union(*names)
    cells = [roots([cell]) for _, cell in unit.columns]
    every = set().union(*cells)
    rest = wanted - columns - place - roots(unit.headings)
    # If the note or a heading names the thing, a cell must name it whole: "red lentils" is no soup.
    named = rest or wanted - columns
    if not (wanted & columns and named and named <= every):
        return None
    pairs = list(zip(names, cells, strict=True))
    if any(asked <= name and cell <= wanted for name, cell in pairs if asked):
        return None
    return any(name and name <= wanted and not cell <= wanted for name, cell in pairs)


def _holds_names(unit: Unit, question: str, place: str) -> bool:
    """Check that a row contains each whole name of a question in Chinese or Japanese.

    A comparison of words is not enough, because they are single characters.
    """
    asked = fold(question)
    for name in filter(None, (fold(name) for name, _ in unit.columns)):
        asked = asked.replace(name, " ")
    text = fold("\n".join((*(cell for _, cell in unit.columns), *unit.headings, place)))
    return all(name in text for name in han_names(asked))


def _is_numbered(unit: Unit, place: Collection[str], noun: str, number: str) -> bool:
    """Check that a row has the number of "jar 3" in its column "Jar".

    Without such a column, it must be in another cell, but not in a date there, or above the row.
    """
    named = [cell for name, cell in unit.columns if roots([noun]) & roots([name])]
    cells = named or [without_dates(cell) for _, cell in unit.columns]
    above = set[str]() if named else roots(unit.headings).union(place)
    return roots([number]) <= roots(cells) | above


def _is_meant(corpus: Corpus, word: str, place: Collection[str]) -> bool:
    """Check for a word, or for one that a word which no note has misspells."""
    unknown = len(word) > LEAST_STEM and corpus.rarity(word) >= 1
    return word in place or (unknown and any(is_slip(word, one) for one in place))


def nearby(corpus: Corpus, question: Question, words: Sequence[str] = ()) -> list[Note]:
    """Return the notes that a question names, and those with the best BM25 scores.

    Parameters
    ----------
    words
        Words to search, if not those of the question.
    """
    scores = corpus.bm25(words or question.words)
    best = sorted(scores, key=lambda number: -scores[number])[:MOST_PASSAGES]
    named = [note for name in question.names for note in name.notes]
    notes = dict.fromkeys([*named, *(corpus.passage(number).note for number in best)])
    return [corpus.notes[note] for note in notes]


def subject(question: Question, outside: Span | None = None) -> set[str]:
    """Return the roots of the words of a question, without words that only ask.

    With a span, its words outside that are read.
    """
    text, language = question.standalone, question.language
    words = terms(text[: outside[0]] + text[outside[1] :]) if outside else question.terms
    common = () if language == "en" else COMMON_WORDS.get(language, ())
    return roots_of(words) - ASKING_ROOTS - set(map(root, common))


def are_cards(items: Sequence[Unit]) -> bool:
    """Check whether a list consists of flash cards: it has questions, and an answer for each."""
    return 0 < 2 * sum(unit.question for unit in items) <= len(items)


def first_line(note: Note) -> Span:
    """Return the place of the first unit of a note, which is quoted for its name."""
    return next((unit.span for unit in units(note)), (0, len(note.text)))


def found_unit(note: Note, unit: Unit, *, with_state: bool = False) -> Found:
    """Return a unit of a note as a fact, with the state of a task on request."""
    state = f" ({unit.state})" if with_state and unit.state else ""
    item = unit.kind in ("item", "task", "row")
    return Found(note.id, unit.span, unit.text + state, item, unit.kind == "code")
