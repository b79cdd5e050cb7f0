"""One run of the writer: read what changed, embed what is new, publish, until nothing is left.

Floor 3.
"""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragbot.errors import IndexDamagedError, StorageError, VaultError
from ragbot.index import pieces
from ragbot.index.content import Content, content_of, with_mentions, write_content
from ragbot.index.embedding_queue import Ahead
from ragbot.index.generation import Generation, load
from ragbot.index.manifest import MANIFEST, Manifest, reading_rules
from ragbot.index.pages import Pages, write_pages
from ragbot.index.pieces import sync
from ragbot.index.postings import Postings
from ragbot.index.reread import reread
from ragbot.index.segments import LOOSE, Vectors
from ragbot.index.shelf import Shelf, new_name
from ragbot.index.snapshot import EMPTY, Snapshot
from ragbot.index.states import Log
from ragbot.index.vectors import Segment, load_chroma, write_segment
from ragbot.inference.encoder import Encoder, EncoderIdentity
from ragbot.inference.token_codes import Encoded
from ragbot.models import Progress
from ragbot.notes import vault

_log = logging.getLogger(__name__)

Report = Callable[[Progress], None]

PIECE = 256
"""Texts embedded before their vectors are made safe."""

EVERY = 5.0
"""Seconds from the first vectors until what is there is shown, and edits are looked for."""

REST = 3.0
"""Times as long as it takes to look and to show that embedding goes on: in a large vault each look
costs seconds, and a look every few seconds would be all that is done."""

AT_ONCE = 32
"""New texts that are embedded before their notes are shown: with more, words come first."""

_REMEDY = "Name a folder of Markdown notes with --notes or RAGBOT_NOTES."


@dataclass(frozen=True, slots=True)
class Task:
    """What a build is to do.

    `found` is what the folder held at a time in nanoseconds, just now. `identity` is that of the
    vectors, also where no encoder is given; `mentioned` tells whether unlinked mentions become
    edges; `states` know how files stood when they were read.
    """

    notes: Path
    found: tuple[int, vault.Listing]
    encoder: Encoder | None
    identity: EncoderIdentity | None
    report: Report
    states: Log
    mentioned: bool = True


class Build:
    """What one run of the writer has read, embedded and made current so far.

    Parameters
    ----------
    adopt
        Told of each generation that becomes current.
    before
        The generation to go on from; None to start from nothing.
    """

    def __init__(
        self,
        shelf: Shelf,
        task: Task,
        adopt: Callable[[Generation], None],
        before: Generation | None,
    ) -> None:
        self._shelf = shelf
        self._task = task
        self._adopt = adopt
        self._current = before
        self._found: tuple[int, vault.Listing] | None = task.found
        self._rules = reading_rules(task.mentioned)
        readable = before is not None and before.manifest.rules == self._rules
        self._content = before.content if before and readable else None
        comparable = before is not None and before.manifest.encoder == task.identity
        self._vectors = before.placed if before and comparable else Vectors.of((), EMPTY)
        self._ahead = Ahead(task.encoder)
        self._done = 0

    def run(self, *, patient: bool) -> Snapshot:
        """Read, embed and publish until nothing is left to do; gives the vault as last read.

        Parameters
        ----------
        patient
            Whether nothing is published before everything is embedded.
        """
        with closing(self._ahead):
            while True:
                began = time.monotonic()
                snapshot = self._read()
                texts = self._wanted(snapshot)
                content = self._prepared(snapshot)
                if texts and patient:
                    self._embed(texts, EVERY)
                    continue
                if texts and self._ready() and len(texts) <= AT_ONCE:
                    self._embed(texts, math.inf)
                    texts = {}
                if not texts:
                    self._settle()
                self._publish(content)
                if not texts:
                    return content.snapshot
                # The first look reads all notes, which is not to be waited for again.
                spent = time.monotonic() - began if self._done else 0.0
                self._embed(texts, max(EVERY, REST * spent))

    def _ready(self) -> bool:
        return self._task.encoder is not None and self._task.encoder.loaded

    def _read(self) -> Snapshot:
        """Read what changed since the last look."""
        notes, old = self._task.notes, self._content.snapshot if self._content else EMPTY
        listed_ns, found = self._found or (time.time_ns(), listing(notes))
        self._found = None
        states = self._task.states
        snapshot, fresh = reread(notes, found, old, states.of(notes), listed_ns, self._task.report)
        if len(snapshot.unread) > len(found.problems):
            vault.folder_of(notes)  # It may be gone since it was listed.
        if not snapshot.entries:
            raise VaultError(notes, "holds no note that can be read", _REMEDY)
        if fresh:
            states.add(notes, fresh)
        return snapshot

    def _wanted(self, snapshot: Snapshot) -> dict[str, str]:
        """Give the texts that have no vector; an encoder that is loaded begins with them."""
        found = Vectors.of(self._vectors.segments, snapshot, self._vectors)
        self._vectors = Vectors.of(found.living(), snapshot, found)
        texts = self._vectors.missing() if self._task.encoder else {}
        if texts and self._ready():
            # What cannot be reached is told of when vectors are waited for: words answer first.
            with suppress(StorageError):
                self._ahead.want(texts)
        return texts

    def _prepared(self, snapshot: Snapshot) -> Content:
        """Resolve links and index words, unless the vault says what it said before."""
        before, shelf = self._content, self._shelf
        if before is None or not snapshot.says_the_same(before.snapshot):
            if before is not None and before.mentions is None and self._task.mentioned:
                before = with_mentions(shelf, before)
            there, known = (before.pages, before.snapshot) if before else (Pages(), EMPTY)
            pages = write_pages(shelf.pages, snapshot, there, known)
            content = content_of(snapshot, pages, self._task.mentioned, before)
            self._content = before = write_content(shelf, content, before)
        return before

    def _embed(self, texts: dict[str, str], seconds: float) -> None:
        """Embed texts and keep their vectors, piece by piece, for some seconds after the first."""
        total = self._done + len(texts)

        def tell(count: int) -> None:
            self._done += count
            self._task.report(Progress("embed", self._done, total, "passages"))

        tell(0)
        self._ahead.want(texts)
        if total > LOOSE:
            load_chroma()  # It will make a collection of them: now there is time.
        while piece := self._ahead.take(PIECE, seconds, tell):
            self._hold([*self._vectors.segments, self._write_loose(*piece)])
            self._hold(self._vectors.gathered(self._write_loose))

    def _hold(self, segments: Sequence[Segment]) -> None:
        self._vectors = Vectors.of(segments, self._vectors.snapshot, self._vectors)

    def _settle(self) -> None:
        """Merge segments where that is due. Where it cannot be done, they serve as they are."""
        try:
            self._hold(self._vectors.settled(self._write_settled))
        except StorageError as error:
            if self._shelf.server is None:
                raise
            _log.warning("%s", error)

    def _write_loose(self, keys: Sequence[str], passages: Encoded) -> Segment:
        folder = self._shelf.segments / new_name()
        return write_segment(folder, keys, passages, settled=False)

    def _write_settled(self, keys: Sequence[str], passages: Encoded) -> Segment:
        self._task.report(Progress("write", 0, len(keys), "passages"))
        folder = self._shelf.segments / new_name()
        return write_segment(folder, keys, passages, settled=True, server=self._shelf.server)

    def _publish(self, content: Content) -> None:
        """Write a generation, check it, and make it current, unless it would say nothing new."""
        old, names = self._current, tuple(segment.name for segment in self._vectors.segments)
        held = (self._task.identity, names)
        if (
            old is not None
            and old.content is content
            and (old.manifest.encoder, old.manifest.segments) == held
        ):
            return
        self._task.report(Progress("write", 0, 1, "generation"))
        manifest = Manifest(
            generation=new_name(),
            created=time.time(),
            rules=self._rules,
            encoder=self._task.identity,
            segments=names,
            pages=content.pages.names,
            sheets=content.sheets,
            words=content.lexical.parts,
            files=content.snapshot.files,
            unread=content.snapshot.unread,
            notes=len(content.notes),
            chunks=len(content.snapshot.chunks),
            embedded=self._vectors.count,
        )
        work = self._shelf.generations / f".{manifest.generation}"
        try:
            work.mkdir()
            self._install(work, manifest)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _install(self, work: Path, manifest: Manifest) -> None:
        """Give a finished folder its name, check what is read back from it, and switch."""
        (work / MANIFEST).write_text(manifest.dump(), encoding="utf-8")
        sync(work / MANIFEST)
        work.rename(self._shelf.generations / manifest.generation)
        for folder in (self._shelf.pages, self._shelf.sheets, self._shelf.generations):
            sync(folder)
        self._task.report(Progress("verify", 0, 1, "generation"))
        generation = load(self._shelf, manifest.generation, self._content, self._vectors)
        verify(generation, self._shelf, self._current)
        self._shelf.switch(manifest.generation)
        self._adopt(generation)
        self._current, self._content = generation, generation.content


def verify(generation: Generation, shelf: Shelf, before: Generation | None = None) -> None:
    """Check that a generation as read back can answer.

    Parameters
    ----------
    before
        A generation that answers: what it has in common was checked with it.

    Raises
    ------
    IndexDamagedError
        If its counts are not those of its manifest, a file is not what its name says, or a
        probe does not find itself.
    """
    manifest = generation.manifest
    found = (len(generation.notes), len(generation.chunks))
    if found != (manifest.notes, manifest.chunks):
        told = f"{found[0]} notes and {found[1]} chunks, not {manifest.notes} and {manifest.chunks}"
        raise IndexDamagedError(shelf.directory, told)
    known = before.manifest if before else None
    for folder, names, old in (
        (shelf.pages, manifest.pages, known.pages if known else ()),
        (shelf.sheets, manifest.sheets, known.sheets if known else ()),
    ):
        for name in set(names).difference(old):
            pieces.read(folder, name)
    for name in set(manifest.words).difference(known.words if known else ()):
        Postings.load(shelf.words, name)
    for segment in generation.segments:
        if before is not None and segment in before.segments:
            continue
        probe = segment.take(np.array([0]))[0]
        near = segment.nearest(probe, 1)
        if not near or near[0][1] < 0.99:
            raise IndexDamagedError(shelf.directory, f"a vector does not find itself: {near}")


def listing(notes: Path) -> vault.Listing:
    """List a folder of notes that must hold some."""
    listing = vault.scan(notes)
    if not listing.notes:
        raise VaultError(notes, "holds no Markdown note", _REMEDY)
    return listing
