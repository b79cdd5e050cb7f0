"""Measure an edit: one note of a vault is edited, and the index is brought up to date.

    python benchmarks/edit.py [--notes 1000] [--edits 10]

The vault is one of `benchmarks/scale.py`, the encoder the real one, the folder is watched as in the
chat. The clock runs from before the note is written until an answer quotes what was written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.scale import write_vault  # noqa: E402
from ragbot import Ragbot  # noqa: E402
from ragbot.notes.watcher import follow  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "edit.json"
PATIENCE = 60
"""Seconds after which an edit counts as never answered."""


def seconds(bot: Ragbot, note: Path, number: int) -> float:
    """Save a note, and ask until what was saved is quoted."""
    sentence = f"The lantern of edit {number} hangs in harbour {number * 17}."
    began = time.perf_counter()
    note.write_text(f"{note.read_text(encoding='utf-8')}\n\n{sentence}\n", encoding="utf-8")
    while time.perf_counter() - began < PATIENCE:
        answer = bot.ask(f"In which harbour hangs the lantern of edit {number}?")
        if any(sentence in citation.quote for citation in answer.citations):
            return time.perf_counter() - began
        time.sleep(0.02)
    raise TimeoutError(f"edit {number} was not answered from within {PATIENCE} s")


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--edits", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_vault(home / "vault", options.notes)
        with Ragbot.open(home / "vault", home / "index") as bot:
            bot.ask("In which harbour hangs the lantern?")
            passages = bot.status().passages
            stop = threading.Event()
            events = {"stop": stop, "failed": print}
            thread = threading.Thread(
                target=follow, args=(home / "vault", bot.refresh), kwargs=events
            )
            thread.start()
            time.sleep(2)
            times = [
                seconds(bot, home / "vault" / f"{n % 97}" / f"Note {n}.md", n)
                for n in range(options.edits)
            ]
            stop.set()
            thread.join()
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        "notes": options.notes,
        "passages": passages,
        "edits": options.edits,
        "seconds until answered [p50, most]": [float(np.median(times)), max(times)],
    }
    text = json.dumps(record, indent=1)
    print(text)
    RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
