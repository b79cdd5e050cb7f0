"""How fluid the whole garden's graph is: 2,000 linked notes drawn in Chromium, panned and zoomed.

    python benchmarks/drawing.py [--notes 2000]

Makes a vault as `scale.py` does, serves its page, and drives a headless Chromium without a
graphics card, which is the slowest way to draw. Frame times are the differences of
`requestAnimationFrame`: 16.7 ms is as smooth as a screen of 60 Hz can show.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.load import write  # noqa: E402
from benchmarks.scale import write_vault  # noqa: E402
from ragbot import Ragbot  # noqa: E402
from ragbot.apps.serving import (  # noqa: E402
    IndexRefresher,
    address_of,
    listen,
    running,
)
from ragbot.apps.web.server import application  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "drawing.json"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WINDOW = {"width": 1440, "height": 900}
MOVES = 60

RECORD = """() => { window.frames = []; let last = performance.now();
    const step = (now) => { frames.push(now - last); last = now; requestAnimationFrame(step); };
    requestAnimationFrame(step); }"""


def frames(page: Page, seconds: float = 0.0) -> list[float]:
    """Take the milliseconds of each frame since the last call, after `seconds` more."""
    page.wait_for_timeout(seconds * 1000)
    times: list[float] = page.evaluate("() => frames.splice(0)")
    return times


def summary(times: list[float]) -> dict[str, float]:
    """Summarise frame times."""
    p50, p95 = np.quantile(times, (0.5, 0.95))
    rounded = {"p50": p50, "p95": p95, "longest": max(times)}
    return {f"{name} ms": round(float(value), 1) for name, value in rounded.items()}


def measure(page: Page) -> dict[str, Any]:
    """Open the graph, let it come to rest, pan it, zoom it, point at it."""
    page.evaluate(RECORD)
    began = time.perf_counter()
    page.locator("#show-graph").click()
    page.locator(".canvas canvas").wait_for()
    frames(page)
    drawn = time.perf_counter() - began
    settling = frames(page, 6)
    box = page.locator(".canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    frames(page)
    for move in range(MOVES):
        page.mouse.move(x + 3 * move, y + move)
    pointing = frames(page)
    page.mouse.down()
    for move in range(MOVES):
        page.mouse.move(x + 3 * move, y + move)
    page.mouse.up()
    panning = frames(page)
    for move in range(MOVES):
        page.mouse.wheel(0, -100 if move < MOVES // 2 else 100)
    zooming = frames(page)
    return {
        "seconds until it is drawn": round(drawn, 2),
        "while it settles": summary(settling),
        "pointing": summary(pointing),
        "panning": summary(panning),
        "zooming": summary(zooming),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        write_vault(Path(home) / "vault", options.notes)
        # Without `wait` nothing is embedded: a drawing needs links alone.
        with (
            listen("127.0.0.1", 0) as listener,
            Ragbot.open(Path(home) / "vault", Path(home) / "index", refresh=False) as bot,
            sync_playwright() as playwright,
            running(application(IndexRefresher(bot)), listener),
        ):
            links = bot.status().relations
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            page = browser.new_page(viewport=WINDOW)
            page.goto(address_of(listener))
            page.locator("#show-graph").wait_for()
            page.wait_for_timeout(2000)
            measured = measure(page)
            browser.close()
    write(RESULTS, {"notes": options.notes, "links": links, **measured})


if __name__ == "__main__":
    main()
