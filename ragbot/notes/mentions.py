"""Unlinked mentions: titles and aliases that stand in the text without a link.

Names are matched token by token, so a name starts and ends at word boundaries,
the longest one wins, and the time is linear in the text. In scripts written
without blanks each character is a token. After an edit only those notes are read
that changed, or that may hold a name that came or went.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from ragbot.index.filing import refiled
from ragbot.index.roll import NOBODY, Roll
from ragbot.models import MENTIONS, Note, NoteId, Relation, Span
from ragbot.notes.link_resolver import Called, fold
from ragbot.notes.parser import stem
from ragbot.notes.plain_text import readable

MAX_TOKENS = 12
"""Longest name that is looked for, in tokens."""

COMMON = 0.1
"""A name of one word that stands in more than this share of the notes is a common word."""

MARK = 3
"""Bytes by which a word is known: two in sixteen million are taken for each other."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|(?<=\w)[\u0300-\u036f\u0900-\u0dff])+")


_BLANKS = re.compile(r"\s+")

_Token = tuple[str, str, str, int, int]
"""Gap before, token, folded token, start, end."""


class _Meant(NamedTuple):
    """The note that a name means.

    `exact` is the only spelling that counts, for a single word that is written with capitals.
    """

    target: NoteId
    exact: str | None


@dataclass(frozen=True, slots=True)
class _Named:
    """What is looked for.

    Attributes
    ----------
    roll
        What the notes are called.
    owners
        Who goes by a name, a form of tokens (see `_form`), and how they spell it.
    meant
        The names of one note alone that tell something, by their form.
    longest
        Most tokens of a name that begins with a token, or more.
    """

    roll: Roll
    owners: Mapping[str, tuple[tuple[NoteId, str], ...]]
    meant: Mapping[str, _Meant]
    longest: Mapping[str, int]

    def changed(self, roll: Roll) -> tuple[_Named, Set[str]]:
        """Name notes anew; gives the forms of names that came, went, or mean another note too."""
        if roll is self.roll:
            return self, frozenset()
        turn = roll.since(self.roll)
        gone, new = list(_filed(turn.gone)), list(_filed(turn.new))
        owners = refiled(self.owners, gone, new)
        meant, longest = dict(self.meant), dict(self.longest)
        changed = {form for form, _ in chain(gone, new)}
        for form in list(changed):
            old, now = meant.pop(form, None), None
            bearers = owners.get(form, ())
            for note, spelling in bearers if len(bearers) == 1 else ():
                tokens = _tokens(spelling)
                if _is_telling(tokens):
                    now = meant[form] = _Meant(note, _exact(tokens))
                    first = tokens[0][2]
                    longest[first] = max(len(tokens), longest.get(first, 0))
            if now == old:
                changed.remove(form)
        return _Named(roll, owners, meant, longest), changed


_NAMELESS = _Named(NOBODY, {}, {}, {})


@dataclass(frozen=True, slots=True)
class _Scanned:
    """What one note was found to hold.

    `words` are those that are names by themselves; `marks` are those of all words: a name is
    not in a note that lacks the mark of one of its words.
    """

    mentions: tuple[Relation, ...]
    words: frozenset[str]
    marks: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """The mentions in a vault by note, and what spares the next look the notes that stay.

    `_frequency` counts the notes that hold each word which is a name, `_common` are those in
    too many.
    """

    by_note: Mapping[NoteId, tuple[Relation, ...]]
    _notes: Mapping[NoteId, Note]
    _named: _Named
    _scanned: Mapping[NoteId, _Scanned]
    _frequency: Mapping[str, int]
    _common: frozenset[str]

    @property
    def relations(self) -> tuple[Relation, ...]:
        """All of them, in the order of the notes."""
        return tuple(relation for note in self._notes for relation in self.told(note))

    def told(self, note: NoteId) -> tuple[Relation, ...]:
        """Give those in one note."""
        return self.by_note.get(note, ())

    def dump(self, notes: Iterable[NoteId]) -> list[Any]:
        """Give what `load` reads of some notes, as JSON has it."""
        return [
            [note, [[r.written, r.target, r.span] for r in one.mentions],
             sorted(one.words), b64encode(one.marks).decode("ascii")]
            for note in notes
            for one in [self._scanned[note]]
        ]  # fmt: skip

    @classmethod
    def load(cls, rows: Iterable[Any], notes: Mapping[NoteId, Note], roll: Roll) -> Found:
        """Read what `dump` gave of these notes, none of which is read for it.

        Parameters
        ----------
        roll
            What the notes are called.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not of these notes, or of another form.
        """
        scanned: dict[NoteId, _Scanned] = {}
        for note, found, words, marks in rows:
            mentioned = tuple(
                Relation(note, MENTIONS, written, target, (span[0], span[1]))
                for written, target, span in found
            )
            scanned[note] = _Scanned(mentioned, frozenset(words), b64decode(marks))
        if scanned.keys() != notes.keys():
            raise ValueError("they are of other notes")
        return _put_together(notes, _NAMELESS.changed(roll)[0], scanned, (), _NOTHING)[0]


_NOTHING = Found({}, {}, _NAMELESS, {}, {}, frozenset())


def find(notes: Iterable[Note], before: Found | None = None) -> Found:
    """Find the names of notes that stand in the prose of other notes.

    Parameters
    ----------
    notes
        All notes of the vault, resolved.
    before
        What was found earlier. A note with the same text and links is not read
        again, unless it may hold a name that came or went.

    Returns
    -------
    Found
        `relations` have the predicate `MENTIONS` and a `span` around the name:
        the first mention of each note in each other note that does not link
        to it, in file order.

    Notes
    -----
    Guarded against: names that two notes share; names of fewer than three
    letters (two in scripts without blanks); single words in another case than
    the name has; single words that are common in these notes.
    """
    by_id = {note.id: note for note in notes}
    roll = Roll(Called(note.id, note.title, note.aliases) for note in by_id.values())
    known = _NOTHING if before is None else before
    gone = known._scanned.keys() - by_id.keys()
    return find_again(by_id, roll, by_id.keys(), gone, known)[0]


def find_again(
    notes: Mapping[NoteId, Note],
    roll: Roll,
    anew: Set[NoteId],
    gone: Set[NoteId],
    before: Found | None = None,
) -> tuple[Found, Set[NoteId]]:
    """Find mentions, as `find` does, in notes that are read when they are asked for.

    Parameters
    ----------
    roll
        What the notes are called.
    anew
        Notes that came, or whose text or links may be others than before.
    gone
        Notes that went.

    Returns
    -------
    Found
        The mentions of now.
    set of str
        Notes whose mentions may be others than before.
    """
    before = _NOTHING if before is None else before
    named, forms = before._named.changed(roll)
    known = before._scanned
    look = _holders(known, forms) - gone
    for note in anew:
        if note not in known or not _says_the_same(before._notes[note], notes[note]):
            look.add(note)
    scanned = {note: _scan(notes[note], named) for note in sorted(look)}
    return _put_together(notes, named, scanned, gone, before)


def _holders(scanned: Mapping[NoteId, _Scanned], forms: Iterable[str]) -> set[NoteId]:
    """Name the notes that may hold one of these names."""
    found: set[NoteId] = set()
    for form in forms if scanned else ():
        holding = [(note, one.marks) for note, one in scanned.items()]
        for word in {token[2] for token in _tokens(form)}:
            mark = _mark(word)
            holding = [pair for pair in holding if mark in pair[1]]
        found.update(note for note, _ in holding)
    return found


def _put_together(
    notes: Mapping[NoteId, Note],
    named: _Named,
    new: Mapping[NoteId, _Scanned],
    gone: Collection[NoteId],
    before: Found,
) -> tuple[Found, Set[NoteId]]:
    """Leave out the mentions of common words; what does not change is taken over."""
    known, frequency = before._scanned, Counter(before._frequency)
    old = [known[note] for note in {*gone, *new} if note in known]
    for one in old:
        frequency.subtract(one.words)
    for one in new.values():
        frequency.update(one.words)
    scanned = {**known, **new}
    for note in gone:
        del scanned[note]
    most = max(5, COMMON * len(scanned))
    counted: Set[str] = frequency.keys()
    if len(scanned) == len(known):
        counted = {word for one in (*old, *new.values()) for word in one.words}
    common = (before._common - counted) | {word for word in counted if frequency[word] > most}
    turned = common ^ before._common
    anew = set(new)
    if turned:
        anew.update(note for note, one in scanned.items() if not turned.isdisjoint(one.words))
    by_note = {**before.by_note}
    for note in (*gone, *anew):
        by_note.pop(note, None)
    for note in anew:
        told = tuple(r for r in scanned[note].mentions if fold(r.written) not in common)
        if told:
            by_note[note] = told
    return Found(by_note, notes, named, scanned, frequency, common), anew


def _mark(word: str) -> bytes:
    return crc32(word.encode("utf-8", "surrogatepass")).to_bytes(4, "big")[:MARK]


def _says_the_same(old: Note, new: Note) -> bool:
    """Whether two readings of a note have the same text, and links to the same notes."""
    if old is new:
        return True
    targets = ({relation.target for relation in note.relations} for note in (old, new))
    return old.text == new.text and next(targets) == next(targets)


def _forms(called: Called) -> dict[str, str]:
    """Give the forms of a note's names, and how each is spelt."""
    note, title, aliases = called
    forms: dict[str, str] = {}
    for name in (stem(note), title, *aliases):
        forms.setdefault(_form(_tokens(name)), name)
    return forms


def _filed(called: Iterable[Called]) -> Iterator[tuple[str, tuple[NoteId, str]]]:
    return ((form, (one.id, name)) for one in called for form, name in _forms(one).items())


def _form(tokens: Iterable[_Token]) -> str:
    """Give the form in which names and texts are compared: folded, without what is around it."""
    return "".join(gap + folded for gap, _, folded, _, _ in tokens)


def _tokens(text: str) -> list[_Token]:
    """Give the tokens of a text; blanks in the gaps between them are one blank."""
    found: list[_Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        gap = text[end : match.start()] if found else ""
        if gap != " ":
            gap = _BLANKS.sub(" ", gap)
        token = match.group()
        found.append((gap, token, fold(token), match.start(), match.end()))
        end = match.end()
    return found


def _is_telling(tokens: Sequence[_Token]) -> bool:
    letters = "".join(token[1] for token in tokens)
    if not 0 < len(tokens) <= MAX_TOKENS or letters.isdigit():
        return False
    return len(letters) >= (2 if re.match(f"[{_UNSPACED}]", letters) else 3)


def _exact(tokens: Sequence[_Token]) -> str | None:
    single = len(tokens) == 1 and tokens[0][1] != tokens[0][2]
    return tokens[0][1] if single else None


def _scan(note: Note, named: _Named) -> _Scanned:
    """Look for the names in one note."""
    known = {relation.target for relation in note.relations} | {note.id}
    words: set[str] = set()
    found: list[Relation] = []
    for text, place in readable(note):
        tokens = _tokens(text)
        words.update(token[2] for token in tokens)
        for (first, last), target in _matches(tokens, named):
            if target not in known:
                known.add(target)
                span: Span = (place(first), place(last - 1) + 1)
                written = " ".join(text[first:last].split())
                found.append(Relation(note.id, MENTIONS, written, target, span))
    return _Scanned(
        tuple(found), frozenset(words & named.meant.keys()), b"".join(map(_mark, sorted(words)))
    )


def _matches(tokens: Sequence[_Token], named: _Named) -> Iterator[tuple[Span, NoteId]]:
    """Give the names in a text from left to right, the longest at each place."""
    position = 0
    while position < len(tokens):
        best, target = _longest(tokens, position, named)
        if target is None:
            position += 1
            continue
        yield (tokens[position][3], tokens[best - 1][4]), target
        position = best


def _longest(tokens: Sequence[_Token], position: int, named: _Named) -> tuple[int, NoteId | None]:
    """Give the end, in tokens, and the note of the longest name that starts at a token."""
    best, target, form = position, None, ""
    most = named.longest.get(tokens[position][2], 0)
    for number, (gap, token, folded, _, _) in enumerate(tokens[position : position + most]):
        form += gap + folded if number else folded
        meant = named.meant.get(form)
        if meant is not None and meant.exact in (None, token):
            best, target = position + number + 1, meant.target
    return best, target
