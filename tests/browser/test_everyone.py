"""The page for everyone: by keyboard alone, in scripts that run the other way or have no spaces."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, ask

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(open_page, address):
    return open_page(address, viewport=PHONE)


@pytest.mark.parametrize(
    ("question", "said", "note", "direction"),
    [
        ("عند أي درجة يخمر الشاي الأخضر؟", "ثمانين درجة", "شاي أخضر", "rtl"),
        ("緑茶のお湯の温度は何度がよいか", "八十度", "緑茶", "ltr"),
    ],
)
def test_notes_in_another_script_are_read_on_a_phone(phone, question, said, note, direction):
    ask(phone, question)
    expect(phone.locator(".answer .text")).to_contain_text(said)
    source = phone.locator(f'.source[data-quote*="{said}"]')
    expect(source).to_have_count(1)
    expect(phone.locator(".question")).to_have_css("direction", direction)
    expect(phone.locator(".answer")).to_have_css("direction", direction)
    source.locator(".open").click()
    expect(phone.locator("#pane mark").first).to_contain_text(said)
    expect(phone.locator("#note-title")).to_have_text(note)
    expect(phone.locator("#note-title")).to_have_css("direction", direction)
    expect(phone.locator("#pane")).to_have_css("width", f"{PHONE['width']}px")


def test_the_page_is_used_by_keyboard_alone(phone):
    keys = phone.keyboard
    expect(phone.get_by_label("Your question")).to_be_focused()
    keys.type("How hot is green tea brewed?")
    keys.press("Enter")
    expect(phone.locator(".actions")).to_have_count(1)
    expect(phone.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    tab_to(phone, 'a.cite[data-number="1"]', backwards=True)
    expect(phone.get_by_role("tooltip")).to_be_visible()
    keys.press("Enter")
    expect(phone.locator("#note-title")).to_be_focused()
    tab_to(phone, "#pane .neighbours a")
    keys.press("Enter")
    expect(phone.locator("#note-title")).to_have_text("Tea")
    keys.press("Escape")
    expect(phone.locator("#pane")).to_be_hidden()
    expect(phone.locator("a.cite").first).to_be_focused()
    keys.press("Escape")
    tab_to(phone, "[data-act=like]")
    keys.press("Enter")
    expect(phone.locator("[data-act=like]")).to_have_attribute("aria-pressed", "true")
    tab_to(phone, "[data-act=graph]")
    keys.press("Enter")
    expect(phone.locator("#pane .close")).to_be_focused()
    tab_to(phone, "#pane summary")
    keys.press("Enter")
    tab_to(phone, "#pane details a")
    keys.press("Enter")
    expect(phone.locator("#note-title")).to_be_focused()
    keys.press("Escape")
    expect(phone.locator("[data-act=graph]")).to_be_focused()
    keys.press("/")
    expect(phone.get_by_label("Your question")).to_be_focused()
    tab_to(phone, ".toggle-button", backwards=True)
    keys.press("Enter")
    expect(phone.locator(".sidebar.open")).to_be_visible()
    for panel, inside in (
        ("Settings", "Passages to answer from"),
        ("The index", "Check the links"),
    ):
        tab_to(phone, "button", panel)
        keys.press("Enter")
        # Tab passes over a panel that is not open yet.
        expect(phone.get_by_text(inside).first).to_be_visible()
    tab_to(phone, "button", "Check the links")
    keys.press("Enter")
    expect(phone.locator("#problems")).to_contain_text("Kettel")


def tab_to(page, selector, text="", backwards=False):
    """Press Tab until an element has the focus, as one does who has no pointer."""
    wanted = "(here, [selector, text]) => here.matches(selector) && here.innerText.includes(text)"
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        # The focus is where it is as soon as the key is handled: there is nothing to wait for.
        if page.locator("*:focus").evaluate(wanted, [selector, text]):
            return
    raise AssertionError(f"Tab does not lead to {selector}")
