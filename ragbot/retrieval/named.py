"""Score the notes that a question names: by title, by ghost, by tag or by day.

"What is tagged flashcards?" and "What did I do on June 19th?" share no word with the notes that
answer: the tag is in the frontmatter, and the day in the name of the note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragbot.index.corpus import Corpus
from ragbot.index.stored_graph import link_rarity
from ragbot.models import Filters, NoteId
from ragbot.text.dates import find_dates

NAME = 0.5
"""Score of a note that the question names by a word that no passage holds."""

MOST_DAYS = 10
"""Most notes that are checked because their names share the numbers of a day."""

_TAG = re.compile(
    r"""(?<![\w#])#([^\W\d][\w/-]*)|\btag(?:ged)?\b(?:\s+(?:as|with))?\s+["'“‘]?([\w/-]+)"""
)


def name_scores(corpus: Corpus, question: str) -> dict[NoteId, float]:
    """Return the score of each note for its name, tag or day in the question: rarer is more."""
    scores: dict[NoteId, float] = {}
    for note, score in _named(corpus, question):
        scores[note] = max(scores.get(note, 0.0), score)
    return scores


def _named(corpus: Corpus, question: str) -> Iterator[tuple[NoteId, float]]:
    size = len(corpus.notes)
    for match in corpus.names_in(question):
        for note in match.notes:
            yield note, NAME * match.rarity
    for ghost in corpus.graph.ghosts_in(question):
        sources = {relation.source for relation in corpus.graph.neighbours(ghost)}
        for note in sources:
            yield note, NAME * link_rarity(len(sources), size)
    for hashed, spelled in _TAG.findall(question):
        tagged = corpus.matching(Filters(tags=(hashed or spelled,)))
        for note in tagged:
            yield note, NAME * link_rarity(len(tagged), size)
    for note in notes_of_days(corpus, question):
        yield note, NAME


def notes_of_days(corpus: Corpus, question: str) -> Iterator[NoteId]:
    """Yield the notes whose name is the day that a question names, such as `2026-06-19`."""
    for when in find_dates(question):
        if when.first == when.last:
            day = when.first.strftime("%m-%d" if when.yearless else "%Y-%m-%d")
            for note in corpus.by_title(day, MOST_DAYS):
                if day in corpus.notes[note].title:
                    yield note
