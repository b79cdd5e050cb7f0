"""Follow-ups: questions that the graph suggests after an answer."""

from __future__ import annotations

from collections.abc import Sequence

from ragbot.index.corpus import Corpus
from ragbot.models import Citation, NoteId, Relation
from ragbot.notes.note_dates import daily_date
from ragbot.text.tokenize import tokens

MOST = 3
"""Questions suggested."""


def suggest(corpus: Corpus, words: Sequence[str], citations: Sequence[Citation]) -> tuple[str, ...]:
    """Return questions about notes that the cited notes lead to, by typed relations first.

    Notes that the words of the question name or the answer cites are not suggested again.
    """
    cited = list(dict.fromkeys(citation.note for citation in citations))
    asked = f" {' '.join(words)} "
    questions: dict[str, None] = {}
    seen = set(cited)
    for note in cited:
        for relation, other in _around(corpus, note):
            if other in seen or daily_date(other):  # a day is no subject
                continue
            title = corpus.notes[other].title
            if f" {' '.join(tokens(title))} " not in asked:
                seen.add(other)
                questions[_question(corpus, note, relation, title)] = None
                break
        if len(questions) >= MOST:
            break
    return tuple(questions)


def _around(corpus: Corpus, note: NoteId) -> list[tuple[Relation, NoteId]]:
    """Return the relations of a note with the other end: typed first, then the rarer note."""
    ends = [
        (relation, relation.target if relation.source == note else relation.source)
        for relation in corpus.graph.neighbours(note)
    ]
    written = [(relation, other) for relation, other in ends if other is not None]
    return sorted(written, key=lambda end: (not end[0].typed, -corpus.graph.rarity_of(end[1])))


def _question(corpus: Corpus, note: str, relation: Relation, title: str) -> str:
    here = corpus.notes[note].title
    return f"How are {here} and {title} connected?" if relation.typed else f"What is {title}?"
