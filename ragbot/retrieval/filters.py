"""Filters: which notes of a corpus may be found."""

from __future__ import annotations

from collections.abc import Collection

from ragbot.index.corpus import Corpus
from ragbot.models import Filters, NoteId


def allowed_notes(corpus: Corpus, filters: Filters) -> Collection[NoteId] | None:
    """Return the notes that pass all filters; None when nothing is filtered."""
    if not filters:
        return None
    allowed = corpus.matching(filters)
    if filters.near or filters.predicate:
        return set(allowed) & _joined(corpus, filters)
    return allowed


def filter_notice(corpus: Corpus, filters: Filters) -> str:
    """Return sentences on folders and tags that no note has, and on notes left out; else ""."""
    unknown = [
        f"No note is below the folder {folder!r}."
        for folder in filters.folders
        if not corpus.matching(Filters(folders=(folder,)))
    ]
    unknown += [
        f"No note has the tag {tag!r}."
        for tag in filters.tags
        if not corpus.matching(Filters(tags=(tag,)))
    ]
    if unknown:
        return " ".join(unknown)
    allowed = allowed_notes(corpus, filters)
    if allowed is not None and not allowed:
        return "No note passes the filters."
    undated = corpus.undated() if filters.since or filters.until else 0
    if not undated:
        return ""
    return f"{undated:,} note{'s' * (undated > 1)} without a known date left out."


def _joined(corpus: Corpus, filters: Filters) -> set[NoteId]:
    """Return the notes joined to `near` by `predicate`; without `near`, those at either end."""
    graph = corpus.graph
    if not filters.near:
        relations = list(graph.with_predicate(filters.predicate))
    else:
        near = filters.near if filters.near in graph else corpus.names.named(filters.near)
        relations = graph.neighbours(near, filters.predicate or None, "both") if near else []
    ends = {relation.source for relation in relations}
    return ends | {relation.target for relation in relations if relation.target is not None}
