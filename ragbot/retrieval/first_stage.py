"""First stage: how well each note answers a question by meaning, by words and by its name.

Scores are kept for the notes that something speaks for; any other note has the score of one whose
passages are as far from the question as the farthest that the vector search returned.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ragbot.index.corpus import Corpus, FloatArray
from ragbot.index.name_spotter import NameMatch
from ragbot.models import NoteId

DEPTH = 200
"""Passages asked of the vector search; those beyond count as if they were the last of these."""

WORDS = 500
"""Passages with the best BM25 scores whose notes are looked at."""

EXACT = 20
"""Notes at the top that words alone brought, whose cosine is then asked for."""

MEANING = 1.5
"""Score of a cosine of 1 beside the best BM25 score, which counts 1."""

LINK_PRIOR = 0.05
"""Taken off a note per factor e of links it holds: directories speak of all, answer little."""

LENGTH_PRIOR = 0.02
"""Taken off a note per factor e of passages: the best of many draws is high by chance."""


@dataclass
class FirstStage:
    """What the question found, before any relation is followed.

    Attributes
    ----------
    allowed
        The notes that may be found; None for all.
    scores
        By note: cosine plus normalised BM25 of its best passages, plus the score of its name.
    cosines
        By passage, as far as they are known; `floor` for any other.
    words
        BM25 by passage.
    dense
        Passages the vector search returned, best first.
    named
        Names of notes in the question.
    late
        What reading word by word adds, by passage that was read.
    """

    corpus: Corpus
    allowed: Collection[NoteId] | None
    words: Mapping[int, float]
    named: list[NameMatch]
    scores: dict[NoteId, float] = field(default_factory=dict)
    cosines: dict[int, float] = field(default_factory=dict)
    floor: float = 0.0
    dense: list[int] = field(default_factory=list)
    late: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._top = max(self.words.values(), default=0.0) or 1.0
        self._exact: set[NoteId] = set()

    def passage_score(self, passage: int) -> float:
        """Score a passage by cosine, normalised BM25, and what was read word by word."""
        cosine = self.cosines.get(passage, self.floor)
        words = self.words.get(passage, 0.0) / self._top
        return MEANING * cosine + words + self.late.get(passage, 0.0)

    def score_passages(self, passages: Iterable[int]) -> None:
        """Score the notes of some passages, which are the best of each by meaning and by words."""
        notes = self.corpus.notes_of(passages)
        best: dict[NoteId, list[int]] = {note: [] for note in name_scores(self.named)}
        for passage in passages:
            best.setdefault(notes[passage], []).append(passage)
        self._score(best)

    def score(self, notes: Iterable[NoteId]) -> None:
        """Score some notes by what is known of their passages and names."""
        notes = list(notes)
        found = self.corpus.passages_by_note(notes)
        self._score({note: found[note] for note in notes})

    def _score(self, passages: Mapping[NoteId, Sequence[int]]) -> None:
        notes = [note for note in passages if self.allowed is None or note in self.allowed]
        sizes, names = self.corpus.sizes(notes), name_scores(self.named)
        for note in notes:
            own, size = passages[note], sizes[note]
            prior = LENGTH_PRIOR * math.log(max(size.passages, 1))
            prior += LINK_PRIOR * math.log1p(size.links_out)
            # What is not known of a note is no nearer than the floor.
            cosine = -1.0 if note in self._exact else self.floor
            words = 0.0
            for one in own:
                cosine = max(cosine, self.cosines.get(one, cosine))
                words = max(words, self.words.get(one, 0.0))
            self.scores[note] = MEANING * cosine - prior + words / self._top + names.get(note, 0.0)

    def complete(self, query: FloatArray, notes: Iterable[NoteId]) -> None:
        """Make the cosines of all passages of some notes exact, and score these again."""
        notes = list(notes)
        found = self.corpus.passages_by_note(notes)
        missing = [one for note in notes for one in found[note] if one not in self.cosines]
        if missing:
            cosines = self.corpus.similarities(query, missing).tolist()
            self.cosines.update(zip(missing, cosines, strict=True))
        self._exact.update(notes)
        self.score(notes)


def find(
    corpus: Corpus,
    question: str,
    query: FloatArray | None,
    allowed: Collection[NoteId] | None = None,
) -> FirstStage:
    """Score the notes that something speaks for, by the question alone.

    Parameters
    ----------
    query
        The encoded question, a unit vector; None to search by words and names.
    allowed
        Which notes may be found; None for all.
    """
    found = FirstStage(corpus, allowed, corpus.bm25(question), corpus.names_in(question))
    if query is not None and corpus.embedded:
        near = corpus.nearest(query, DEPTH, allowed)
        found.cosines = dict(near)
        found.floor = near[-1][1] if near else 0.0
        found.dense = [passage for passage, cosine in near if cosine > 0]
    words = heapq.nlargest(WORDS, found.words, key=found.words.__getitem__)
    found.score_passages([*words, *found.dense])
    if query is not None and corpus.embedded:
        found.complete(query, best(found.scores, EXACT))
    return found


def best(scores: Mapping[NoteId, float], count: int) -> list[NoteId]:
    """Return the notes with the highest scores, best first, in order of id among equals."""
    return sorted(scores, key=lambda note: (-scores[note], note))[:count]


def name_scores(named: Sequence[NameMatch]) -> dict[NoteId, float]:
    """Return what its name in the question adds to each note: the rarer, the more."""
    scores: dict[NoteId, float] = {}
    for match in named:
        for note in match.notes:
            score = match.rarity * (1.0 if match.title else 0.9)
            scores[note] = max(scores.get(note, 0.0), score)
    return scores
