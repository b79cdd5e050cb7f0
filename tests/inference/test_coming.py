"""Work that goes on in threads while nobody asks for its results."""

from __future__ import annotations

import threading
import time

import pytest

from ragbot.inference.coming import UnderWay


def test_results_come_in_order_and_the_work_goes_on_unasked():
    done = threading.Event()

    def work(part):
        if part == 7:
            done.set()
        return part * part

    coming = UnderWay(work, range(8), threads=2)
    assert done.wait(60)
    assert list(coming) == [part * part for part in range(8)]


def open_once_ended(coming, gate):
    """Let work go on as soon as what has not begun is taken back."""
    while not coming._pool._shutdown:
        time.sleep(0.001)
    gate.set()


def test_closing_ends_what_has_not_begun():
    begun, gate, seen = threading.Semaphore(0), threading.Event(), []

    def work(part):
        seen.append(part)
        begun.release()
        gate.wait(60)

    coming = UnderWay(work, range(100), threads=2)
    assert begun.acquire(timeout=60)
    assert begun.acquire(timeout=60)
    threading.Thread(target=open_once_ended, args=(coming, gate)).start()
    coming.close()
    assert sorted(seen) == [0, 1]


def test_work_that_can_be_called_off_is():
    begun, gate = threading.Semaphore(0), threading.Event()

    def work(part):
        begun.release()
        assert gate.wait(60)

    coming = UnderWay(work, range(100), threads=2, call_off=gate.set)
    assert begun.acquire(timeout=60)
    coming.close()
    assert gate.is_set()


def test_failure_is_raised_in_its_place_and_ends_the_rest():
    gate, seen = threading.Event(), []

    def work(part):
        seen.append(part)
        if part == 3:
            raise ValueError("three")
        if part > 3:
            gate.wait(60)
        return part

    coming = UnderWay(work, range(100), threads=1)
    assert [next(coming) for _ in range(3)] == [0, 1, 2]
    threading.Thread(target=open_once_ended, args=(coming, gate)).start()
    with pytest.raises(ValueError, match="three"):
        next(coming)
    assert seen in ([0, 1, 2, 3], [0, 1, 2, 3, 4])
