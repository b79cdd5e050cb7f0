"""How files stood when they were read: kept in a log that may be cut short anywhere."""

import pytest

from ragbot.index import states
from ragbot.index.snapshot import Entry
from ragbot.index.states import FileState, Log
from ragbot.notes.parser import parse


def state(number):
    return FileState((number, 10**18 + number, 7), f"digest {number}", number % 2 == 1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "states.jsonl"


def test_what_is_added_is_there_for_another_process(path, tmp_path):
    log, other = Log(path), Log(path)
    assert log.of(tmp_path) == {}
    log.add(tmp_path, {"A.md": state(1), "B.md": state(2)})
    assert other.of(tmp_path) == {"A.md": state(1), "B.md": state(2)}
    other.add(tmp_path, {"A.md": state(3)})
    assert log.of(tmp_path) == Log(path).of(tmp_path) == {"A.md": state(3), "B.md": state(2)}


def test_states_of_another_folder_are_not_taken(path, tmp_path):
    (tmp_path / "other").mkdir()
    Log(path).add(tmp_path, {"A.md": state(1)})
    log = Log(path)
    assert log.of(tmp_path / "other") == {}
    log.add(tmp_path / "other", {"A.md": state(2)})
    assert Log(path).of(tmp_path / "other") == {"A.md": state(2)}


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_line_that_was_cut_short_is_passed_over(path, tmp_path, cut):
    log = Log(path)
    log.add(tmp_path, {"A.md": state(1)})
    log.add(tmp_path, {"B.md": state(2)})
    path.write_bytes(path.read_bytes()[:-cut])
    assert Log(path).of(tmp_path).keys() >= {"A.md"}
    Log(path).add(tmp_path, {"C.md": state(3)})
    found = Log(path).of(tmp_path)
    assert (found["A.md"], found["C.md"]) == (state(1), state(3))


@pytest.mark.parametrize("content", ["", "{", "[1]", '["/", {"A.md": 3}]', '["/", 3]', "\ufeff[]"])
def test_a_log_that_cannot_be_read_tells_nothing(path, tmp_path, content):
    path.write_text(content.replace('"/"', f'"{tmp_path.resolve()}"'), encoding="utf-8")
    assert Log(path).of(tmp_path) == {}
    path.write_bytes(b"\xff\xfe")
    assert Log(path).of(tmp_path) == {}


def test_the_log_does_not_grow_for_ever(path, tmp_path, monkeypatch):
    monkeypatch.setattr(states, "MOST_LINES", 5)
    log = Log(path)
    for number in range(40):
        log.add(tmp_path, {"A.md": state(number), f"{number % 3}.md": state(number)})
        assert len(path.read_text(encoding="utf-8").split()) < 200
    assert Log(path).of(tmp_path) == log.of(tmp_path)
    assert log.of(tmp_path)["A.md"] == state(39)


def test_a_file_vouches_for_what_was_read_unless_it_changed_or_may_have():
    entry = Entry.of(parse("# A\n", "A.md")[0])
    stat, later = (4, 10**18, 7), (4, 10**18, 8)
    assert FileState(stat, entry.digest).vouches_for(entry, stat)
    assert not FileState(stat, entry.digest).vouches_for(entry, later)
    assert not FileState(stat, "another").vouches_for(entry, stat)
    # It was so young when it was listed that a change since then may look the same.
    assert not FileState(stat, entry.digest, racy=True).vouches_for(entry, stat)
