"""Reading pane, graph and keys in a real browser, on desktop and phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, ask

pytestmark = pytest.mark.browser

# Where the drawing has the colours of notes: the middle of each square that is full of them.
CIRCLES = """(canvas) => {
    const ratio = canvas.width / canvas.clientWidth, found = [], side = 4;
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const full = (x, y) => [0, 1, 2, 3].every((n) => {
        const at = 4 * ((y + (n >> 1) * side) * width + x + (n & 1) * side);
        const colour = [...data.slice(at, at + 3)].join();
        return colour === "201,99,44" || colour === "77,124,111";
    });
    for (let y = 0; y < height - side; y += side)
        for (let x = 0; x < width - side; x += side)
            if (full(x, y)) found.push([(x + side / 2) / ratio, (y + side / 2) / ratio]);
    return found;
}"""


@pytest.fixture
def page(open_page, address):
    """The page with an answer."""
    opened = open_page(address)
    ask(opened)
    return opened


def test_a_citation_opens_the_note_at_its_passage(page):
    page.locator("a.cite").first.click()
    expect(page.locator("#pane mark").first).to_contain_text("80 degrees")
    expect(page.locator("#pane .chip.typed").first).to_have_text("kind of")
    expect(page.locator("#pane .ghost")).not_to_have_count(0)
    page.locator("#pane .neighbours a").get_by_text("Tea", exact=True).first.click()
    expect(page.locator("#note-title")).to_have_text("Tea")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()


@pytest.mark.parametrize(
    ("link", "there"), [("colours", "By colour"), ("first", "the oldest")], ids=["heading", "block"]
)
def test_a_link_to_a_part_of_a_note_opens_it_there(page, link, there):
    page.locator("a.cite").first.click()
    page.locator("#pane .neighbours a").get_by_text("Tea", exact=True).first.click()
    page.locator("#pane .note-body a").filter(has_text=link).click()
    expect(page.locator("#note-title")).to_have_text("Kinds")
    expect(page.locator("#pane mark")).to_have_text(there)
    expect(page.locator("#pane mark")).to_be_in_viewport()
    expect(page.locator("#note-title")).not_to_be_in_viewport()
    expect(page.locator("#pane")).to_contain_text("Linked from (1)")


def test_a_card_says_by_which_path_its_note_was_found(page):
    path = page.locator(".card .path").filter(has_text="kind_of").first
    expect(path).to_contain_text("Green Tea")
    path.locator("a").first.click()
    expect(page.locator("#note-title")).to_be_visible()


def at_rest(page):
    """Wait until the circles of the drawing are at rest, and return their places."""
    page.wait_for_function(
        f"""() => {{
            const now = JSON.stringify(({CIRCLES})(document.querySelector(".canvas canvas")));
            const rests = now !== "[]" && now === window.before;
            window.before = now;
            return rests;
        }}""",
        polling=500,
    )
    return page.locator(".canvas canvas").evaluate(CIRCLES)


def test_hovering_a_node_shows_its_name_and_a_click_opens_its_note(page):
    page.locator("[data-act=graph]").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    tip = page.locator(".canvas .float-tooltip-kap")
    circles = at_rest(page)
    area = page.locator(".canvas").bounding_box()
    named = set()
    for x, y in circles:
        page.mouse.move(area["x"] + x, area["y"] + y)
        expect(tip).to_be_visible()
        name = tip.inner_text()
        named.add(name)
        if name in ("Tea", "Green Tea"):
            page.mouse.click(area["x"] + x, area["y"] + y)
            expect(page.locator("#note-title")).to_have_text(name)
            return
        # Off the circle, so that its name is not taken for that of the next.
        page.mouse.move(area["x"] + 2, area["y"] + 2)
        expect(tip).to_be_hidden()
    raise AssertionError(f"no circle of the drawing is the note Tea, but {named}")


def test_the_graph_opens_around_an_answer(page):
    page.locator("[data-act=graph]").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    expect(page.locator(".legend")).to_contain_text("kind of")


def test_links_lead_from_note_to_note_and_back_leads_to_the_graph(page):
    page.locator("[data-act=graph]").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    page.locator("#pane summary").click()
    page.locator("#pane details a").filter(has_text="Green Tea").click()
    expect(page.locator("#note-title")).to_have_text("Green Tea")
    page.locator("#pane .note-body a").filter(has_text="Tea").first.click()
    expect(page.locator("#note-title")).to_have_text("Tea")
    back = page.get_by_role("button", name="Back")
    back.click()
    expect(page.locator("#note-title")).to_have_text("Green Tea")
    back.click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    expect(back).to_have_count(0)


def test_a_kind_of_link_is_hidden_and_shown_and_the_graph_is_zoomed(page):
    page.locator("[data-act=graph]").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    kind = page.locator(".legend").get_by_role("button", name="kind of")
    expect(kind).to_have_attribute("aria-pressed", "true")
    kind.click()
    expect(kind).to_have_attribute("aria-pressed", "false")
    for name in ("Zoom in", "Zoom out", "Fit"):
        page.get_by_role("button", name=name).click()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_question_from_the_pane_is_answered_in_sight(open_page, address, size):
    page = open_page(address, viewport=size)
    ask(page)
    page.locator("a.cite").first.click()
    page.locator("#pane .ask").click()
    expect(page.locator(".actions")).to_have_count(2)
    expect(page.locator(".question").last).to_have_text("What do the notes say about Green Tea?")
    # On a phone the pane would cover the answer: it is closed. At a desk it is beside it.
    pane = page.locator("#pane")
    expect(pane).to_be_hidden() if size is PHONE else expect(pane).to_be_visible()
    expect(page.locator(".question").last).to_be_in_viewport()


def test_a_server_that_does_not_answer_is_reported(page):
    page.route("**/component_server**", lambda route: route.abort())
    page.locator("a.cite").first.click()
    expect(page.locator("#pane").get_by_role("alert")).to_contain_text("Is ragbot still running?")
