"""A corpus: one state of the index, through which the rooms above read it."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ragbot.index.chroma import ChromaStore
from ragbot.index.database import StateCache, read_meta
from ragbot.index.fulltext import Fulltext
from ragbot.index.note_writer import read_problems
from ragbot.index.notes import NameMatch, Notes, StoredNames, names_in
from ragbot.index.stored_graph import StoredGraph
from ragbot.index.vectors import Vectors, encoder_of
from ragbot.inference.encoder import EncoderIdentity
from ragbot.models import Filters, NoteId, Passage, Problem
from ragbot.notes.link_resolver import Names
from ragbot.notes.note_dates import filter_days
from ragbot.text.tokenize import Word

FloatArray = NDArray[np.float32]

SAMPLE = 200
"""Most notes whose links are compared for `link_trust`, spread evenly over the vault."""

MOST_LINKS = 10
"""Links compared of one note."""

PRIOR, PRIOR_LINKS = 0.4, 20
"""Trust of most vaults measured, which counts as much as this number of compared links."""


class Corpus:
    """One state of the index: a read transaction, unaffected by later writes.

    It can be read until the transaction of the connection ends. Numbers identify passages within
    one corpus only. Without Chroma, all vectors are compared exactly.
    """

    def __init__(
        self, connection: sqlite3.Connection, chroma: ChromaStore | None, cache: StateCache
    ) -> None:
        self._connection = connection
        self._cache = cache
        self.notes = Notes(connection)
        self.graph = StoredGraph(connection, self.notes, cache)
        self.vectors = Vectors(connection, chroma, cache)
        self._passages: dict[int, Passage] = {}
        self._of_note: dict[NoteId, list[int]] = {}
        self._note_of: dict[int, NoteId] = {}
        self._scores: dict[tuple[str, ...], Mapping[int, float]] = {}

    # Passages

    def passage(self, number: int) -> Passage:
        """Return a passage."""
        if number not in self._passages:
            query = (
                "SELECT n.path, p.first, p.last, p.headings, substr(c.text, p.first + 1, "
                "p.last - p.first) FROM passage p JOIN note n ON n.id = p.note "
                "JOIN content c ON c.note = p.note WHERE p.id = ?"
            )
            row = self._connection.execute(query, (number,)).fetchone()
            if row is None:
                raise KeyError(number)
            note, first, last, headings, text = row
            if len(text) != last - first:  # SQLite's substr ends at the first NUL
                text = self.notes[note].text[first:last]
            self._passages[number] = Passage(note, (first, last), text, tuple(json.loads(headings)))
        return self._passages[number]

    def embedded_text(self, number: int) -> str:
        """Return the text that is embedded for a passage: title, headings, plain prose."""
        query = "SELECT text FROM passage WHERE id = ?"
        return str(self._connection.execute(query, (number,)).fetchone()[0])

    def passages_of(self, note: NoteId) -> list[int]:
        """Return the passages of a note, in the order of the file."""
        if note not in self.notes:
            raise KeyError(note)
        return list(self.passages_by_note([note])[note])

    def passages_by_note(self, notes: Iterable[NoteId]) -> Mapping[NoteId, Sequence[int]]:
        """Return the passages of these notes; the mapping may have others too."""
        missing = [note for note in notes if note not in self._of_note]
        if missing:
            query = (
                "SELECT n.path, p.id FROM note n JOIN passage p ON p.note = n.id "
                "WHERE n.path IN (SELECT value FROM json_each(?)) ORDER BY n.path, p.first, p.id"
            )
            self._of_note.update((note, []) for note in missing)
            for note, number in self._connection.execute(query, (json.dumps(missing),)):
                self._of_note[note].append(number)
        return self._of_note

    def notes_of(self, passages: Iterable[int]) -> Mapping[int, NoteId]:
        """Return the notes of these passages; the mapping may have others too."""
        missing = [number for number in passages if number not in self._note_of]
        if missing:
            query = (
                "SELECT p.id, n.path FROM passage p JOIN note n ON n.id = p.note "
                "WHERE p.id IN (SELECT value FROM json_each(?))"
            )
            self._note_of.update(self._connection.execute(query, (json.dumps(missing),)))
        return self._note_of

    def matching(self, filters: Filters) -> Collection[NoteId]:
        """Return the notes that pass the filters by folder, tag and date."""
        folders = tuple(folder.strip("/") + "/" for folder in filters.folders if folder.strip("/"))
        wanted = [tag.removeprefix("#").casefold() for tag in filters.tags]
        since, until = filter_days(filters)
        query = "SELECT path, tags, written FROM note"
        found = set()
        for path, tags, written in self._connection.execute(query):
            if folders and not path.startswith(folders):
                continue
            if wanted and not _is_tagged(json.loads(tags), wanted):
                continue
            if (since or until) and not since <= written <= (until or "9999"):
                continue
            if until and not written:
                continue
            found.add(path)
        return found

    def undated(self) -> int:
        """Return the number of notes without a date, which a filter by date leaves out."""
        query = "SELECT count(*) FROM note WHERE written = ''"
        return int(self._connection.execute(query).fetchone()[0])

    # Words and names

    def bm25(self, words: Sequence[str]) -> Mapping[int, float]:
        """Return the BM25 score, above 0, of each passage that holds one of some folded words.

        Common words are left out if enough rarer ones remain.
        """
        key = tuple(words)
        if key not in self._scores:
            self._scores[key] = self._words.scores(key)
        return self._scores[key]

    def bm25_limit(self, words: Sequence[str]) -> float:
        """Return the greatest possible BM25 score for words, above 0."""
        return self._words.limit(words) or 1.0

    def by_title(self, words: Sequence[str], count: int) -> list[NoteId]:
        """Return the notes whose title and aliases match some words best, by BM25, best first."""
        scores = self._titles.scores(words)
        least = min(heapq.nlargest(count, scores.values()), default=0.0)
        best = {self.notes.path(note): score for note, score in scores.items() if score >= least}
        return sorted(best, key=lambda note: (-best[note], note))[:count]

    def rarity(self, word: str) -> float:
        """Return how rare a folded word is in the passages: 0 in all of them, 1 in none."""
        return self._words.rarity(word)

    def names_in(self, words: Sequence[Word]) -> list[NameMatch]:
        """Return the names of notes among words: the longest ones, without overlap."""
        return names_in(self._connection, words, self.rarity)

    @cached_property
    def names(self) -> Names:
        """The names of notes and files, as links look them up."""
        return Names(StoredNames(self._connection))

    # Vectors

    @property
    def embedded(self) -> bool:
        """True if any passage has a vector; without one, only words and links are searched."""
        query = "SELECT EXISTS (SELECT 1 FROM embedding)"
        return self._cache.get("embedded", lambda: bool(self._count(query)))

    @property
    def link_trust(self) -> float:
        """Difference in similarity between linked notes and others, in [0, 1]."""
        return self._cache.get("link trust", lambda: _link_trust(self))

    # The index as a whole

    @property
    def counter(self) -> int:
        """Number of this state of the index; later states have greater numbers."""
        return int(read_meta(self._connection, "counter", 0))

    @property
    def indexed_at(self) -> float:
        """Time of the last write of the index, in seconds since the epoch."""
        return float(read_meta(self._connection, "indexed_at", 0.0))

    @property
    def encoder(self) -> EncoderIdentity | None:
        """The encoder of the stored vectors; None before there are any."""
        return encoder_of(self._connection)

    @property
    def passage_count(self) -> int:
        """Number of passages."""
        return self._cache.get("passages", lambda: self._count("SELECT count(*) FROM passage"))

    @property
    def embedded_count(self) -> int:
        """Number of passages that have a vector."""
        query = "SELECT count(*) FROM passage WHERE embedding IS NULL"
        return self.passage_count - self._count(query)

    @property
    def listed_count(self) -> int:
        """Number of notes in the folder at the last scan, read or not."""
        return int(read_meta(self._connection, "listed", 0))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems found when the notes were read."""
        return read_problems(self._connection)

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that are not notes."""
        query = "SELECT path FROM file WHERE size IS NULL ORDER BY path"
        return tuple(path for (path,) in self._connection.execute(query))

    @cached_property
    def _words(self) -> Fulltext:
        return Fulltext(self._connection, "passage_words", self.passage_count)

    @cached_property
    def _titles(self) -> Fulltext:
        return Fulltext(self._connection, "title_words", len(self.notes))

    def _count(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])


def _is_tagged(tags: Iterable[str], wanted: Iterable[str]) -> bool:
    """Return whether one of the tags is, or is nested below, a wanted one."""
    folded = [tag.casefold() for tag in tags]
    return any(tag == one or tag.startswith(one + "/") for one in wanted for tag in folded)


def _link_trust(corpus: Corpus) -> float:
    """Return how much nearer in meaning linked notes are than notes that others link to.

    Notes are compared by the vectors of their first passages.

    Returns
    -------
    float
        In [0, 1]: 0 if links are random, as between shuffled notes; 1 if every link leads to a
        nearer note than the others compared.
    """
    step = -(-len(corpus.notes) // SAMPLE) or 1
    links = [
        (note, target)
        for note in islice(corpus.notes, 0, None, step)
        for target in corpus.graph.outgoing(note)[:MOST_LINKS]
    ]
    vectors = corpus.vectors.first_of({note for link in links for note in link})
    links = [link for link in links if all(note in vectors for note in link)]
    if not links:
        return PRIOR
    giving, source = np.unique([link[0] for link in links], return_inverse=True)
    taking, target = np.unique([link[1] for link in links], return_inverse=True)
    first = [np.stack([vectors[note] for note in notes.tolist()]) for notes in (giving, taking)]
    cosines = first[0] @ first[1].T
    counts = np.zeros(cosines.shape, np.float32)
    np.add.at(counts, (source, target), 1)
    others = counts.sum(axis=0) - counts  # links of other sources, by source and target
    nearer = (cosines[source, target][:, None] > cosines[source]) * others[source]
    total = others.sum(axis=1)[source] - others[source, target]
    share = nearer.sum(dtype=np.float64) / max(1, total.sum(dtype=np.float64))
    weighted = len(links) * (2 * share - 1) + PRIOR_LINKS * PRIOR
    return float(max(0.0, weighted / (len(links) + PRIOR_LINKS)))
