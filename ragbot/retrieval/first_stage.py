"""First stage: score notes by meaning, by words and by their names.

A note is scored by its best passages. The unit of all scores is a cosine of 1.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.models import NoteId

DENSE_DEPTH = 200
"""Passages that the vector search returns; others count as if as similar as the last one."""

BM25_DEPTH = 500
"""Passages with the best BM25 scores whose notes are scored."""

NAME = 0.5
"""Score of a note that the question names by a word that no passage contains."""

WORDS = 0.5
"""Score of a passage with all words of the question."""

LENGTH = 0.0125
"""Penalty of a note for each factor e of passages: of many passages, one is near by chance."""


@dataclass
class FirstStage:
    """Scores of passages and notes before any link is followed.

    Attributes
    ----------
    allowed
        The notes that may be found; None for all.
    query
        The encoded question, a unit vector; None to search by words and names.
    bm25
        BM25 score of each passage that shares a word with the question.
    word_scale
        Score of one point of BM25.
    names
        Score of each note that the question names.
    scores
        Score of each note found by meaning, words or name.
    cosines
        Cosine of each passage that was compared; `floor` for any other.
    dense
        Passages that the vector search returned, best first.
    late
        Score of the passages that were read word by word.
    """

    corpus: Corpus
    allowed: Collection[NoteId] | None
    query: FloatArray | None
    bm25: Mapping[int, float]
    word_scale: float
    names: Mapping[NoteId, float]
    scores: dict[NoteId, float] = field(default_factory=dict)
    cosines: dict[int, float] = field(default_factory=dict)
    floor: float = 0.0
    dense: list[int] = field(default_factory=list)
    late: dict[int, float] = field(default_factory=dict)
    _exact: set[NoteId] = field(default_factory=set)

    def passage_score(self, passage: int) -> float:
        """Return the score of a passage by meaning, by words, and by reading it word by word."""
        cosine = self.cosines.get(passage, self.floor)
        words = self.word_scale * self.bm25.get(passage, 0.0)
        return cosine + words + self.late.get(passage, 0.0)

    def best_passages(self, note: NoteId, count: int) -> list[int]:
        """Return the best passages of a note, best first."""
        own = self.corpus.passages_of(note)
        return sorted(own, key=self.passage_score, reverse=True)[:count]

    def score_passages(self, passages: Iterable[int]) -> None:
        """Score the notes of some passages: the best ones of each note by meaning or words."""
        notes = self.corpus.notes_of(passages)
        best: dict[NoteId, list[int]] = {note: [] for note in self.names}
        for passage in passages:
            best.setdefault(notes[passage], []).append(passage)
        self._score(best)

    def score(self, notes: Iterable[NoteId]) -> None:
        """Score some notes by their passages compared so far, and by their names."""
        notes = list(notes)
        found = self.corpus.passages_by_note(notes)
        self._score({note: found[note] for note in notes})

    def complete(self, notes: Sequence[NoteId]) -> None:
        """Compute the cosine of every passage of some notes, and score the notes again."""
        if self.query is None:
            return
        found = self.corpus.passages_by_note(notes)
        missing = [one for note in notes for one in found[note] if one not in self.cosines]
        if missing:
            cosines = self.corpus.vectors.similarities(self.query, missing).tolist()
            self.cosines.update(zip(missing, cosines, strict=True))
        self._exact.update(notes)
        self.score(notes)

    def _score(self, passages: Mapping[NoteId, Sequence[int]]) -> None:
        notes = [note for note in passages if self.allowed is None or note in self.allowed]
        own = self.corpus.passages_by_note(notes)
        for note in notes:
            # A passage that was not compared has at most the cosine `floor`.
            cosine = -1.0 if note in self._exact else self.floor
            words = 0.0
            for one in passages[note]:
                cosine = max(cosine, self.cosines.get(one, cosine))
                words = max(words, self.bm25.get(one, 0.0))
            length = LENGTH * math.log(max(len(own[note]), 1))
            score = cosine + self.word_scale * words + self.names.get(note, 0.0)
            self.scores[note] = score - length


def find(
    corpus: Corpus,
    words: Sequence[str],
    query: FloatArray | None,
    named: Mapping[NoteId, float],
    allowed: Collection[NoteId] | None,
) -> FirstStage:
    """Return the scores of the notes that are found by meaning, words or name.

    With vectors, words count by their share of the question: a passage that shares one word of ten
    gains little, even if no other shares more. Without vectors, words count relative to the
    passage with the best BM25 score.

    Parameters
    ----------
    words
        Of the question, folded.
    named
        The notes that the question names, with the rarity of the name in [0, 1].
    """
    bm25 = corpus.bm25(words)
    query = query if corpus.embedded else None
    most = max(bm25.values(), default=1.0) if query is None else corpus.bm25_limit(words)
    names = {note: NAME * rarity for note, rarity in named.items()}
    found = FirstStage(corpus, allowed, query, bm25, WORDS / most, names)
    if query is not None:
        near = corpus.vectors.nearest(query, DENSE_DEPTH, allowed)
        found.cosines = dict(near)
        found.floor = near[-1][1] if near else 0.0
        found.dense = [passage for passage, cosine in near if cosine > 0]
    found.score_passages([*heapq.nlargest(BM25_DEPTH, bm25, key=bm25.__getitem__), *found.dense])
    return found


def best(scores: Mapping[NoteId, float], count: int) -> list[NoteId]:
    """Return the notes with the highest scores, best first, in order of id among equals."""
    return sorted(scores, key=lambda note: (-scores[note], note))[:count]
