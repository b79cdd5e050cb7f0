"""Vectors of the words of a passage, quantized to one bit a dimension.

An encoder computes a vector for each word piece before it pools them. The index
stores those of the content words of a passage, so that a question can be compared
with it word by word. One bit a dimension is enough: after a rotation that spreads a
vector evenly over its dimensions, the signs alone yield its cosine with another
vector to within a few hundredths.

References
----------
Gao and Long (2024), "RaBitQ: quantizing high-dimensional vectors with a theoretical error
bound for approximate nearest neighbor search", doi:10.1145/3654970: the signs, and the
factor that makes the estimate unbiased. In place of a random matrix we rotate twice
by random signs and a cosine transform: equal on every machine, and nothing to store.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragbot.models import Span
from ragbot.text.tokenize import STOP_WORDS, tokens

FloatArray = NDArray[np.float32]
Scores = NDArray[np.float64]
Codes = NDArray[np.void]
"""Quantized vectors of the words of one text, in its order.

Fields: `place` (offset of the word's first character), `scale`, `bits`.
"""

_ROUNDS = 2
_LONGEST = 0xFFFF
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The word pieces of a text.

    `vectors` are unit rows, shape (pieces, dimension); `spans` are the offsets of each piece.
    """

    vectors: FloatArray
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class EncodedQuestion:
    """A question's unit `vector`, shape (dimension,), and the vectors of its `words`."""

    vector: FloatArray
    words: TokenVectors


EncodeQuestion = Callable[[str], EncodedQuestion | None]
"""Function that encodes a question; it returns None to search by words and links only."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Unit `vectors` of passages, shape (passages, dimension), and the codes of each."""

    vectors: FloatArray
    codes: list[Codes]


def unit(rows: FloatArray) -> FloatArray:
    """Return rows at unit length; rows of zeros stay as they are."""
    scaled: FloatArray = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return scaled


def token_vectors(rows: FloatArray, offsets: Sequence[Span], prefix: str) -> TokenVectors:
    """Return the unit vectors of the word pieces that come after the prefix.

    Parameters
    ----------
    rows
        Output of the model, shape (pieces, dimension).
    offsets
        Of each piece in the prefix and text together; empty for special tokens.
    """
    spans = [(start - len(prefix), end - len(prefix)) for start, end in offsets]
    kept = [n for n, (start, end) in enumerate(spans) if 0 <= start < end]
    return TokenVectors(unit(rows[kept]), tuple(spans[n] for n in kept))


def no_token_vectors(dimension: int) -> TokenVectors:
    """Return the token vectors of a model that has none."""
    return TokenVectors(np.zeros((0, dimension), np.float32), ())


def quantize(vectors: FloatArray, places: Sequence[int]) -> Codes:
    """Return the codes of unit vectors, shape (n, dimension), of words that start at `places`."""
    rotated = rotate(vectors)
    codes = np.zeros(len(rotated), _dtype(rotated.shape[1]))
    codes["place"] = np.minimum(np.asarray(places, np.int64), _LONGEST)
    codes["scale"] = 1 / np.maximum(np.abs(rotated).sum(axis=1), 1e-6)
    codes["bits"] = np.packbits(rotated > 0, axis=1)
    return codes


def none(dimension: int) -> Codes:
    """Return the codes of a text without words."""
    return np.zeros(0, _dtype(dimension))


def cosines(rotated: FloatArray, codes: Codes) -> FloatArray:
    """Return estimated cosines of vectors with codes, shape (vectors, codes).

    Parameters
    ----------
    rotated
        Unit vectors as `rotate` returns them, shape (vectors, dimension).
    """
    bits = np.unpackbits(codes["bits"], axis=1, count=rotated.shape[1]).astype(np.float32)
    # A bit b encodes the sign 2 b - 1.
    signed: FloatArray = 2 * (rotated @ bits.T) - rotated.sum(axis=1, keepdims=True)
    return signed * codes["scale"].astype(np.float32)


def rotate(vectors: FloatArray) -> FloatArray:
    """Return vectors, shape (n, dimension), rotated to equal variance in all dimensions."""
    rotated: FloatArray = np.asarray(vectors, np.float32) @ _rotation(vectors.shape[1])
    return rotated


def is_content(text: str, spans: Sequence[Span]) -> list[bool]:
    """Return for each word piece of a text whether it belongs to a content word.

    In a text without content words, all do.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    content = [not STOP_WORDS.issuperset(tokens(text[first:last])) for first, last in words]
    found, number = [], 0
    for first, last in spans:
        while number < len(words) and words[number][1] <= first:
            number += 1
        inside = number < len(words) and words[number][0] <= first < last
        found.append(inside and content[number])
    return found if any(found) else [first < last for first, last in spans]


def weights(words: Sequence[str], rarity: Callable[[str], float]) -> Scores:
    """Return a weight for each word piece of a question: its word's rarity, shared among pieces.

    Parameters
    ----------
    words
        The word of each piece; empty for a piece outside any word.

    Returns
    -------
    ndarray, shape (words,)
        The sum is 1; stop words weigh 0, unless the question has no others.
    """
    found = np.zeros(len(words))
    first = 0
    for word, pieces in groupby(words):
        last = first + len(list(pieces))
        rarities = [rarity(one) for one in word.split() if one not in STOP_WORDS]
        found[first:last] = max(rarities, default=0.0) / (last - first)
        first = last
    if not found.any():
        found[:] = 1.0
    total = float(found.sum())
    return found / total if total else found


def places(text: str, pieces: Sequence[str]) -> list[Span]:
    """Return the spans of pieces of a text, matched by their letters and digits alone.

    Returns
    -------
    list of Span
        One a piece; the whole text for a piece that the text does not contain.

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
def _rotation(dimension: int) -> FloatArray:
    """Return the matrix of two rounds of random signs and the orthonormal DCT-II.

    The signs come from a hash, so that they never change.
    """
    digest = hashlib.shake_128(b"ragbot codes").digest((_ROUNDS * dimension + 7) // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8), count=_ROUNDS * dimension)
    places = np.arange(dimension)
    cosines = np.cos(np.pi / dimension * np.outer(places + 0.5, places)) * np.sqrt(2 / dimension)
    cosines[:, 0] *= np.sqrt(0.5)
    rotation = np.eye(dimension)
    for signs in (2.0 * bits - 1).reshape(_ROUNDS, dimension):
        rotation = (rotation * signs) @ cosines
    return rotation.astype(np.float32)
