"""Ground: whether what is said stands in what it cites.

A quotation must stand in its note, character for character. A sentence must mean
what its quotations mean, and hold no number, name or negation that they don't:
sentences that contradict each other are often the nearest in meaning.

Floor 4: pure functions on notes and strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ragbot.models import Citation, Note, NoteId, Span
from ragbot.questions.predicate_matcher import stem
from ragbot.text.folding import fold
from ragbot.text.sentences import sentences
from ragbot.text.tokenize import STOP_WORDS, TO_TWENTY, tokens

MEANT = 0.5
"""Least cosine between a sentence and the quotation that carries it."""

SHARED = 0.5
"""Least share of a sentence's words that its quotation holds, where no vectors tell."""

REPLACED = 0.8
"""Share of a sentence's other words in its source, from which a strange first word is a name."""

ALIGNED = 0.6
"""Share of words in common from which a negation on one side only is a contradiction."""

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_CLAUSE = re.compile(r"[;:,]\s+|\s[—–-]+\s|\bbut\b")
_MARK = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_NEGATION = re.compile(
    r"\b(not|no|never|none|nothing|nobody|neither|nor|without|cannot|isnt|arent|wasnt|dont|doesnt"
    r"|didnt|cant|wont|wouldnt|shouldnt|couldnt|hasnt|havent|hardly|refuses|fails)\b"
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![\w'’-])[A-Z][\w'’-]*[\w]")
_SPELT = {word: str(number) for number, word in enumerate(TO_TWENTY)}
_SPELT |= {"thirty": "30", "forty": "40", "fifty": "50", "hundred": "100", "dozen": "12"}
_MONTH_NAMES = "january february march april june july august september october november december"
_MONTHS = frozenset(_MONTH_NAMES.split())
_OPPOSITES = (
    "increase decrease",
    "increase reduce",
    "raise lower",
    "higher lower",
    "more less",
    "more fewer",
    "improve degrade",
    "improve worsen",
    "before after",
    "always never",
    "first last",
    "strong weak",
    "better worse",
    "largest smallest",
    "narrow widen",
    "internal external",
    "succeed fail",
    "accept reject",
    "allow forbid",
    "all none",
)


def cite(notes: Mapping[NoteId, Note], number: int, note: NoteId, span: Span) -> Citation:
    """Quote a slice of a note.

    Raises
    ------
    ValueError
        If the slice is empty or lies outside the note.
    """
    source = notes[note]
    if not 0 <= span[0] < span[1] <= len(source.text):
        raise ValueError(f"{note} has {len(source.text)} characters, so no quotation at {span}")
    headings = next(
        (s.headings for s in source.sections if s.span[0] <= span[0] < s.span[1]),
        (),
    )
    quote = source.text[slice(*span)]
    return Citation(number, note, source.title, headings, source.lines_of(span), span, quote)


def stands(citation: Citation, notes: Mapping[NoteId, Note]) -> bool:
    """Tell whether a quotation stands in its note at its place, at the lines it names."""
    note = notes.get(citation.note)
    return (
        note is not None
        and bool(citation.quote)
        and note.text[slice(*citation.span)] == citation.quote
        and note.lines_of(citation.span) == citation.lines
    )


def fault(
    sentence: str, quotes: Sequence[str], context: str = "", similarity: float | None = None
) -> str:
    """Find what in a sentence its quotations do not carry.

    Parameters
    ----------
    sentence
        What is claimed, as readable text; marks like `[1]` are left out.
    quotes
        Readable text of the quotations that it cites.
    context
        Titles and headings of those notes: names may come from there too.
    similarity
        Highest cosine of the sentence and a quotation; None to judge by words.

    Returns
    -------
    str
        The reason, for a person; empty when the sentence is supported.

    Examples
    --------
    >>> fault("It has 5 parts.", ["It has three parts."])
    'the number 5 is not in the source'
    >>> fault("It has 3 parts.", ["It has three parts."])
    ''
    """
    said = _MARK.sub("", sentence)
    if not quotes:
        return "it cites no source"
    source = " ".join(quotes)
    missing = numbers(said) - numbers(source + " " + context)
    if missing:
        return f"the number {min(missing)} is not in the source"
    unknown = _names_missing(said, f"{source} {context}")
    if unknown:
        return f"the name {unknown} is not in the source"
    if contrary := _contradiction(said, quotes, source):
        return contrary
    meant = similarity >= MEANT if similarity is not None else share(said, source) >= SHARED
    return "" if meant else "the source does not say this"


def numbers(text: str) -> set[str]:
    """Numbers and months of a text in one spelling: `"Three, 1,000"` gives `{"3", "1000"}`."""
    found = {match.replace(",", "").rstrip(".:/-") for match in _NUMBER.findall(text)}
    folded = tokens(text)
    # "one" is mostly a pronoun; whether it counts something cannot be told from the word.
    found |= {_SPELT[word] for word in folded if word in _SPELT and word != "one"}
    return found | _MONTHS.intersection(folded)


def _names_missing(said: str, source: str) -> str:
    known = {stem(word) for word in tokens(source)}
    found = [match.group() for match in _NAME.finditer(said)]
    first = said.split()[0] if said.split() else ""
    # The first word has a capital anyway. It is a name when it has another one, or
    # when all the rest stands in the source: then it was put in the place of a name.
    rest = said[len(first) :]
    if re.search(r"\w[A-Z]", first) or (first[:1].isupper() and share(rest, source) >= REPLACED):
        found.insert(0, first)
    for name in found:
        words = [word for word in tokens(name) if word not in STOP_WORDS and len(word) > 1]
        if any(stem(word) not in known for word in words):
            return name
    return ""


def _contradiction(said: str, quotes: Sequence[str], source: str) -> str:
    denies = _negated(said)
    whole = max(_sentences(quotes), key=lambda sentence: share(said, sentence))
    denied = _negated(whole if share(said, whole) >= ALIGNED else source)
    if denies and not denied:
        return "the source does not deny this"
    clauses = [clause for sentence in _sentences(quotes) for clause in _CLAUSE.split(sentence)]
    nearest = max(clauses, key=lambda clause: (share(said, clause), -len(clause)))
    if not denies and _negated(nearest) and share(said, nearest) >= ALIGNED:
        return "the source denies this"
    ours = {stem(word) for word in tokens(said)}
    theirs = {stem(word) for word in tokens(source)}
    for pair in _OPPOSITES:
        for one, other in (pair.split(), pair.split()[::-1]):
            one, other = stem(one), stem(other)
            if one in ours and one not in theirs and other in theirs and other not in ours:
                return "the source says the opposite"
    return ""


def _negated(text: str) -> bool:
    return _NEGATION.search(fold(text).replace("'", "").replace("’", "")) is not None


def share(said: str, source: str) -> float:
    """Share of the words of a sentence, stop words apart, that a source holds; in [0, 1]."""
    ours = {stem(word) for word in tokens(said) if word not in STOP_WORDS}
    theirs = {stem(word) for word in tokens(source)}
    return len(ours & theirs) / len(ours) if ours else 0.0


def _sentences(quotes: Iterable[str]) -> list[str]:
    return [quote[a:b] for quote in quotes for a, b in sentences(quote)] or [""]
