"""Codes: what is left of a vector in one bit a dimension, and whose words are kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.inference import token_codes
from ragbot.text.tokenize import STOP_WORDS


def unit(rows, dimension, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("dimension", [47, 48, 384])
def test_cosines_are_kept_to_within_a_few_hundredths_and_without_a_lean(dimension):
    vectors, queries = unit(200, dimension), unit(20, dimension, seed=1)
    queries[:10] = vectors[:10]
    estimated = token_codes.cosines(
        token_codes.rotate(queries), token_codes.quantize(vectors, range(200))
    )
    off = estimated - queries @ vectors.T
    assert np.abs(off[range(10), range(10)]).max() < 0.01  # of itself, near to exact
    assert off.std() < 0.9 / np.sqrt(dimension)
    assert abs(off.mean()) < 0.01


def test_turning_keeps_lengths_and_angles():
    vectors = unit(30, 384)
    rotated = token_codes.rotate(vectors)
    assert np.allclose(rotated @ rotated.T, vectors @ vectors.T, atol=1e-5)


def test_rotation_spreads_one_dimension_over_all():
    # Signs alone would tell such vectors from others by a single bit.
    axes = np.eye(64, dtype=np.float32)
    estimated = token_codes.cosines(token_codes.rotate(axes), token_codes.quantize(axes, range(64)))
    assert np.abs(estimated - axes).max() < 0.6
    assert np.abs(estimated - axes).mean() < 0.15


def test_turning_is_the_same_everywhere():
    # An index is read where it was not written: the signs must not change.
    first = token_codes.rotate(np.eye(1, 8, dtype=np.float32))[0]
    assert np.allclose(first, FIRST, atol=1e-4)


FIRST = [0.4186, 0.6261, 0.1847, -0.4181, -0.1936, 0.3706, -0.1928, -0.1088]


def test_words_without_a_subject_are_left_out_unless_there_are_no_others():
    text = "What is an ice-cream?"
    spans = [(0, 4), (5, 7), (8, 10), (11, 14), (14, 15), (15, 20), (20, 21)]
    kept = [
        text[a:b]
        for (a, b), own in zip(spans, token_codes.is_content(text, spans), strict=True)
        if own
    ]
    assert kept == ["ice", "cream"]
    assert token_codes.is_content("What is it", [(0, 4), (5, 7), (8, 10)]) == [True] * 3
    assert "what" in STOP_WORDS


def test_a_rare_word_weighs_more_and_shares_its_weight_among_its_pieces():
    words = ["the", "waluigi", "waluigi", "effect"]
    weighed = token_codes.weights(words, {"waluigi": 0.75, "effect": 0.25}.__getitem__)
    assert weighed.tolist() == [0.0, 0.375, 0.375, 0.25]


def test_a_question_of_stop_words_alone_is_weighed_evenly():
    weighed = token_codes.weights(["who", "are", "you"], lambda word: 1.0)
    assert np.allclose(weighed, 1 / 3)
    assert token_codes.weights([], lambda word: 1.0).tolist() == []


def test_pieces_are_found_in_order_whatever_stands_between_their_letters():
    text = "Heat. Tea. It cools; it cools."
    assert token_codes.places(text, ["It *cools*", "it cools", "absent"]) == [
        (11, 19),
        (21, 29),
        (0, len(text)),
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6))
def test_places_lie_within_the_text(pieces):
    text = " ".join(pieces)
    for first, last in token_codes.places(text, pieces):
        assert 0 <= first <= last <= len(text)


@pytest.mark.parametrize("dimension", [1, 2, 7, 384])
def test_a_rotation_keeps_lengths_and_angles(dimension):
    rows = np.random.default_rng(0).normal(size=(5, dimension)).astype(np.float32)
    rotated = token_codes.rotate(rows)
    assert rotated.dtype == np.float32
    assert np.allclose(rotated @ rotated.T, rows @ rows.T, atol=1e-4 * dimension)


def test_the_rotation_never_changes_because_its_codes_are_stored():
    assert np.allclose(
        token_codes.rotate(np.eye(4, dtype=np.float32))[:2],
        [[0.96194, 0.19134, -0.19134, -0.03806], [0.19134, -0.96194, -0.03806, 0.19134]],
        atol=1e-5,
    )
