"""Silence: whether the notes answer at all, and what to say when they don't.

Floor 4: reads a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragbot.compose import escaped
from ragbot.corpus import Corpus
from ragbot.extract import Picked
from ragbot.schema import Answer, Hit
from ragbot.words import tokens

LEAST = 0.3
"""Least of meaning and words together in the best sentence of an answer."""

NEAREST = 3
"""Notes named as the nearest."""


def is_better(corpus: Corpus, query: str, picked: Sequence[Picked], hits: Sequence[Hit]) -> bool:
    """Tell whether nothing that was found answers the question."""
    if not picked or not hits:
        return True
    best = picked[0]
    return max(best.meaning, best.words) < LEAST


def answer(
    corpus: Corpus, question: str, query: str, hits: Sequence[Hit], notice: str = ""
) -> Answer:
    """Say that the notes don't say, what they hold that is nearest, and what is yet unwritten."""
    lines = ["The notes don't say."]
    lines += [_ghost_line(corpus, name, count) for name, count in _ghosts(corpus, query)]
    titles = dict.fromkeys(corpus.notes[hit.chunk.note].title for hit in hits)
    if titles:
        names = ", ".join(f"*{escaped(title)}*" for title in list(titles)[:NEAREST])
        lines.append(f"Nearest to the question: {names}.")
    text = " ".join(lines)
    return Answer(question, text, "extractive", True, (), (), tuple(hits), query, notice)


def _ghosts(corpus: Corpus, query: str) -> list[tuple[str, int]]:
    """Names in the question that notes link to, but no note answers to."""
    asked = f" {' '.join(tokens(query))} "
    found = []
    for name, count in corpus.graph.ghosts().items():
        words = " ".join(tokens(name))
        if len(words) > 2 and f" {words} " in asked:
            found.append((name, count))
    return found


def _ghost_line(corpus: Corpus, name: str, count: int) -> str:
    sources = dict.fromkeys(
        corpus.notes[relation.source].title
        for note in corpus.notes.values()
        for relation in note.relations
        if relation.target is None and relation.written.casefold() == name.casefold()
    )
    shown = ", ".join(f"*{escaped(title)}*" for title in list(sources)[:NEAREST])
    more = ", …" if len(sources) > NEAREST else ""
    verb = "note mentions" if len(sources) == 1 else "notes mention"
    return (
        f"There is no note called *{escaped(name)}* yet; {len(sources)} {verb} it: {shown}{more}."
    )
