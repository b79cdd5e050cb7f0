"""Twenty people ask a chat server ten questions each, while its notes change.

    python benchmarks/load.py [--notes FOLDER]

Starts `ragbot chat` over a copy of the notes. One person asks first, then twenty at once, each
from an address of their own, as behind a proxy. Meanwhile a note changes every half second. Every
answer is checked: it came without an error, and all that it cites of a note was written in one
version of that note, at the lines that it names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "load.json"
QUESTIONS = ROOT / "tests" / "evaluation" / "garden.jsonl"
PEOPLE, EACH = 20, 10
PAUSE = 0.5
"""Seconds between two edits."""

Answer = tuple[float, int, dict[str, Any]]
"""Seconds, status and body of a response."""


class Edits:
    """Changes one note after the other, and remembers every text that each has had."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        self.texts = {
            path.relative_to(notes).as_posix(): [path.read_text(encoding="utf-8")]
            for path in sorted(notes.rglob("*.md"))
        }
        self.count = 0
        self._stop = threading.Event()

    def __enter__(self) -> Edits:
        self._thread = threading.Thread(target=self._edit, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _edit(self) -> None:
        names = list(self.texts)
        while not self._stop.wait(PAUSE):
            name = names[self.count % len(names)]
            self.count += 1
            # One more sentence above all others: every line below it moves.
            before = self.texts[name][-1]
            end = before.find("\n---", 3)
            at = before.find("\n", end + 1) + 1 if before.startswith("---") and end > 0 else 0
            text = f"{before[:at]}\nEdit {self.count} of this note.\n\n{before[at:]}"
            # Remembered first: an answer may cite it as soon as it is there.
            self.texts[name].append(text)
            new = self.notes / f"{name}.tmp"
            new.write_text(text, encoding="utf-8")
            new.replace(self.notes / name)

    def mixes(self, answer: dict[str, Any]) -> bool:
        """Return whether an answer cites text of a note that no single version contains."""
        cited: dict[str, list[dict[str, Any]]] = {}
        for citation in answer["citations"]:
            cited.setdefault(citation["note"], []).append(citation)
        return not all(
            any(all(_stands(each, text) for each in citations) for text in self.texts[note])
            for note, citations in cited.items()
        )


def _stands(citation: dict[str, Any], text: str) -> bool:
    first, last = citation["lines"]
    return citation["quote"] in "\n".join(text.split("\n")[first - 1 : last])


@contextmanager
def chat(notes: Path, index: Path) -> Iterator[tuple[str, int]]:
    """Start the server, and yield its address and process once the index is complete."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ragbot", "chat", "--notes", str(notes), "--index", str(index),
               "--port", str(port)]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            server.stderr.readline()
            while httpx.get(f"{address}/api/status", timeout=60).json()["notice"]:
                time.sleep(2)
            yield address, server.pid
        finally:
            server.terminate()


def memory(process: int) -> int:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def processor(process: int) -> float:
    """Return the processor time of a process in seconds."""
    status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")


def person(address: str, number: int, questions: list[str]) -> list[Answer]:
    """Ask ten questions, one after the other."""
    headers = {"X-Forwarded-For": f"10.0.0.{number}"}
    answers = []
    with httpx.Client(base_url=address, headers=headers, timeout=120) as client:
        for turn in range(EACH):
            question = questions[(number * EACH + turn) % len(questions)]
            began = time.perf_counter()
            response = client.post("/api/ask", json={"question": question})
            answers.append((time.perf_counter() - began, response.status_code, response.json()))
    return answers


def report(answers: list[Answer], edits: Edits, process: int, before: float) -> dict[str, object]:
    """Return times, failures and memory of some answers; `before` is the processor time before."""
    seconds = [taken for taken, _, _ in answers]
    good = [body for _, status, body in answers if status == 200]
    return {
        "questions": len(answers),
        "errors": len(answers) - len(good),
        "mixtures": sum(edits.mixes(body) for body in good),
        "abstained": sum(body["abstained"] for body in good),
        "seconds p50": round(float(np.quantile(seconds, 0.5)), 3),
        "seconds p95": round(float(np.quantile(seconds, 0.95)), 3),
        "processor seconds a question": round((processor(process) - before) / len(answers), 3),
        "memory MB": memory(process),
    }


def measure(source: Path) -> dict[str, object]:
    """Ask alone, then with twenty, while notes change."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(shutil.copytree(source, Path(folder) / "notes"))
        with chat(notes, Path(folder) / "index") as (address, process), Edits(notes) as edits:
            began = memory(process)
            spent = processor(process)
            one = report(person(address, 0, questions), edits, process, spent)
            spent = processor(process)
            with ThreadPoolExecutor(PEOPLE) as pool:
                asked = [pool.submit(person, address, n, questions) for n in range(1, PEOPLE + 1)]
                many = [answer for each in asked for answer in each.result()]
            crowd = report(many, edits, process, spent)
            edited = edits.count
    return {"memory MB before": began, "one": one, f"{PEOPLE} at once": crowd, "edits": edited}


def write(path: Path, measured: dict[str, Any]) -> None:
    """Write what was measured, with what it was measured on, and print it."""
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
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
    write(RESULTS, measure(parser.parse_args().notes))


if __name__ == "__main__":
    main()
