"""A vault that wants to run in the page, and to call home: nothing does."""

import pytest
from playwright.sync_api import expect

from ragbot import Ragbot
from tests.browser.conftest import ask, page_over, write_notes

pytestmark = pytest.mark.browser

EVIL = """---
title: 'Kraken <img src=x onerror="window.ran=1"> ${window.ran=2} {{window}}'
aliases: ["<script>window.ran=3</script>"]
tags: ['</script><script>window.ran=12</script>', '`${window.ran=13}`']
---
# Kraken

The kraken is a giant squid <script>window.ran=4</script> that sinks ships in the northern sea.

<img src="https://evil.example/pixel.png" onerror="window.ran=5"> <svg onload="window.ran=6">

![seen](https://evil.example/image.png) [run me](javascript:window.ran=7) [data](data:text/html,8)

The kraken sleeps ${window.ran=9}
below [[Nobody|<b onclick="window.ran=10">ghost</b>]] and [[Ship]].
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evil")
    write_notes(folder, {"Kraken.md": EVIL, "Ship.md": "# Ship\n\n- sunk_by::[[Kraken]]\n"})
    with Ragbot.open(folder, folder / ".index", refresh=False) as bot, page_over(bot) as served:
        yield served


def test_nothing_runs_and_nothing_is_fetched(open_page, address):
    page = open_page("about:blank")
    asked, dialogs = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(address)
    ask(page, "What is the kraken <img src=x onerror=window.ran=11>?")
    expect(page.locator(".answer")).to_contain_text("kraken")
    page.locator(".source .open").first.click()
    expect(page.locator("#pane mark").first).to_be_visible()
    expect(page.locator("#pane .ghost").first).to_be_visible()
    page.locator("#pane").get_by_text("run me").click()
    page.locator("#pane").get_by_text("data", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#show-graph").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    assert page.evaluate("window.ran") is None
    # Were a note's HTML to slip through, the policy would still stop it.
    page.evaluate("""() => {
        window.stopped = [];
        const report = (event) => window.stopped.push(event.effectiveDirective);
        document.addEventListener("securitypolicyviolation", report);
        document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran=1'>");
        document.body.lastChild.addEventListener("error", () => { window.failed = true; });
        document.body.append(Object.assign(document.createElement("script"),
            { textContent: "window.ran=2" }));
    }""")
    page.wait_for_function("window.failed && window.stopped.length >= 2")
    assert set(page.evaluate("window.stopped")) == {"script-src-attr", "script-src-elem"}
    assert page.evaluate("window.ran") is None
    assert dialogs == []
    own = (address, "data:", "blob:" + address)
    assert [url for url in asked if not url.startswith(own)] == []


def test_no_script_of_a_page_may_be_its_own(page, address):
    policy = page.request.get(address).headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
