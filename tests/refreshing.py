"""A refresh as a process of its own, for tests that kill it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

# Forked from a process that has imported everything: the time goes into refreshing.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["ragbot.index.index", "chromadb", "tests.word_encoder"])


def refresh(notes: Path, index: Path) -> None:
    from ragbot.index import build
    from ragbot.index.index import Index
    from tests.word_encoder import WordEncoder

    encoder = WordEncoder()
    # Words come first, then vectors piece by piece, of which some are merged: there is more to be
    # killed in.
    encoder.loaded = False
    build.PIECE = 4
    Index(index).refresh(notes, encoder)


def start(notes: Path, index: Path):
    process = PROCESSES.Process(target=refresh, args=(notes, index))
    process.start()
    return process
