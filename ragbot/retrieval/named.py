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

NAME = 0.5
"""Score of a note that the question names by a word that no passage holds."""

MOST_DAYS = 10
"""Most notes that are checked because their names share the numbers of a day."""

_TAG = re.compile(
    r"""(?<![\w#])#([^\W\d][\w/-]*)|\btag(?:ged)?\b(?:\s+(?:as|with))?\s+["'“‘]?([\w/-]+)"""
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?\b"
_DATES = [
    re.compile(rf"\b{_MONTH}\s+{_DAY}{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_DAY}\.?\s+(?:of\s+)?{_MONTH}{_YEAR}", re.IGNORECASE),
]


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
    for found in (match for date in _DATES for match in date.finditer(question)):
        month = _MONTHS.index(found["month"].lower()) + 1
        day = f"{month:02}-{int(found['day']):02}"
        for note in corpus.by_title(f"{found['year'] or ''} {day}", MOST_DAYS):
            title = corpus.notes[note].title
            if day in title and (found["year"] or "") in title:
                yield note
