"""How soon the chat server answers: the first text of an answer, and twenty people at once.

    python benchmarks/page.py [--notes FOLDER]

Asks over real HTTP with `gradio_client`, as another program would, of a chat whose index is built
and whose encoder is loaded. The server and those who ask share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from gradio_client import Client  # noqa: E402

from ragbot import Ragbot  # noqa: E402
from ragbot.apps.web.server import launch  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "page.json"
QUESTIONS = ROOT / "tests" / "evaluation" / "garden.jsonl"
PEOPLE = 20


def ask(client: Client, question: str) -> tuple[float, float]:
    """Take the seconds until the first text of an answer, and until its end."""
    began = time.perf_counter()
    first = 0.0
    for _ in client.submit(question, api_name="/ask"):
        first = first or time.perf_counter() - began
    return first, time.perf_counter() - began


def measure(notes: Path) -> dict[str, object]:
    """Ask alone, twice the same, then twenty at once."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines][: 2 * PEOPLE]
    with (
        tempfile.TemporaryDirectory() as index,
        Ragbot.open(notes, index) as bot,
        served(bot) as clients,
    ):
        new = [ask(clients[0], question) for question in asked[:PEOPLE]]
        again = [ask(clients[0], question) for question in asked[:PEOPLE]]
        began = time.perf_counter()
        with ThreadPoolExecutor(PEOPLE) as pool:
            crowd = list(pool.map(ask, clients, asked[PEOPLE:]))
        together = time.perf_counter() - began
    told = {
        "new questions": new,
        "the same again": again,
        f"{PEOPLE} at once": crowd,
    }
    return {
        "milliseconds to the first text [p50, p95]": {
            name: [round(float(np.quantile([t for t, _ in times], q)) * 1000) for q in (0.5, 0.95)]
            for name, times in told.items()
        },
        "seconds until the last of the crowd is served": round(together, 2),
        "served": sum(first > 0 for first, _ in crowd),
    }


@contextmanager
def served(bot: Ragbot) -> Iterator[list[Client]]:
    """Serve the page over a bot with its encoder loaded; yield the clients that will ask."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = launch(bot, port=port)
    clients = [Client(f"http://127.0.0.1:{port}", verbose=False) for _ in range(PEOPLE)]
    ask(clients[0], "warm")
    yield clients
    page.close(verbose=False)


def write(path: Path, measured: dict[str, Any]) -> None:
    """Write what was measured with what it was measured on, and print it."""
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "gradio": version("gradio"),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        **measured,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=Path, default=ROOT / "notes")
    options = parser.parse_args()
    write(RESULTS, measure(options.notes))


if __name__ == "__main__":
    main()
