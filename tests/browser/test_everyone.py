"""The page for everyone: by keyboard alone, in scripts that run the other way or have no spaces."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_over

pytestmark = pytest.mark.browser

NOTES = {
    "Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n\n"
    "- kind_of::[[Tea]]\n  - its leaves are steamed\n",
    "Tea.md": "# Tea\n\nTea is a drink made of leaves of the tea plant.\n",
    "شاي أخضر.md": "# شاي أخضر\n\nيخمر الشاي الأخضر عند ثمانين درجة لمدة دقيقتين.\n\n"
    "- kind_of::[[شاي]]\n\n| نوع | درجة | دقائق |\n|---|---|---|\n| أخضر | 80 | 2 |\n",
    "شاي.md": "# شاي\n\nالشاي مشروب ساخن يصنع من أوراق نبات الشاي.\n",
    "緑茶.md": "# 緑茶\n\n緑茶は摘んだ葉をすぐに蒸して作られる。お湯の温度は八十度がよい。\n\n"
    "- kind_of::[[茶]]\n",
    "茶.md": "# 茶\n\n茶は茶の木の葉から作られる飲み物である。\n",
}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with page_over(NOTES, tmp_path_factory.mktemp("garden")) as served:
        yield served


@pytest.fixture
def phone(browser, address):
    opened = browser.new_page(viewport=PHONE)
    opened.set_default_timeout(60_000)
    opened.goto(address)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("question", "said", "note", "direction"),
    [
        ("عند أي درجة يخمر الشاي الأخضر؟", "ثمانين درجة", "شاي أخضر", "rtl"),
        ("緑茶のお湯の温度は何度がよいか", "八十度", "緑茶", "ltr"),
    ],
)
def test_a_garden_in_another_script_is_read_on_a_phone(phone, question, said, note, direction):
    phone.get_by_label("Your question").fill(question)
    phone.get_by_label("Your question").press("Enter")
    expect(phone.locator(".actions")).to_have_count(1)
    source = phone.locator(".source").filter(has_text=said)
    expect(source).to_have_count(1)
    assert_runs(phone.locator(".question"), direction)
    assert_runs(source, direction)
    assert_fits(phone)
    source.locator(".open").click()
    expect(phone.locator("#pane mark").first).to_contain_text(said)
    expect(phone.locator("#note-title")).to_have_text(note)
    assert_runs(phone.locator("#note-title"), direction)
    pane = phone.locator("#pane").bounding_box()
    assert (pane["x"], pane["width"]) == (0, PHONE["width"])
    assert_fits(phone)


def assert_runs(element, direction):
    assert element.evaluate("element => getComputedStyle(element).direction") == direction


def assert_fits(page):
    """Nothing makes the page wider than the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_page_is_used_by_keyboard_alone(phone):
    keys = phone.keyboard
    expect(phone.get_by_label("Your question")).to_be_focused()
    keys.type("How hot is green tea brewed?")
    keys.press("Enter")
    expect(phone.locator(".actions")).to_have_count(1)
    tab_to(phone, "a.cite", backwards=True)
    expect(phone.get_by_role("tooltip")).to_contain_text("80 degrees")
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
    for panel in ("Settings", "The index"):
        tab_to(phone, "button", panel)
        keys.press("Enter")
    tab_to(phone, "button", "Check the links")
    keys.press("Enter")
    expect(phone.locator("#problems")).to_contain_text("finds nothing")


def tab_to(page, selector, text="", backwards=False):
    """Press Tab until an element has the focus, as one does who has no pointer."""
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        here = page.locator("*:focus")
        met = here.evaluate("(here, selector) => here.matches(selector)", selector)
        if met and text in here.inner_text():
            return
    raise AssertionError(f"Tab does not lead to {selector}")
