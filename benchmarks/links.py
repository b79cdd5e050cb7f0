"""How right and how fast notes are read: conformance beside two other readers, and throughput.

    pip install -c constraints.txt -e ".[benchmark]"                            # obsidiantools
    pip install --no-deps llama-index-readers-obsidian llama-index-readers-file  # ObsidianReader
    python benchmarks/links.py [--vault FOLDER] [--notes 10000]

The cases are those of `tests/conformance`. ragbot has to meet everything that a case
expects. The others do not say as much, so they are compared, and ragbot beside
them, on the part that they can answer: the set of files that a note links to,
else its tags. A crash or a time-out counts as a difference.

ObsidianReader is installed without what its package asks for: pandas below 3 among it, for
readers of spreadsheets, while Gradio brings pandas 3 here.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import platform
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ragbot.notes import link_checker, link_resolver, parser, vault  # noqa: E402
from tests.conformance.adapter import ragbot  # noqa: E402
from tests.conformance.suite import (  # noqa: E402
    DEPARTURES,
    Adapter,
    Case,
    build,
    cases,
    differences,
)

RESULTS = ROOT / "benchmarks" / "results" / "links.json"
SECONDS = 20
PACKAGES = ("markdown-it-py", "PyYAML", "obsidiantools", "llama-index-readers-obsidian")


def obsidiantools(root: Path, note: str) -> dict[str, Any]:
    """Edges and tags of a note as obsidiantools has them."""
    from obsidiantools.api import Vault

    read = Vault(root).connect().gather()
    paths = {name: Path(path).as_posix() for name, path in read.md_file_index.items()}
    paths |= {name: Path(path).as_posix() for name, path in read.media_file_index.items()}
    name = next(name for name, path in paths.items() if path == note)
    targets = read.graph.successors(name) if name in read.graph else ()
    return {
        "edges": sorted({paths[target] for target in targets if target in paths}),
        "tags": read.get_tags(name) if name in read.tags_index else [],
    }


def obsidian_reader(root: Path, note: str) -> dict[str, Any]:
    """Edges of a note as LlamaIndex's ObsidianReader has them: names equal to a file name."""
    from llama_index.readers.obsidian import ObsidianReader

    documents = ObsidianReader(str(root)).load_data()
    paths: dict[str, str] = {}
    edges = set()
    for document in documents:
        data = document.metadata
        path = Path(data["folder_path"]).resolve() / data["file_name"]
        paths[data["note_name"]] = path.relative_to(root.resolve()).as_posix()
    for document in documents:
        if paths[document.metadata["note_name"]] == note:
            edges |= {paths[name] for name in document.metadata["wikilinks"] if name in paths}
    return {"edges": sorted(edges)}


READERS: dict[str, tuple[Adapter, tuple[str, ...]]] = {
    "ragbot": (ragbot, ("edges", "tags")),
    "obsidiantools": (obsidiantools, ("edges", "tags")),
    "llama-index ObsidianReader": (obsidian_reader, ("edges",)),
}


class TooSlowError(Exception):
    """A reader was stopped by the clock."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Stop what runs inside after some seconds, and keep its chatter off the table."""

    def stop(*_: object) -> None:
        raise TooSlowError

    former = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def comparable(expected: dict[str, Any], can: tuple[str, ...]) -> dict[str, Any]:
    """Return the part of an expectation that a reader of edges, else tags, can meet."""
    if "edges" in can and "edges" in expected:
        return {"edges": expected["edges"]}
    if "edges" in can and all("resolved" in link for link in expected.get("links", [{}])):
        return {"edges": sorted({link["resolved"] for link in expected["links"]} - {None})}
    return {"tags": expected["tags"]} if "tags" in can and "tags" in expected else {}


def outcome(case: Case, reader: Adapter, expected: dict[str, Any]) -> str:
    """Return `pass`, `differs`, `slow`, or the name of the exception that a reader raised."""
    with tempfile.TemporaryDirectory() as folder:
        root = build(case, Path(folder))
        try:
            with limited(SECONDS):
                found = reader(root, case["note"])
        except TooSlowError:
            return "slow"
        except Exception as problem:  # whatever another reader raises is its answer
            return f"crash: {type(problem).__name__}"
    return "differs" if differences(expected, found) else "pass"


def conformance() -> dict[str, Any]:
    """Run every case through every reader that is installed."""
    logging.disable(logging.CRITICAL)
    suite = list(cases())
    scores: dict[str, Any] = {"cases": len(suite)}
    everything = Counter()
    for case in suite:
        expected = case["alt"]["expect"] if case["id"] in DEPARTURES else case["expect"]
        everything[outcome(case, ragbot, expected)] += 1
    scores["ragbot, all that is expected"] = {**everything, "departures": sorted(DEPARTURES)}
    for name, (reader, can) in READERS.items():
        if not installed(name):
            scores[name] = "not installed"
            continue
        clear: Counter[str] = Counter()
        contested: Counter[str] = Counter()
        for case in suite:
            if expected := comparable(case["expect"], can):
                found = outcome(case, reader, expected)
                (contested if case["contested"] else clear)[found] += 1
        scores[name] = {"clear": dict(clear), "contested": dict(contested)}
    return scores


def installed(name: str) -> bool:
    """Return whether the package of a reader can be imported."""
    modules = {"obsidiantools": "obsidiantools.api"}
    if name.startswith("llama-index"):
        modules[name] = "llama_index.readers.obsidian"
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            __import__(modules.get(name, "ragbot"))
    except ImportError:
        return False
    return True


WORDS = (
    "note", "graph", "relation", "source", "claim", "evidence", "model", "persona", "garden",
    "link", "answer", "question", "search", "passage", "heading", "author", "reader", "vault",
    "folder", "alias", "block", "token", "vector", "index", "chunk", "sentence",
)  # fmt: skip


def write_vault(folder: Path, count: int, seed: int = 7) -> None:
    """Write a vault of notes of about 2 kB: frontmatter, relations, prose, lists, code."""
    chance = random.Random(seed)
    names = [f"{chance.choice(WORDS)} {chance.choice(WORDS)} {n}" for n in range(count)]

    def sentence() -> str:
        words = chance.choices(WORDS, k=chance.randint(8, 18))
        if chance.random() < 0.15:
            words[3] = f"[[{chance.choice(names)}]]"
        return " ".join(words).capitalize() + "."

    for number, name in enumerate(names):
        parts = [f"---\ntitle: {name.title()}\ntags: [{chance.choice(WORDS)}]\n---\n\n# {name}\n\n"]
        for predicate in chance.sample(("relates_to", "is_a", "extends", "part_of"), 2):
            parts.append(f"- {predicate}:: [[{chance.choice(names)}]]\n  - {sentence()}\n")
        for section in range(3):
            parts.append(f"\n## Part {section}\n\n")
            parts.append("\n\n".join(f"{sentence()} {sentence()}" for _ in range(3)))
            parts.append(f"\n\n- {sentence()}\n- `code` {sentence()}\n")
        path = folder / f"{number % 40}" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(parts), encoding="utf-8")


def timed(work: Callable[[], Any], repeat: int = 3) -> float:
    """Return the least processor seconds of some runs, which other programs disturb least."""
    best = float("inf")
    for _ in range(repeat):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def throughput(folder: Path, repeat: int) -> dict[str, float]:
    """Measure each step of reading a vault on its own."""
    listing = vault.scan(folder)
    texts = {note: (folder / note).read_text(encoding="utf-8-sig") for note in listing.notes}
    size = sum(status.size for status in listing.notes.values())
    notes = [parser.parse(text, note)[0] for note, text in texts.items()]
    resolved = link_resolver.resolve(notes, listing.files)

    def parse_all() -> None:
        for note, text in texts.items():
            parser.parse(text + "\n", note)  # not the text that is remembered

    seconds = timed(parse_all, repeat)
    return {
        "notes": len(notes),
        "megabytes": round(size / 1e6, 2),
        "links": sum(len(note.relations) for note in notes),
        "scan_seconds": round(timed(lambda: vault.scan(folder), repeat), 3),
        "parse_seconds": round(seconds, 3),
        "parse_megabytes_per_second": round(size / 1e6 / seconds, 2),
        "resolve_seconds": round(
            timed(lambda: link_resolver.resolve(notes, listing.files), repeat), 3
        ),
        "check_seconds": round(timed(lambda: link_checker.check(resolved), repeat), 3),
    }


def versions() -> dict[str, str]:
    """Versions of what was measured."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def show(results: dict[str, Any]) -> None:
    """Print the results as two tables."""
    scores = results["conformance"]
    own = scores["ragbot, all that is expected"]
    print(f"{scores['cases']} cases; ragbot, all that is expected: {own}\n")
    print(f"{'edges, else tags':28} {'clear':>12} {'contested':>12}  of what differs")
    for name in READERS:
        if isinstance(score := scores[name], str):
            print(f"{name:28} {score:>12}")
            continue
        cells = [
            f"{score[kind].get('pass', 0)} of {sum(score[kind].values())}"
            for kind in ("clear", "contested")
        ]
        rest = dict(Counter(score["clear"]) + Counter(score["contested"]))
        rest.pop("pass", None)
        print(f"{name:28} {cells[0]:>12} {cells[1]:>12}  {rest or ''}")
    print()
    for name, measured in results["throughput"].items():
        print(name, *(f"{key} {value}" for key, value in measured.items()), sep="\n    ")


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = ROOT.parent / "shared" / "vaults" / "persona-garden"
    parser.add_argument("--vault", type=Path, default=beside, help="a real vault to measure on")
    parser.add_argument("--notes", type=int, default=10_000, help="notes of the generated vault")
    given = parser.parse_args()
    results: dict[str, Any] = {
        "versions": versions(),
        "machine": platform.machine(),
        "conformance": conformance(),
        "throughput": {},
    }
    if given.vault.is_dir():
        results["throughput"][f"real vault, {given.vault.name}"] = throughput(given.vault, 3)
    with tempfile.TemporaryDirectory() as folder:
        write_vault(Path(folder), given.notes)
        name = f"generated vault, {given.notes:,} notes"
        results["throughput"][name] = throughput(Path(folder), 1)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(results)


if __name__ == "__main__":
    main()
