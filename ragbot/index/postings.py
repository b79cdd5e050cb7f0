"""Which words and names stand in which texts: written once for a set of texts, never changed.

A text is named by its key, as its vector is. A vault's words are a few such sets: a
large one, and small ones that recent edits brought. An edit adds the words of its own texts, and
what is weighed against the whole vault is counted when a question is asked (see `bm25.py`).

Floor 2: a resource; each set is a folder of arrays named by its content.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import IndexDamagedError
from ragbot.text.tokenize import lower_case_words, proper_names, tokens

IntArray = NDArray[np.int64]

_ARRAYS = ("lengths", "word_first", "word_texts", "word_counts", "name_first", "name_texts")
_LISTS = ("keys", "words", "names")


@dataclass(frozen=True, eq=False)
class Table:
    """Strings, and the texts that hold each of them.

    Attributes
    ----------
    strings
        Distinct; a string's *number* is its position.
    first
        Shape (strings + 1,): the texts that hold string n are
        `texts[first[n] : first[n + 1]]`, rising.
    texts
        Positions of texts.
    """

    strings: Sequence[str]
    first: IntArray
    texts: NDArray[np.int32]

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Number of each string."""
        return {string: number for number, string in enumerate(self.strings)}

    def run(self, string: str) -> slice:
        """Where the texts that hold a string stand in `texts`; empty for one in none."""
        number = self.numbers.get(string)
        return slice(0, 0) if number is None else self.run_of(number)

    def run_of(self, number: int) -> slice:
        """Where the texts that hold the string of a number stand in `texts`."""
        return slice(int(self.first[number]), int(self.first[number + 1]))

    @cached_property
    def _by_text(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.texts, kind="stable")
        numbers = np.repeat(np.arange(len(self.strings)), np.diff(self.first))[order]
        return self.texts[order].astype(np.int64), numbers

    def held_by(self, text: int) -> IntArray:
        """Numbers of the strings that a text holds, rising."""
        texts, numbers = self._by_text
        first, last = np.searchsorted(texts, (text, text + 1))
        return numbers[first:last]


class Postings:
    """Words and names of some texts. Immutable, safe to share.

    Attributes
    ----------
    keys
        Key of each text; a text's *position* is that of its key.
    lengths
        Words of each text, shape (texts,).
    words, names
        Where the folded words and the proper names stand.
    counts
        How often, for each entry of `words.texts`; negative where the word also
        stands there with a small first letter.
    """

    def __init__(
        self,
        keys: Sequence[str],
        lengths: NDArray[np.int32],
        words: Table,
        counts: NDArray[np.int32],
        names: Table,
    ) -> None:
        self.keys = tuple(keys)
        self.lengths = lengths
        self.words = words
        self.counts = counts
        self.names = names

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Position of each key."""
        return {key: position for position, key in enumerate(self.keys)}

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Postings:
        """Read the words of some texts by key."""
        said = [tokens(text) for text in texts.values()]
        numbers = _numbered(said)
        size = max(1, len(said))
        flat = [numbers[word] * size + at for at, words in enumerate(said) for word in words]
        places, counts = np.unique(np.array(flat, np.int64), return_counts=True)
        small = [
            numbers[word] * size + at
            for at, text in enumerate(texts.values())
            for word in lower_case_words(text)
            if word in numbers
        ]
        counts[np.isin(places, np.array(small, np.int64))] *= -1
        named = [sorted(proper_names(text)) for text in texts.values()]
        known = _numbered(named)
        found = [known[name] * size + at for at, names in enumerate(named) for name in names]
        return cls(
            list(texts),
            np.array([len(words) for words in said], np.int32),
            _table(list(numbers), places, size),
            counts.astype(np.int32),
            _table(list(known), np.unique(np.array(found, np.int64)), size),
        )

    @classmethod
    def merged(cls, parts: Sequence[Postings], keys: Iterable[str]) -> Postings:
        """Make one set of several, of the texts with these keys; the first that holds one gives it.

        Parameters
        ----------
        keys
            Those that are still wanted.
        """
        wanted = set(keys)
        kept: list[str] = []
        moves: list[IntArray] = []
        for part in parts:
            move = np.full(len(part.keys), -1, np.int64)
            for position, key in enumerate(part.keys):
                if key in wanted:
                    wanted.remove(key)
                    move[position] = len(kept)
                    kept.append(key)
            moves.append(move)
        lengths = [part.lengths[move >= 0] for part, move in zip(parts, moves, strict=True)]
        words, counts = _joined([(p.words, p.counts) for p in parts], moves, len(kept))
        names, _ = _joined(
            [(p.names, np.ones_like(p.names.texts)) for p in parts], moves, len(kept)
        )
        return cls(kept, np.concatenate(lengths), words, counts, names)

    @cached_property
    def name(self) -> str:
        """Name by content: SHA-256 of the files' bytes."""
        digest = hashlib.sha256()
        for lines in self._lists().values():
            digest.update(lines)
        for array in self._arrays().values():
            digest.update(array.data)
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write below a folder, which is made when missing, unless it is there, and whole."""
        target = folder / self.name
        if target.exists():
            try:
                self.load(folder, self.name)
                return
            except IndexDamagedError:
                shutil.rmtree(target)
        new = folder / f"{self.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in self._lists().items():
            (new / f"{name}.txt").write_bytes(content)
        for name, array in self._arrays().items():
            np.save(new / f"{name}.npy", array)
        new.rename(target)

    @classmethod
    def load(cls, folder: Path, name: str) -> Postings:
        """Read what `save` wrote.

        Raises
        ------
        IndexDamagedError
            If a file is missing, cannot be read, or is not as it was written.
        """
        here = folder / name
        try:
            keys, words, names = (_lines((here / f"{part}.txt").read_bytes()) for part in _LISTS)
            arrays = {part: np.load(here / f"{part}.npy", allow_pickle=False) for part in _ARRAYS}
        except (OSError, ValueError, EOFError) as error:
            raise IndexDamagedError(here, f"its words cannot be read ({error})") from error
        read = cls(
            keys,
            arrays["lengths"],
            Table(words, arrays["word_first"], arrays["word_texts"]),
            arrays["word_counts"],
            Table(names, arrays["name_first"], arrays["name_texts"]),
        )
        if read.name != name:
            raise IndexDamagedError(here, "its words are not as they were written")
        return read

    def _lists(self) -> dict[str, bytes]:
        values = (self.keys, self.words.strings, self.names.strings)
        lines = ("\n".join(value).encode("utf-8", "surrogatepass") for value in values)
        return dict(zip(_LISTS, lines, strict=True))

    def _arrays(self) -> dict[str, NDArray[np.int32] | IntArray]:
        words, names = self.words, self.names
        values = (self.lengths, words.first, words.texts, self.counts, names.first, names.texts)
        return dict(zip(_ARRAYS, values, strict=True))


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "surrogatepass").split("\n") if content else []


def _numbered(lists: Iterable[Iterable[str]]) -> dict[str, int]:
    return {string: number for number, string in enumerate(dict.fromkeys(chain(*lists)))}


def _table(strings: Sequence[str], places: IntArray, size: int) -> Table:
    """Make a table of places, each `number of the string * size + position of the text`, rising."""
    first = np.searchsorted(places, np.arange(len(strings) + 1) * size)
    return Table(strings, first, (places % size).astype(np.int32))


def _joined(
    tables: Sequence[tuple[Table, NDArray[np.int32]]], moves: Sequence[IntArray], size: int
) -> tuple[Table, NDArray[np.int32]]:
    """Join tables, and a value for each of their entries, where texts move or (-1) are left out."""
    size = max(1, size)
    known: dict[str, int] = {}
    places, values = [], []
    for (table, value), move in zip(tables, moves, strict=True):
        texts = move[table.texts]
        alive = texts >= 0
        numbers = np.array([known.setdefault(s, len(known)) for s in table.strings], np.int64)
        places.append((np.repeat(numbers, np.diff(table.first)) * size + texts)[alive])
        values.append(value[alive])
    found = np.concatenate(places)
    order = np.argsort(found, kind="stable")
    joined = _table(list(known), found[order], size)
    held = np.diff(joined.first) > 0
    strings = [string for string, is_held in zip(known, held.tolist(), strict=True) if is_held]
    first = np.concatenate([joined.first[:1], joined.first[1:][held]])
    return Table(strings, first, joined.texts), np.concatenate(values)[order]
