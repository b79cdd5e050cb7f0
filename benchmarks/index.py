"""How fast an index is built: beside the encoder alone, and beside LlamaIndex's plain pipeline.

    pip install -e ".[benchmark]"
    python benchmarks/index.py --vault FOLDER [--passages 400] [--repeats 3] [--questions FILE]

Four runs over the same passages in one process: the encoder's own best `encode` loop (of several
batch sizes, texts ready in memory); ragbot's whole build from files to an index, on
torch and on `onnx-int8`; LlamaIndex's `VectorStoreIndex` on Chroma with the same encoder and the
same passages as nodes. Each is run a few times in turn, and its quickest run counts. The encoder
alone and LlamaIndex have torch as it comes, with a thread for each core; a build has one thread for
each batch. Wall time is what one waits; processor time is what is left when other programs share
the machine, but holds what threads burn while they wait for each other.

With questions (JSON lines in the form of `ragbot evaluate`) the whole vault is embedded with both
backends, and recall at 10 of the notes that answer is compared, by vectors alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["ANONYMIZED_TELEMETRY"] = "False"

import numpy as np  # noqa: E402

from ragbot.index.index import Index  # noqa: E402
from ragbot.inference.encoder import LocalEncoder  # noqa: E402
from ragbot.notes import vault  # noqa: E402
from ragbot.notes.chunker import chunk, embedding_text  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "index.json"
PACKAGES = ("sentence-transformers", "torch", "onnxruntime", "chromadb", "llama-index-core")
BATCHES = (4, 8, 16)


@dataclass(frozen=True)
class Run:
    """One way of embedding the passages."""

    name: str
    wall: float
    processor: float
    tokens: int

    @property
    def rate(self) -> float:
        """Tokens a second of wall time."""
        return self.tokens / self.wall


def timed(name: str, tokens: int, work: Callable[[], object]) -> Run:
    """Run something once, and time it."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    run = Run(name, time.perf_counter() - wall, time.process_time() - processor, tokens)
    print(f"{run.name:42}{run.wall:8.1f} s{run.processor:8.1f} s cpu{run.rate:8.0f} tokens/s")
    return run


def sample(source: Path, target: Path, passages: int) -> list[str]:
    """Copy notes, drawn with a fixed seed, until they hold so many passages; gives their texts."""
    names = list(vault.scan(source).notes)
    random.Random(0).shuffle(names)
    texts: list[str] = []
    for name in names:
        if len(texts) >= passages:
            break
        note, _ = vault.read_note(source, name)
        if note is not None:
            texts += [embedding_text(note, passage) for passage in chunk(note)]
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    return list(dict.fromkeys(texts))


def llama_index(model: Any, texts: list[str], folder: Path) -> None:
    """Embed texts as LlamaIndex does it when nothing is set."""
    import chromadb
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.chroma import ChromaVectorStore

    class Embedding(BaseEmbedding):
        """The same encoder, called as LlamaIndex's own Hugging Face embedding calls it."""

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            rows = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
            return rows.tolist()

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    client = chromadb.PersistentClient(str(folder))
    store = ChromaVectorStore(chroma_collection=client.create_collection("passages"))
    VectorStoreIndex(
        [TextNode(text=text) for text in texts],
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=Embedding(),
    )


def with_threads(count: int, work: Callable[[], object]) -> None:
    """Do something while torch uses so many threads for a call, as it does when nothing is set."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        work()
    finally:
        torch.set_num_threads(before)


def compare(source: Path, passages: int, repeats: int) -> list[Run]:
    """Time the four ways over one sample."""
    torch, quick = LocalEncoder(), LocalEncoder(backend="onnx-int8")
    model = torch.load()
    for encoder in (torch, quick):
        encoder.encode(["warm up " * 100] * 16)
    alone = partial(with_threads, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        texts = sample(source, home / "vault", passages)
        limit = model.max_seq_length
        tokens = sum(min(limit, len(ids)) for ids in model.tokenizer(texts)["input_ids"])
        print(f"{len(texts)} passages, {tokens} tokens of at most {limit} each\n")
        ways: list[list[Run]] = [[], [], [], []]
        for turn in range(repeats):
            for size in BATCHES:
                loop = partial(model.encode, texts, batch_size=size, show_progress_bar=False)
                ways[0].append(
                    timed(f"encoder alone, batches of {size}", tokens, partial(alone, loop))
                )
            for way, name, encoder in ((1, "torch", torch), (2, "onnx-int8", quick)):
                index = Index(home / f"index-{name}-{turn}")
                build = partial(index.refresh, home / "vault", encoder)
                ways[way].append(timed(f"ragbot build, {name}", tokens, build))
            llama = partial(llama_index, model, texts, home / f"llama-{turn}")
            ways[3].append(
                timed("LlamaIndex VectorStoreIndex on Chroma", tokens, partial(alone, llama))
            )
    return [min(runs, key=lambda run: run.wall) for runs in ways]


def gold_notes(row: dict[str, Any]) -> set[str]:
    """Name the notes that answer: each entry is one, or a list of which any will do."""
    groups = [[group] if isinstance(group, str) else group for group in row["gold_notes"]]
    return {note for group in groups for note in group}


def recall(source: Path, questions: Path) -> dict[str, float]:
    """Recall at 10 of the notes that answer, by vectors alone, with each backend."""
    rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    asked = [(row["question"], gold_notes(row)) for row in rows]
    asked = [(question, gold) for question, gold in asked if gold]
    found: dict[str, float] = {"questions": len(asked)}
    vectors = []
    for backend in ("torch", "onnx-int8"):
        encoder = LocalEncoder(backend=backend)
        with tempfile.TemporaryDirectory() as folder:
            index = Index(Path(folder))
            index.refresh(source, encoder)
            hits = 0.0
            with index.snapshot() as corpus:
                passages = [one for note in corpus.notes for one in corpus.passages_of(note)]
                vectors.append(corpus.vectors.of(passages))
                for question, gold in asked:
                    near = corpus.vectors.nearest(encoder.encode_query(question), 100)
                    of = corpus.notes_of([passage for passage, _ in near])
                    notes = list(dict.fromkeys(of[passage] for passage, _ in near))[:10]
                    hits += bool(gold.intersection(notes))
        found[f"{backend} any gold note in 10"] = hits / len(asked)
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    found["cosine to float32, mean"] = float(cosines.mean())
    found["cosine to float32, least"] = float(np.min(cosines))
    return found


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vault", type=Path, default=ROOT / "notes")
    parser.add_argument("--passages", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--questions", type=Path)
    options = parser.parse_args()
    runs = compare(options.vault, options.passages, options.repeats)
    alone, plain, fast, llama = runs
    ratios = {
        "build / encoder alone, wall": plain.rate / alone.rate,
        "build / encoder alone, processor": alone.processor / plain.processor,
        "build / LlamaIndex, wall": plain.rate / llama.rate,
        "build / LlamaIndex, processor": llama.processor / plain.processor,
        "onnx-int8 build / LlamaIndex, wall": fast.rate / llama.rate,
        "onnx-int8 build / LlamaIndex, processor": llama.processor / fast.processor,
    }
    print()
    for name, ratio in ratios.items():
        print(f"{name:42}{ratio:8.2f}")
    record: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {name: version(name) for name in PACKAGES},
        "passages": options.passages,
        "runs": [asdict(run) | {"tokens/s": run.rate} for run in runs],
        "ratios": ratios,
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if options.questions:
        record["quality"] = recall(options.vault, options.questions)
        for name, value in record["quality"].items():
            print(f"{name:42}{value:8.4f}")
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
