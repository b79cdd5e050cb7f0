"""Rehearse: what the sentences of the notes mean, taken in while nobody asks.

An answer weighs some sixty sentences. Encoding those takes most of the time
that a first question waits; the ones that are known already cost nothing.

Floor 4: reads a corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ragbot.arrange import joined, lists
from ragbot.candidates import cut, rows_of
from ragbot.corpus import Corpus
from ragbot.extract import in_context
from ragbot.words import content_words


def texts(corpus: Corpus, most: int) -> list[str]:
    """List what answers will have encoded, of the most linked notes first: at most `most` texts.

    Each sentence as it is weighed, under its title and headings, and each list as
    a whole; after those of a note its words, which are held against a question's.
    """
    return list(islice(dict.fromkeys(_texts(corpus)), most))


def _texts(corpus: Corpus) -> Iterator[str]:
    graph = corpus.graph
    for note in sorted(corpus.notes, key=lambda id: -len(graph.edges_in(graph.row(id)))):
        words: dict[str, None] = {}
        for row in rows_of(corpus, note):
            found = list(cut(corpus.notes[note], corpus.chunks[row], row, 0.0))
            for candidate in [*found, *map(joined, lists(corpus, found))]:
                yield in_context(corpus, candidate)
            told = [candidate.text for candidate in found]
            above = (corpus.notes[note].title, *corpus.chunks[row].headings)
            words |= dict.fromkeys(content_words(" ".join((*told, *above))))
        yield from words
