"""Reading pane, graph, conversations, keys, and axe: in a real browser, by desk and by phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_over

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
NOTES = {
    "Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n\n"
    "- kind_of::[[Tea]]\n  - its leaves are steamed\n- made_with::[[Kettle]]\n",
    "Tea.md": "# Tea\n\nTea is a drink made of leaves of the tea plant. See [[Green Tea]].\n",
    "شاي.md": "# شاي\n\nالشاي مشروب ساخن من أوراق الشاي.\n",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with page_over(NOTES, tmp_path_factory.mktemp("garden"), wait=False) as served:
        yield served


@pytest.fixture(params=["desk-light", "phone-dark"])
def page(request, browser, address):
    size, scheme = request.param.split("-")
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    opened.goto(f"{address}/?q=How+hot+is+green+tea+brewed")
    expect(opened.locator(".actions")).to_have_count(1)
    yield opened
    context.close()


def test_a_citation_opens_the_note_at_its_passage(page):
    page.locator("a.cite").first.click()
    expect(page.locator("#pane mark").first).to_contain_text("80 degrees")
    expect(page.locator("#pane .chip.typed").first).to_have_text("kind of")
    expect(page.locator("#pane .ghost")).not_to_have_count(0)
    page.locator("#pane .neighbours a").filter(has_text="Tea").first.click()
    expect(page.locator("#note-title")).to_have_text("Tea")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_the_graph_opens_around_an_answer(page):
    page.locator("[data-act=graph]").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    expect(page.locator(".legend li").first).to_have_text("kind of")


def test_a_conversation_outlives_a_reload(page):
    name = "How hot is green tea brewed"
    page.wait_for_function("localStorage.getItem('ragbot.conversations')?.includes('80 degrees')")
    page.goto(page.url.split("?")[0])
    page.get_by_role("button", name="Conversations").click()
    page.locator(".talk").filter(has_text=name).click()
    expect(page.locator(".question")).to_have_text(name)
    exported = page.evaluate(
        "window.ragbot.markdown(JSON.parse(localStorage.getItem('ragbot.conversations'))[0])"
    )
    assert f"## {name}" in exported
    assert "[[Green Tea]]" in exported
    page.get_by_role("button", name=f"Delete: {name}").click()
    expect(page.locator(".talk")).to_have_count(0)


def test_axe_finds_nothing_serious(page):
    page.locator("a.cite").first.click()
    expect(page.locator("#pane mark").first).to_be_visible()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document)")["violations"]
    serious = [
        (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
