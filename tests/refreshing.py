"""A refresh as a process of its own, for tests that kill it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

# Forked from a process that has imported everything: the time goes into refreshing.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["ragbot.index.index", "chromadb", "tests.word_encoder"])


def refresh(notes: Path, index: Path, flush: int) -> None:
    from ragbot.index import chroma, vectors
    from ragbot.index.index import Index
    from tests.word_encoder import WordEncoder

    # Small batches, each with a write to Chroma: more moments to be killed in.
    vectors.BATCH = 4
    chroma.FLUSH = flush
    Index(index).refresh(notes, WordEncoder())


def start(notes: Path, index: Path, flush: int = 8):
    process = PROCESSES.Process(target=refresh, args=(notes, index, flush))
    process.start()
    return process
