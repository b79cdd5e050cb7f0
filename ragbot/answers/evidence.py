"""Evidence for a language model: the best sentences of the notes, numbered, below their place.

A small model reads slowly and misses facts in whole passages, so it gets single sentences. A
sentence that begins with a pronoun comes with the one before it; a line that introduces a list
comes with its items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragbot.answers.candidates import Candidate, readable
from ragbot.answers.sentence_ranker import RankedSentence
from ragbot.index.corpus import Corpus
from ragbot.models import NoteId, Span
from ragbot.text.sentences import sentences

LINES = 8
"""Most lines of evidence in up to `TOKENS` tokens; in proportion more in a larger budget."""

TOKENS = 500
"""Tokens of evidence for a model whose speed is unknown."""

ITEMS = 12
"""Most items of a list that follow the line that introduces it."""

LONGEST_BEFORE = 40
"""Words of the longest sentence that is added before one that begins with a pronoun."""

_CHARACTERS_A_TOKEN = 4
_ITEM = re.compile(r"(?:[ \t]*(?:>|[-*+•](?=[ \t])|\d{1,3}[.)](?=[ \t])|\[[ xX]\])[ \t]*)+")
_PARAGRAPH = re.compile(r"(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)")


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One numbered line of evidence.

    `spans` are the quoted sentences in the note, and `texts` the same without markup.
    `place` is the note's title and its headings.
    """

    number: int
    note: NoteId
    spans: tuple[Span, ...]
    texts: tuple[str, ...]
    place: str

    @property
    def text(self) -> str:
        """The line as a model reads it, without number and place."""
        return " ".join(self.texts)


def collect(
    corpus: Corpus,
    ranked: Sequence[RankedSentence],
    tokens: int = TOKENS,
) -> list[EvidenceLine]:
    """Return the best sentences that fit into a number of tokens, without repeats.

    Parameters
    ----------
    ranked
        Sentences of the notes, best first.
    tokens
        Limit for all lines together; the first line is always included.
    """
    lines: list[EvidenceLine] = []
    taken: set[tuple[NoteId, Span]] = set()
    places: set[str] = set()
    room = tokens * _CHARACTERS_A_TOKEN
    most = max(LINES, LINES * tokens // TOKENS)
    for note, spans, texts, place in _all(corpus, ranked):
        if len(lines) >= most or all((note, span) in taken for span in spans):
            continue
        size = (place not in places) * len(place) + sum(len(text) for text in texts) + 8
        if lines and size > room:
            continue
        room -= size
        taken.update((note, span) for span in spans)
        places.add(place)
        lines.append(EvidenceLine(len(lines) + 1, note, spans, texts, place))
    return lines


def as_prompt(lines: Sequence[EvidenceLine]) -> str:
    """Return the evidence as text: each place, `note > heading`, then its lines, `[1] sentence`."""
    groups: dict[str, list[str]] = {}
    for line in lines:
        groups.setdefault(line.place, [line.place]).append(f"[{line.number}] {line.text}")
    return "\n\n".join("\n".join(group) for group in groups.values())


_Parts = tuple[NoteId, tuple[Span, ...], tuple[str, ...], str]


def _all(corpus: Corpus, ranked: Sequence[RankedSentence]) -> Iterator[_Parts]:
    for pick in ranked:
        candidate = pick.candidate
        title = corpus.notes[candidate.note].title
        headings = [heading for heading in candidate.headings if heading != title]
        spans, texts = _with_neighbours(corpus, candidate)
        yield candidate.note, spans, texts, " > ".join((title, *headings))


def _with_neighbours(
    corpus: Corpus, candidate: Candidate
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    """Return a sentence with the one before its pronoun, or with the items it introduces."""
    own = ((candidate.span,), (candidate.text,))
    if not candidate.anaphoric and not candidate.introduces:
        return own
    text = corpus.notes[candidate.note].text
    passage = corpus.passage(candidate.passage)
    around = sentences(passage.text, passage.span[0])
    if candidate.introduces:
        return _with_items(text, candidate, [a for a in around if a[0] >= candidate.span[1]])
    before = [span for span in around if span[1] <= candidate.span[0]]
    if not before or _PARAGRAPH.search(text, before[-1][1], candidate.span[0]):
        return own
    shown = readable(text[slice(*before[-1])])
    if not shown or len(shown.split()) > LONGEST_BEFORE:
        return own
    return (before[-1], candidate.span), (shown, candidate.text)


def _with_items(
    text: str, candidate: Candidate, after: Sequence[Span]
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    spans, texts = [candidate.span], [candidate.text]
    for first, last in after[:ITEMS]:
        mark = _ITEM.match(text, first, last)
        if mark is None:
            break
        shown = readable(text[mark.end() : last])
        if shown:
            spans.append((mark.end(), last))
            texts.append(shown if shown[-1] in ".;!?" else f"{shown};")
    return tuple(spans), tuple(texts)
