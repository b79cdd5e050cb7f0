"""Check that a reader never sees mixed states: one process edits and refreshes, another asks.

    python benchmarks/two_processes.py [--questions 1000] [--notes 60]

Every note says which version of the vault it is of, and the writer rewrites all of them each
time. An answer that quotes two versions, or any error, counts as a failure. Chroma is written
with every refresh, which is far oftener than it is in use.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scale import CheapEncoder  # noqa: E402
from ragbot.index import chroma  # noqa: E402
from ragbot.index.index import Index  # noqa: E402
from ragbot.questions.question import analyse  # noqa: E402
from ragbot.retrieval.retriever import retrieve  # noqa: E402

_VERSION = re.compile(r"version (\d+)")


def write(vault: Path, notes: int, version: int) -> None:
    """Write all notes of one version of the vault."""
    vault.mkdir(exist_ok=True)
    for number in range(notes):
        other = (number + version) % notes
        text = (
            f"# Note {number}\n\nIt says version {version} of topic{number}, see [[Note {other}]]."
        )
        (vault / f"Note {number}.md").write_text(text, encoding="utf-8")


def serve_edits(home: Path, notes: int) -> None:
    """Rewrite the vault and refresh its index until the standard input ends."""
    chroma.FLUSH = 1
    index, encoder = Index(home / "index"), CheapEncoder()
    version = 0
    while not (home / "stop").exists():
        version += 1
        write(home / "vault", notes, version)
        index.refresh(home / "vault", encoder)
    print(version)


def ask(home: Path, notes: int, questions: int) -> dict[str, int]:
    """Ask questions, and count what went wrong."""
    index, encoder = Index(home / "index"), CheapEncoder()
    found = {"questions": 0, "mixtures": 0, "errors": 0, "without Chroma": 0}
    versions = set()
    for number in range(questions):
        question = f"what says version of topic{number % notes}"
        found["questions"] += 1
        try:
            with index.snapshot() as corpus:
                hits = retrieve(corpus, analyse(corpus, question, encode=encoder.encode_question))
                texts = [hit.passage.text for hit in hits]
                texts += [corpus.notes[hit.passage.note].text for hit in hits]
        except Exception as error:
            found["errors"] += 1
            print(type(error).__name__, error, file=sys.stderr)
            continue
        seen = {match for text in texts for match in _VERSION.findall(text)}
        versions |= seen
        found["mixtures"] += len(seen) != 1
        found["without Chroma"] += bool(index.chroma_error)
    return found | {"versions seen": len(versions)}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--notes", type=int, default=60)
    parser.add_argument("--edit", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.edit:
        serve_edits(options.edit, options.notes)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write(home / "vault", options.notes, 0)
        Index(home / "index").refresh(home / "vault", CheapEncoder())
        command = [sys.executable, __file__, "--edit", folder, "--notes", str(options.notes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            began = time.perf_counter()
            record = ask(home, options.notes, options.questions)
            (home / "stop").touch()
            written, _ = writer.communicate()
        record["versions written"] = int(written or -1)
        record["seconds"] = round(time.perf_counter() - began)
        print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
