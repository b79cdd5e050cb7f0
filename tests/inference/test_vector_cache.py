"""Each text is encoded once, in whatever order and company it comes."""

import numpy as np

from ragbot.inference.vector_cache import VectorCache


class Counting:
    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32).reshape(-1, 2)


def test_a_text_is_encoded_once_and_rows_keep_their_order():
    encode = Counting()
    cached = VectorCache(encode)
    assert cached(["bb", "a", "bb"]).tolist() == [[2, 98], [1, 97], [2, 98]]
    assert cached(["ccc", "a"]).tolist() == [[3, 99], [1, 97]]
    assert encode.asked == ["bb", "a", "ccc"]


def test_nothing_has_the_shape_of_the_encoder():
    assert VectorCache(Counting())([]).shape == (0, 2)


def test_the_oldest_are_forgotten_but_a_long_request_is_served_whole():
    encode = Counting()
    cached = VectorCache(encode, size=2)
    assert len(cached(["a", "b", "c"])) == 3
    cached(["c", "b"])
    cached(["a"])
    assert encode.asked == ["a", "b", "c", "a"]
    cached(["c"])
    assert encode.asked[-1] == "c"
