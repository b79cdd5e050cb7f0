"""Unlinked mentions: titles and aliases that stand in the text without a link.

Names are matched token by token against a trie, so a name starts and ends at
word boundaries, the longest one wins, and the time is linear in the text. In
scripts written without blanks each character is a token.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from ragbot.links import Called, fold
from ragbot.markdown import stem
from ragbot.prose import readable
from ragbot.schema import MENTIONS, Note, NoteId, Relation, Span

MAX_TOKENS = 12
"""Longest name that is looked for, in tokens."""

COMMON = 0.1
"""A name of one word that stands in more than this share of the notes is a common word."""

SIEVE = 1024
"""Bits that tell which words a note cannot hold."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|(?<=\w)[\u0300-\u036f\u0900-\u0dff])+")


_BLANKS = re.compile(r"\s+")

_Token = tuple[str, str, str, int, int]
"""Gap before, token, folded token, start, end."""


@dataclass(slots=True)
class _Node:
    """One step in the trie: the steps after it, and the name that ends here."""

    after: dict[tuple[str, str], _Node] = field(default_factory=dict)
    target: NoteId | None = None
    exact: str | None = None
    """The only spelling that counts, for a single word that is written with capitals."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What is looked for: what the notes are called, the note that each name means, and a trie."""

    called: tuple[Called, ...]
    targets: Mapping[str, NoteId]
    trie: _Node

    @classmethod
    def of(cls, called: tuple[Called, ...], before: _Named | None) -> _Named:
        if before is not None and before.called == called:
            return before
        targets = _targets(called)
        return cls(called, targets, _trie(targets))

    def changed_since(self, before: _Named) -> list[int]:
        """Sieves of the names that came, went, or are another note's now."""
        names = {name for name, _ in before.targets.items() ^ self.targets.items()}
        return [_sieve(token[2] for token in _tokens(name)) for name in names]


@dataclass(frozen=True, slots=True)
class _Scanned:
    """What one note was found to hold.

    `words` are those that are names by themselves; `sieve` has a bit for every word, which
    different words may share: a name is not in a note that lacks a bit of its words.
    """

    mentions: tuple[Relation, ...]
    words: frozenset[str]
    sieve: int


@dataclass(frozen=True, slots=True)
class Found:
    """The mentions in a vault by note, and what spares the next look the notes that stay."""

    by_note: Mapping[NoteId, tuple[Relation, ...]]
    _notes: Mapping[NoteId, Note]
    _named: _Named
    _scanned: Mapping[NoteId, _Scanned]

    @property
    def relations(self) -> tuple[Relation, ...]:
        """All of them, in the order of the notes."""
        return tuple(relation for found in self.by_note.values() for relation in found)

    def dump(self) -> list[Any]:
        """Give what `load` reads, as JSON has it."""
        return [
            [note, [[r.written, r.target, r.span] for r in one.mentions],
             sorted(one.words), f"{one.sieve:x}"]
            for note, one in self._scanned.items()
        ]  # fmt: skip

    @classmethod
    def load(
        cls, rows: Iterable[Any], notes: Mapping[NoteId, Note], called: Iterable[Called]
    ) -> Found:
        """Read what `dump` gave of the same notes, none of which is read for it.

        Parameters
        ----------
        called
            What the notes are called.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not of these notes, or of another form.
        """
        scanned: dict[NoteId, _Scanned] = {}
        for note, found, words, sieve in rows:
            mentioned = tuple(
                Relation(note, MENTIONS, written, target, (span[0], span[1]))
                for written, target, span in found
            )
            scanned[note] = _Scanned(mentioned, frozenset(words), int(sieve, 16))
        if scanned.keys() != notes.keys():
            raise ValueError("they are of other notes")
        return _put_together(notes, _Named.of(tuple(called), None), scanned)


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
    called = [Called(note.id, note.title, note.aliases) for note in by_id.values()]
    return find_again(by_id, called, before, frozenset())


def find_again(
    notes: Mapping[NoteId, Note],
    called: Iterable[Called],
    before: Found | None,
    same: Set[NoteId],
) -> Found:
    """Find mentions, as `find` does, in notes that are read when they are asked for.

    Parameters
    ----------
    called
        What the notes are called, in their order.
    same
        Notes that are known to be those of before: they are not asked for.
    """
    named = _Named.of(tuple(called), before._named if before is not None else None)
    changed = named.changed_since(before._named) if before is not None else []
    scanned: dict[NoteId, _Scanned] = {}
    for note in notes:
        old = before._scanned.get(note) if before is not None else None
        if (
            before is None
            or old is None
            or _may_hold(old.sieve, changed)
            or (note not in same and not _says_the_same(before._notes[note], notes[note]))
        ):
            old = _scan(notes[note], named.trie)
        scanned[note] = old
    return _put_together(notes, named, scanned)


def _put_together(
    notes: Mapping[NoteId, Note], named: _Named, scanned: Mapping[NoteId, _Scanned]
) -> Found:
    frequency = Counter(word for one in scanned.values() for word in one.words)
    most = max(5, COMMON * len(scanned))
    by_note = {
        note: told
        for note, one in scanned.items()
        if (told := tuple(r for r in one.mentions if frequency[fold(r.written)] <= most))
    }
    return Found(by_note, notes, named, scanned)


def _may_hold(sieve: int, names: Sequence[int]) -> bool:
    return any(sieve & name == name for name in names)


def _sieve(words: Iterable[str]) -> int:
    sieve = 0
    for word in words:
        sieve |= 1 << crc32(word.encode("utf-8", "surrogatepass")) % SIEVE
    return sieve


def _says_the_same(old: Note, new: Note) -> bool:
    """Whether two readings of a note have the same text, and links to the same notes."""
    if old is new:
        return True
    targets = ({relation.target for relation in note.relations} for note in (old, new))
    return old.text == new.text and next(targets) == next(targets)


def _targets(called: Iterable[Called]) -> dict[str, NoteId]:
    """Give the names that can be mentioned, as they are written, and the note of each."""
    owners: dict[str, set[NoteId]] = {}
    spellings: dict[str, str] = {}
    for note, title, aliases in called:
        for name in dict.fromkeys((stem(note), title, *aliases)):
            owners.setdefault(fold(name), set()).add(note)
            spellings.setdefault(fold(name), name)
    return {
        spellings[folded]: next(iter(targets))
        for folded, targets in owners.items()
        if len(targets) == 1
    }


def _trie(names: Mapping[str, NoteId]) -> _Node:
    root = _Node()
    for name, target in names.items():
        tokens = _tokens(name)
        if _is_telling(tokens):
            _add(root, tokens, target)
    return root


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


def _add(root: _Node, tokens: Sequence[_Token], target: NoteId) -> None:
    node = root
    for gap, _, folded, _, _ in tokens:
        node = node.after.setdefault((gap, folded), _Node())
    node.target = target
    single = len(tokens) == 1 and tokens[0][1] != tokens[0][2]
    node.exact = tokens[0][1] if single else None


def _scan(note: Note, trie: _Node) -> _Scanned:
    """Look for the names in one note."""
    known = {relation.target for relation in note.relations} | {note.id}
    words: set[str] = set()
    found: list[Relation] = []
    for text, place in readable(note):
        tokens = _tokens(text)
        words.update(token[2] for token in tokens)
        for (first, last), target in _matches(tokens, trie):
            if target not in known:
                known.add(target)
                span: Span = (place(first), place(last - 1) + 1)
                written = " ".join(text[first:last].split())
                found.append(Relation(note.id, MENTIONS, written, target, span))
    names = {word for word in words if (node := trie.after.get(("", word))) and node.target}
    return _Scanned(tuple(found), frozenset(names), _sieve(words))


def _matches(tokens: Sequence[_Token], trie: _Node) -> Iterator[tuple[Span, NoteId]]:
    """Give the names in a text from left to right, the longest at each place."""
    position = 0
    while position < len(tokens):
        best, target = _longest(tokens, position, trie)
        if target is None:
            position += 1
            continue
        yield (tokens[position][3], tokens[best - 1][4]), target
        position = best


def _longest(tokens: Sequence[_Token], position: int, trie: _Node) -> tuple[int, NoteId | None]:
    """Give the end, in tokens, and the note of the longest name that starts at a token."""
    best, target = position, None
    node: _Node | None = trie
    for number in range(position, min(position + MAX_TOKENS, len(tokens))):
        gap, token, folded, _, _ = tokens[number]
        node = node.after.get(("" if number == position else gap, folded)) if node else None
        if node is None:
            break
        if node.target is not None and node.exact in (None, token):
            best, target = number + 1, node.target
    return best, target
