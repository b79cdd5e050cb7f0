"""The citations of an answer as footnotes, for readers of plain text."""

from __future__ import annotations

from ragbot.models import Answer


def footnotes(answer: Answer) -> list[str]:
    """Return a line for each citation: its number, its note and lines, and its quotation.

    A quotation that the answer's text repeats word for word is left out.
    """
    text = _one_line(answer.text)
    lines = []
    for citation in answer.citations:
        first, last = citation.lines
        place = f"{citation.note}:{first}" if first == last else f"{citation.note}:{first}-{last}"
        quotation = _one_line(citation.quote)
        shown = "" if quotation in text else f" “{quotation}”"
        lines.append(f"[{citation.number}] {place}{shown}")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
