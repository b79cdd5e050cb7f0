"""`--auth`: who has no password sees nothing of the notes, and nobody sees another's chat."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_over

pytestmark = pytest.mark.browser

NOTES = {
    "Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n",
    "Kettle.md": "# Kettle\n\nA kettle boils water for tea.\n",
}
NAME, PASSWORD = "gardener", "open sesame"
QUESTION = "How hot is green tea brewed?"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    garden = tmp_path_factory.mktemp("garden")
    with page_over(NOTES, garden, refresh=False, login=(NAME, PASSWORD)) as served:
        yield served


@pytest.fixture
def visit(browser, address):
    contexts = []

    def come(**looks):
        contexts.append(browser.new_context(**looks))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        return page

    yield come
    for context in contexts:
        context.close()


def log_in(page, password=PASSWORD):
    page.get_by_label("username").fill(NAME)
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def ask(page, question):
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".actions")).to_have_count(1)


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param({"color_scheme": "light"}, id="desk-light"),
        pytest.param(
            {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}, id="phone-dark"
        ),
    ],
)
def test_a_wrong_password_opens_nothing_and_the_right_one_the_page(visit, looks):
    page = visit(**looks)
    log_in(page, "guessed")
    expect(page.get_by_text("Incorrect Credentials")).to_be_visible()
    expect(page.get_by_label("Your question")).to_have_count(0)
    assert "Green Tea" not in page.content()
    log_in(page)
    expect(page.get_by_label("Your question")).to_be_visible()
    ask(page, QUESTION)
    expect(page.locator(".answer")).to_contain_text("80 degrees")


def test_nothing_of_the_notes_is_given_before_the_login(visit, address):
    page = visit()
    assert page.request.get(f"{address}/config").status == 401
    asked = page.request.post(f"{address}/gradio_api/call/ask", data={"data": [QUESTION]})
    assert asked.status == 401
    joined = page.request.post(
        f"{address}/gradio_api/queue/join",
        data={"data": [], "fn_index": 0, "session_hash": "stranger"},
    )
    assert joined.status == 401
    read = page.request.post(
        f"{address}/gradio_api/component_server",
        data={"fn_name": "read_note", "component_id": 1, "session_hash": "stranger", "data": []},
    )
    assert read.status == 401


def test_two_who_share_a_password_have_chats_apart(visit):
    one, other = visit(), visit()
    for page in (one, other):
        log_in(page)
        expect(page.get_by_label("Your question")).to_be_visible()
    ask(one, QUESTION)
    ask(other, "And how long?")
    expect(other.locator(".question")).to_have_text("And how long?")
    assert "Searched for" not in other.locator(".answer").inner_text()
    for page, question in ((one, QUESTION), (other, "And how long?")):
        page.wait_for_function("localStorage.getItem('ragbot.conversations')")
        page.reload()
        expect(page.locator(".question")).to_have_text(question)
