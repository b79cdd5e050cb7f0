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
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ragbot.index.merging import first_due
from ragbot.index.places import Places, Rows
from ragbot.index.postings import Postings
from ragbot.index.splice import NONE, Splice

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

K1, B = 1.2, 0.75
"""Lucene's parameters, the defaults of most search engines."""


class Bm25:
    """The words of rows, wherever the text of each stands. Immutable, safe to share."""

    def __init__(self, places: Places[Postings]) -> None:
        self.places = places
        self.parts = places.parts
        self.size = len(places.part)
        length = sum(int((part.lengths * held.times).sum()) for part, held in self._pairs())
        average = length / self.size if length else 1.0
        self._norms = [K1 * (1 - B + B * part.lengths / average) for part in self.parts]

    @classmethod
    def of(
        cls,
        keys: Sequence[str],
        text: Callable[[int], str],
        before: Bm25 | None = None,
        splice: Splice | None = None,
    ) -> Bm25:
        """Take over the words that are known, and read those of the other texts.

        Parameters
        ----------
        keys
            Key of each row's text.
        text
            Gives the text of a row: only those that `before` does not hold are asked for.
        splice
            What became of the rows of `before`, see `Places.of`.
        """
        known = before.places if before else None
        places = Places.of(known.parts if known else (), keys, known, splice)
        if rows := places.missing.tolist():
            read = Postings.of({keys[row]: text(row) for row in rows})
            places = Places.of((*places.parts, read), keys, places)
        parts = places.parts
        alive = [pair for pair in zip(parts, places.held, strict=True) if len(pair[1].rows)]
        alive.sort(key=lambda pair: -len(pair[1].times))
        living = len(alive[0][1].living) if alive else 0
        due = first_due([len(held.times) for _, held in alive], living)
        merge = alive[due:]
        if not merge and len(alive) == len(parts):
            return cls(places)
        kept = [part for part, _ in alive[:due]]
        if merge:
            wanted = [part.keys[at] for part, held in merge for at in held.living.tolist()]
            kept.append(Postings.merged([part for part, _ in merge], wanted))
        return cls(Places.of(kept, keys, places))

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
        number, position = int(self.places.part[row]), int(self.places.position[row])
        if number == NONE:
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
        return zip(self.parts, self.places.held, strict=True)
