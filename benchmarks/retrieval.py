"""Compare ways to retrieve: the parts alone, the whole, and the whole without each part.

    python benchmarks/retrieval.py [--shared FOLDER] [--sets SET ...]

The sets are read from `../shared` beside the checkout where it is there, and the
shipped garden and the everyday notes always. Vectors are kept in `--cache`, so a second run takes
seconds. Prints one table a set and writes `benchmarks/results/retrieval.json`.
"""

from __future__ import annotations

import argparse
import json
import pickle
import platform
import random
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.memory import MemoryCorpus  # noqa: E402  # after the path is set
from ragbot.evaluation import metrics  # noqa: E402
from ragbot.evaluation import retrieval as evaluate  # noqa: E402
from ragbot.evaluation.retrieval import Method, Question, Ranking  # noqa: E402
from ragbot.inference.encoder import LocalEncoder  # noqa: E402
from ragbot.inference.token_codes import Encoded, EncodedQuestion, EncodeQuestion, TokenVectors  # noqa: E402
from ragbot.models import LINKS_TO, Note, Passage, Relation, Section, Turn  # noqa: E402
from ragbot.notes import link_resolver, mentions, vault  # noqa: E402
from ragbot.questions.conversation import standalone  # noqa: E402
from ragbot.questions.question import analyse  # noqa: E402
from ragbot.questions.question_type import clauses  # noqa: E402
from ragbot.retrieval import first_stage, retriever  # noqa: E402

SHARED = ROOT.parent / "shared"
FALSE_LINKS = 5


@dataclass(frozen=True)
class Set:
    """Questions over a corpus, with their vectors."""

    name: str
    corpus: MemoryCorpus
    questions: list[Question]
    texts: list[str]
    encode: EncodeQuestion


Passages = Callable[[list[str]], Encoded]


def no_encoder(corpus: Any, question: str, encode: EncodeQuestion) -> Ranking:
    """Rank by words, names and links."""
    del encode
    return evaluate.ragbot(corpus, question, lambda _: None)


def as_a_whole(corpus: Any, question: str, encode: EncodeQuestion) -> Ranking:
    """Rank with questions encoded as a whole only."""

    def whole(text: str) -> EncodedQuestion | None:
        found = encode(text)
        return found and replace(found, words=TokenVectors(found.words.vectors[:0], ()))

    return evaluate.ragbot(corpus, question, whole)


def no_graph(corpus: Any, question: str, encode: EncodeQuestion) -> Ranking:
    """Rank without following links."""
    asked = analyse(corpus, question, encode=encode)
    hits = retriever.retrieve(corpus, asked, k=evaluate.KEPT, hops=0)
    return [hit.passage.note for hit in hits]


def without(module: ModuleType, constant: str) -> Method:
    """Rank with a constant of the method set to 0."""

    def method(corpus: Any, question: str, encode: EncodeQuestion) -> Ranking:
        with mock.patch.object(module, constant, 0.0):
            return evaluate.ragbot(corpus, question, encode)

    return method


METHODS: dict[str, Method] = {
    "BM25 only": evaluate.bm25,
    "dense only": evaluate.dense,
    "fusion only": evaluate.fusion,
    "ragbot": evaluate.ragbot,
    "  without the encoder": no_encoder,
    "  without the graph": no_graph,
    "  without words": without(first_stage, "WORDS"),
    "  without names": without(first_stage, "NAME"),
    "  without reading word by word": as_a_whole,
}


def measure(tested: Set) -> list[dict[str, Any]]:
    """Run every method on a set."""
    rows = []
    for name, method in METHODS.items():
        started = time.perf_counter()
        rankings = [
            method(tested.corpus, text, tested.encode)[: evaluate.KEPT] for text in tested.texts
        ]
        spent = (time.perf_counter() - started) / len(rankings) * 1000
        row: dict[str, Any] = {"method": name, "milliseconds": round(spent, 2)}
        for k in (2, 5, 10):
            values = [
                metrics.recall(ranking, question.gold, k)
                for ranking, question in zip(rankings, tested.questions, strict=True)
            ]
            mean = metrics.mean(values)
            row[f"recall@{k}"] = [round(100 * v, 1) for v in (mean.value, mean.low, mean.high)]
        ranks = [
            metrics.reciprocal_rank(ranking, question.gold)
            for ranking, question in zip(rankings, tested.questions, strict=True)
        ]
        mean = metrics.mean(ranks)
        row["mrr"] = [round(100 * v, 1) for v in (mean.value, mean.low, mean.high)]
        row["types"] = _by_type(tested.questions, rankings)
        rows.append(row)
    return rows


def _by_type(questions: Sequence[Question], rankings: Sequence[Ranking]) -> dict[str, list[float]]:
    types: dict[str, list[list[float]]] = {}
    for question, ranking in zip(questions, rankings, strict=True):
        values = [metrics.recall(ranking, question.gold, k) for k in (5, 10)]
        types.setdefault(question.type, []).append(values)
    return {
        name: [round(100 * float(v), 1) for v in np.mean(values, axis=0)]
        for name, values in sorted(types.items())
    }


def garden(
    name: str, folder: Path, questions: Path, encode: Passages, encoder: LocalEncoder
) -> Iterator[Set]:
    """Yield a vault of notes with its questions, as it is and with its links shuffled."""
    notes = link_resolver.resolve(vault.read(folder)[0])
    found = list(mentions.find(notes))
    corpus = MemoryCorpus(notes, encode, found)
    asked = [question for question in evaluate.read(questions) if question.gold]
    texts = [
        standalone(q.question, [Turn(text) for text in q.history], corpus).query for q in asked
    ]
    known = _known(encoder, texts)
    yield Set(name, corpus, asked, texts, known)
    targets = [one.target for note in notes for one in note.relations if one.target]
    targets += [one.target for one in found if one.target]
    random.Random(0).shuffle(targets)
    mixed = [
        replace(
            note,
            relations=tuple(
                replace(one, target=targets.pop()) if one.target else one for one in note.relations
            ),
        )
        for note in notes
    ]
    moved = [replace(one, target=targets.pop()) for one in found]
    yield Set(f"{name}, links shuffled", MemoryCorpus(mixed, encode, moved), asked, texts, known)


def multihop(name: str, folder: Path, encode: Passages, encoder: LocalEncoder) -> Iterator[Set]:
    """Take a multi-hop set: as linked notes, and with false links too."""
    passages = _lines(folder / "passages.jsonl")
    titles: dict[str, list[int]] = {}
    for number, passage in enumerate(passages):
        titles.setdefault(passage["title"], []).append(number)
    notes = [_note(number, passage) for number, passage in enumerate(passages)]
    held = encode([f"{p['title']}\n{p['text']}" for p in passages])
    asked = [
        Question(q["id"], q["question"], "multi", tuple((_id(g),) for g in q["gold"]))
        for q in _lines(folder / "questions-dev.jsonl")
    ]
    texts = [question.question for question in asked]
    known = _known(encoder, texts)
    linked = [
        replace(note, relations=_relations(number, _mentioned(note.text, titles), passages))
        for number, note in enumerate(notes)
    ]
    noisy = [
        replace(note, relations=(*note.relations, *_relations(number, near, passages)))
        for number, (note, near) in enumerate(zip(linked, _nearest(held.vectors), strict=True))
    ]

    def corpus(of: list[Note]) -> MemoryCorpus:
        return MemoryCorpus(
            of, lambda _: held, cut=lambda n: [Passage(n.id, (0, len(n.text)), n.text)]
        )

    yield Set(name, corpus(linked), asked, texts, known)
    yield Set(f"{name}, {FALSE_LINKS} false links a note", corpus(noisy), asked, texts, known)


def _known(encoder: LocalEncoder, texts: list[str]) -> EncodeQuestion:
    """Encode questions and their clauses before they are timed."""
    asked = {text for whole in texts for text in (whole, *clauses(whole))}
    return {text: encoder.encode_question(text) for text in asked}.__getitem__


def _id(number: int) -> str:
    return f"{number:06d}.md"


def _note(number: int, passage: dict[str, str]) -> Note:
    text = passage["text"]
    return Note(_id(number), passage["title"], text, sections=(Section((), (0, len(text))),))


def _relations(number: int, targets: Sequence[int], passages: list[Any]) -> tuple[Relation, ...]:
    return tuple(
        Relation(_id(number), LINKS_TO, passages[target]["title"], _id(target), (0, 0))
        for target in targets
        if target != number
    )


def _mentioned(text: str, titles: dict[str, list[int]]) -> list[int]:
    """Find notes whose title stands in a text as it is written, the longest at each place."""
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    found: list[int] = []
    place = 0
    while place < len(words):
        for last in range(min(len(words), place + 12), place, -1):
            name = text[words[place][0] : words[last - 1][1]]
            if name in titles:
                found += titles[name]
                place = last - 1
                break
        place += 1
    return list(dict.fromkeys(found))


def _nearest(vectors: np.ndarray) -> Iterator[list[int]]:
    for first in range(0, len(vectors), 500):
        for row, cosines in enumerate(vectors[first : first + 500] @ vectors.T, start=first):
            cosines[row] = -1
            best = np.argpartition(-cosines, FALSE_LINKS)[:FALSE_LINKS]
            yield [int(number) for number in best]


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def cached(cache: Path, encoder: LocalEncoder) -> Passages:
    """Encode passages once: what came of them is kept under the checksum of their texts."""

    def encode(texts: list[str]) -> Encoded:
        cache.mkdir(parents=True, exist_ok=True)
        path = cache / f"{zlib.crc32(chr(0).join(texts).encode()):08x}-{len(texts)}.pickle"
        if not path.exists():
            path.write_bytes(pickle.dumps(encoder.encode_passages(texts)))
        encoded: Encoded = pickle.loads(path.read_bytes())
        return encoded

    return encode


def table(name: str, rows: list[dict[str, Any]], n: int) -> str:
    """Show one set as a Markdown table."""
    lines = [
        f"\n## {name} (n = {n})\n",
        "| method | recall@2 | @5 | @10 | MRR | ms |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        cells = [f"{row[f'recall@{k}'][0]:.1f}" for k in (2, 5, 10)] + [f"{row['mrr'][0]:.1f}"]
        lines.append(f"| {row['method']} | {' | '.join(cells)} | {row['milliseconds']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--cache", type=Path, default=ROOT / ".cache" / "retrieval")
    options.add_argument("--shared", type=Path, default=SHARED, help="questions and vaults")
    options.add_argument(
        "--sets",
        nargs="*",
        default=["shipped", "everyday", "further", "garden", "second", "2wiki", "musique"],
    )
    arguments = options.parse_args()
    results: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "sentence-transformers")},
        "sets": {},
    }
    target = ROOT / "benchmarks" / "results" / "retrieval.json"
    sets = list(_sets(arguments.sets, arguments.shared, arguments.cache))
    for tested in sets:
        rows = measure(tested)
        print(table(tested.name, rows, len(tested.questions)), flush=True)
        results["sets"][tested.name] = {"n": len(tested.questions), "methods": rows}
        target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _sets(names: list[str], shared: Path, cache: Path) -> Iterator[Set]:
    encoder = LocalEncoder()
    encode = cached(cache, encoder)
    tests, vaults, asked = ROOT / "tests", shared / "vaults", shared / "eval"
    gardens = {
        "shipped": (ROOT / "notes", tests / "evaluation" / "garden.jsonl"),
        "everyday": (tests / "everyday" / "vault", tests / "everyday" / "questions.jsonl"),
        "further": (tests / "everyday" / "vault", tests / "everyday" / "more.jsonl"),
        "garden": (vaults / "persona-garden", asked / "garden-dev.jsonl"),
        "second": (vaults / "second-garden", asked / "second-dev.jsonl"),
    }
    for name in names:
        if name in gardens and gardens[name][1].is_file():
            yield from garden(name, *gardens[name], encode, encoder)
        elif (shared / "multihop" / name).is_dir():
            yield from multihop(name, shared / "multihop" / name, encode, encoder)
        else:
            print(f"{name} is not there: it is left out", file=sys.stderr)


if __name__ == "__main__":
    main()
