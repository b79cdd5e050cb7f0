"""Verification: whether quoted sentences carry a sentence that a language model wrote.

A claim is shown only if nothing in it goes beyond its quotes. Its words, numbers with their units,
names with their roles, negations and comparisons are compared clause by clause. A doubtful claim is
refused. The quotes are shown then, so a refusal costs style, but no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragbot.answers.clauses import MARKS, Clause, Word, clauses, lemma, words
from ragbot.answers.comparisons import comparison_fault, scale_counterpart
from ragbot.answers.english import LIGHT, NEGATORS, PREPOSITIONS, PRONOUNS, STRONG
from ragbot.answers.quantities import is_unit, number_fault
from ragbot.answers.roles import (
    clause_fault,
    placed_fault,
    stitched_fault,
)
from ragbot.text.sentences import sentences

_MARK = re.compile(r"\s*\[\d+(?:\s*[,;]\s*\d+)*\]")
_YES_NO = re.compile(r"(yes|no)(?:[,.:;—–-]\s*|\s*$)", re.IGNORECASE)
_LIGHT = frozenset(lemma(word) for word in LIGHT)


def fault(
    claim: str,
    quotes: Sequence[str],
    place: str = "",
    question: str = "",
) -> str:
    """Return the fault of a claim that its quotes do not carry; empty if they carry it.

    Parameters
    ----------
    claim
        One written sentence, as readable text; marks like `[1]` are ignored.
    quotes
        The quoted sentences, as readable text.
    place
        Titles and headings above the quotes, which may have the subject.
    question
        The question, to which a leading "yes" or "no" replies, and whose words a claim may use.

    Examples
    --------
    >>> fault("It has 5 parts.", ["It has three parts."])
    'the number 5 is not in the source'
    >>> fault("It has 3 parts.", ["It has three parts."])
    ''
    """
    said = _MARK.sub("", claim).strip()
    if not quotes:
        return "it cites no source"
    if _is_quoted(said, quotes):
        return ""
    above = frozenset(word.lemma for word in words(place) if word.content)
    source = _source_clauses(quotes, above)
    if reply := _YES_NO.match(said):
        said = said[reply.end() :]
        if reason := _reply_fault(reply.group(1).casefold(), said, question, source):
            return reason
    text = " ".join(quotes)
    return (
        number_fault(words(said), words(text), above)
        or _words_fault(said, source, above, question)
        or clause_fault(said, source)
        or stitched_fault(said, source)
        or placed_fault(words(said), words(text))
        or comparison_fault(said, quotes)
        or _colon_fault(said, quotes)
    )


def _source_clauses(quotes: Sequence[str], above: frozenset[str]) -> list[Clause]:
    """Return the clauses of quotes; a pronoun at the start refers to the subject before."""
    found: list[Clause] = []
    for quote in quotes:
        for a, b in sentences(quote):
            found += clauses(quote[a:b], found[-1].subject if found else above)
    return found


def _is_quoted(said: str, quotes: Sequence[str]) -> bool:
    """Check whether a claim is a sentence of a quote or an item of its list, word for word."""
    ours = [word.text for word in words(said)]
    items = [item for quote in quotes for item in quote.split(";") if len(item.split()) > 4]
    whole = [quote[a:b] for quote in quotes for a, b in [*sentences(quote), (0, len(quote))]]
    return any(ours == [word.text for word in words(text)] for text in (*whole, *items))


def _colon_fault(said: str, quotes: Sequence[str]) -> str:
    """Return a fault if a claim joins words that a colon separates in its quote."""
    ours = {word.lemma for word in words(said) if word.content}
    parts = [words(quote[a:b]) for quote in quotes for a, b in sentences(quote)]
    home = max(parts, key=lambda part: len(ours & {word.lemma for word in part}))
    texts = [word.text for word in home]
    if ":" in said or ":" not in texts:
        return ""
    at = texts.index(":")
    before, after = ({word.lemma for word in part} for part in (home[:at], home[at:]))
    joined = ours & before - after and ours & after - before
    return "the source does not join this" if joined else ""


def _reply_fault(reply: str, rest: str, question: str, source: Sequence[Clause]) -> str:
    """Return a fault if no sentence with a "yes" or "no" repeats, or denies, the question."""
    asked = {w.lemma for w in words(question) if w.content} - _LIGHT
    said = clauses(rest)
    if not said or not asked:
        return "it says yes or no without what the source says"
    found = frozenset().union(*(clause.lemmas for clause in said))
    if len(asked & found) < 0.6 * len(asked):
        return "yes or no does not follow from the source"
    negated = any(clause.negated for clause in said) != any(
        word.text in NEGATORS for word in words(question)
    )
    return "" if negated == (reply == "no") else "yes or no is turned around"


def _words_fault(said: str, source: Sequence[Clause], above: frozenset[str], question: str) -> str:
    """Return a fault for a content word that neither quotes nor headings contain.

    A claim may name its subject as the question does if its quotes contain half of its words that
    are asked, and its last word, which says what is new. The quotes decide what is said of it.
    """
    found = {word.lemma: word.text for clause in source for word in clause.words}
    known = frozenset(found) | above
    ours = words(said)
    content = [word for word in ours if word.content and word.text not in MARKS]
    asked = {word.lemma for word in words(question)}.intersection(word.lemma for word in content)
    if content and content[-1].lemma in known and 2 * len(asked & known) >= len(asked):
        fixed = {word.lemma for word in content if word.name or word.text in STRONG}
        known |= {lemma for c in clauses(said) for lemma in c.subject & asked} - fixed
    compares = any(word.text == "than" for word in ours)
    for before, word in zip([None, *ours], ours, strict=False):
        if before and before.number and is_unit(word):
            continue  # compared with its number
        counterpart = compares and scale_counterpart(word.text, found)
        if not counterpart and not _is_carried(word, known):
            return f"the {'name' if word.name else 'word'} {word.text} is not in the source"
    return ""


def _is_carried(word: Word, known: frozenset[str]) -> bool:
    if not word.content or word.number or len(word.text) == 1 or word.lemma in known:
        return True
    if word.text in STRONG:
        return False
    if word.text in PREPOSITIONS | PRONOUNS | NEGATORS or word.lemma in _LIGHT:
        return True
    return "-" in word.text and all(lemma(part) in known for part in word.text.split("-"))
