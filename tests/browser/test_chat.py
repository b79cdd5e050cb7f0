"""The page in a real browser: a question asked, the cited answer read."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_over

pytestmark = pytest.mark.browser

TEA = (
    "# Green Tea\n\nGreen tea is made from leaves that are steamed soon after picking.\n\n"
    "## Brewing\n\nBrew green tea at 80 degrees for two minutes; boiling water makes it bitter.\n"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    notes = {"Green Tea.md": TEA, "Owl.md": "# Owl\n\nOwls hunt at night.\n"}
    with page_over(notes, tmp_path_factory.mktemp("garden")) as served:
        yield served


@pytest.fixture
def page(browser, address):
    opened = browser.new_page()
    opened.set_default_timeout(60_000)
    opened.goto(address)
    yield opened
    opened.close()


def ask(page, question):
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")


def test_a_question_gets_a_cited_answer(page):
    ask(page, "How hot should the water be for green tea?")

    source = page.locator(".source").filter(has_text="Brew green tea at 80 degrees")
    expect(source).to_contain_text("Brewing, line 7")
    expect(page.locator(".card").filter(has=source)).to_contain_text("Green Tea.md")
    expect(page.locator(".answer p").first).to_contain_text("80 degrees")
    number = source.get_attribute("value")
    expect(page.get_by_label(f"Source {number}", exact=True)).to_have_attribute(
        "href", f"#source-{number}"
    )


def test_silence_is_shown_as_an_answer(page):
    ask(page, "What is the capital of Peru?")
    expect(page.locator(".answer")).to_contain_text("notes")
    expect(page.locator(".source")).to_have_count(0)
