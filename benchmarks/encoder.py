"""Measure the encoder against that of an earlier checkout: building, starting, asking.

    git worktree add /tmp/before COMMIT
    python benchmarks/encoder.py --before /tmp/before --vault FOLDER [--texts 200] [--repeats 3]

Each run is a process of its own, and the two checkouts take turns. `build` encodes paragraphs of
the notes as passages, in the batches and threads of each checkout; `settings` does so with other
batches and threads of this one. `ask`, `search` and `help` are commands over an index that exists.
The quickest run counts. Processor time is what is left when other programs share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "encoder.json"
PACKAGES = ("onnxruntime", "tokenizers", "sentence-transformers", "torch", "chromadb", "numpy")
QUESTION = "What is the difference between the two?"
BATCHES, THREADS = (1, 2, 4, 8, 16), (1, 2)

BUILD = """
import json, sys, time
try:
    from ragbot.inference import encoder as module
    encoder = module.LocalEncoder()
except ImportError:
    from ragbot import embed as module
    encoder = module.Encoder()
texts, batch, threads = json.load(open(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
encoder.encode_passages(texts[:8])
module.BATCH = batch or module.BATCH
if threads:
    encoder._model.workers, encoder._pool = threads, None
wall, processor = time.perf_counter(), time.process_time()
encoder.encode_passages(texts)
print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]))
"""


def paragraphs(vault: Path, count: int) -> list[str]:
    """Return paragraphs of notes, drawn with a fixed seed."""
    texts = [
        paragraph.strip()
        for path in sorted(vault.rglob("*.md"))
        for paragraph in path.read_text(encoding="utf-8", errors="replace").split("\n\n")
        if len(paragraph.strip()) >= 40
    ]
    random.Random(0).shuffle(texts)
    return texts[:count]


def run(checkout: Path, *arguments: str) -> dict[str, float | str]:
    """Run Python in a checkout; return its wall and processor time, its memory and its output."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    output, _ = process.communicate()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{arguments[:3]} failed in {checkout}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "processor": processor, "output": output}


def build(checkout: Path, texts: Path, batch: int = 0, threads: int = 0) -> dict[str, float]:
    """Encode the texts in a process of a checkout."""
    output = str(run(checkout, "-c", BUILD, str(texts), str(batch), str(threads))["output"])
    wall, processor = json.loads(output.splitlines()[-1])
    return {"wall": wall, "processor": processor}


def quickest(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the least wall and the least processor time, each rounded."""
    return {name: round(min(one[name] for one in runs), 2) for name in ("wall", "processor")}


def compare(
    checkouts: Mapping[str, Path], vault: Path, texts: Path, repeats: int
) -> dict[str, Any]:
    """Measure each checkout in turn."""
    found: dict[str, dict[str, list[Any]]] = {name: {} for name in checkouts}
    with tempfile.TemporaryDirectory() as home:
        for name, checkout in checkouts.items():
            command = ["index", "--notes", str(vault), "--index", f"{home}/{name}"]
            found[name]["index"] = [run(checkout, "-m", "ragbot", *command)]
        for _ in range(repeats):
            for name, checkout in checkouts.items():
                places = ["--notes", str(vault), "--index", f"{home}/{name}"]
                commands = {
                    "ask": ["ask", QUESTION, *places],
                    "search": ["search", QUESTION, *places],
                }
                for kind, words in (commands | {"help": ["--help"]}).items():
                    done = run(checkout, "-m", "ragbot", *words)
                    found[name].setdefault(kind, []).append(done)
                found[name].setdefault("build", []).append(build(checkout, texts))
    return {
        name: {kind: quickest(runs) for kind, runs in kinds.items()}
        for name, kinds in found.items()
    }


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--vault", type=Path, default=ROOT / "notes")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder) / "texts.json"
        texts.write_text(json.dumps(paragraphs(options.vault, options.texts)), encoding="utf-8")
        checkouts = {"before": options.before.resolve(), "now": ROOT}
        record: dict[str, Any] = {
            "date": time.strftime("%Y-%m-%d"),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "load at the start": os.getloadavg(),
            "versions": {name: version(name) for name in PACKAGES},
            "texts": options.texts,
            "repeats": options.repeats,
            "runs": compare(checkouts, options.vault, texts, options.repeats),
            "settings": [
                {"batch": batch, "threads": threads, **build(ROOT, texts, batch, threads)}
                for batch in BATCHES
                for threads in THREADS
            ],
        }
    text = json.dumps(record, indent=1) + "\n"
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
