"""How an index grows: vaults of 1,000, 10,000 and 14,000 linked notes, made for the purpose.

    python benchmarks/scale.py [--notes 1000 10000 14000] [--passages 100000] [--folder DIR]

Notes have some seven short passages and as many links, a few hubs that many link to, and ten
predicates. Vectors come from a cheap deterministic encoder of the real one's dimension: real
embedding is the same work for every passage, `benchmarks/index.py` measures it, and it would take
hours here. Times are of the wall, with processor time beside them where a build or an edit is
meant, because other programs may share the machine. A refresh is told beside the scan, the listing
of the folder that every refresh begins with, and a query beside the encoder's own time for it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import resource
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import accumulate, count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from ragbot.graph.relation_graph import RelationGraph  # noqa: E402
from ragbot.index.index import Index  # noqa: E402
from ragbot.inference import token_codes  # noqa: E402
from ragbot.inference.encoder import EncoderIdentity, LocalEncoder  # noqa: E402
from ragbot.inference.token_codes import Encoded, EncodedQuestion, TokenVectors  # noqa: E402
from ragbot.models import Progress  # noqa: E402
from ragbot.notes.vault import scan  # noqa: E402
from ragbot.retrieval.expansion import along_links  # noqa: E402
from ragbot.retrieval.late_interaction import Reading  # noqa: E402
from ragbot.retrieval.retriever import retrieve  # noqa: E402
from ragbot.retrieval.scoring import ADMITTED, READ, SEEDS  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "scale.json"
PREDICATES = (
    "supports", "contradicts", "extends", "part_of", "has_part", "follows", "causes",
    "example_of", "relates_to", "in_domain",
)  # fmt: skip
QUESTIONS = 100
READINGS = ADMITTED * READ
DIMENSION = 384
A_NOTE = 7.5
"""Passages of a note, on average."""


class CheapEncoder:
    """The mean of a fixed random direction for each word: near for texts that share words."""

    loaded = True
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
            told = [self._words(text) for text in part]
            yield Encoded(
                np.stack([self.encode_query(text) for text in part]),
                [
                    token_codes.quantize(words.vectors, [first for first, _ in words.spans])
                    for words in told
                ],
            )

    def _words(self, text: str) -> TokenVectors:
        found = [match.span() for match in re.finditer(r"\S+", text)]
        rows = [zlib.crc32(text[a:b].casefold().encode()) & 0x3FFF for a, b in found]
        lengths = np.linalg.norm(self._rows[rows], axis=1, keepdims=True)
        return TokenVectors(self._rows[rows] / lengths, tuple(found))


def write_vault(folder: Path, notes: int) -> list[str]:
    """Write the notes; gives questions in their words."""
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

    questions = []
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
        if len(questions) < QUESTIONS:
            questions.append(" ".join(chance.choices(prose[0].casefold()[:-1].split(), k=8)))
    return questions


class Stages:
    """Seconds and processor seconds between one stage's first report and the next one's."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._stage = "read"
        self._since = (time.perf_counter(), time.process_time())

    def __call__(self, progress: Progress) -> None:
        """Take note of a report."""
        if progress.stage != self._stage:
            now = (time.perf_counter(), time.process_time())
            known = self.seconds.setdefault(self._stage, [0.0, 0.0])
            for i in range(2):
                known[i] += now[i] - self._since[i]
            self._stage, self._since = progress.stage, now


def milliseconds(times: list[float]) -> dict[str, float]:
    """Quantiles of some durations in seconds."""
    p50, p95, p99 = np.quantile(np.array(times) * 1000, [0.5, 0.95, 0.99])
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99)}


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def disk(folder: Path) -> float:
    """Megabytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(home: Path, notes: int, real: LocalEncoder) -> dict[str, Any]:
    """Build, edit and ask one vault."""
    questions = write_vault(home / "vault", notes)
    encoder: Any = CheapEncoder()
    index, stages = Index(home / "index"), Stages()
    build = timed(lambda: index.refresh(home / "vault", encoder, report=stages))
    corpus = index.current()
    record: dict[str, Any] = {
        "notes": notes,
        "passages": len(corpus.chunks),
        "edges": len(corpus.graph),
        "build seconds": build,
        "build stages [wall, processor]": stages.seconds,
    }
    record |= edits(home, index, encoder)
    corpus = index.current()
    record["load by a new process, seconds"] = timed(Index(home / "index").current)
    queries = [encoder.encode_question(question) for question in questions]
    pairs = list(zip(questions, queries, strict=True))
    retrieve(corpus, *pairs[0])
    corpus.nearest(queries[0].vector, 10)
    chance = np.random.default_rng(0)
    steps: dict[str, Callable[[str, Any], object]] = {
        "vectors": lambda _, query: corpus.nearest(query.vector, 100),
        "words": lambda question, _: corpus.lexical.passages(question),
        "read word by word": lambda question, query: Reading(corpus, question, query).passages(
            list(chance.integers(len(corpus.chunks), size=READINGS))
        ),
        "all but links": lambda question, query: retrieve(corpus, question, query, hops=0),
        "all": lambda question, query: retrieve(corpus, question, query),
        "encoder": lambda question, _: real.encode([question]),
    }
    record["query ms"] = told = {
        name: milliseconds([timed(partial(step, *pair)) for pair in pairs])
        for name, step in steps.items()
    }
    record["query over the encoder"] = {
        quantile: told["all"][quantile] / value for quantile, value in told["encoder"].items()
    }
    record["resident MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    record["index MB"] = disk(home / "index")
    segments = home / "index" / "segments"
    record["of it codes of words, MB"] = (
        sum(p.stat().st_size for p in segments.rglob("codes.npy")) / 1e6
    )
    record["vault MB"] = disk(home / "vault")
    return record


def graph_step(notes: int = 100_000, edges: int = 1_000_000) -> dict[str, Any]:
    """Time what a question costs in a large graph: two steps along links from its best notes."""
    chance = np.random.default_rng(0)
    hubs = chance.random(edges) < 0.33
    target = np.where(
        hubs, chance.integers(notes // 100, size=edges), chance.integers(notes, size=edges)
    )
    source = np.sort(chance.integers(notes, size=edges))
    rest = np.zeros(edges, np.int64)
    columns = np.stack([source, target, chance.integers(10, size=edges), rest, rest, rest], axis=1)
    began = time.perf_counter()
    ids = [f"{number}.md" for number in range(notes)]
    graph = RelationGraph({}, ids, PREDICATES, columns, ())
    prepared = time.perf_counter() - began

    def step(seeds: list[int]) -> None:
        givers = [(row, 0.9**place) for place, row in enumerate(seeds)]
        for _ in range(2):
            layer = along_links(graph, givers)
            onward = sorted(layer, key=lambda row: -layer[row].worth)[:SEEDS]
            givers = [(row, layer[row].worth) for row in onward]

    # Every second time one of the seeds is a hub.
    starts = [
        [
            *chance.integers(notes, size=SEEDS - 1).tolist(),
            int(chance.integers(notes if odd else notes // 100)),
        ]
        for odd in (0, 1) * 100
    ]
    step(starts[0])
    times = [timed(partial(step, seeds)) for seeds in starts]
    return {"notes": notes, "edges": edges, "prepared once, seconds": prepared,
            "two steps, ms": milliseconds(times)}  # fmt: skip


def both(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall time and of a processor."""
    before = time.process_time()
    return timed(work), time.process_time() - before


def edits(home: Path, index: Index, encoder: Any) -> dict[str, Any]:
    """Change one note some times, and refresh: in this process, and as a new one would.

    A reader, which is another process's for all it knows, takes each generation and asks: the
    work must not be left to it.
    """
    vault, numbers = home / "vault", count()
    question = "which sentence is of an edit"
    query = encoder.encode_question(question)

    def edit() -> None:
        with (vault / "7" / "Note 7.md").open("a", encoding="utf-8") as note:
            note.write(f"\n\nA sentence of edit {next(numbers)}.\n")

    def add() -> None:
        text = f"# Addition\n\nIt says something of [[Note {next(numbers)}]].\n"
        (vault / "Addition.md").write_text(text, encoding="utf-8")

    def refreshed(index: Index, change: Callable[[], None]) -> tuple[float, float]:
        change()
        time.sleep(0.2)  # the bytes of a file that was just written would be compared once more
        return both(lambda: index.refresh(vault, encoder))

    def middle(times: list[tuple[float, float]]) -> tuple[float, float]:
        return sorted(times, key=lambda pair: pair[1])[len(times) // 2]

    reader = Index(home / "index")
    edited, taken, asked = [], [], []
    for _ in range(6):
        edited.append(refreshed(index, edit))
        taken.append(both(lambda: retrieve(reader.current(), question, query)))
        asked.append(both(lambda: retrieve(index.current(), question, query)))
    named = []
    for _ in range(3):
        named.append((refreshed(index, add), refreshed(index, (vault / "Addition.md").unlink)))
    found = {
        "scan": middle([both(lambda: scan(vault)) for _ in range(5)]),
        "refresh of nothing": middle(
            [both(lambda: index.refresh(vault, encoder)) for _ in range(5)]
        ),
        # What is loaded once is loaded by the first.
        "refresh of an edited note": middle(edited[1:]),
        "refresh of an added note": middle([one for one, _ in named[1:]]),
        "refresh of a removed note": middle([one for _, one in named[1:]]),
        "first question after an edit": middle(asked[1:]),
        "the same by another process": middle(taken[1:]),
        "the question again": both(lambda: retrieve(index.current(), question, query)),
        "refresh of an edited note by a new process": middle(
            [refreshed(Index(home / "index"), edit) for _ in range(3)]
        ),
    }
    times = {name: pair[1] / found["scan"][1] for name, pair in found.items() if "refresh" in name}
    return {"edits [wall, processor]": found, "processor time over that of the scan": times}


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, nargs="*", default=[1000, 10000, 14000])
    parser.add_argument("--passages", type=int, nargs="*", default=[], help="sizes told so")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    options = parser.parse_args()
    real = LocalEncoder()
    real.encode(["warm up"])
    records: list[dict[str, Any]] = []
    graph = graph_step()
    print(json.dumps(graph, indent=1), flush=True)
    for notes in [*options.notes, *(round(size / A_NOTE) for size in options.passages)]:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            records.append(measure(Path(folder), notes, real))
        print(json.dumps(records[-1], indent=1), flush=True)
        settings = {
            "date": time.strftime("%Y-%m-%d"),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "load": os.getloadavg(),
            "chromadb": version("chromadb"),
        }
        text = json.dumps(settings | {"graph": graph, "runs": records}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
