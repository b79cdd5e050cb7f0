"""axe-core looks at every state of the page: by desk and by phone, in light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_side, page_over

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
NOTES = {
    "Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n\n"
    "- kind_of::[[Tea]]\n  - its leaves are steamed\n- made_with::[[Kettel]] #brass\n\n"
    "| kind | heat |\n|---|---|\n| green | 80 |\n",
    "Tea.md": "# Tea\n\nTea is a drink made of leaves of the tea plant. See [[Green Tea]].\n",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with page_over(NOTES, tmp_path_factory.mktemp("garden")) as served:
        yield served


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desk", "phone"])
def test_nothing_serious_is_found(browser, address, size, scheme):
    page = browser.new_page(
        viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=scheme
    )
    page.set_default_timeout(60_000)
    page.goto(address)
    expect(page.locator("#line")).to_contain_text("2 notes")
    assert serious(page) == [], "before a question"
    for number, question in enumerate(["How hot is green tea brewed?", "Capital of Peru?"], 1):
        page.get_by_label("Your question").fill(question)
        page.get_by_label("Your question").press("Enter")
        expect(page.locator(".actions")).to_have_count(number)
    page.locator("a.cite").first.focus()
    assert serious(page) == [], "answers, a quotation"
    page.locator("a.cite").first.click()
    expect(page.locator("#pane mark").first).to_be_visible()
    assert serious(page) == [], "a note"
    page.keyboard.press("Escape")
    page.locator("#whole-garden").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    assert serious(page) == [], "the graph"
    page.keyboard.press("Escape")
    open_side(page)
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="The index").click()
    page.get_by_role("button", name="Check the links").click()
    expect(page.locator(".problems")).to_be_visible()
    assert serious(page) == [], "the bar at the side"
    page.close()


def serious(page):
    """Give what axe finds serious or worse: the rule, and the elements that break it."""
    page.evaluate(AXE)
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in page.evaluate("axe.run(document)")["violations"]
        if each["impact"] in ("serious", "critical")
    ]
