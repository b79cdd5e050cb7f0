"""What takes long can be stopped: an answer that a model writes, a rebuild."""

import threading

import pytest
from playwright.sync_api import expect

from ragbot.apps.web.server import launch
from tests.browser.conftest import bot_with_model, free_port, open_side
from tests.model_server import Script

pytestmark = pytest.mark.browser

NOTES = {"Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n"}
QUESTION = "How hot is green tea brewed?"
SAID = "Green tea is brewed at 80 degrees [1]. "


@pytest.fixture(scope="module")
def told():
    return Script()


@pytest.fixture
def script(told):
    """A model that writes long, and slowly."""
    told.says, told.pause = SAID * 40, 0.05
    told.broken_off.clear()
    return told


@pytest.fixture(scope="module")
def bot(tmp_path_factory, told):
    with bot_with_model(NOTES, tmp_path_factory.mktemp("garden"), told) as opened:
        yield opened


@pytest.fixture
def page(browser, bot):
    port = free_port()
    served = launch(bot, port=port)
    opened = browser.new_page()
    opened.set_default_timeout(60_000)
    opened.goto(f"http://127.0.0.1:{port}")
    yield opened
    opened.close()
    served.close(verbose=False)


def begin_to_ask(page):
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_label("Your question").press("Enter")


def test_an_answer_is_stopped_and_what_was_said_of_it_stays(page, script):
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_have_count(0)
    begin_to_ask(page)
    expect(page.locator(".answer")).to_contain_text("brewed at 80")
    stop.click()
    expect(page.locator(".answer .notice")).to_have_text("You stopped this answer.")
    expect(page.locator(".answer")).to_contain_text("Green tea is brewed")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(stop).to_have_count(0)
    assert script.broken_off.wait(20), "the model still writes"
    # Not lost: below the next question it is still there, and it can be asked again.
    stopped = page.locator(".answer").inner_text()
    page.get_by_role("button", name="Edit and ask again").click()
    box = page.get_by_label("Your question")
    expect(box).to_have_value(QUESTION)
    script.says = SAID
    box.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last.locator(".source")).to_have_count(1)
    assert page.locator(".answer").first.inner_text() == stopped


def test_a_model_that_says_nothing_is_stopped_at_once(page, script):
    gate, long = threading.Event(), script.says
    script.says = lambda _: long if gate.wait(120) else ""
    begin_to_ask(page)
    expect(page.locator(".waiting")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer .notice")).to_have_text("You stopped this answer.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    gate.set()
    assert script.broken_off.wait(20), "the model still writes"


def test_a_new_chat_ends_the_answer_that_comes_and_keeps_what_was_said(page, script):
    begin_to_ask(page)
    expect(page.locator(".answer")).to_contain_text("brewed at 80")
    page.locator("#new-talk").click()
    expect(page.locator(".begin")).to_be_visible()
    assert script.broken_off.wait(20), "the model still writes"
    script.says = SAID
    begin_to_ask(page)
    expect(page.locator(".source")).to_have_count(1)
    expect(page.locator(".turn")).to_have_count(1)
    open_side(page)
    expect(page.locator(".talk")).to_have_count(2)
    page.locator(".talk").last.click()
    expect(page.locator(".answer .notice")).to_have_text("You stopped this answer.")
    expect(page.locator(".turn")).to_have_count(1)


def test_a_page_that_is_left_ends_the_answer_that_comes(page, script):
    begin_to_ask(page)
    expect(page.locator(".answer")).to_contain_text("brewed at 80")
    page.goto("about:blank")
    assert script.broken_off.wait(20), "the model still writes"


def test_a_rebuild_is_cancelled_and_the_former_index_stays(page, bot, monkeypatch):
    begun, gate = threading.Event(), threading.Event()
    encode = bot._encoder.passages

    def slowly(texts):
        begun.set()
        gate.wait(30)
        return encode(texts)

    monkeypatch.setattr(bot._encoder, "passages", slowly)
    before = bot.status().generation
    begin_rebuild(page)
    assert begun.wait(30)
    expect(page.locator("#standing progress")).to_be_visible()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.click()
    expect(page.locator("#kept")).to_have_text("Cancelling…")
    gate.set()
    expect(page.locator("#kept")).to_contain_text("Cancelled: the former index")
    expect(page.locator("#standing progress")).to_have_count(0)
    expect(cancel).to_be_hidden()
    assert bot.status().generation == before


def begin_rebuild(page):
    open_side(page)
    page.get_by_role("button", name="The index").click()
    page.get_by_role("button", name="Rebuild").click()
