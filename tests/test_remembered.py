"""Each text is encoded once, in whatever order and company it comes."""

import threading
import time

import numpy as np

from ragbot import remembered as module
from ragbot.remembered import STEP, Remembered


class Counting:
    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32).reshape(-1, 2)


def test_a_text_is_encoded_once_and_rows_keep_their_order():
    encode = Counting()
    remembered = Remembered(encode)
    assert remembered(["bb", "a", "bb"]).tolist() == [[2, 98], [1, 97], [2, 98]]
    assert remembered(["ccc", "a"]).tolist() == [[3, 99], [1, 97]]
    assert encode.asked == ["bb", "a", "ccc"]


def test_nothing_has_the_shape_of_the_encoder():
    assert Remembered(Counting())([]).shape == (0, 2)


def test_the_oldest_are_forgotten_but_a_long_request_is_served_whole():
    encode = Counting()
    remembered = Remembered(encode, most=2)
    assert len(remembered(["a", "b", "c"])) == 3
    remembered(["c", "b"])
    remembered(["a"])
    assert encode.asked == ["a", "b", "c", "a"]
    remembered(["c"])
    assert encode.asked[-1] == "c"


def test_what_was_encoded_ahead_is_not_encoded_when_asked_for():
    encode = Counting()
    remembered = Remembered(encode)
    texts = [f"{number} owls" for number in range(2 * STEP + 1)]
    assert remembered.ahead(texts, threading.Event()) == len(texts)
    assert remembered(["0 owls", "a"]).tolist() == [[6, 48], [1, 97]]
    assert encode.asked == [*texts, "a"]
    assert remembered.ahead(texts, threading.Event()) == 0


def test_what_is_encoded_ahead_waits_for_those_who_ask(monkeypatch):
    monkeypatch.setattr(module, "IDLE", 0.2)
    remembered = Remembered(Counting())
    remembered(["a"])
    began = time.monotonic()
    assert remembered.ahead(["b"], threading.Event()) == 1
    assert time.monotonic() - began > 0.15


def test_encoding_ahead_can_be_stopped():
    stop = threading.Event()
    encode = Counting()

    def once(texts):
        stop.set()
        return encode(texts)

    assert Remembered(once).ahead([str(number) for number in range(3 * STEP)], stop) == STEP
    assert len(encode.asked) == STEP
