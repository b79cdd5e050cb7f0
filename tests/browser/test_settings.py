"""The settings: each takes effect, and all are remembered in the browser."""

from functools import partial

import pytest
from playwright.sync_api import expect

from ragbot.apps.web import page as served_page
from ragbot.apps.web.rate_limit import Limit
from ragbot.apps.web.server import launch
from tests.browser.conftest import bot_with_model, free_port, open_side
from tests.model_server import Script

pytestmark = pytest.mark.browser

NOTES = {
    "drinks/Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n\n"
    "- kind_of::[[Tea]]\n  - its leaves are steamed\n",
    "drinks/Tea.md": "# Tea\n\nTea is a drink made of leaves of the tea plant.\n",
    "plants/Green Mint.md": "# Green Mint\n\nGreen mint is brewed at 95 degrees. #herb/mint\n",
    "Samovar.md": "# Samovar\n\nA vessel of #brass from the Urals.\n",
}
QUESTION = "How hot is green tea brewed?"
HOT = "How hot is something green brewed?"
WRITTEN = "The model says: green tea is brewed at 80 degrees [1]."
SOURCES, HOPS = "Passages to answer from", "Links to follow from a note that was found"
MODEL = "Let the language model write"


@pytest.fixture(scope="module")
def script():
    return Script(WRITTEN)


@pytest.fixture(scope="module")
def bot(tmp_path_factory, script):
    with bot_with_model(NOTES, tmp_path_factory.mktemp("garden"), script) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(bot):
    port = free_port()
    served = launch(bot, port=port)
    yield f"http://127.0.0.1:{port}"
    served.close(verbose=False)


@pytest.fixture(
    params=[
        pytest.param(
            {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}}, id="desk"
        ),
        pytest.param({"viewport": {"width": 390, "height": 844}}, id="phone"),
    ]
)
def page(request, browser, address):
    context = browser.new_context(**request.param)
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.goto(address)
    yield opened
    context.close()


def ask(page, question, turns=1):
    """Ask, and give the answer with its question and sources."""
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".actions")).to_have_count(turns)
    return page.locator(".turn").last


def cited(turn):
    """Give the notes that an answer quotes."""
    notes = "all => [...new Set(all.map((each) => each.dataset.note))]"
    return set(turn.locator(".source .open").evaluate_all(notes))


def number(page, label):
    return page.get_by_label(f"number input for {label}")


def open_settings(page):
    open_side(page)
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_label("Only these tags")).to_be_visible()


def close_side(page):
    page.get_by_role("button", name="Toggle Sidebar").click()
    expect(page.locator(".sidebar.open")).to_have_count(0)


def choose(page, field, name):
    page.get_by_label(field).click()
    page.get_by_role("option", name=name, exact=True).click()


def without_model(page):
    open_settings(page)
    page.get_by_label(MODEL).uncheck()


def test_the_model_writes_only_where_it_is_let(page, script):
    assert "The model says" in ask(page, QUESTION).inner_text()
    open_settings(page)
    expect(page.get_by_label(MODEL)).to_be_checked()
    page.get_by_label(MODEL).uncheck()
    close_side(page)
    before = len(script.requests)
    told = ask(page, QUESTION, turns=2)
    expect(told.locator(".answer > p").first).to_contain_text("80 degrees")
    assert "The model says" not in told.inner_text()
    assert len(script.requests) == before


def test_answers_come_from_the_folders_that_were_chosen(page):
    without_model(page)
    close_side(page)
    assert "drinks/Green Tea.md" in cited(ask(page, HOT))
    open_side(page)
    choose(page, "Only these folders", "plants")
    close_side(page)
    told = ask(page, HOT, turns=2)
    assert cited(told) == {"plants/Green Mint.md"}
    assert "80 degrees" not in told.inner_text()


def test_answers_come_from_the_tags_that_were_chosen_and_those_below_them(page):
    without_model(page)
    choose(page, "Only these tags", "herb")
    close_side(page)
    told = ask(page, HOT)
    assert cited(told) == {"plants/Green Mint.md"}
    assert "80 degrees" not in told.inner_text()


def test_as_many_passages_are_answered_from_as_were_chosen(page):
    without_model(page)
    close_side(page)
    assert len(cited(ask(page, HOT))) > 1
    open_side(page)
    number(page, SOURCES).fill("1")
    number(page, SOURCES).press("Tab")
    close_side(page)
    assert len(cited(ask(page, HOT, turns=2))) == 1


def test_links_are_followed_as_far_as_was_chosen(page):
    without_model(page)
    close_side(page)
    followed = ask(page, QUESTION).locator(".path").filter(has_text="kind_of")
    expect(followed).not_to_have_count(0)
    open_side(page)
    number(page, HOPS).fill("0")
    number(page, HOPS).press("Tab")
    close_side(page)
    again = ask(page, QUESTION, turns=2)
    assert again.locator(".path").count()
    expect(again.locator(".path").filter(has_text="kind_of")).to_have_count(0)


def test_settings_changed_in_quick_succession_outlive_a_reload_at_once(page):
    open_settings(page)
    page.get_by_label(MODEL).uncheck()
    number(page, HOPS).fill("0")
    number(page, SOURCES).fill("1")
    choose(page, "Only these folders", "plants")
    choose(page, "Only these tags", "brass")
    page.reload()
    open_settings(page)
    expect(page.get_by_label(MODEL)).not_to_be_checked()
    expect(number(page, HOPS)).to_have_value("0")
    expect(number(page, SOURCES)).to_have_value("1")
    expect(page.locator(".token")).to_have_text(["plants", "brass"])


def test_settings_that_are_no_longer_possible_are_left_aside(page):
    kept = '[false, 99, 0, ["nowhere"], ["gone"]]'
    page.evaluate("kept => localStorage.setItem('ragbot.chosen', kept)", kept)
    page.reload()
    open_settings(page)
    expect(number(page, HOPS)).to_have_value("0")
    expect(number(page, SOURCES)).to_have_value("12")
    close_side(page)
    assert "drinks/Green Tea.md" in cited(ask(page, HOT))


def test_who_asks_too_often_is_told_so_and_loses_nothing(browser, bot, monkeypatch):
    monkeypatch.setattr(served_page, "Limit", partial(Limit, 2))
    port = free_port()
    served = launch(bot, port=port)
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{port}")
    for turns in (1, 2):
        ask(page, HOT, turns)
    refused = ask(page, QUESTION, turns=3)
    expect(refused.get_by_role("alert")).to_have_text(
        "More than 2 questions in a minute came from you. Wait a moment, and ask again."
    )
    refused.get_by_role("button", name="Edit and ask again").click()
    expect(page.get_by_label("Your question")).to_have_value(QUESTION)
    assert page.locator(".source").count()
    page.close()
    served.close(verbose=False)
