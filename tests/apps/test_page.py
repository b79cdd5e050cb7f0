"""An answer that a visitor waits for: it ends, or is stopped before or while it comes."""

import pytest

from ragbot.apps.web.page import Stops


class Answer:
    """Yields its values; `closed` says whether it has ended."""

    def __init__(self, *values):
        self.values, self.closed = values, False

    def pieces(self):
        try:
            yield from self.values
        finally:
            self.closed = True


@pytest.fixture
def answer():
    return Answer(["first"], ["second"])


def test_an_answer_comes_to_its_end(answer):
    stops = Stops()
    stops.stop(1)  # of an earlier question, late
    assert list(stops.until(2, answer.pieces())) == [["first"], ["second"]]
    assert answer.closed


def test_a_stopped_answer_ends_at_its_next_value(answer):
    stops, seen = Stops(), []
    for piece in stops.until(1, answer.pieces()):
        seen.append(piece)
        stops.stop(1)
    assert seen == [["first"]]
    assert answer.closed


def test_a_question_can_be_stopped_before_its_turn(answer):
    stops = Stops()
    stops.stop(2)
    stops.stop(1)
    assert list(stops.until(2, answer.pieces())) == []
    assert answer.closed


def test_the_same_object_again_is_no_news():
    same = ["quotes"]
    answer = Answer(same, same, ["quotes"], same)
    assert list(Stops().until(1, answer.pieces())) == [same, ["quotes"], same]


def test_an_answer_that_is_left_is_closed(answer):
    reading = Stops().until(1, answer.pieces())
    assert next(reading) == ["first"]
    reading.close()
    assert answer.closed
