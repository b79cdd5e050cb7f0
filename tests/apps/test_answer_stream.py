"""An answer that a visitor waits for: it ends, fails, is cancelled before or while it comes."""

import threading
import time

import pytest

from ragbot.apps.web.answer_stream import AnswerStream, AnswerStreams


class Source:
    """Yields one value at once, the next after `set`; records whether it was closed."""

    def __init__(self):
        self.go, self.closed = threading.Event(), threading.Event()

    def pieces(self):
        try:
            yield "first"
            assert self.go.wait(30)
            yield "second"
            yield "third"
        finally:
            self.closed.set()


@pytest.fixture
def source():
    made = Source()
    yield made
    made.go.set()


def test_an_answer_comes_to_its_end(source):
    with AnswerStreams().open(1, source.pieces()) as coming:
        seen = []
        for piece in coming:
            seen.append(piece)
            source.go.set()
    assert seen[0] == "first"
    assert seen[-1] == "third"
    assert source.closed.wait(30)


def test_a_slow_reader_gets_the_newest_value(source):
    source.go.set()
    with AnswerStreams().open(1, source.pieces()) as coming:
        assert source.closed.wait(30)
        assert list(coming) == ["third"]


def test_a_cancelled_answer_ends_although_its_source_yields_nothing(source):
    streams, seen = AnswerStreams(), []
    with streams.open(1, source.pieces()) as coming:
        for piece in coming:
            seen.append(piece)
            streams.cancel(1)
    assert seen == ["first"]
    assert not source.closed.is_set()
    source.go.set()
    assert source.closed.wait(30)


def test_a_question_can_be_cancelled_before_it_begins(source):
    streams = AnswerStreams()
    streams.cancel(2)
    with streams.open(2, source.pieces()) as coming:
        assert "second" not in list(coming)
    source.go.set()
    assert source.closed.wait(30)


def test_a_late_cancel_does_not_end_the_next_answer(source):
    streams = AnswerStreams()
    with streams.open(2, source.pieces()) as coming:
        streams.cancel(1)
        source.go.set()
        assert list(coming)[-1] == "third"


def test_an_answer_that_is_left_is_closed(source):
    with AnswerStreams().open(1, source.pieces()) as coming:
        assert next(iter(coming)) == "first"
    source.go.set()
    assert source.closed.wait(30)


def test_an_error_is_raised_when_its_result_is_read():
    def pieces():
        yield "first"
        raise ZeroDivisionError

    with AnswerStreams().open(1, pieces()) as coming, pytest.raises(ZeroDivisionError):
        list(coming)


def test_the_same_object_again_is_no_news_and_lets_the_stream_be_closed():
    closed = threading.Event()

    def silent():
        value = ["quotes"]
        try:
            while True:
                yield value
                time.sleep(0.01)
        finally:
            closed.set()

    stream = AnswerStream(silent())
    pieces = iter(stream)
    assert next(pieces) == ["quotes"]
    time.sleep(0.1)
    stream.end()
    assert list(pieces) == []
    assert closed.wait(5)
