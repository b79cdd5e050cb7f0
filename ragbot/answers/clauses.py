"""Cut an English sentence into clauses, each with subject, polarity, voice and words.

Rules cut the sentence, not a parser. Clauses are only compared, a written one with a quoted one. So
a wrong cut makes a comparison fail, and never changes a quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragbot.answers.english import (
    AUXILIARY,
    BE,
    NEGATORS,
    OPENERS,
    PAST_FORMS,
    PREPOSITIONS,
    PRONOUNS,
    SPELT,
    VERBS,
)
from ragbot.text.folding import fold, stem
from ragbot.text.tokenize import STOP_WORDS, UNSPACED, tokens

_WORD = re.compile(
    rf"(?P<unspaced>[{UNSPACED}]+)|"
    r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*(?:[-‐][^\W_]+)*|[^\W_]+|[%°$€£;:,()—–]"
)
MARKS = frozenset(";:,()—–")
_AND = frozenset(["and", "or", "but", "then", "yet", "while", "whereas"])
_BEFORE_CLAUSE = frozenset(["after", "before"])
_KEEPS_SUBJECT = _AND | MARKS | frozenset(["which", "who", "whose"])
_OBJECT_PRONOUNS = frozenset(["it", "them", "him"])
_POSSESSIVE = frozenset(["its", "their", "his", "her", "whose"])
_VERB_LEMMAS = frozenset(stem(word) for word in VERBS)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a clause: folded, with its lemma and its kind."""

    text: str
    lemma: str
    number: bool = False
    name: bool = False

    @property
    def content(self) -> bool:
        """True for a noun, verb, name or number; False for a function word."""
        empty = self.text in STOP_WORDS or self.text in AUXILIARY or self.text in NEGATORS
        return self.number or self.name or not empty


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause. `subject` has the lemmas of its subject, or of the subject of an earlier clause.

    `implied` has other lemmas of an earlier clause: its verb, if this one has none ("Siri in the
    hut"); its object, if a pronoun refers to it ("then Carla titrated it"). `passive` is True if
    its subject is acted upon. `verb` is the position of its first verb. `opener` is the mark or
    word before the clause.
    """

    words: tuple[Word, ...]
    subject: frozenset[str]
    implied: frozenset[str]
    negated: bool
    passive: bool
    verb: int | None
    opener: str

    @property
    def lemmas(self) -> frozenset[str]:
        """Lemmas of its own content words."""
        return frozenset(word.lemma for word in self.words if word.content)

    @property
    def reach(self) -> frozenset[str]:
        """All its lemmas: its own and those of earlier clauses that it implies."""
        return self.lemmas | self.subject | self.implied

    @property
    def main_verb(self) -> str:
        """Lemma of the first content word from the verb on; empty without a verb."""
        after = () if self.verb is None else self.words[self.verb :]
        return next((word.lemma for word in after if word.content), "")

    @property
    def arguments(self) -> frozenset[str]:
        """Lemmas of its names and numbers."""
        return frozenset(word.lemma for word in self.words if word.number or word.name)


def lemma(word: str) -> str:
    """Return the form under which the inflections of a folded word compare equal.

    Examples
    --------
    >>> [lemma(word) for word in ("wrote", "written", "retries", "retried", "planned", "plans")]
    ['writ', 'writ', 'retr', 'retr', 'plan', 'plan']
    """
    word = word.replace("’", "'").removesuffix("'s").removesuffix("s'")
    word = SPELT.get(word, word)
    found = stem(word)
    if found != word and len(found) > 3 and found[-1] == found[-2] and found[-1] not in "ls":
        found = found[:-1]
    return found.rstrip("iy") or found


def words(text: str) -> list[Word]:
    """Return the words of a text, and the marks between clauses.

    A script that puts no space between words yields pairs of letters.
    """
    found: list[Word] = []
    for match in _WORD.finditer(text):
        written = match.group()
        if match["unspaced"]:
            found += [Word(pair, pair) for pair in tokens(written)]
            continue
        folded = fold(written).replace("’", "'")
        if written[0].isdigit() or folded in SPELT:
            value = SPELT.get(folded, folded.replace(",", "") if folded[0].isdigit() else folded)
            found.append(Word(folded, value, number=True))
        else:
            # Any word has a capital at the start of a sentence.
            first = not found or text[: match.start()].rstrip()[-1:] in ".!?"
            name = written[0].isupper() and (not first or any(c.isupper() for c in written[1:]))
            name = name and folded not in STOP_WORDS
            found.append(Word(folded, lemma(folded), name=name))
    return found


def clauses(text: str, topic: frozenset[str] = frozenset()) -> list[Clause]:
    """Return the clauses of one sentence, in order.

    Parameters
    ----------
    topic
        Lemmas that a pronoun at the start refers to.
    """
    found: list[Clause] = []
    before = Clause((), topic, frozenset(), False, False, -1, "") if topic else None
    all_words = words(text)
    if not all_words or all_words[0].text not in PRONOUNS:
        before = None
    for opener, piece in _pieces(all_words):
        found.append(_clause(piece, opener, found[-1] if found else before))
    return found


def _pieces(all_words: Sequence[Word]) -> Iterator[tuple[str, list[Word]]]:
    """Yield the words of each clause, with the mark or word before them."""
    piece: list[Word] = []
    opener = ""
    for place, word in enumerate(all_words):
        opens = word.text in MARKS or word.text in _AND or word.text in OPENERS
        if not opens and not _opens_clause(all_words, place):
            piece.append(word)
            continue
        if any(one.content for one in piece):
            yield opener, piece
            piece, opener = [], word.text
        else:
            opener = word.text
    if any(one.content for one in piece):
        yield opener, piece


def _opens_clause(all_words: Sequence[Word], place: int) -> bool:
    """Check whether "before" or "after" begins a clause with subject and verb."""
    if all_words[place].text not in _BEFORE_CLAUSE:
        return False
    return bool(_verb_at(all_words[place + 1 : place + 6]))  # a verb at 0 has no subject


def _clause(piece: Sequence[Word], opener: str, before: Clause | None) -> Clause:
    verb = _verb_at(piece)
    end = (len(piece) if before is None else 0) if verb is None else verb
    own = frozenset(word.lemma for word in piece[:end] if word.content)
    negated = any(word.text in NEGATORS for word in piece)
    passive = _is_passive(piece, verb)
    implied: frozenset[str] = frozenset()
    subject = own
    if before is not None:
        if verb is None and opener not in OPENERS:
            # "sample B at 134 °C": the verb of the clause before
            implied = _predicate(before)
            place = next(at for at, word in enumerate(piece) if word.content)
            subject = frozenset([piece[place].lemma])
            gapped = any(word.text in PREPOSITIONS for word in piece[place:])
            if opener == "and" and not gapped:
                subject |= before.subject - before.arguments
            elif any(word.text in PREPOSITIONS for word in piece[:place]):
                subject = before.subject  # "but not in children"
        elif not own and opener in _KEEPS_SUBJECT and not _starts_with_pronoun(piece, verb):
            subject = _last_name(before) if opener in ("who", "whose", "which") else before.subject
        elif not own:
            subject = before.subject
        if verb is not None and not any(word.content for word in piece[verb:]):
            # "but others did not"
            implied |= _predicate(before)
        if any(word.text in _POSSESSIVE for word in piece):
            implied |= before.subject
        if any(word.text in _OBJECT_PRONOUNS for word in piece[verb or 0 :]):
            implied |= _objects(before)
    return Clause(tuple(piece), subject, implied, negated, passive, verb, opener)


def _starts_with_pronoun(piece: Sequence[Word], verb: int | None) -> bool:
    return any(word.text in PRONOUNS for word in piece[:verb])


def _verb_at(piece: Sequence[Word]) -> int | None:
    """Return the position of the first verb."""
    return next((place for place in range(len(piece)) if _is_verb(piece, place)), None)


def _is_verb(piece: Sequence[Word], place: int) -> bool:
    word = piece[place]
    if word.text in ("need", "needs"):
        return True
    if word.text in AUXILIARY:
        return True
    if word.number or word.name or word.text in STOP_WORDS:
        return False
    before = piece[place - 1].text if place else ""
    if before in PREPOSITIONS | {"the", "a", "an"} or before.endswith("'s"):
        return _third_person(piece, place)
    regular = word.text.endswith("ed") and len(word.text) > 4
    listed = word.text in PAST_FORMS or word.lemma in _VERB_LEMMAS
    return regular or listed or _third_person(piece, place)


def _third_person(piece: Sequence[Word], place: int) -> bool:
    """Check whether a word in "-s" is a verb after its subject: "the buyer pays customs"."""
    text = piece[place].text
    if not text.endswith("s") or text.endswith(("ss", "us", "is", "'s")) or place == 0:
        return False
    after = piece[place + 1] if place + 1 < len(piece) else None
    followed = after is not None and (
        after.text in AUXILIARY or after.lemma in _VERB_LEMMAS or after.text.endswith("ed")
    )
    before = piece[:place]
    return before[-1].content and not followed and not any(w.text in PREPOSITIONS for w in before)


def _is_passive(piece: Sequence[Word], verb: int | None) -> bool:
    if verb is None:
        return False
    after = [word.text for word in piece[verb:]]
    participle = any(text.endswith(("ed", "en", "wn")) or text in PAST_FORMS for text in after[1:4])
    by_agent = "by" in after
    return (after[0] in AUXILIARY and participle and any(t in BE for t in after[:3])) or (
        by_agent and after[0] not in AUXILIARY and after[1:2] == ["by"]
    )


def _predicate(clause: Clause) -> frozenset[str]:
    """Return the lemmas of a clause from its verb to the first preposition after it."""
    if clause.verb is None:
        return clause.implied
    found: set[str] = set()
    for word in clause.words[clause.verb :]:
        if word.text in PREPOSITIONS and found:
            break
        if word.content and not word.number:
            found.add(word.lemma)
    return frozenset(found)


def _objects(clause: Clause) -> frozenset[str]:
    """Return the lemmas of a clause after its verb, up to the next preposition."""
    found: set[str] = set()
    for word in clause.words[(clause.verb or 0) + 1 :]:
        if word.text in PREPOSITIONS and found:
            break
        if word.content:
            found.add(word.lemma)
    return frozenset(found) | clause.implied


def _last_name(clause: Clause) -> frozenset[str]:
    """Return the lemmas of the noun that ends a clause, to which "who" refers."""
    found: list[str] = []
    for word in reversed(clause.words):
        if word.content:
            found.append(word.lemma)
        elif found:
            break
    return frozenset(found[:3])
