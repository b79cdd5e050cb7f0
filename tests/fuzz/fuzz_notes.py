"""Fuzz the whole reading side: parse, prose, plain, resolve, mentions, check.

    pip install atheris
    python tests/fuzz/fuzz_notes.py -max_total_time=600 [folder of inputs]

An input is UTF-8 text; a line of `@@ path` starts another note of the same
vault. What it finds goes, made smaller, into `tests/corpus/notes.jsonl`, one JSON
string a line; the tests then parse it on every run. Not part of the test run itself.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["ragbot", "markdown_it", "mdit_py_plugins"]):
    from ragbot.notes import link_checker, mentions, parser
    from ragbot.notes.link_resolver import Names, resolve

from tests.notes.test_parser import check_invariants  # noqa: E402

SECONDS_PER_MEGABYTE = 200
"""A generous bound under instrumentation; quadratic time leaves it far behind."""


def examine(text: str) -> None:
    """Read a small vault from one text and look at all that can be said about it."""
    check_invariants(text)
    parts = re.split(r"(?m)^@@ (.{1,80})$", text)
    files = dict(zip(["a.md", *parts[1::2]], parts[::2], strict=False))
    notes = resolve([parser.parse(body, name)[0] for name, body in files.items()])
    names = Names(notes)
    for note in notes:
        assert all(r.target is None or names.is_note(r.target) for r in note.relations)
    for mention in mentions.find(notes):
        source = next(note for note in notes if note.id == mention.source)
        assert source.text[slice(*mention.span)].split()[0] == mention.written.split()[0]
    for problem in link_checker.check(notes, suggest=True):
        assert 0 <= problem.line <= len(files.get(problem.note, "")) + 1


def one(data: bytes) -> None:
    """Run one input, and fail when it takes longer than its size allows."""
    text = data.decode("utf-8", "replace")
    started = time.process_time()
    examine(text)
    seconds = time.process_time() - started
    assert seconds < 1 + SECONDS_PER_MEGABYTE * len(data) / 1e6, f"{seconds:.1f} s"


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
