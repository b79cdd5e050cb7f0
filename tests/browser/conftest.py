"""A real Chromium, and servers over one small vault, shared by all browser tests.

A test never reads the page before it waits: it asserts with `expect`, which tries again
until it holds, or acts on a locator, which waits until it can be acted on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ragbot import Ragbot
from ragbot.apps.serving import IndexRefresher, address_of, listen, running
from ragbot.apps.web.access import RateLimit
from ragbot.apps.web.server import application
from ragbot.config import Config
from tests.model_server import Script, serving

# Generous: a busy machine is slow, not wrong.
TIMEOUT = 20_000
expect.set_options(timeout=TIMEOUT)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
UNLIMITED = 1_000_000

QUESTION = "How hot is green tea brewed?"
NOTES = {
    "Green Tea.md": "# Green Tea\n\nGreen tea is brewed at 80 degrees for two minutes.\n\n"
    "- kind_of::[[Tea]]\n  - its leaves are steamed\n- made_with::[[Kettel]]\n"
    "- poured_from::[[Samovar]]\n\n| leaf | from |\n|---|---|\n| young | Uji |\n",
    "Samovar.md": "# Samovar\n\nA vessel of #brass from the Urals.\n",
    "Tea.md": "# Tea\n\nTea is a drink made of leaves of the tea plant. See [[Green Tea]].\n\n"
    "Its [[Kinds#By *colour*|colours]] are many, its [[Kinds#^first|first]] is lost.\n",
    "Kettle.md": "# Kettle\n\nA kettle boils water for tea. See [[Tea]].\n\n"
    "## Descaling\n\nVinegar removes the scale of a kettle overnight.\n",
    "Kinds.md": "# Kinds\n\n" + "A line between.\n\n" * 30 + "- the oldest ^first\n- the next\n\n"
    "## By colour\n\nWhite, green, black.\n",
    "plants/Green Mint.md": "# Green Mint\n\nGreen mint is brewed at 95 degrees. #herb/mint\n",
    "شاي أخضر.md": "# شاي أخضر\n\nيخمر الشاي الأخضر عند ثمانين درجة لمدة دقيقتين.\n\n"
    "- kind_of::[[شاي]]\n\n| نوع | درجة | دقائق |\n|---|---|---|\n| أخضر | 80 | 2 |\n",
    "شاي.md": "# شاي\n\nالشاي مشروب ساخن يصنع من أوراق نبات الشاي.\n",
    "緑茶.md": "# 緑茶\n\n緑茶は摘んだ葉をすぐに蒸して作られる。お湯の温度は八十度がよい。\n\n"
    "- kind_of::[[茶]]\n",
    "茶.md": "# 茶\n\n茶は茶の木の葉から作られる飲み物である。\n",
}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium: a test that needs it fails where it is missing, it is not skipped.

    For this package only: while Playwright is open an event loop runs in this
    thread, and the tests of asynchronous code could not start theirs.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the browser's tests need Chromium: apt install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def vault(tmp_path_factory) -> Path:
    """A small vault with notes in three scripts."""
    folder = tmp_path_factory.mktemp("browser") / "vault"
    write_notes(folder, NOTES)
    return folder


@pytest.fixture(scope="package")
def bot(vault) -> Iterator[Ragbot]:
    """The one bot that answers without a language model."""
    with Ragbot.open(vault, vault.parent / "index") as opened:
        yield opened


@pytest.fixture(scope="package")
def address(bot) -> Iterator[str]:
    """Address of the server over the vault."""
    with page_over(bot) as served:
        yield served


@pytest.fixture(scope="package")
def script() -> Script:
    """What the language model says; a test that needs it sets it first."""
    return Script()


@pytest.fixture(scope="package")
def bot_with_model(vault, bot, script, tmp_path_factory) -> Iterator[Ragbot]:
    """A bot over the same notes whose language model says what the script has."""
    index = tmp_path_factory.mktemp("model") / "index"
    shutil.copytree(bot.config.index, index)
    with serving(script) as url:
        config = Config(notes=vault, index=index, llm="openai-like/scripted", llm_base_url=url)
        with Ragbot.open(config=config) as opened:
            yield opened


@pytest.fixture(scope="package")
def model_address(bot_with_model) -> Iterator[str]:
    """Address of the server with a language model."""
    with page_over(bot_with_model) as served:
        yield served


@pytest.fixture
def open_page(browser) -> Iterator:
    """Open an address as a new visitor, by default on a light desktop."""
    contexts = []

    def opened(address: str, **looks) -> Page:
        context = browser.new_context(**{"viewport": DESK, **looks})
        context.set_default_timeout(TIMEOUT)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page, address) -> Page:
    """The page, opened by a new visitor."""
    return open_page(address)


def write_notes(folder: Path, notes: dict[str, str]) -> None:
    """Write notes by name."""
    for name, text in notes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@contextmanager
def page_over(
    bot: Ragbot, *, login: tuple[str, str] | None = None, limit: int = UNLIMITED
) -> Iterator[str]:
    """Serve the page over a bot, and yield its address."""
    app = application(IndexRefresher(bot), login=login, limit=RateLimit(limit))
    with listen("127.0.0.1", 0) as listener, running(app, listener):
        yield address_of(listener)


def ask(page: Page, question: str = QUESTION, turns: int = 1) -> Locator:
    """Ask, wait for the whole answer, and return its turn."""
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".turn .actions")).to_have_count(turns)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    return page.locator(".turn").last


def open_side(page: Page, *panels: str) -> None:
    """Open the bar at the side, and these of its panels."""
    page.get_by_role("button", name="Toggle Sidebar").click()
    expect(page.locator(".sidebar.open")).to_be_visible()
    for panel in panels:
        page.get_by_role("button", name=panel).click()


def close_side(page: Page) -> None:
    """Close the bar at the side."""
    page.get_by_role("button", name="Toggle Sidebar").click()
    expect(page.locator(".sidebar.open")).to_have_count(0)
