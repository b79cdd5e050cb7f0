"""Make the pictures of the chat page in `docs/images`, from the notes that come with ragbot.

Run `python docs/screenshots.py` in a checkout with the `test` extra and Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from ragbot import Ragbot
from ragbot.apps.serving import IndexRefresher, address_of, listen, running
from ragbot.apps.web.server import application

ROOT = Path(__file__).parent.parent
IMAGES = Path(__file__).parent / "images"
QUESTION = "How do persona vectors compare with the Assistant Axis?"
LOOKS = (
    ("desktop-light", 1280, 820),
    ("desktop-dark", 1280, 820),
    ("phone-light", 390, 844),
)


def main() -> None:
    """Ask one question, and picture the chat with a note and with the graph."""
    IMAGES.mkdir(exist_ok=True)
    with (
        listen("127.0.0.1", 0) as listener,
        tempfile.TemporaryDirectory() as index,
        Ragbot.open(ROOT / "notes", index) as bot,
        sync_playwright() as playwright,
        running(application(IndexRefresher(bot)), listener),
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, width, height in LOOKS:
            picture(browser, address_of(listener), name, width, height)
        browser.close()


def picture(browser: Browser, address: str, name: str, width: int, height: int) -> None:
    """Take the pictures of one size and scheme."""
    scheme = "dark" if name.endswith("dark") else "light"
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(address)
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_label("Your question").press("Enter")
    page.locator(".actions").wait_for()
    if "phone" in name:
        page.screenshot(path=IMAGES / f"chat-{name}.png")
    page.locator("a.cite").first.click()
    page.locator("#pane mark").first.wait_for()
    page.screenshot(path=IMAGES / (f"note-{name}.png" if "phone" in name else f"chat-{name}.png"))
    if name == "desktop-light":
        page.keyboard.press("Escape")
        page.locator("[data-act=graph]").first.click()
        page.locator(".canvas canvas").wait_for()
        page.wait_for_timeout(5000)  # the layout comes to rest
        page.screenshot(path=IMAGES / f"graph-{name}.png")
    page.close()


if __name__ == "__main__":
    main()
