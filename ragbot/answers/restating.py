"""Restating: the words of a question that an answer repeats, though its quote uses others.

"How often did the model that cheats break code?" is answered by "The model that cheats broke code
in 12 % of cases" from a quote on "the final model". An answer may name its subject in the words of
the question, but must say of it what the quote says.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragbot.answers.clauses import Clause, Word, clauses, words
from ragbot.answers.english import BE, PREPOSITIONS

MOST = 0.5
"""Greatest share of the content words of an answer that only the question holds."""


def only_restates(
    said: str, uncarried: Sequence[Word], question: str, source: Sequence[Clause]
) -> bool:
    """Whether the words that no quote contains only name the subject of the question.

    They must be words of the question, no names or numbers, and at most half of the answer. A verb
    of the quote must say something new. Where the subject is new, the quote must contain the verb:
    "Jane Roe approved it" is not carried by "Jane Roe found it".
    """
    asked = {word.lemma for word in words(question) if word.content}
    missing = {word.lemma for word in uncarried}
    all_said = [word for word in words(said) if word.content]
    if not missing <= asked or any(word.name or word.number for word in uncarried):
        return False
    if len(uncarried) > MOST * len(all_said):
        return False
    carried = frozenset().union(*(clause.reach for clause in source))
    tells = False
    for clause in clauses(said):
        new = clause.lemmas - asked
        if not new:
            continue
        verbs = {word.lemma for word in clause.verbs if word.content}
        if verbs & missing and clause.subject & new:
            return False
        tells = tells or bool(verbs & carried - missing)
        if not verbs - missing and _is_identity(clause):
            return False
    return tells


def _is_identity(clause: Clause) -> bool:
    """Whether a form of "be" joins two nouns: "the author was Jane Roe"."""
    return any(
        word.text in BE and (after is None or after.text not in PREPOSITIONS)
        for word, after in zip(clause.words, (*clause.words[1:], None), strict=True)
    )
