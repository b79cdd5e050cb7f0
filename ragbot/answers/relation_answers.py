"""Answers from the relations that authors wrote, each quoted from its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragbot.answers import grounding
from ragbot.index.corpus import Corpus
from ragbot.models import EMBEDS, LINKS_TO, MENTIONS, Citation, Note, Relation, Span, Statement
from ragbot.notes import predicates
from ragbot.questions import predicate_matcher
from ragbot.questions.relation_questions import RelationQuestion
from ragbot.text.sentences import sentences

LONGEST_LINE = 300
"""Most characters of a line that is quoted whole; of a longer one, the sentence is quoted."""

_SAID = {LINKS_TO: "links to", EMBEDS: "embeds", MENTIONS: "mentions"}
_MARK = re.compile(r"(?:[ \t]*(?:>|[-*+•](?=[ \t])|\d{1,3}[.)](?=[ \t]))[ \t]*)+")
_TRAILING = re.compile(r"\*{0,2}[)\]]?[ \t]?[↑⊙↗]?")


@dataclass(frozen=True, slots=True)
class RelationAnswer:
    """Statements of relations, with their citations.

    `left_out` is the number of relations beyond the limit of words.
    """

    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    left_out: int


def answer(corpus: Corpus, asked: RelationQuestion, words: int) -> RelationAnswer:
    """Return the relations that answer a question, up to a number of words."""
    statements: list[Statement] = []
    citations: list[Citation] = []
    relations = _distinct(asked.relations)
    used = 0
    for number, relation in enumerate(relations, start=1):
        text = sentence(corpus, relation)
        used += len(text.split())
        if statements and used > words:
            break
        lead = _lead(corpus, asked, relations) if number == 1 else ""
        several = len(relations) > 1
        statements.append(Statement(text, (number,), lead=lead, item=several))
        source = corpus.notes[relation.source]
        citations.append(grounding.cite(corpus.notes, number, source.id, quoted(source, relation)))
    return RelationAnswer(tuple(statements), tuple(citations), len(relations) - len(statements))


def sentence(corpus: Corpus, relation: Relation) -> str:
    """Return one relation as a sentence, with its annotation."""
    verb = _SAID.get(relation.predicate) or _verb(relation.predicate)
    target = relation.written
    if relation.target is None:
        target += " (a note that is not in this folder)"
    else:
        target = corpus.notes[relation.target].title
    source = corpus.notes[relation.source].title
    text = f"{source} {verb} {target}"
    if predicate_matcher.is_noun(relation.predicate):
        text = f"The {predicates.words(relation.predicate)} of {source} is {target}"
    return f"{text}: {relation.annotation}" if relation.annotation else text


def _verb(predicate: str) -> str:
    """Return a predicate as a verb: `extends` and `wrote`, but `is part of`."""
    words = predicates.words(predicate)
    is_verb = words.split(" ")[0].endswith("s") or predicate_matcher.is_past(predicate)
    return words if is_verb else f"is {words}"


def quoted(note: Note, relation: Relation) -> Span:
    """Return the span that shows a relation: its line from the predicate on, and its annotation."""
    text = note.text
    start = max(text.rfind("\n", 0, relation.span[0]), text.rfind("\r", 0, relation.span[0])) + 1
    mark = _MARK.match(text, start)
    first = mark.end() if mark else start
    last = relation.span[1]
    if (not relation.typed and last - first > LONGEST_LINE) or relation.span[
        0
    ] - first > LONGEST_LINE:
        first = _sentence_start(text, first, relation.span[0])
    trailing = _TRAILING.match(text, last)
    if trailing and trailing.group().strip():
        last = trailing.end()
    if relation.annotation_span is not None:
        first = min(first, relation.annotation_span[0])
        last = max(last, relation.annotation_span[1])
    return first, last


def _sentence_start(text: str, first: int, place: int) -> int:
    starts = [a for a, _ in sentences(text[first : place + 1], first) if a <= place]
    return starts[-1] if starts else place


def _distinct(relations: Sequence[Relation]) -> list[Relation]:
    """Return one relation for each pair and predicate: the one that its author explained."""
    kept: dict[tuple[str, ...], Relation] = {}
    for relation in relations:
        end = relation.target or relation.written.casefold()
        key = (relation.source, predicates.canonical(relation.predicate), end)
        if key not in kept or (relation.annotation and not kept[key].annotation):
            kept[key] = relation
    return list(kept.values())


def _title(corpus: Corpus, node: str) -> str:
    """Return the title of a note, or the name of a ghost."""
    note = corpus.notes.get(node)
    return note.title if note else node


def _lead(corpus: Corpus, asked: RelationQuestion, relations: Sequence[Relation]) -> str:
    subject = _title(corpus, asked.subject)
    if asked.kind == "stated":
        return "Yes"
    if asked.object is not None:
        other = corpus.notes[asked.object].title
        direct = {relations[0].source, relations[0].target} == {asked.subject, asked.object}
        steps = "directly" if direct else f"in {len(relations)} steps"
        joined = f"{subject} and {other} are connected {steps}"
        return f"No relation says so. {joined}" if asked.kind == "unstated" else joined
    return "" if len(relations) == 1 else f"{subject}: {len(relations)} relations"
