"""What a visitor does: ask, read quotations, keep conversations, rebuild the index."""

import json
import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ragbot.apps.web.browser_calls import FEEDBACK
from tests.browser.conftest import DESK, PHONE, QUESTION, ask, close_side, open_side

pytestmark = pytest.mark.browser

STORED = "localStorage.getItem('ragbot.conversations')?.includes('80 degrees')"


def test_a_question_gets_a_cited_answer(page):
    turn = ask(page, "What removes the scale of a kettle?")
    expect(turn.locator(".text")).to_contain_text("Vinegar removes the scale")
    source = turn.locator('.source[data-quote*="Vinegar"]')
    expect(source).to_contain_text("Descaling, line 7")
    card = turn.locator(".card").filter(has=page.locator('.source[data-quote*="Vinegar"]'))
    expect(card).to_contain_text("Kettle.md")
    # The answer has said it: the source says where, and not again what.
    expect(source).not_to_contain_text("Vinegar")


def test_an_unanswered_question_names_the_nearest_notes(page):
    ask(page, "What is the capital of Peru?")
    expect(page.locator(".abstained")).to_be_visible()
    expect(page.locator(".source")).to_have_count(0)
    nearest = page.locator(".abstained a").first
    expect(nearest).to_be_visible()
    name = nearest.inner_text()
    nearest.click()
    expect(page.locator("#note-title")).to_have_text(name)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_citation_shows_its_quotation_to_pointer_and_keyboard(open_page, address, size):
    page = open_page(address, viewport=size)
    ask(page)
    mark = page.locator("a.cite").first
    tip = page.get_by_role("tooltip")
    mark.focus()
    expect(tip).to_have_text("Green tea is brewed at 80 degrees for two minutes.")
    expect(mark).to_have_attribute("aria-describedby", "quotation")
    expect(tip).to_have_id("quotation")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    mark.hover()
    expect(tip).to_be_visible()
    expect(tip).to_be_in_viewport(ratio=1)
    page.locator(".question").first.hover()
    expect(tip).to_be_hidden()


def test_a_conversation_is_renamed_and_deleted(page):
    ask(page)
    open_side(page)
    page.once("dialog", lambda dialog: dialog.accept("Hot <b>tea</b>"))
    page.get_by_role("button", name=f"Rename: {QUESTION}").click()
    expect(page.locator(".talk")).to_have_text("Hot <b>tea</b>")
    delete = page.get_by_role("button", name="Delete: Hot <b>tea</b>")
    page.once("dialog", lambda dialog: dialog.dismiss())
    delete.click()
    expect(page.locator(".talk")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    delete.click()
    expect(page.locator(".talk")).to_have_count(0)
    # What was deleted does not come back with the next question.
    expect(page.locator(".turn")).to_have_count(0)
    close_side(page)
    ask(page, "What is tea?")
    open_side(page)
    expect(page.locator(".talk")).to_have_text("What is tea?")


def test_a_reload_goes_on_with_the_conversation(page):
    ask(page)
    page.wait_for_function(STORED)
    page.reload()
    expect(page.locator(".question")).to_have_text(QUESTION)
    ask(page, "And how long?", turns=2)
    expect(page.locator(".answer").last).to_contain_text("Searched for:")
    # At once: what is kept a moment after an answer is kept of the conversation it belongs to.
    page.locator("#new-chat").click()
    expect(page.locator(".begin")).to_be_visible()
    page.reload()
    expect(page.locator(".begin")).to_be_visible()
    open_side(page)
    expect(page.locator(".talk")).to_have_text(QUESTION)


def test_a_question_of_the_address_is_asked_once(page, address):
    page.goto(f"{address}/?q={QUESTION.replace(' ', '+')}")
    expect(page.locator(".actions")).to_have_count(1)
    page.wait_for_function(STORED)
    page.reload()
    ask(page, "And how long?", turns=2)
    expect(page.locator(".question").first).to_have_text(QUESTION)
    open_side(page)
    expect(page.locator(".talk")).to_have_count(1)


def test_the_oldest_conversation_is_removed_when_the_browser_storage_is_full(page):
    page.evaluate(
        """() => {
            const turns = [{ question: "Old?", html: "x".repeat(120000) }];
            const talk = (number) => ({ id: String(number), name: `Old ${number}`, turns });
            const all = [...Array(43).keys()].map(talk);
            localStorage.setItem("ragbot.conversations", JSON.stringify(all));
            let filler = "x".repeat(1000000);
            while (filler) {
                try { localStorage.setItem(`filler${filler.length}`, filler); } catch { /* full */ }
                filler = filler.slice(0, filler.length >> 1);
            }
        }"""
    )
    page.reload()
    ask(page)
    page.wait_for_function(STORED)
    open_side(page)
    expect(page.locator(".talk").first).to_have_text(QUESTION)
    expect(page.get_by_role("button", name="Old 0", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Old 42", exact=True)).to_have_count(0)


def test_a_conversation_is_exported_as_a_note_with_its_citations(page):
    ask(page)
    open_side(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name=f"Export: {QUESTION}").click()
    # The download is complete when the context ends.
    assert saved.value.suggested_filename == "How hot is green tea brewed.md"
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert text.startswith(f"# {QUESTION}\n\n## {QUESTION}\n\n")
    assert "Green tea is brewed at 80 degrees for two minutes. [^1]" in text
    quotation = "“Green tea is brewed at 80 degrees for two minutes.”"
    assert f"\n[^1]: [[Green Tea]]: {quotation}" in text
    assert "Copy" not in text


def test_copied_is_the_answer_as_markdown(page, address):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    ask(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    # The button says so once the text is in the clipboard.
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Green tea is brewed at 80 degrees for two minutes. [^1]" in copied
    assert "[^1]: [[Green Tea]]: “" in copied


def test_an_answer_is_copied_where_the_browser_lends_no_clipboard(page, address):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    ask(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    box = page.get_by_label("Your question")
    box.focus()
    page.keyboard.press("Control+V")
    expect(box).to_have_value(re.compile(r"80 degrees for two minutes\. \[\^1\]"))


def test_opinions_are_kept_in_a_file(page, bot):
    ask(page)
    for name, other, liked in (("Like", "Dislike", True), ("Dislike", "Like", False)):
        page.get_by_role("button", name=name, exact=True).click()
        expect(pressed(page, name)).to_have_attribute("aria-pressed", "true")
        expect(pressed(page, other)).not_to_have_attribute("aria-pressed", "true")
        last = json.loads(
            (bot.config.index / FEEDBACK).read_text(encoding="utf-8").splitlines()[-1]
        )
        assert (last["question"], last["liked"]) == (QUESTION, liked)
        assert "80 degrees" in last["answer"]


def pressed(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_a_starter_is_asked_with_a_click(page):
    expect(page.locator(".begin")).to_contain_text("Each sentence of an answer cites its source.")
    starter = page.locator(".begin .ask").first
    expect(starter).to_have_text(re.compile("What do the notes say about"))
    question = starter.inner_text()
    starter.click()
    expect(page.locator(".question")).to_have_text(question)
    expect(page.locator(".actions")).to_have_count(1)


def test_an_error_is_shown_and_the_question_is_not_lost(page, address):
    long = "tea " * 3000
    page.goto(f"{address}/?q={long.strip().replace(' ', '+')}")
    expect(page.get_by_role("alert")).to_have_text(
        "The question has 11,999 characters; at most 2,000 are allowed. "
        "Shorten it, or raise RAGBOT_MAX_QUESTION."
    )
    # A page of question leaves room for what is said to it.
    page.wait_for_function("document.querySelector('.question').offsetHeight < 200")
    page.get_by_role("button", name="Edit and ask again").click()
    expect(page.get_by_label("Your question")).to_have_value(long.strip())
    ask(page)
    expect(page.locator(".question")).to_have_text(QUESTION)


def test_a_question_that_is_suggested_can_be_asked(page):
    ask(page)
    suggested = page.locator(".followups .ask").first
    expect(suggested).to_have_text(re.compile(r"\?$"))
    text = suggested.inner_text()
    suggested.click()
    expect(page.locator(".actions")).to_have_count(2)
    expect(page.locator(".question").last).to_have_text(text)


def test_an_open_note_can_be_asked_about(page):
    ask(page)
    page.locator("a.cite").first.click()
    page.locator("#pane .ask").click()
    expect(page.locator(".question").last).to_have_text("What do the notes say about Green Tea?")


def test_an_edited_question_is_asked_again(page):
    ask(page)
    page.locator("[data-act=edit]").click()
    box = page.get_by_label("Your question")
    expect(box).to_have_value(QUESTION)
    ask(page, "How long is green tea brewed?", turns=2)


def test_text_typed_during_an_answer_stays(page):
    # The hardest case: all that the server says arrives at once, later than what is typed next.
    expect(page.locator("#question .submit-button")).to_be_visible()
    typed = threading.Event()

    def late(route):
        response = route.fetch()
        waiting.append(lambda: route.fulfill(response=response))
        if typed.is_set():
            waiting.pop()()

    waiting = []
    page.route("**/queue/join*", late)
    box = page.get_by_label("Your question")
    box.fill(QUESTION)
    box.press("Enter")
    expect(box).to_have_value("")
    page.keyboard.type("And then?")
    typed.set()
    for answer in waiting:
        answer()
    expect(page.locator(".actions")).to_have_count(1)
    expect(page.locator("#question .submit-button")).to_be_visible()
    expect(box).to_have_value("And then?")
    # A second question is not sent before the first is answered; then it is.
    box.press("Enter")
    expect(page.locator(".question").last).to_have_text("And then?")
    expect(box).to_have_value("")
    expect(page.locator("#question .submit-button")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


def test_enter_is_not_lost_in_the_moment_when_the_button_is_back(page):
    # Gradio shows the button with the last piece of an answer, and takes a question a little later.
    expect(page.locator("#question .submit-button")).to_be_visible()
    page.evaluate("""() => {
        const box = document.querySelector("#question textarea");
        let gone = false;
        new MutationObserver((_, observer) => {
            const there = document.querySelector("#question .submit-button");
            gone ||= !there;
            if (!gone || !there) return;
            observer.disconnect();
            box.focus();
            document.execCommand("insertText", false, "How long is green tea brewed?");
            box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        }).observe(document.querySelector("#question"), { childList: true, subtree: true });
    }""")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".turn .actions")).to_have_count(2)
    expect(page.locator(".question").last).to_have_text("How long is green tea brewed?")


def test_the_page_says_how_far_the_index_is_behind(page, vault):
    new = vault / "Later.md"
    new.write_text("# Later\n\nWritten while the page was open.\n", encoding="utf-8")
    page.reload()
    expect(page.locator("#line")).to_contain_text("1 note changed since")
    open_side(page, "The index")
    expect(page.locator("#index-state")).to_contain_text("1 note changed since")
    new.unlink()
    page.reload()
    expect(page.locator("#line")).to_contain_text("up to date")


def test_the_index_is_rebuilt_and_its_problems_are_listed(page):
    expect(page.locator("#line")).to_contain_text("10 notes")
    open_side(page, "The index")
    expect(page.locator("#index-state")).to_contain_text("up to date")
    page.get_by_role("button", name="Rebuild").click()
    expect(page.locator("#index-message")).to_have_text("The index was rebuilt.")
    page.get_by_role("button", name="Check the links").click()
    row = page.locator(".problems li").filter(has_text="Kettel").first
    expect(row).to_contain_text("Green Tea.md:7")
    row.locator("a").click()
    expect(page.locator("#pane mark").filter(has_text="Kettel")).to_have_count(1)


def test_visitors_do_not_see_each_other(page, open_page, address):
    ask(page)
    stranger = open_page(address)
    expect(stranger.locator(".begin")).to_be_visible()
    expect(stranger.locator(".turn")).to_have_count(0)
    ask(stranger, "And how long?")
    expect(stranger.locator(".question")).to_have_count(1)
    expect(stranger.locator(".answer")).not_to_contain_text("Searched for")


def test_nothing_shifts_while_an_answer_comes(page):
    page.evaluate(
        """() => { window.shift = 0; new PerformanceObserver((list) => {
            for (const entry of list.getEntries())
                if (!entry.hadRecentInput) window.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: false }); }"""
    )
    ask(page)
    ask(page, "What is tea?", turns=2)
    # Below 0.1 is what Core Web Vitals call good. The answers are whole: nothing shifts any more.
    assert page.evaluate("window.shift") < 0.1
