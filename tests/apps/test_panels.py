"""Refreshes of the index: one at a time, seen by all, cancelled even while they wait."""

import threading
import time
from dataclasses import replace

import pytest

from ragbot.apps.serving import Cancelled, IndexRefresher
from ragbot.apps.web import panels
from ragbot.config import Config
from ragbot.errors import StorageError
from ragbot.models import Note, Problem, Progress, Status

STATUS = Status("g", 34, 287, 289, 3, 287, 0.0, 0, "")


class Bot:
    """Reports one step of work, and goes on when it is let."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()
        self.asked = []

    def refresh(self, *, rebuild, progress):
        self.asked.append(rebuild)
        progress(Progress("embed", 3, 12, "passages"))
        self.begun.set()
        assert self.go.wait(30)
        progress(Progress("write", 0, 1, "generation"))


@pytest.fixture
def bot():
    made = Bot()
    yield made
    made.go.set()


def work(refresher, **how):
    thread = threading.Thread(target=refresher.refresh, kwargs=how, daemon=True)
    thread.start()
    return thread


def test_every_visitor_sees_the_progress(bot):
    refresher = IndexRefresher(bot)
    assert refresher.step is None
    thread = work(refresher)
    assert bot.begun.wait(30)
    assert refresher.step == Progress("embed", 3, 12, "passages")
    bot.go.set()
    thread.join(30)
    assert refresher.step is None
    assert bot.asked == [False]


def test_a_waiting_refresh_can_be_cancelled(bot):
    refresher, stop = IndexRefresher(bot), threading.Event()
    work(refresher)
    assert bot.begun.wait(30)
    stop.set()
    with pytest.raises(Cancelled):
        refresher.refresh(rebuild=True, stop=stop)
    assert bot.asked == [False]


def test_a_cancelled_refresh_ends_at_its_next_report(bot):
    refresher, stop = IndexRefresher(bot), threading.Event()
    bot.go.set()
    stop.set()
    with pytest.raises(Cancelled):
        refresher.refresh(rebuild=True, stop=stop)
    assert refresher.step is None
    refresher.refresh()
    assert bot.asked == [True, False]


def test_a_line_shows_the_state_of_the_index():
    line = panels.brief(STATUS, "<b>")
    assert line == "<strong>&lt;b&gt;</strong> 34 notes, 289 links, up to date"
    step = Progress("embed", 3, 12, "passages")
    assert panels.brief(STATUS, "v", step).endswith("embedding 3 of 12 passages")


def test_a_first_build_says_how_many_notes_are_read():
    step = Progress("read", 3400, 14000, "notes")
    assert panels.brief(STATUS, "v", step).endswith("reading 3,400 of 14,000 notes")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"listed": 90}, "reading 34 of 90 notes", id="another-process-reads"),
        pytest.param({"embedded": 3}, "found by words and links only", id="not-embedded"),
        pytest.param({"notice": "Set RAGBOT_EMBED_MODEL."}, "see The index", id="notice"),
        pytest.param({"behind": 1}, "1 note changed since", id="behind"),
    ],
)
def test_the_line_names_a_problem_of_the_index(changes, line):
    assert panels.brief(replace(STATUS, **changes), "v").endswith(line)
    assert changes.get("notice", "") in panels.state_html(replace(STATUS, **changes))


def test_a_bar_shows_the_progress():
    assert "<progress" not in panels.state_html(STATUS)
    bar = panels.state_html(STATUS, Progress("embed", 3, 12, "passages"))
    assert 'passages<progress value="3" max="12"></progress>' in bar


@pytest.mark.parametrize(
    ("text", "line", "span"),
    [
        pytest.param("a\nbc\n", 2, (2, 4), id="lf"),
        pytest.param("a\r\nbc\r\nd", 2, (3, 5), id="crlf"),
        pytest.param("a\u2028b\nc", 2, (4, 5), id="no-line-end"),
        pytest.param("only", 1, (0, 4), id="one"),
    ],
)
def test_a_problem_links_to_its_line(text, line, span):
    problem = Problem("dead_heading", "a.md", line, "<i>", "Write <b>.")
    html = panels.problems_html([problem], {"a.md": Note("a.md", "A", text)})
    assert f'data-start="{span[0]}" data-end="{span[1]}">a.md:{line}</a>' in html
    assert "&lt;i&gt;" in html
    assert '<span class="fix">Write &lt;b&gt;.</span>' in html


def test_a_problem_of_a_whole_file_links_to_the_note():
    html = panels.problems_html([Problem("dead_heading", "a.md", 0, "x")], {})
    assert 'data-note="a.md">a.md:0</a>' in html


def test_a_server_refreshes_until_it_ends_and_logs_a_failure_once(tmp_path, caplog):
    failed = threading.Event()

    class Failing(Bot):
        config = Config(notes=tmp_path)

        def refresh(self, *, rebuild, progress):
            self.asked.append(rebuild)
            if len(self.asked) > 1:
                failed.set()
            raise StorageError("disk", "it is full", "Free some space.")

    failing = Failing()
    with IndexRefresher(failing).running():
        assert failed.wait(30)
    asked = len(failing.asked)
    assert [record.getMessage() for record in caplog.records] == [
        "disk: it is full. Free some space."
    ]
    time.sleep(1.5)
    assert len(failing.asked) == asked


@pytest.mark.parametrize("watch", [True, False])
def test_the_end_of_a_server_cancels_its_refresh(tmp_path, bot, watch):
    bot.config = Config(notes=tmp_path)
    bot.ended = threading.Event()
    refresh = bot.refresh

    def refreshed(**how):
        try:
            refresh(**how)
        finally:
            bot.ended.set()

    bot.refresh = refreshed
    with IndexRefresher(bot).running(watch=watch):
        assert bot.begun.wait(30)
        threading.Timer(0.2, bot.go.set).start()
    assert bot.ended.wait(30)
    assert bot.asked == [False]
