"""Work on the index: one at a time, seen by all, cancelled even while it waits for its turn."""

import threading

import pytest

from ragbot.apps.web import index_panel
from ragbot.apps.web.keeper import Cancelled, Keeper
from ragbot.models import Note, Problem, Progress, Status

STATUS = Status("g", 34, 287, 289, 3, 287, 0.0, 0, "")


class Bot:
    """Reports one step of work, and goes on when it is let."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()
        self.asked = []

    def refresh(self, *, rebuild, automatic, progress):
        self.asked.append((rebuild, automatic))
        progress(Progress("embed", 3, 12, "passages"))
        self.begun.set()
        assert self.go.wait(30)
        progress(Progress("write", 0, 1, "generation"))


@pytest.fixture
def bot():
    made = Bot()
    yield made
    made.go.set()


def work(keeper, **how):
    thread = threading.Thread(target=keeper.refresh, kwargs=how, daemon=True)
    thread.start()
    return thread


def test_all_see_how_far_the_work_is(bot):
    keeper = Keeper(bot)
    assert keeper.step is None
    thread = work(keeper)
    assert bot.begun.wait(30)
    assert keeper.step == Progress("embed", 3, 12, "passages")
    bot.go.set()
    thread.join(30)
    assert keeper.step is None
    assert bot.asked == [(False, True)]


def test_who_waits_for_others_can_cancel(bot):
    keeper, stop = Keeper(bot), threading.Event()
    work(keeper)
    assert bot.begun.wait(30)
    stop.set()
    with pytest.raises(Cancelled):
        keeper.refresh(rebuild=True, stop=stop)
    assert bot.asked == [(False, True)]


def test_work_that_is_under_way_ends_at_its_next_report(bot):
    keeper, stop = Keeper(bot), threading.Event()
    bot.go.set()
    stop.set()
    with pytest.raises(Cancelled):
        keeper.refresh(rebuild=True, stop=stop)
    assert keeper.step is None
    keeper.refresh()
    assert bot.asked == [(True, False), (False, True)]


def test_a_line_says_how_the_index_stands():
    line = index_panel.brief(STATUS, "<b>")
    assert line == "<strong>&lt;b&gt;</strong> 34 notes, 289 links, up to date"
    step = Progress("embed", 3, 12, "passages")
    assert index_panel.brief(STATUS, "v", step).endswith("taking in the meaning: 3 of 12 passages")


def test_a_bar_says_how_far_the_work_is():
    assert "<progress" not in index_panel.standing(STATUS)
    bar = index_panel.standing(STATUS, Progress("embed", 3, 12, "passages"))
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
    html = index_panel.problems([problem], [Note("a.md", "A", text)])
    assert f'data-start="{span[0]}" data-end="{span[1]}">a.md:{line}</a>' in html
    assert "&lt;i&gt;" in html
    assert '<span class="fix">Write &lt;b&gt;.</span>' in html


def test_a_problem_of_a_whole_file_links_to_the_note():
    html = index_panel.problems([Problem("dead_heading", "a.md", 0, "x")], [Note("a.md", "A", "t")])
    assert 'data-note="a.md">a.md:0</a>' in html
