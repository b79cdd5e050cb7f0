"""Citations: a quote is a slice of its note, checked before an answer is returned."""

from __future__ import annotations

from collections.abc import Mapping

from ragbot.models import Citation, Note, NoteId, Span


def cite(notes: Mapping[NoteId, Note], number: int, note: NoteId, span: Span) -> Citation:
    """Return the citation of a slice of a note; an empty note has the empty quote (0, 0).

    Raises
    ------
    ValueError
        If the slice is empty or lies outside the note.
    """
    source = notes[note]
    named = span == (0, 0) and not source.text.strip()
    if not (named or 0 <= span[0] < span[1] <= len(source.text)):
        raise ValueError(f"{note} has {len(source.text)} characters, so no quote at {span}")
    headings = next(
        (s.headings for s in source.sections if s.span[0] <= span[0] < s.span[1]),
        (),
    )
    quote = source.text[slice(*span)]
    return Citation(number, note, source.title, headings, source.lines_of(span), span, quote)


def is_exact(citation: Citation, notes: Mapping[NoteId, Note]) -> bool:
    """Check that a citation's quote, span and lines agree with its note."""
    note = notes.get(citation.note)
    return (
        note is not None
        and (bool(citation.quote) or not note.text.strip())
        and note.text[slice(*citation.span)] == citation.quote
        and note.lines_of(citation.span) == citation.lines
    )
