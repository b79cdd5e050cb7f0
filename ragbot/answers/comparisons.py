"""Comparisons: "A is larger than B" equals only "B is smaller than A"."""

from __future__ import annotations

from collections.abc import Sequence

from ragbot.answers.clauses import Word, lemma, words
from ragbot.answers.english import OPPOSITES
from ragbot.text.sentences import sentences

_COMPARATIVE = {
    "better": "good", "worse": "bad", "more": "more", "less": "less", "fewer": "few",
    "farther": "far", "further": "far",
}  # fmt: skip


def _base(word: str) -> str:
    """Return the lemma of the positive form of a comparative: "large" of "larger"."""
    if word in _COMPARATIVE:
        return lemma(_COMPARATIVE[word])
    for ending, more in (("iest", "y"), ("ier", "y"), ("est", ""), ("er", "")):
        root = word.removesuffix(ending)
        if root != word:
            for base in (root + more, root + "e", root[:-1]):
                if base in _GRADED:
                    return lemma(base)
    return lemma(word)


_GRADED = frozenset(word for pair in OPPOSITES for word in pair)

_SIGNS: dict[str, list[tuple[str, int]]] = {}
for _one, _other in OPPOSITES:
    for _word, _against, _sign in ((_one, _other, 1), (_other, _one, -1)):
        _SIGNS.setdefault(_base(_word), []).append((_base(_against), _sign))
        _SIGNS.setdefault(lemma(_word), []).append((lemma(_against), _sign))


def scale_counterpart(word: str, found: dict[str, str]) -> bool:
    """Check whether the source has the opposite of a comparative."""
    opposites = {other for other, _ in _SIGNS.get(_base(word), ())}
    return _is_comparative(word) and any(
        _base(text) in opposites and _is_comparative(text) for text in found.values()
    )


def _is_comparative(word: str) -> bool:
    return word in _COMPARATIVE or (word.endswith("er") and _base(word) in _SIGNS)


def comparison_fault(said: str, quotes: Sequence[str]) -> str:
    """Return a fault if the claim reverses or drops a comparison of the source; else ""."""
    ours = _comparison(words(said))
    if ours is None:
        own = {word.lemma for word in words(said) if word.content}
        parts = [words(quote[a:b]) for quote in quotes for a, b in sentences(quote)]
        home = max(parts, key=lambda part: len(own & {word.lemma for word in part}))
        lost = {"than"} & {word.text for word in home} - {word.text for word in words(said)}
        return "the source compares" if lost else ""
    left, base, right = ours
    for quote in quotes:
        for a, b in sentences(quote):
            theirs = _comparison(words(quote[a:b]))
            if theirs is None:
                continue
            their_left, their_base, their_right = theirs
            same = base == their_base
            against = any(other == their_base for other, _ in _SIGNS.get(base, ()))
            if not same and not against:
                continue
            swapped = bool(left & their_right - their_left) and bool(right & their_left)
            kept = bool(right & their_right)
            if swapped == kept:
                continue
            if swapped == same:
                return "the source compares the other way round"
            return ""
    return "the source does not compare this"


def _comparison(
    all_words: Sequence[Word],
) -> tuple[frozenset[str], str, frozenset[str]] | None:
    """Return the left side of a comparison, the word that compares, and the right side."""
    texts = [word.text for word in all_words]
    if "than" not in texts:
        return None
    than = texts.index("than")
    at = next((i for i in range(than - 1, -1, -1) if _is_comparative(texts[i])), None)
    if at is None and texts[than - 1 : than] and texts[than - 1].endswith("er"):
        at = than - 1  # "darker than": an adjective that is not listed
    if at is None:
        return None
    left = frozenset(
        w.lemma for i, w in enumerate(all_words[:than]) if w.content and not w.number and i != at
    )
    stop = next(
        (i for i in range(than + 1, len(texts)) if texts[i] in (",", ";", "but", "and", "because")),
        len(texts),
    )
    right = frozenset(w.lemma for w in all_words[than + 1 : stop] if w.content and not w.number)
    return left - right, _base(texts[at]), right - left
