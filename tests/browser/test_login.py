"""`--auth`: a stranger sees nothing of the notes, and nobody sees another's chat."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, QUESTION, ask, page_over

pytestmark = pytest.mark.browser

NAME, PASSWORD = "gardener", "open sesame"


@pytest.fixture(scope="module")
def private_address(bot):
    with page_over(bot, login=(NAME, PASSWORD)) as served:
        yield served


def log_in(page, password=PASSWORD):
    page.get_by_label("username").fill(NAME)
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def test_a_wrong_password_opens_nothing_and_the_right_one_the_page(open_page, private_address):
    page = open_page(private_address, color_scheme="dark", viewport=PHONE)
    log_in(page, "guessed")
    expect(page.get_by_text("Incorrect Credentials")).to_be_visible()
    expect(page.get_by_label("Your question")).to_have_count(0)
    expect(page.get_by_text("Green Tea")).to_have_count(0)
    log_in(page)
    ask(page)
    expect(page.locator(".answer")).to_contain_text("80 degrees")
    page.locator("a.cite").first.click()
    expect(page.locator("#note-title")).to_have_text("Green Tea")


def test_two_who_share_a_password_have_chats_apart(open_page, private_address):
    one, other = open_page(private_address), open_page(private_address)
    for page in (one, other):
        log_in(page)
    ask(one)
    ask(other, "And how long?")
    expect(other.locator(".question")).to_have_text("And how long?")
    expect(other.locator(".answer")).not_to_contain_text("Searched for")
    for page, question in ((one, QUESTION), (other, "And how long?")):
        page.wait_for_function("localStorage.getItem('ragbot.conversations')")
        page.reload()
        expect(page.locator(".question")).to_have_text(question)
