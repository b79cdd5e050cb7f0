"""Filters: which notes of a corpus may be found.

Floor 4: reads a corpus.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus
from ragbot.models import Filters, Note


def allowed_notes(corpus: Corpus, filters: Filters) -> NDArray[np.bool_] | None:
    """Tell which notes pass all filters.

    Returns
    -------
    array or None
        Shape (notes,), in the order of `corpus.lexical.notes`; None when
        nothing is filtered.
    """
    if not filters:
        return None
    tests = _tests(corpus, filters)
    notes = (corpus.notes[note] for note in corpus.lexical.notes)
    return np.array([all(test(note) for test in tests) for note in notes], dtype=bool)


def written_on(note: Note) -> str:
    """ISO date of a note by its frontmatter (`created`, else `date`); empty without one."""
    for field in ("created", "date"):
        value = note.metadata.get(field)
        if isinstance(value, datetime.date):
            return value.isoformat()[:10]
        if isinstance(value, str) and value.strip():
            return value.strip()[:10]
    return ""


def _tests(corpus: Corpus, filters: Filters) -> list[Callable[[Note], bool]]:
    tests: list[Callable[[Note], bool]] = []
    if filters.folders:
        folders = tuple(folder.strip("/") + "/" for folder in filters.folders if folder.strip("/"))
        tests.append(lambda note: not folders or note.id.startswith(folders))
    if filters.tags:
        wanted = [tag.removeprefix("#").casefold() for tag in filters.tags]
        tests.append(lambda note: any(_tagged(note, tag) for tag in wanted))
    if filters.near or filters.predicate:
        joined = _joined(corpus, filters)
        tests.append(lambda note: note.id in joined)
    if filters.since:
        tests.append(lambda note: filters.since <= written_on(note))
    if filters.until:
        tests.append(lambda note: "" < written_on(note) <= filters.until)
    return tests


def _tagged(note: Note, wanted: str) -> bool:
    tags = [tag.casefold() for tag in note.tags]
    return any(tag == wanted or tag.startswith(wanted + "/") for tag in tags)


def _joined(corpus: Corpus, filters: Filters) -> set[str]:
    """Find notes joined to `near` by `predicate`; without `near`, those at either end of it."""
    graph = corpus.graph
    centres = [filters.near] if filters.near else list(graph.ids)
    relations = [
        relation
        for centre in centres
        if centre in graph
        for relation in graph.neighbours(
            centre, filters.predicate or None, "both" if filters.near else "out"
        )
    ]
    ends = {relation.source for relation in relations}
    return ends | {relation.target for relation in relations if relation.target is not None}
