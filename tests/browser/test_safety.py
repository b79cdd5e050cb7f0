"""A vault that wants to run in the page, and to call home: nothing does."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_over

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
    notes = {"Kraken.md": EVIL, "Ship.md": "# Ship\n\n- sunk_by::[[Kraken]]\n"}
    with page_over(notes, tmp_path_factory.mktemp("garden"), refresh=False) as served:
        yield served


def test_nothing_runs_and_nothing_is_fetched(browser, address):
    page = browser.new_page()
    page.set_default_timeout(60_000)
    asked, dialogs = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(address)
    box = page.get_by_label("Your question")
    box.fill("What is the kraken <img src=x onerror=window.ran=11>?")
    box.press("Enter")
    expect(page.locator(".source").first).to_contain_text("kraken")
    page.locator(".source .open").first.click()
    expect(page.locator("#pane mark").first).to_be_visible()
    expect(page.locator("#pane .ghost").first).to_be_visible()
    page.locator("#pane").get_by_text("run me").click()
    page.locator("#pane").get_by_text("data", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#whole-garden").click()
    expect(page.locator(".canvas canvas")).to_be_visible()
    assert page.evaluate("window.ran") is None
    # Were a note's HTML to slip through, the policy would still stop it.
    page.evaluate("""() => {
        window.stopped = [];
        const told = (event) => window.stopped.push(event.effectiveDirective);
        document.addEventListener("securitypolicyviolation", told);
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
    page.close()


def test_no_file_outside_the_vault_is_given(browser, address):
    page = browser.new_page()
    for path in ("/ragbot/../serving.py", "/ragbot/%2e%2e/serving.py", "/file=/etc/passwd"):
        assert page.request.get(address + path).status in (403, 404)
    policy = page.request.get(address).headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    page.close()


def test_nothing_is_taken_from_a_visitor_but_questions(browser, address):
    page = browser.new_page()
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"kept"}
    for path in ("/gradio_api/upload", "/gradio_api//upload", "/gradio_api/upload/"):
        sent = page.request.post(address + path, multipart={"files": file})
        assert sent.status in (404, 405), path
    for path in ("/gradio_api/deep_link?session_hash=abc", "/monitoring", "/monitoring/summary"):
        assert page.request.get(address + path).status == 404, path
    page.close()
