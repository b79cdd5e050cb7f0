"""BM25 over the rows of a vault, whose words stand in a few sets that never change.

How many passages hold a word is counted over the living rows when it is asked for: so the scores
are those of an index built from nothing, whatever edits it has seen.

Floor 2.

References
----------
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), in
Lucene's form: `ln(1 + (N - n + 0.5) / (n + 0.5)) * f / (f + k1 * (1 - b + b * length / average))`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ragbot.merging import first_due
from ragbot.postings import Postings

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

K1, B = 1.2, 0.75
"""Lucene's parameters, the defaults of most search engines."""


class Rows:
    """The rows of a vault whose text is in one set of words.

    Attributes
    ----------
    rows
        Rising, shape (n,).
    positions
        Position of each one's text, shape (n,).
    times
        How many rows have each text, shape (texts,).
    """

    def __init__(self, part: Postings, places: IntArray) -> None:
        self.part = part
        self.rows = np.flatnonzero(places >= 0)
        self.positions = places[self.rows]
        self.times = np.bincount(self.positions, minlength=len(part.keys))

    @cached_property
    def _by_position(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.positions, kind="stable")
        first = np.concatenate([[0], np.cumsum(self.times)])
        return self.rows[order], first

    def of(self, positions: NDArray[np.int32]) -> IntArray:
        """Rows that have one of these texts."""
        rows, first = self._by_position
        times = self.times[positions]
        steps = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        found: IntArray = rows[np.repeat(first[positions], times) + steps]
        return found


class Bm25:
    """The words of rows, each row's by the key of its text. Immutable, safe to share.

    Parameters
    ----------
    parts
        Sets of words; each key stands in one of them.
    keys
        Key of each row's text.
    """

    def __init__(self, parts: Sequence[Postings], keys: Sequence[str]) -> None:
        self.size = len(keys)
        self.parts = tuple(parts)
        self.held: list[Rows] = []
        self._where = np.full((self.size, 2), -1, np.int64)
        for number, part in enumerate(parts):
            position = part.position
            places = np.array([position.get(key, -1) for key in keys], np.int64)
            self.held.append(Rows(part, places))
            rows = self.held[-1].rows
            self._where[rows, 0], self._where[rows, 1] = number, places[rows]
        length = sum(int((part.lengths * held.times).sum()) for part, held in self._pairs())
        average = length / self.size if length else 1.0
        self._norms = [K1 * (1 - B + B * part.lengths / average) for part in self.parts]

    @classmethod
    def of(cls, texts: Mapping[str, str], keys: Sequence[str], before: Bm25 | None) -> Bm25:
        """Take over the words that are known, and read those of the other texts.

        Parameters
        ----------
        texts
            By key: those that `before` does not hold.
        """
        parts = before.parts if before else ()
        if texts:
            parts = (*parts, Postings.of(texts))
        found = cls(parts, keys)
        alive = [held for held in found.held if held.times.any()]
        ordered = sorted(alive, key=lambda held: -len(held.times))
        living = int(np.count_nonzero(ordered[0].times)) if ordered else 0
        due = first_due([len(held.times) for held in ordered], living)
        merge = [held.part for held in ordered[due:]]
        if not merge and len(alive) == len(parts):
            return found
        kept = [held.part for held in ordered[:due]]
        return cls([*kept, *([Postings.merged(merge, keys)] if merge else ())], keys)

    def missing(self) -> int:
        """Count the rows whose text is in none of the sets."""
        return int((self._where[:, 0] < 0).sum())

    def scores(self, words: Iterable[str]) -> FloatArray:
        """Score every row for some folded words, shape (rows,), >= 0."""
        found = np.zeros(self.size, np.float32)
        weights = {word: self._weight(word) for word in dict.fromkeys(words)}
        for (part, held), norm in zip(self._pairs(), self._norms, strict=True):
            scores = np.zeros(len(part.keys))
            for word, weight in weights.items():
                run = part.words.run(word)
                texts, often = part.words.texts[run], np.abs(part.counts[run])
                scores[texts] += weight * often / (often + norm[texts])
            found[held.rows] = scores[held.positions]
        return found

    def holding(self, word: str) -> int:
        """Count the rows that hold a folded word."""
        return sum(
            int(held.times[part.words.texts[part.words.run(word)]].sum())
            for part, held in self._pairs()
        )

    def holding_small(self, word: str) -> int:
        """Count the rows that hold a folded word with a small first letter."""
        count = 0
        for part, held in self._pairs():
            run = part.words.run(word)
            count += int(held.times[part.words.texts[run][part.counts[run] < 0]].sum())
        return count

    def names_in(self, row: int) -> list[str]:
        """Proper names that stand in the text of a row."""
        number, position = self._where[row].tolist()
        if number < 0:
            return []
        names = self.parts[number].names
        return [names.strings[found] for found in names.held_by(position).tolist()]

    def rows_naming(self, name: str) -> IntArray:
        """Rows whose text holds a proper name."""
        found = [held.of(p.names.texts[p.names.run(name)]) for p, held in self._pairs()]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _weight(self, word: str) -> float:
        holding = self.holding(word)
        return math.log(1 + (self.size - holding + 0.5) / (holding + 0.5))

    def _pairs(self) -> Iterable[tuple[Postings, Rows]]:
        return zip(self.parts, self.held, strict=True)
