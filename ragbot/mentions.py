"""Unlinked mentions: titles and aliases that stand in the text without a link.

Names are matched token by token against a trie, so a name starts and ends at
word boundaries, the longest one wins, and the time is linear in the text. In
scripts written without blanks each character is a token.

Floor 1: pure functions on notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ragbot.links import fold
from ragbot.markdown import stem
from ragbot.prose import readable
from ragbot.schema import MENTIONS, Note, NoteId, Relation, Span

MAX_TOKENS = 12
"""Longest name that is looked for, in tokens."""

COMMON = 0.1
"""A name of one word that stands in more than this share of the notes is a common word."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|(?<=\w)[\u0300-\u036f\u0900-\u0dff])+")


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
class _Scanned:
    """What one note was found to hold: `words` are those that are names by themselves."""

    text: str
    linked: frozenset[NoteId | None]
    mentions: tuple[Relation, ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """The mentions in a vault, and what spares the next look the notes that stay as they are."""

    relations: tuple[Relation, ...]
    _names: Mapping[str, NoteId]
    _notes: Mapping[NoteId, _Scanned]


def find(notes: Sequence[Note], before: Found | None = None) -> Found:
    """Find the names of notes that stand in the prose of other notes.

    Parameters
    ----------
    notes
        All notes of the vault, resolved.
    before
        What was found earlier. While no name was added, dropped or moved, a
        note with the same text and links is not read again.

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
    names = _names(notes)
    trie = _trie(names)
    known = before._notes if before is not None and before._names == names else {}
    singles = {token for (_, token), node in trie.after.items() if node.target}
    scanned: dict[NoteId, _Scanned] = {}
    for note in notes:
        linked = frozenset(relation.target for relation in note.relations)
        same = known.get(note.id)
        if same is None or same.text != note.text or same.linked != linked:
            words: set[str] = set()
            found = tuple(_mentions(note, trie, words))
            same = _Scanned(note.text, linked, found, frozenset(words & singles))
        scanned[note.id] = same
    frequency = Counter(word for one in scanned.values() for word in one.words)
    most = max(5, COMMON * len(notes))
    relations = tuple(
        relation
        for one in scanned.values()
        for relation in one.mentions
        if frequency[fold(relation.written)] <= most
    )
    return Found(relations, names, scanned)


def _names(notes: Iterable[Note]) -> dict[str, NoteId]:
    """Give the names that can be mentioned, as they are written, and the note of each."""
    owners: dict[str, set[NoteId]] = {}
    spellings: dict[str, str] = {}
    for note in notes:
        for name in dict.fromkeys((stem(note.id), note.title, *note.aliases)):
            owners.setdefault(fold(name), set()).add(note.id)
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
        gap = re.sub(r"\s+", " ", text[end : match.start()]) if found else ""
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


def _mentions(note: Note, trie: _Node, words: set[str]) -> Iterator[Relation]:
    """Give the mentions in one note, and add its words to `words`."""
    known = {relation.target for relation in note.relations} | {note.id}
    for text, place in readable(note):
        tokens = _tokens(text)
        words.update(token[2] for token in tokens)
        for (first, last), target in _matches(tokens, trie):
            if target in known:
                continue
            known.add(target)
            span: Span = (place(first), place(last - 1) + 1)
            yield Relation(note.id, MENTIONS, " ".join(text[first:last].split()), target, span)


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
