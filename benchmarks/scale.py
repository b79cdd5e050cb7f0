"""What an index costs as a vault grows: building, editing, opening and asking.

    python benchmarks/scale.py [--notes 1000 14000] [--questions 50] [--write]
    python benchmarks/scale.py --notes 100000 --first-build 900

A cheap encoder takes the place of the real one, so what is measured is all the rest. Times are
seconds of wall and of a processor; the second is what is left when other programs share the
machine. What a new process does is measured in one. `measure` calls nothing but an `Index`, its
snapshots and `retrieve`, so the same file times another version of these.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate, count
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program does
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, os.environ.get("BENCHMARKED", str(ROOT)))
os.environ["ANONYMIZED_TELEMETRY"] = "False"

try:
    from ragbot.index.index import Index
    from ragbot.inference.encoder import EncoderIdentity
    from ragbot.inference.token_codes import Encoded, EncodedQuestion, TokenVectors, quantize
    from ragbot.notes.vault import scan
    from ragbot.questions.question import analyse
    from ragbot.retrieval.retriever import retrieve
except ImportError:  # the layout before the rooms, to be measured beside this one
    from ragbot.codes import Encoded, EncodedQuestion, TokenVectors  # type: ignore
    from ragbot.codes import pack as quantize  # type: ignore
    from ragbot.embed import EncoderIdentity  # type: ignore
    from ragbot.retrieve import retrieve  # type: ignore
    from ragbot.vault import scan  # type: ignore

    from ragbot.index import Index  # type: ignore

RESULTS = ROOT / "benchmarks" / "results" / "scale.json"
DIMENSION = 384
PREDICATES = ("extends", "supports", "contradicts", "causes", "mitigates", "relates_to")

Times = tuple[float, float]
"""Seconds of wall, and of a processor."""


class CheapEncoder:
    """The mean of a fixed random direction for each word: near for texts that share words."""

    identity = EncoderIdentity("cheap", "0", DIMENSION, ("", ""))

    def __init__(self) -> None:
        rows = np.random.default_rng(0).normal(size=(1 << 14, DIMENSION))
        self._rows = rows.astype(np.float32)

    def encode_query(self, text: str) -> np.ndarray:
        """Encode one text."""
        words = [zlib.crc32(word.encode()) & 0x3FFF for word in text.casefold().split()] or [0]
        vector = self._rows[words].sum(axis=0)
        return vector / np.linalg.norm(vector)

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode one text and its words."""
        return EncodedQuestion(self.encode_query(text), self._words(text))

    def passages(self, texts: list[str]) -> Iterator[Encoded]:
        """Encode texts and their words, some at a time."""
        for start in range(0, len(texts), 64):
            part = texts[start : start + 64]
            words = [self._words(text) for text in part]
            yield Encoded(
                np.stack([self.encode_query(text) for text in part]),
                [quantize(w.vectors, [first for first, _ in w.spans]) for w in words],
            )

    def _words(self, text: str) -> TokenVectors:
        found = [match.span() for match in re.finditer(r"\S+", text)]
        rows = [zlib.crc32(text[a:b].casefold().encode()) & 0x3FFF for a, b in found]
        lengths = np.linalg.norm(self._rows[rows], axis=1, keepdims=True)
        return TokenVectors(self._rows[rows] / lengths, tuple(found))


def write_vault(folder: Path, notes: int, questions: int = 50) -> list[str]:
    """Write the notes; return questions in their words."""
    chance = random.Random(notes)
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    words = sorted(
        {"".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(9000)}
    )
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(words))))

    def sentence() -> str:
        length = chance.randint(8, 20)
        return " ".join(chance.choices(words, cum_weights=weights, k=length)).capitalize() + "."

    def other() -> str:
        # A hundredth of the notes are hubs, and get a third of the links.
        reach = max(1, notes // 100) if chance.random() < 0.33 else notes
        return f"Note {chance.randrange(reach)}"

    asked = []
    for number in range(notes):
        parts = [f"# Note {number}"]
        for _ in range(chance.randint(2, 5)):
            prose = [sentence() for _ in range(chance.randint(3, 7))]
            parts.append(f"## {chance.choice(words)}\n\n{' '.join(prose)} See [[{other()}]].")
        relations = [
            f"- {chance.choice(PREDICATES)}::[[{other()}]]\n    - {sentence()}"
            for _ in range(chance.randint(2, 6))
        ]
        parts.append("\n".join(relations))
        path = folder / f"{number % 97}" / f"Note {number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(parts), encoding="utf-8")
        if len(asked) < questions:
            asked.append(" ".join(chance.choices(prose[0].casefold()[:-1].split(), k=8)))
    return asked


def timed(work: Callable[[], object]) -> Times:
    """Return the times of a call."""
    wall, processor = time.perf_counter(), _processor()
    work()
    return time.perf_counter() - wall, _processor() - processor


def _processor() -> float:
    """Return the seconds of a processor that this process and its ended children used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def ask(index: Any, question: str, query: Any) -> int:
    """Ask a question; return the number of hits."""
    if hasattr(index, "snapshot"):
        with index.snapshot() as corpus:
            return len(retrieve(corpus, analyse(corpus, question, encode=lambda text: query)))
    return len(retrieve(index.current(), question, query))


def measure(home: Path, notes: int, questions: int) -> dict[str, Any]:
    """Build, edit and ask one vault."""
    asked = write_vault(home / "vault", notes, questions)
    encoder: Any = CheapEncoder()
    record: dict[str, Any] = {"notes": notes}
    index = Index(home / "index")
    record["read, stored, not embedded"] = timed(lambda: index.refresh(home / "vault", None))
    record["embedded and in Chroma"] = timed(lambda: index.refresh(home / "vault", encoder))
    record["first answer of a first build, s"] = first_answer(home, asked[0])
    record["resident MB after building"] = peak_memory()
    record["index MB"] = disk(home / "index")
    record["vault MB"] = disk(home / "vault")
    record |= edits(home, index, encoder)
    pairs = [(question, encoder.encode_question(question)) for question in asked]
    for name, hops in (("a question", {}), ("a question by words", None)):
        encoded = [(q, None if hops is None else vector) for q, vector in pairs]
        ask(index, *encoded[0])
        times = [timed(partial(ask, index, *pair)) for pair in encoded]
        record[f"{name}, ms of a processor [p50, p95]"] = quantiles([one for _, one in times])
    for name in ("open", "edit"):
        record[f"a new process: {name}"] = child(name, home, asked[0])
    return record


def first_build(home: Path, notes: int, seconds: float) -> dict[str, Any]:
    """Build one vault from nothing, with vectors, for so many seconds; then edit and ask."""
    [question] = write_vault(home / "vault", notes, 1)
    encoder: Any = CheapEncoder()
    record: dict[str, Any] = {"notes": notes}
    record["first answer, s"] = first_answer(home, question)
    index, began, reached = Index(home / "index"), time.perf_counter(), {}

    def report(progress: Any) -> None:
        now = round(time.perf_counter() - began, 1)
        reached[progress.stage] = f"{progress.done} of {progress.total} after {now} s"
        if now > seconds:
            raise InterruptedError

    try:
        record["whole build"] = timed(lambda: index.refresh(home / "vault", encoder, report=report))
        record["edit and question"] = edits(home, index, encoder)
    except InterruptedError:
        record["ended after, s"] = seconds
    record["reached"] = reached
    record["processor s"] = _processor()
    record["resident MB"] = peak_memory()
    record["index MB"] = disk(home / "index")
    record["a new process: open"] = child("open", home, question)
    return record


def quantiles(seconds: list[float]) -> list[float]:
    """Return two quantiles in milliseconds."""
    return [round(float(1000 * np.quantile(seconds, q)), 2) for q in (0.5, 0.95)]


def first_answer(home: Path, question: str) -> float:
    """Return the seconds from the start of a first build until a question is answered."""
    index, began = Index(home / "first"), time.perf_counter()
    stop = threading.Event()

    def report(progress: object) -> None:
        if stop.is_set():
            raise InterruptedError

    def build() -> None:
        try:
            index.refresh(home / "vault", None, report=report)
        except Exception:  # it is ended here, in whatever state it is
            stop.set()

    building = threading.Thread(target=build)
    building.start()
    reader = Index(home / "first")
    while True:
        try:
            if ask(reader, question, None):
                break
        except Exception:  # nothing is there yet
            time.sleep(0.05)
    seconds = time.perf_counter() - began
    stop.set()
    building.join()
    return seconds


def edits(home: Path, index: Any, encoder: Any) -> dict[str, Any]:
    """Change one note some times, and refresh; then ask, here and as another process would."""
    vault, numbers = home / "vault", count()
    question = "which sentence is of an edit"
    query = encoder.encode_question(question)

    def edit() -> None:
        with (vault / "7" / "Note 7.md").open("a", encoding="utf-8") as note:
            note.write(f"\n\nA sentence of edit {next(numbers)}.\n")

    def add() -> None:
        text = f"# Addition\n\nIt says something of [[Note {next(numbers)}]].\n"
        (vault / "Addition.md").write_text(text, encoding="utf-8")

    def refreshed(change: Callable[[], None]) -> Times:
        change()
        time.sleep(0.2)  # the bytes of a file that was just written would be compared once more
        return timed(lambda: index.refresh(vault, encoder))

    reader = Index(home / "index")
    edited, added, removed, taken, asked = [], [], [], [], []
    for _ in range(5):
        edited.append(refreshed(edit))
        taken.append(timed(lambda: ask(reader, question, query)))
        asked.append(timed(lambda: ask(index, question, query)))
    for _ in range(3):
        added.append(refreshed(add))
        removed.append(refreshed((vault / "Addition.md").unlink))
    return {
        "listing the folder": middle([timed(lambda: scan(vault)) for _ in range(5)]),
        "refresh of nothing": middle(
            [timed(lambda: index.refresh(vault, encoder)) for _ in range(5)]
        ),
        # What is loaded once is loaded by the first.
        "refresh of an edited note": middle(edited[1:]),
        "refresh of an added note": middle(added[1:]),
        "refresh of a removed note": middle(removed[1:]),
        "first question after an edit": middle(asked[1:]),
        "the same by another process": middle(taken[1:]),
    }


def middle(times: list[Times]) -> Times:
    """Return the median by processor time."""
    return sorted(times, key=lambda pair: pair[1])[len(times) // 2]


def child(what: str, home: Path, question: str) -> dict[str, float]:
    """Measure something in a new process, beyond the start of Python and its imports."""
    if what == "edit":
        with (home / "vault" / "7" / "Note 7.md").open("a", encoding="utf-8") as note:
            note.write("\n\nA sentence of a new process.\n")
        time.sleep(0.2)
    command = [sys.executable, __file__, "--child", what, str(home), question]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_child(what: str, home: Path, question: str) -> dict[str, float]:
    """Do what `child` measures."""
    words = CheapEncoder().encode_question("what is imported when it is first used").words
    quantize(words.vectors, [0] * len(words.spans))

    encoder: Any = CheapEncoder()
    index = Index(home / "index")
    if what == "edit":
        wall, processor = timed(lambda: index.refresh(home / "vault", encoder))
    elif what == "words":
        wall, processor = timed(lambda: ask(index, question, None))
    else:
        wall, processor = timed(lambda: ask(index, question, None))
        ask(index, question, encoder.encode_question(question))
    return {"wall": wall, "processor": processor, "resident MB": peak_memory()}


def peak_memory() -> float:
    """Return the most megabytes of this process that were in memory at once, on Linux."""
    # `ru_maxrss` of a new process begins with that of the process which started it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def disk(folder: Path) -> float:
    """Return the megabytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, nargs="*", default=[1000, 14000])
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--first-build", type=float, metavar="SECONDS", help="only a first build")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/scale.json")
    options = parser.parse_args()
    if options.child:
        what, home, question = options.child
        print(json.dumps(run_child(what, Path(home), question)))
        return
    records = []
    for notes in options.notes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            if options.first_build:
                records.append(first_build(Path(folder), notes, options.first_build))
            else:
                records.append(measure(Path(folder), notes, options.questions))
        print(json.dumps(records[-1], indent=1), flush=True)
    settings = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
    }
    if options.write:
        RESULTS.write_text(json.dumps(settings | {"runs": records}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
