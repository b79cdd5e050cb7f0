"""Roles: a quote must say the same of each name, number and subject as the claim does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from ragbot.answers.clauses import Clause, Word, clauses, lemma
from ragbot.answers.english import HEDGES, LIGHT, PREPOSITIONS

STITCHED = 0.34
"""Greatest share of neighbouring words of a claim that no clause of the source holds together."""

_PLACED = (
    {"from", "to"},
    {"by", "to"},
    {"before", "after", "until", "since", "during"},
    {"above", "below", "over", "under"},
    {"with", "without"},
    {"for", "against"},
)
_NAMING = frozenset(["called", "named", "termed", "dubbed"])
_LIGHT = frozenset(lemma(word) for word in LIGHT)


def clause_fault(said: str, source: Sequence[Clause]) -> str:
    """Return the first fault of roles or negation among the clauses of a claim."""
    for clause in clauses(said):
        if not clause.lemmas:
            continue
        compares = any(word.text == "than" for word in clause.words)
        reason = _role_fault(clause, source) or ("" if compares else _swap_fault(clause, source))
        if reason:
            return reason
        home = max(source, key=lambda one: (_overlap(clause, one), -len(one.lemmas)))
        if clause.negated != home.negated and _overlap(clause, home) >= 2:
            return "the source denies this" if home.negated else "the source does not deny this"
        if _is_hedged(home) and not _is_hedged(clause):
            return "the source is less sure of this"
    return ""


def _is_hedged(clause: Clause) -> bool:
    return any(word.text in HEDGES for word in clause.words)


def _overlap(clause: Clause, other: Clause) -> float:
    own = len(clause.lemmas & other.lemmas)
    named = 2 * len((clause.arguments | clause.subject & clause.lemmas) & other.reach)
    return len(clause.lemmas & other.reach) + named + 0.1 * own + (clause.main_verb in other.reach)


def _role_fault(clause: Clause, source: Sequence[Clause]) -> str:
    """Return a fault if the source says this of another name, number or subject."""
    subject = (clause.subject & clause.lemmas) - _LIGHT
    arguments = [(frozenset([one]), False) for one in clause.arguments]
    arguments += [(subject, True)] if subject else []
    for argument, is_subject in arguments:
        homes = [one for one in source if argument & one.reach]
        for one in homes if is_subject else ():
            head = _head(one)
            same = argument <= one.subject and one.main_verb == clause.main_verb
            if same and head and head not in clause.lemmas:
                return f"the source says this of another than {' '.join(sorted(argument))}"
        if not homes:
            # Only the headings have the subject. They give it to a quote that names no other.
            rivals = [
                one.subject if one.main_verb == clause.main_verb != "" else _names(one)
                for one in source
            ]
            if is_subject and any(one - clause.lemmas for one in rivals):
                return f"the source says this of another than {' '.join(sorted(argument))}"
            continue
        near = frozenset().union(*(one.reach for one in homes))
        for word in clause.lemmas - argument - near - _LIGHT:
            for other in source:
                if word in other.reach and _competes(argument, is_subject, other, clause, homes):
                    name = " ".join(sorted(argument))
                    return f"the source says this of another than {name}"
    return ""


def _names(clause: Clause) -> frozenset[str]:
    """Return the lemmas of the names in its subject."""
    return clause.subject & {word.lemma for word in clause.words if word.name}


def _head(clause: Clause) -> str:
    """Return the head of the subject: "clerk" of "a clerk in a salt store finds"."""
    before = clause.words[: clause.verb or 0]
    end = next((at for at, word in enumerate(before) if word.text in PREPOSITIONS), 0)
    return next((word.lemma for word in reversed(before[:end]) if word.content), "")


def _competes(
    argument: frozenset[str],
    is_subject: bool,
    other: Clause,
    clause: Clause,
    homes: Sequence[Clause],
) -> bool:
    """Check whether a clause has another name, number or subject in the same role."""
    if is_subject:
        return bool(other.subject) and not other.subject & (argument | clause.lemmas)
    kinds = {word.number for one in homes for word in one.words if word.lemma in argument}
    rivals = {
        word.lemma
        for word in other.words
        if (word.number or word.name)
        and word.number in kinds
        and word.lemma not in argument
        # "Of 240 patients, 31": a whole does not compete with its part.
        and not (word.number and other.words[0].text == "of")
    }
    return bool(rivals - clause.lemmas)


def _swap_fault(clause: Clause, source: Sequence[Clause]) -> str:
    """Return a fault if the claim swaps subject and object in the same voice."""
    ours = clause.subject & clause.lemmas
    objects = clause.lemmas - ours
    verbs = {word.lemma for word in clause.words[clause.verb or 0 :] if word.content}
    for other in source:
        theirs = other.subject
        # "A is called B", "A (B)": both are the same.
        named = other.opener == "(" or _NAMING & {word.text for word in other.words}
        if named or not ours or not theirs or not verbs & other.lemmas - theirs - ours:
            continue
        same_voice = clause.passive == other.passive
        rival = theirs - ours
        swapped = bool(rival) and rival <= objects and bool(ours - theirs)
        names = {word.lemma for word in clause.words if word.name} & objects & other.lemmas
        same_verb = clause.main_verb == other.main_verb
        kept = same_verb and bool(ours & theirs) and bool(names - theirs)
        if (swapped and same_voice) or (kept and not same_voice):
            return "the source gives the names other roles"
    return ""


def stitched_fault(said: str, source: Sequence[Clause]) -> str:
    """Return a fault if many neighbouring words of a claim share no clause of the source."""
    known = frozenset().union(*(clause.reach for clause in source))
    pairs = [
        (one, other)
        for clause in clauses(said)
        for one, other in pairwise(
            _root(word.lemma, known)
            for word in clause.words
            if word.content and word.lemma not in _LIGHT
        )
        if one in known and other in known
    ]
    apart = [pair for pair in pairs if not any(set(pair) <= clause.reach for clause in source)]
    if len(apart) > STITCHED * len(pairs):
        return f"the source does not join {apart[0][0]} and {apart[0][1]}"
    return ""


def _root(word: str, known: frozenset[str]) -> str:
    """Return the word of the source that a word is derived from, or the word itself."""
    if word in known:
        return word
    return next((other for other in known if derived(word, frozenset([other]))), word)


def derived(word: str, known: frozenset[str]) -> bool:
    """Check whether a word shares its root with another, by their first letters."""
    least = max(4, len(word) - 4)
    return any(
        word[:least] == other[:least] and abs(len(word) - len(other)) <= 5
        for other in known
        if len(other) >= least
    )


def placed_fault(said: Sequence[Word], source: Sequence[Word]) -> str:
    """Return a fault if "from A to B" became "from B to A", or "before" became "after"."""
    ours, theirs = _placed(said), _placed(source)
    for one, other in product(ours, ours):
        if ours[one] == theirs.get(other) != ours[other] == theirs.get(one):
            return f"the source places {one} otherwise"
    for word, given in ours.items():
        for pair in _PLACED:
            if given & pair and theirs.get(word, set()) & pair and not given & pair & theirs[word]:
                return f"the source places {word} otherwise"
    return ""


def _placed(all_words: Sequence[Word]) -> dict[str, set[str]]:
    """Return the prepositions before each content word."""
    found: dict[str, set[str]] = {}
    for place, word in enumerate(all_words):
        if word.text in PREPOSITIONS and word.text != "than":
            for after in all_words[place + 1 : place + 4]:
                if after.content:
                    found.setdefault(after.lemma, set()).add(word.text)
                    break
    return found
