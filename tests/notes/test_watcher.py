"""Following a folder: an edit is answerable soon, whatever way it is saved."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest
from watchfiles import Change

from ragbot.errors import IndexLockedError
from ragbot.index.index import Index
from ragbot.notes.watcher import counts, follow
from tests.word_encoder import WordEncoder


class Following:
    """Follows a folder in a thread; `error` is that of the last refresh."""

    def __init__(self, vault, refresh):
        self.error, self.stop, self.refresh = None, threading.Event(), refresh
        events = {"stop": self.stop, "failed": self.failed}
        self.thread = threading.Thread(target=follow, args=(vault, self.refreshed), kwargs=events)

    def refreshed(self):
        self.refresh()
        self.error = None

    def failed(self, error):
        self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


@pytest.fixture
def vault(tmp_path):
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "Ice.md").write_text("Ice melts.", encoding="utf-8")
    return folder


@pytest.fixture
def watched(vault, tmp_path):
    index = Index(tmp_path / "index")
    index.refresh(vault, WordEncoder())
    with Following(vault, lambda: index.refresh(vault, WordEncoder())) as watcher:
        yield index, watcher


def test_writing_an_index_below_the_notes_is_no_change(vault):
    index = Index(vault / "of ragbot" / "index")
    index.refresh(vault, WordEncoder())
    written = [path for path in index.directory.rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if counts(vault, path)] == []
    assert counts(vault, vault / "of ragbot" / "Tea.md")


def wait_until(true, seconds=120):
    """Far longer than it takes: other tests may be using the processor."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def notes(index):
    with index.snapshot() as corpus:
        return set(corpus.notes)


def texts(index):
    with index.snapshot() as corpus:
        return {note.text for note in corpus.notes.all()}


def test_new_note_is_found(vault, watched):
    index, _ = watched
    (vault / "Steam.md").write_text("Steam rises.", encoding="utf-8")
    wait_until(lambda: "Steam rises." in texts(index))


def test_atomic_save_of_an_editor(vault, watched):
    index, _ = watched
    for text in ("Ice floats.", "Ice is cold."):
        (vault / ".Ice.md.swp").write_text("swap", encoding="utf-8")
        (vault / "Ice.md~").write_text("backup", encoding="utf-8")
        new = vault / "4913"
        new.write_text(text, encoding="utf-8")
        new.replace(vault / "Ice.md")
        (vault / "Ice.md~").unlink()
        wait_until(lambda text=text: texts(index) == {text})


def test_many_files_at_once(vault, watched):
    index, _ = watched
    for number in range(300):
        (vault / f"n{number}.md").write_text(f"Number {number}.", encoding="utf-8")
    wait_until(lambda: len(notes(index)) == 301)
    shutil.rmtree(vault / "never", ignore_errors=True)
    for number in range(300):
        (vault / f"n{number}.md").unlink()
    wait_until(lambda: len(notes(index)) == 1)


def test_change_during_the_first_look_is_seen(vault):
    seen = []

    def refresh():
        seen.append({path.name for path in vault.iterdir()})
        if len(seen) == 1:
            (vault / "Late.md").write_text("Late.", encoding="utf-8")

    with Following(vault, refresh):
        wait_until(lambda: "Late.md" in seen[-1] if seen else False)


def test_folder_of_notes_moved_and_removed(vault, watched):
    index, _ = watched
    (vault / "a").mkdir()
    (vault / "a" / "Salt.md").write_text("Salt.", encoding="utf-8")
    wait_until(lambda: "a/Salt.md" in notes(index))
    (vault / "a").rename(vault / "b")
    wait_until(lambda: notes(index) == {"Ice.md", "b/Salt.md"})
    shutil.rmtree(vault / "b")
    wait_until(lambda: notes(index) == {"Ice.md"})


def test_a_vault_that_vanishes_is_reported_and_followed_again(vault, watched):
    index, watcher = watched
    away = vault.with_name("away")
    vault.rename(away)
    wait_until(lambda: watcher.error is not None)
    assert "does not exist" in str(watcher.error)
    assert texts(index) == {"Ice melts."}
    away.rename(vault)
    wait_until(lambda: watcher.error is None)
    (vault / "Steam.md").write_text("Steam rises.", encoding="utf-8")
    wait_until(lambda: "Steam rises." in texts(index))


def test_locked_index_is_tried_again(vault):
    calls = []

    def refresh():
        calls.append(time.monotonic())
        if len(calls) < 3:
            raise IndexLockedError(vault, "another")

    with Following(vault, refresh) as watcher:
        wait_until(lambda: len(calls) == 3)
        assert watcher.error is None


def test_following_ends_soon(vault):
    with Following(vault, lambda: None):
        began = time.monotonic()
    assert time.monotonic() - began < 20


def test_nothing_is_refreshed_for_what_does_not_count(vault, monkeypatch):
    stop, current, refreshed = threading.Event(), ["before"], []

    def watch(root, watch_filter, **_):
        yield set()
        for current[0] in (".git/index", "Ice.md.swp", "Ice.md"):
            change = Change.modified, str(root / current[0])
            yield {change} if watch_filter(*change) else set()
        stop.set()

    monkeypatch.setattr("watchfiles.watch", watch)
    follow(vault, lambda: refreshed.append(current[0]), stop=stop, failed=pytest.fail)
    # Twice before: what changed while the watch was set up has no event.
    assert refreshed == ["before", "before", "Ice.md"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.md", True),
        ("a", True),
        ("picture.png", True),
        (".ragbotignore", True),
        (".obsidian/workspace.json", False),
        ("a/.git/index.lock", False),
        ("node_modules/x/readme.md", False),
        ("b.md~", False),
        ("a/b.md.tmp", False),
        ("~$b.md", False),
        (".b.md.swp", False),
    ],
)
def test_changes_that_start_a_refresh(path, expected):
    assert counts(Path("/v"), Path("/v") / path) is expected
