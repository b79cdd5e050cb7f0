"""A real Chromium, and the page served over a small vault."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ragbot import Ragbot
from ragbot.apps.web.server import launch
from ragbot.config import Config
from tests.model_server import Script, serving

# Generous: a machine that does other work besides is slow, not wrong.
expect.set_options(timeout=60_000)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium: a test that needs it fails where it is missing, it is not skipped.

    For one module only: while Playwright is open an event loop runs in this
    thread, and the tests of asynchronous code could not start theirs.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the browser's tests need Chromium: apt install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield opened
        opened.close()


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def page_over(
    notes: Mapping[str, str],
    folder: Path,
    *,
    refresh: bool = True,
    login: tuple[str, str] | None = None,
) -> Iterator[str]:
    """Serve the page over these notes, by name, and give its address."""
    vault = folder / "vault"
    vault.mkdir()
    for name, text in notes.items():
        (vault / name).write_text(text, encoding="utf-8")
    port = free_port()
    with Ragbot.open(vault, folder / "index", refresh=refresh) as bot:
        served = launch(bot, port=port, login=login)
        yield f"http://127.0.0.1:{port}"
        served.close(verbose=False)


@contextmanager
def bot_with_model(notes: Mapping[str, str], folder: Path, script: Script) -> Iterator[Ragbot]:
    """Open a bot over these notes, by name, whose language model says what a script has."""
    vault = folder / "vault"
    for name, text in notes.items():
        (vault / name).parent.mkdir(parents=True, exist_ok=True)
        (vault / name).write_text(text, encoding="utf-8")
    with serving(script) as url:
        config = Config(
            notes=vault, index=folder / "index", llm="openai-like/scripted", llm_base_url=url
        )
        with Ragbot.open(config=config) as bot:
            yield bot


def open_side(page: Page) -> None:
    """Open the bar at the side: conversations, settings, the index."""
    if not page.locator(".sidebar.open").count():
        page.get_by_role("button", name="Toggle Sidebar").click()
    expect(page.locator(".sidebar.open")).to_be_visible()
