"""Codes: the vectors of the words of a passage, in one bit a dimension.

An encoder gives a vector for each word piece before it sums them up. A passage
keeps those of its content words, so that a question can be held against it word
by word. A bit a dimension is enough for that: after a rotation that spreads what
a vector says evenly over its dimensions, the signs alone give its cosine with
another one to within a few hundredths.

Floor 1: pure functions on text and arrays.

References
----------
Gao and Long (2024), "RaBitQ: quantizing high-dimensional vectors with a theoretical error
bound for approximate nearest neighbor search", doi:10.1145/3654970: the signs, and the
factor that makes the estimate unbiased. In place of a random matrix we turn twice by
random signs and a cosine transform: the same on every machine, and nothing to keep.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot.models import Span
from ragbot.text.tokenize import STOP_WORDS, tokens

FloatArray = NDArray[np.float32]
Scores = NDArray[np.float64]
Codes = NDArray[np.void]
"""Codes of the words of one text, in its order: `place` (its first character), `scale`, `bits`."""

_ROUNDS = 2
_LONGEST = 0xFFFF
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The word pieces of a question.

    `vectors` are unit rows, shape (pieces, dimension), as the encoder gave them; `spans` say
    where each stands in the question.
    """

    vectors: FloatArray
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class EncodedQuestion:
    """A question encoded: its unit `vector`, shape (dimension,), and its `words`."""

    vector: FloatArray
    words: TokenVectors


EncodeQuestion = Callable[[str], EncodedQuestion | None]
"""Encodes a question; None where only words and links are to be searched."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Passages encoded: unit `vectors`, shape (passages, dimension), and the codes of each."""

    vectors: FloatArray
    codes: list[Codes]


def pack(vectors: FloatArray, places: Sequence[int]) -> Codes:
    """Make codes of unit vectors, shape (n, dimension), of words that start at `places`."""
    turned = turn(vectors)
    codes = np.zeros(len(turned), _dtype(turned.shape[1]))
    codes["place"] = np.minimum(np.asarray(places, np.int64), _LONGEST)
    codes["scale"] = 1 / np.maximum(np.abs(turned).sum(axis=1), 1e-6)
    codes["bits"] = np.packbits(turned > 0, axis=1)
    return codes


def none(dimension: int) -> Codes:
    """Give the codes of a text without words."""
    return np.zeros(0, _dtype(dimension))


def cosines(turned: FloatArray, codes: Codes) -> FloatArray:
    """Estimate the cosines of vectors with those of codes, shape (vectors, codes).

    Parameters
    ----------
    turned
        Unit vectors as `turn` gives them, shape (vectors, dimension).
    """
    bits = np.unpackbits(codes["bits"], axis=1, count=turned.shape[1]).astype(np.float32)
    # A bit b stands for the sign 2 b - 1.
    signed: FloatArray = 2 * (turned @ bits.T) - turned.sum(axis=1, keepdims=True)
    return signed * codes["scale"].astype(np.float32)


def turn(vectors: FloatArray) -> FloatArray:
    """Turn vectors, shape (n, dimension), so that no dimension says more than another."""
    from scipy.fft import dct

    turned = np.asarray(vectors, np.float32)
    for signs in _signs(turned.shape[1]):
        turned = dct(turned * signs, norm="ortho", axis=1)
    return turned


def is_content(text: str, spans: Sequence[Span]) -> list[bool]:
    """Tell which word pieces of a text, by where they stand, belong to a word with a subject.

    All do where no word has one.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    subject = [not STOP_WORDS.issuperset(tokens(text[first:last])) for first, last in words]
    found, number = [], 0
    for first, last in spans:
        while number < len(words) and words[number][1] <= first:
            number += 1
        inside = number < len(words) and words[number][0] <= first < last
        found.append(inside and subject[number])
    return found if any(found) else [first < last for first, last in spans]


def words_of(text: str, spans: Sequence[Span]) -> list[str]:
    """Give the word, folded, that each word piece of a text is of; empty for one that is of none.

    Examples
    --------
    >>> words_of("The kettles?", [(0, 3), (4, 8), (8, 11), (11, 12)])
    ['the', 'kettles', 'kettles', '']
    """
    found = [""] * len(spans)
    starts = np.array([first for first, _ in spans])
    for match in _WORD.finditer(text):
        for place in np.flatnonzero((match.start() <= starts) & (starts < match.end())).tolist():
            found[place] = " ".join(tokens(match.group()))
    return found


def weights(question: str, spans: Sequence[Span], rarity: Callable[[str], float]) -> Scores:
    """Weigh the word pieces of a question: the rarity of their word, shared among them.

    Returns
    -------
    ndarray, shape (spans,)
        Summing up to 1; 0 for words without a subject, unless the question has no others.
    """
    found = np.zeros(len(spans))
    starts = np.array([first for first, _ in spans])
    for match in _WORD.finditer(question):
        inside = (match.start() <= starts) & (starts < match.end())
        worth = [rarity(word) for word in tokens(match.group()) if word not in STOP_WORDS]
        if worth and inside.any():
            found[inside] = max(worth) / inside.sum()
    if not found.any():
        found[:] = [first < last for first, last in spans]
    total = float(found.sum())
    return found / total if total else found


def places(text: str, pieces: Sequence[str]) -> list[Span]:
    """Find pieces of a text in it by their letters and digits, whatever stands between these.

    Returns
    -------
    list of Span
        One a piece; the whole text for one that does not stand in it.

    Examples
    --------
    >>> places("Heat. It flows: always down.", ["It *flows*", "always down"])
    [(6, 14), (16, 27)]
    """
    at = [place for place, letter in enumerate(text) if letter.isalnum()]
    letters = "".join(text[place] for place in at)
    found, after = [], 0
    for piece in pieces:
        wanted = "".join(filter(str.isalnum, piece))
        first = letters.find(wanted, after) if wanted else -1
        first = letters.find(wanted) if wanted and first < 0 else first
        if first < 0:
            found.append((0, len(text)))
            continue
        after = first + len(wanted)
        found.append((at[first], at[after - 1] + 1))
    return found


@cache
def _dtype(dimension: int) -> np.dtype[Any]:
    size = (dimension + 7) // 8
    return np.dtype([("place", "<u2"), ("scale", "<f2"), ("bits", "u1", (size,))])


@cache
def _signs(dimension: int) -> FloatArray:
    """Random signs, shape (rounds, dimension), from a hash: no generator that may change."""
    digest = hashlib.shake_128(b"ragbot codes").digest((_ROUNDS * dimension + 7) // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8), count=_ROUNDS * dimension)
    return (2.0 * bits - 1).astype(np.float32).reshape(_ROUNDS, dimension)
