"""Full text: BM25 over FTS5 tables of the project's own tokens.

A table has the tokens of `text/tokenize.py` with blanks between them. They are folded already, and
are pairs of characters in scripts without spaces, so SQLite need only split at blanks.

References
----------
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), in
Lucene's form: `ln(1 + (N - n + 0.5) / (n + 0.5)) * f / (f + k1 * (1 - b + b * length / average))`.
FTS5 weighs a rare word by another formula, by which a word in more than half of the rows weighs
nothing. So FTS5's score of one word is divided by that weight.
Turtle and Flood, "Query evaluation: strategies and optimizations" (1995): MaxScore.
"""

from __future__ import annotations

import heapq
import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from ragbot.text.tokenize import is_lone, without_stop_words

_K1 = 1.2
"""FTS5's parameter; its `b` is 0.75, as in most search engines."""

_COMMON = 0.1
"""A word in more than this share of the rows is left out if `_LEAST_RARE` rarer ones remain."""

_MANY = 2000
"""A word in at most this many rows is never common, because it is cheap to search."""

_LEAST_RARE = 3
"""Rarer words that must remain if common ones are left out."""

_BEST = 500
"""Number of best rows whose scores are exact (MaxScore: no other row can be among them)."""


class Fulltext:
    """BM25 over one FTS5 table of `size` rows, with the column `words`."""

    def __init__(self, connection: sqlite3.Connection, table: str, size: int) -> None:
        self._connection = connection
        self._table = table
        self._size = size
        self._counts: dict[str, int] = {}
        self._queries: dict[str, str] = {}

    def scores(self, words: Sequence[str]) -> Mapping[int, float]:
        """Return the BM25 score, above 0, of each row that holds one of some folded words.

        A row with only common words may be left out if it cannot be among the best.
        """
        scores: dict[int, float] = {}
        query = f"SELECT rowid, bm25({self._table}) FROM {self._table} WHERE {self._table} MATCH ?"
        # The plus makes SQLite filter the rows of the word, in place of a search for each row.
        known = f"{query} AND +rowid IN (SELECT value FROM json_each(?))"
        found = sorted(self._searched(without_stop_words(words)), key=lambda pair: pair[1])
        rest = sum(self._inverse(count) for _, count in found)
        for word, count in found:
            weight, values = self._weight(count), [self._query(word)]
            complete = count > _MANY and len(scores) >= _BEST
            if complete and heapq.nlargest(_BEST, scores.values())[-1] >= rest:
                rows = self._connection.execute(known, (*values, json.dumps(list(scores))))
            else:
                rows = self._connection.execute(query, values)
            for row, score in rows:
                scores[row] = scores.get(row, 0.0) + weight * score
            rest -= self._inverse(count)
        return scores

    def limit(self, words: Sequence[str]) -> float:
        """Return the upper limit of the score of a row that contains all these words."""
        return sum(self._inverse(self.rows_with(word)) for word in set(without_stop_words(words)))

    def rows_with(self, word: str) -> int:
        """Return the number of rows that contain a folded word."""
        return self._count(quoted(word))

    def _count(self, words: str) -> int:
        """Return the number of rows that match a query of FTS5."""
        if words not in self._counts:
            query = f"SELECT count(*) FROM {self._table} WHERE {self._table} MATCH ?"
            self._counts[words] = self._connection.execute(query, (words,)).fetchone()[0]
        return self._counts[words]

    def _query(self, word: str) -> str:
        """Return the query of a word; of a single letter of a script in pairs, all its pairs."""
        if not is_lone(word):
            return quoted(word)
        if word not in self._queries:
            rows = f"SELECT words FROM {self._table} WHERE words LIKE ?"
            found = self._connection.execute(rows, (f"%{word}%",))
            pairs = {one for (words,) in found for one in words.split() if word in one}
            self._queries[word] = " OR ".join(map(quoted, sorted(pairs))) or quoted(word)
        return self._queries[word]

    def rarity(self, word: str) -> float:
        """Return how rare a folded word is: 0 in all rows, 1 in none."""
        if self._size < 2:
            return 1.0
        return math.log((self._size + 1) / (self.rows_with(word) + 1)) / math.log(self._size + 1)

    def _searched(self, words: Iterable[str]) -> list[tuple[str, int]]:
        """Return the words to search, with their counts; common ones only if few are rare."""
        counts = {word: count for word in words if (count := self._count(self._query(word)))}
        most = max(_MANY, _COMMON * self._size)
        rare = {word: count for word, count in counts.items() if count <= most}
        return list((rare if len(rare) >= _LEAST_RARE else counts).items())

    def _weight(self, count: int) -> float:
        """Return the factor that turns FTS5's score of one word into BM25."""
        theirs = math.log((self._size - count + 0.5) / (count + 0.5))
        return -self._inverse(count) / (max(theirs, 1e-6) * (_K1 + 1))

    def _inverse(self, count: int) -> float:
        """Return the weight of a word that `count` rows contain."""
        return math.log(1 + (self._size - count + 0.5) / (count + 0.5))


def quoted(word: str) -> str:
    """Return a word as a query of FTS5.

    Examples
    --------
    >>> quoted("near")
    '"near"'
    """
    return '"' + word.replace('"', '""') + '"'
