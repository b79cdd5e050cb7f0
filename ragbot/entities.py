"""Rare names that passages share: a link between notes that nobody drew.

Two notes that both speak of "Adalbert II" belong together even when neither
links to the other. A name that many notes hold says nothing, and one that a
single note holds leads nowhere: both are left out.

Floor 2: a resource, kept on disk beside the word index.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragbot.errors import IndexDamagedError
from ragbot.words import lower_case_words, proper_names

IntArray = NDArray[np.int64]

MOST_NOTES = 40
"""A name in more notes than this is no clue."""

MOST_LOWER = 0.3
"""A word in this share of the passages in lower case is no name, only a sentence's first."""

_ARRAYS, _NAMES = "entities.npz", "entities.json"


class SharedNames:
    """Which rare names stand in which chunks and notes. Immutable, safe to share."""

    def __init__(self, notes: int, names: Sequence[str], pairs: IntArray, note_of: IntArray):
        self._size = notes
        self._names = tuple(names)
        self._pairs = pairs
        self._note_of = note_of
        by_row = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        self._of_row = by_row[:, 1]
        self._first_of_row = np.searchsorted(by_row[:, 0], np.arange(len(note_of) + 1))
        named = np.unique(np.stack([pairs[:, 1], note_of[pairs[:, 0]]], axis=1), axis=0)
        self._notes_of = named[:, 1]
        self._first_of_name = np.searchsorted(named[:, 0], np.arange(len(self._names) + 1))

    @classmethod
    def build(cls, texts: Iterable[str], note_of: Sequence[int], notes: int) -> SharedNames:
        """Gather the rare names.

        Parameters
        ----------
        texts
            Text of each chunk, title included.
        note_of
            Row of each chunk's note.
        notes
            Number of notes.
        """
        rows_of: dict[str, list[int]] = {}
        common: Counter[str] = Counter()
        for row, text in enumerate(texts):
            common.update(lower_case_words(text))
            for name in proper_names(text):
                rows_of.setdefault(name, []).append(row)
        kept = {
            name: rows
            for name, rows in sorted(rows_of.items())
            if 2 <= len({note_of[row] for row in rows}) <= MOST_NOTES
            and common[name] <= MOST_LOWER * len(rows)
        }
        pairs = [(row, number) for number, rows in enumerate(kept.values()) for row in rows]
        return cls(
            notes,
            list(kept),
            np.array(pairs, dtype=np.int64).reshape(-1, 2),
            np.array(note_of, dtype=np.int64),
        )

    def shared(self, rows: Iterable[int]) -> Iterator[tuple[str, float, IntArray]]:
        """Rare names in some chunks: the name, its weight in (0, 1], the notes that hold it.

        The weight is `(ln(N / n) / ln N) ** 2` for a name in n of N notes: a
        name in two notes weighs twice one in ten, in a vault of a few hundred.
        """
        numbers = {
            int(number)
            for row in rows
            for number in self._of_row[self._first_of_row[row] : self._first_of_row[row + 1]]
        }
        for number in sorted(numbers):
            notes = self._notes_of[self._first_of_name[number] : self._first_of_name[number + 1]]
            rarity = math.log(self._size / len(notes)) / math.log(self._size)
            yield self._names[number], rarity**2, notes

    def save(self, directory: Path) -> None:
        """Write into a folder, which is made when missing."""
        directory.mkdir(parents=True, exist_ok=True)
        np.savez(directory / _ARRAYS, pairs=self._pairs, note_of=self._note_of)
        content = {"notes": self._size, "names": self._names}
        (directory / _NAMES).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> SharedNames:
        """Read what `save` wrote.

        Raises
        ------
        IndexDamagedError
            If a file is missing or cannot be read.
        """
        try:
            content = json.loads((directory / _NAMES).read_text(encoding="utf-8"))
            with np.load(directory / _ARRAYS, allow_pickle=False) as arrays:
                return cls(content["notes"], content["names"], arrays["pairs"], arrays["note_of"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise IndexDamagedError(directory, f"its name index is broken ({error})") from error
