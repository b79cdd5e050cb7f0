"""The settings: each takes effect, and the browser stores all of them."""

import pytest
from playwright.sync_api import expect

from ragbot.inference.llm_discovery import LocalModel
from tests.browser.conftest import QUESTION, ask, close_side, open_side, page_over
from tests.model_server import serving

pytestmark = pytest.mark.browser

HOT = "How hot is something green brewed?"
WRITTEN = "Green tea is brewed at 80 degrees [1]."
QUOTED = "Green tea is brewed at 80 degrees for two minutes."
SOURCES, HOPS = "Passages to answer from", "Links to follow from a note that was found"
MODEL, NONE = "Language model", "None: quote the notes"


def cited(turn, note):
    """Locate the sources of an answer that are in a note."""
    return turn.locator(f'.source .open[data-note="{note}"]')


def number(page, label):
    return page.get_by_label(f"number input for {label}")


def open_settings(page):
    open_side(page, "Settings")
    expect(page.get_by_label("Only these tags")).to_be_visible()


def choose(page, field, name):
    page.get_by_label(field).click()
    page.get_by_role("option", name=name, exact=True).click()


def test_the_model_writes_only_where_it_may(open_page, model_address, script):
    script.says = WRITTEN
    page = open_page(model_address)
    expect(ask(page).locator(".text")).not_to_contain_text(QUOTED)
    open_settings(page)
    expect(page.get_by_label(MODEL)).to_have_value("openai-like/scripted")
    choose(page, MODEL, NONE)
    close_side(page)
    before = len(script.requests)
    turn = ask(page, QUESTION, turns=2)
    expect(turn.locator(".text")).to_contain_text(QUOTED)
    assert len(script.requests) == before


def test_models_of_this_machine_are_offered_and_not_switched_on(
    open_page, address, bot, script, monkeypatch
):
    with serving(script) as url:
        offered = [LocalModel("openai-like/local", url, "Test server")]
        monkeypatch.setattr(type(bot), "models", lambda self: offered)
        monkeypatch.setattr("ragbot.inference.llm_discovery.local_models", lambda: offered)
        script.says = WRITTEN
        page = open_page(address)
        expect(ask(page).locator(".text")).to_contain_text(QUOTED)
        open_settings(page)
        expect(page.get_by_label(MODEL)).to_have_value(NONE)
        choose(page, MODEL, "openai-like/local (Test server)")
        close_side(page)
        turn = ask(page, turns=2)
        expect(turn.locator(".text")).not_to_contain_text(QUOTED)
        assert script.requests


def test_answers_come_from_the_folders_that_are_chosen(page):
    expect(cited(ask(page, HOT), "Green Tea.md")).not_to_have_count(0)
    open_settings(page)
    choose(page, "Only these folders", "plants")
    close_side(page)
    turn = ask(page, HOT, turns=2)
    expect(cited(turn, "plants/Green Mint.md")).not_to_have_count(0)
    expect(turn.locator('.source .open:not([data-note^="plants/"])')).to_have_count(0)
    expect(turn).not_to_contain_text("80 degrees")


def test_answers_come_from_the_tags_that_are_chosen_and_those_below_them(page):
    open_settings(page)
    choose(page, "Only these tags", "herb")
    close_side(page)
    turn = ask(page, HOT)
    expect(cited(turn, "plants/Green Mint.md")).not_to_have_count(0)
    expect(turn).not_to_contain_text("80 degrees")


def test_the_number_of_passages_to_answer_from_can_be_chosen(page):
    expect(ask(page, HOT).locator(".card").nth(1)).to_be_visible()
    open_settings(page)
    number(page, SOURCES).fill("1")
    number(page, SOURCES).press("Tab")
    close_side(page)
    expect(ask(page, HOT, turns=2).locator(".card")).to_have_count(1)


def test_links_are_followed_as_far_as_is_chosen(page):
    expect(ask(page).locator(".path").filter(has_text="kind_of")).not_to_have_count(0)
    open_settings(page)
    number(page, HOPS).fill("0")
    number(page, HOPS).press("Tab")
    close_side(page)
    turn = ask(page, QUESTION, turns=2)
    expect(turn.locator(".path")).not_to_have_count(0)
    expect(turn.locator(".path").filter(has_text="kind_of")).to_have_count(0)


def test_settings_changed_in_quick_succession_outlive_a_reload_at_once(open_page, model_address):
    page = open_page(model_address)
    open_settings(page)
    choose(page, MODEL, NONE)
    number(page, HOPS).fill("0")
    number(page, SOURCES).fill("1")
    choose(page, "Only these folders", "plants")
    choose(page, "Only these tags", "brass")
    page.reload()
    open_settings(page)
    expect(page.get_by_label(MODEL)).to_have_value(NONE)
    expect(number(page, HOPS)).to_have_value("0")
    expect(number(page, SOURCES)).to_have_value("1")
    expect(page.locator(".token")).to_have_text(["plants", "brass"])


def test_settings_that_are_no_longer_possible_are_ignored(page):
    stored = '["gone", 99, 0, ["nowhere"], ["gone"]]'
    page.evaluate("stored => localStorage.setItem('ragbot.chosen', stored)", stored)
    page.reload()
    open_settings(page)
    expect(number(page, HOPS)).to_have_value("0")
    expect(number(page, SOURCES)).to_have_value("12")
    close_side(page)
    expect(cited(ask(page, HOT), "Green Tea.md")).not_to_have_count(0)


def test_a_visitor_over_the_limit_is_refused_and_loses_no_text(open_page, bot):
    with page_over(bot, limit=2) as address:
        page = open_page(address)
        for turns in (1, 2):
            ask(page, HOT, turns)
        refused = ask(page, QUESTION, turns=3)
        expect(refused.get_by_role("alert")).to_have_text(
            "More than 2 requests in a minute came from you. Wait a moment, and try again."
        )
        refused.get_by_role("button", name="Edit and ask again").click()
        expect(page.get_by_label("Your question")).to_have_value(QUESTION)
        expect(page.locator(".source")).not_to_have_count(0)
