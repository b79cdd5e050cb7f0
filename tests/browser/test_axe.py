"""axe-core checks every state of the page: on desktop and phone, light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, ask, open_side

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_serious_is_found_and_nothing_is_cut_off(open_page, address, size, scheme):
    page = open_page(address, viewport=size, color_scheme=scheme)
    expect(page.locator("#line")).to_contain_text("10 notes")
    expect(page.locator(".begin .ask")).not_to_have_count(0)
    assert_accessible(page, "before a question")
    ask(page)
    ask(page, "Capital of Peru?", turns=2)
    page.locator("a.cite").first.focus()
    expect(page.get_by_role("tooltip")).to_be_visible()
    assert_accessible(page, "answers, a quotation")
    page.locator("a.cite").first.click()
    expect(page.locator("#pane mark").first).to_be_visible()
    assert_accessible(page, "a note")
    page.keyboard.press("Escape")
    page.locator("#show-graph").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    assert_accessible(page, "the graph")
    page.keyboard.press("Escape")
    open_side(page, "Settings", "The index")
    page.get_by_role("button", name="Check the links").click()
    expect(page.locator(".problems")).to_be_visible()
    assert_accessible(page, "the bar at the side")


def assert_accessible(page, state):
    """Assert that axe finds nothing serious, and that nothing is wider than the window."""
    page.evaluate(AXE)
    found = [
        (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in page.evaluate("axe.run(document)")["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert found == [], state
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
