"""What takes long can be stopped: an answer that a model writes, a rebuild."""

import threading

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import QUESTION, open_side

pytestmark = pytest.mark.browser

SENTENCE = "Green tea is brewed at 80 degrees [1]. "


@pytest.fixture
def page(open_page, model_address, script):
    """The page, with a model that writes a long answer, slowly."""
    script.says, script.pause = SENTENCE * 40, 0.3
    script.asked.clear()
    script.broken_off.clear()
    yield open_page(model_address)
    script.pause = 0.0


def begin_to_ask(page, script):
    """Ask, and wait until the model is asked: before that, nothing is to be broken off."""
    script.asked.clear()
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_label("Your question").press("Enter")
    assert script.asked.wait(60)


def test_an_answer_is_stopped_and_its_beginning_stays(page, script):
    stop = page.get_by_role("button", name="Stop")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(stop).to_have_count(0)
    begin_to_ask(page, script)
    expect(page.locator(".answer")).to_contain_text("brewed at 80")
    stop.click()
    expect(page.locator(".answer .notice")).to_have_text("You stopped this answer.")
    expect(page.locator(".answer")).to_contain_text("Green tea is brewed")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(stop).to_have_count(0)
    assert script.broken_off.wait(20), "the model still writes"
    # It is not lost: it stays above the next question, and can be asked again.
    page.get_by_role("button", name="Edit and ask again").click()
    box = page.get_by_label("Your question")
    expect(box).to_have_value(QUESTION)
    script.says, script.pause = SENTENCE, 0
    box.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last.locator(".text")).to_contain_text("80 degrees")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.locator(".turn").last.locator(".notice")).to_have_count(0)
    expect(page.locator(".answer").first).to_contain_text("You stopped this answer.")


def test_a_model_that_says_nothing_is_stopped_at_once(page, script):
    gate, long = threading.Event(), script.says
    script.says = lambda _: long if gate.wait(120) else ""
    begin_to_ask(page, script)
    # The quotes are there at once, and say that the model is at work.
    expect(page.locator(".text")).to_contain_text("for two minutes")
    expect(page.locator(".waiting")).to_have_text("The language model is writing…")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer .notice")).to_have_text("You stopped this answer.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    gate.set()
    assert script.broken_off.wait(20), "the model still writes"


def test_a_new_chat_ends_the_answer_and_keeps_its_beginning(page, script):
    begin_to_ask(page, script)
    expect(page.locator(".answer")).to_contain_text("brewed at 80")
    page.locator("#new-chat").click()
    expect(page.locator(".begin")).to_be_visible()
    assert script.broken_off.wait(20), "the model still writes"
    script.says, script.pause = SENTENCE, 0
    begin_to_ask(page, script)
    expect(page.locator(".text")).to_contain_text("80 degrees")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)
    open_side(page)
    expect(page.locator(".talk")).to_have_count(2)
    page.locator(".talk").last.click()
    expect(page.locator(".answer .notice")).to_have_text("You stopped this answer.")
    expect(page.locator(".turn")).to_have_count(1)


def test_leaving_the_page_ends_the_answer(page, script):
    begin_to_ask(page, script)
    expect(page.locator(".answer")).to_contain_text("brewed at 80")
    page.goto("about:blank")
    assert script.broken_off.wait(20), "the model still writes"


def test_a_rebuild_is_cancelled_and_the_index_stays(page, bot_with_model, monkeypatch):
    begun, gate = threading.Event(), threading.Event()
    encode = bot_with_model._encoder.passages

    def slowly(texts):
        begun.set()
        gate.wait(30)
        return encode(texts)

    monkeypatch.setattr(bot_with_model._encoder, "passages", slowly)
    before = bot_with_model.status()
    open_side(page, "The index")
    page.get_by_role("button", name="Rebuild").click()
    assert begun.wait(30)
    expect(page.locator("#index-state progress")).to_be_visible()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.click()
    expect(page.locator("#index-message")).to_have_text("Cancelling…")
    gate.set()
    expect(page.locator("#index-message")).to_contain_text("Cancelled: the index is as it was")
    expect(page.locator("#index-state progress")).to_have_count(0)
    expect(cancel).to_be_hidden()
    after = bot_with_model.status()
    assert (after.notes, after.passages, after.relations) == (
        before.notes, before.passages, before.relations,
    )  # fmt: skip
