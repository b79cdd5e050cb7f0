"""Cut a question that asks several things into sub-questions.

"Why is X done, and what did Y find?" asks about two notes. A search for the
whole finds mostly one of them, so each part is searched too.
"""

from __future__ import annotations

import re

from ragbot.text.sentences import sentences
from ragbot.text.tokenize import STOP_WORDS, tokens

LEAST_WORDS, LEAST_NAMED = 3, 2
"""Least content words of a clause that is searched by itself, and of a "what is X?" clause. A
shorter one stays with the clause before it."""

MOST = 5
"""Most clauses of a question; the rest stays with the last one."""

_ASKING = (
    r"(?:what|which|who|whom|whose|how|where|when|why|if|is|are|was|were|does|did|do|can|could"
    r"|should|would|will|has|have|may|might|must|shall|(?:what|who|where|how)['’]?s)\b"
)
_BEFORE = (
    r"(?:(?:about|after|against|among|around|as|at|before|between|by|during|for|from|in|into|of|on"
    r"|over|through|to|under|with|within|without)\s+)?"
)
_NEXT = re.compile(rf"[,:;]?\s+(?:and|or|but|also|plus)\s+(?={_BEFORE}{_ASKING})", re.IGNORECASE)
_WHAT_IS = re.compile(r"\W*(?:what|who)(?:['’]?s|\s+(?:is|are|was|were))\s", re.IGNORECASE)


def clauses(question: str) -> list[str]:
    """Return the things that a question asks.

    It is cut at the ends of sentences, and where a new question begins: at a
    question word or an auxiliary after "and", "or" or "but".

    Returns
    -------
    list of str
        At least two, in the order of the question; empty when it asks one thing.

    Examples
    --------
    >>> clauses("Why is heat always lost, and what did Joule measure in Salford?")
    ['Why is heat always lost', 'what did Joule measure in Salford?']
    >>> clauses("What is latent heat, and who was the first to measure it in Salford?")
    ['What is latent heat', 'who was the first to measure it in Salford?']
    >>> clauses("What are heat and work?")
    []
    """
    found: list[str] = []
    for part in _cut(question):
        if found and (len(found) >= MOST or _says_little(part) or _says_little(found[-1])):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found if len(found) > 1 else []


def _cut(question: str) -> list[str]:
    parts: list[str] = []
    for first, last in sentences(question):
        sentence = question[first:last]
        if sentence.startswith("(") and parts:
            # The subject that `conversation.py` adds in brackets belongs to the words before it.
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts += [part.strip() for part in _NEXT.split(sentence) if part.strip()]
    return parts


def _says_little(part: str) -> bool:
    least = LEAST_NAMED if _WHAT_IS.match(part) else LEAST_WORDS
    return len([word for word in tokens(part) if word not in STOP_WORDS]) < least
