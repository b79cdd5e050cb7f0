"""Reading pane, graph and keys: in a real browser, by desk and by phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_over

pytestmark = pytest.mark.browser

SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
NOTES = {
    "Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n\n"
    "- kind_of::[[Tea]]\n  - its leaves are steamed\n- made_with::[[Kettle]]\n",
    "Tea.md": "# Tea\n\nTea is a drink made of leaves of the tea plant. See [[Green Tea]].\n\n"
    "Its [[Kinds#By *colour*|colours]] are many, its [[Kinds#^first|first]] is lost.\n",
    "Kinds.md": "# Kinds\n\n" + "A line between.\n\n" * 30 + "- the oldest ^first\n- the next\n\n"
    "## By colour\n\nWhite, green, black.\n",
    "شاي.md": "# شاي\n\nالشاي مشروب ساخن من أوراق الشاي.\n",
}

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


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with page_over(NOTES, tmp_path_factory.mktemp("garden"), refresh=False) as served:
        yield served


@pytest.fixture(params=["desk-light", "phone-dark"])
def page(request, browser, address):
    size, scheme = request.param.split("-")
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
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


@pytest.mark.parametrize(
    ("link", "there"), [("colours", "By colour"), ("first", "the oldest")], ids=["heading", "block"]
)
def test_a_link_to_a_part_of_a_note_opens_it_there(page, link, there):
    page.locator("a.cite").first.click()
    page.locator("#pane .neighbours a").filter(has_text="Tea").first.click()
    page.locator("#pane .note-body a").filter(has_text=link).click()
    expect(page.locator("#note-title")).to_have_text("Kinds")
    expect(page.locator("#pane mark")).to_have_text(there)
    expect(page.locator("#pane mark")).to_be_in_viewport()
    expect(page.locator("#note-title")).not_to_be_in_viewport()
    expect(page.locator("#pane")).to_contain_text("Linked from (1)")


def test_a_card_says_by_which_path_its_note_was_found(page):
    path = page.locator(".card .path").filter(has_text="->").first
    expect(path).to_contain_text("Green Tea -kind_of-> Tea")
    path.locator("a").first.click()
    expect(page.locator("#note-title")).to_have_text("Green Tea")


def at_rest(page):
    """Wait until the circles of the drawing stand where they stood, and give their places."""
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


def test_what_is_pointed_at_in_the_drawing_is_named_and_clicked_it_opens(page):
    page.locator("[data-act=graph]").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    tip = page.locator(".canvas .float-tooltip-kap")
    area = page.locator(".canvas").bounding_box()
    named = set()
    for x, y in at_rest(page):
        page.mouse.move(area["x"] + x, area["y"] + y)
        expect(tip).to_be_visible()
        named.add(tip.inner_text())
        if "Tea" in named:
            page.mouse.click(area["x"] + x, area["y"] + y)
            expect(page.locator("#note-title")).to_have_text("Tea")
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


def test_a_question_from_the_pane_is_answered_in_sight(page):
    page.locator("a.cite").first.click()
    page.locator("#pane .ask").click()
    expect(page.locator(".actions")).to_have_count(2)
    asked = page.locator(".question").last.bounding_box()
    covered = page.locator("#pane:visible")
    left = covered.bounding_box()["x"] if covered.count() else page.viewport_size["width"]
    assert 0 <= asked["x"] < left


def test_a_server_that_does_not_answer_is_told(page):
    page.route("**/component_server**", lambda route: route.abort())
    page.locator("a.cite").first.click()
    expect(page.locator("#pane").get_by_role("alert")).to_contain_text("Is ragbot still running?")
