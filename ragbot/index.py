"""The index: built and refreshed from a folder of notes, read one generation at a time.

A build stands beside the current generation until it has been read back and
checked, and becomes current by the renaming of one small file. Whatever kills a
build, the former generation answers; the next build sweeps what was left.

Floor 3.
"""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ragbot import vault
from ragbot.chunk import VERSION as CHUNKER
from ragbot.chunk import embedding_text
from ragbot.embed import Encoder, EncoderIdentity, FloatArray
from ragbot.errors import (
    IndexDamagedError,
    IndexMissingError,
    IndexTooNewError,
    RagbotError,
    VaultError,
)
from ragbot.generation import (
    MANIFEST,
    Content,
    Generation,
    Manifest,
    content_of,
    read_content,
    write_content,
)
from ragbot.reread import reread, with_cost
from ragbot.schema import Changes, Progress
from ragbot.shelf import Lease, Shelf, new_name, storage_error, sync
from ragbot.snapshot import Snapshot
from ragbot.store import Segment, write_segment

Report = Callable[[Progress], None]

PIECE = 2048
"""Texts embedded before their vectors are made safe: what a crash can cost."""

MANY_SEGMENTS = 8
"""Segments of one generation before they are merged into one."""

_AT_ONCE = 256
"""New texts that are embedded before a generation is shown: more, and words come first."""


class Index:
    """A folder with an index. Safe to share between threads and processes.

    Parameters
    ----------
    directory
        Folder of the index; made by the first `refresh`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self._shelf = Shelf(self.directory)
        self._lock = threading.RLock()
        self._loaded: Generation | None = None
        self._lease: Lease | None = None

    def current(self) -> Generation:
        """Load the current generation, unless it is loaded; a reader calls this once a question.

        Raises
        ------
        IndexMissingError
            If nothing was built yet.
        IndexDamagedError, IndexTooNewError
            If it cannot be read.
        """
        with self._lock:
            name = self._shelf.current()
            if name is None:
                raise IndexMissingError(self.directory)
            if self._loaded is None or self._loaded.generation != name:
                # Leased before it is read: a writer may be about to sweep it.
                lease = self._shelf.lease(name)
                self._adopt(self._load(name), lease)
            assert self._loaded is not None
            return self._loaded

    def close(self) -> None:
        """Let go of the loaded generation."""
        with self._lock:
            if self._lease is not None:
                self._lease.release()
            self._loaded = self._lease = None

    def _adopt(self, generation: Generation, lease: Lease | None) -> None:
        with self._lock:
            if self._lease is not None:
                self._lease.release()
            self._loaded, self._lease = generation, lease

    def _load(self, name: str) -> Generation:
        """Read a generation; what it shares with the loaded one is taken from that."""
        folder = self._shelf.generations / name
        manifest = Manifest.load(folder)
        loaded = self._loaded
        if loaded is not None and loaded.manifest.hashes == manifest.hashes:
            content = loaded.content
        else:
            content = read_content(folder, manifest.hashes)
        known = {s.folder.name: s for s in loaded.segments} if loaded else {}
        segments = [known.get(s) or Segment(self._shelf.segments / s) for s in manifest.segments]
        return Generation(manifest, content, segments)

    def refresh(
        self,
        notes: Path,
        encoder: Encoder | None,
        *,
        rebuild: bool = False,
        report: Report = lambda progress: None,
    ) -> Changes:
        """Bring the index up to date with a folder of notes.

        Parameters
        ----------
        notes
            The folder of notes.
        encoder
            What embeds new texts; None leaves them to words and graph.
        rebuild
            Whether to read and embed everything anew.
        report
            Called as the work goes on; an exception from it ends the work,
            and the index stays as it was last made safe.

        Raises
        ------
        VaultError
            If the folder of notes is missing, holds no note, or cannot be listed.
        IndexLockedError
            If another process is writing.
        StorageError
            If the index cannot be written.
        """
        began = time.monotonic()
        listing = vault.scan(notes)
        if not listing.notes:
            raise VaultError(notes, "holds no Markdown note", "Name a folder with .md files.")
        with self._shelf.writing():
            before = None if rebuild else self._before()
            old = before.content.snapshot if before else None
            snapshot, changes = reread(notes, listing, old, report)
            identity = encoder.identity if encoder else None
            if before is None or not _serves(before, snapshot, identity):
                self._build(snapshot, before, encoder, report)
            self._shelf.sweep(self._segments_of)
        report(Progress("done", len(snapshot.notes), len(snapshot.notes), "notes"))
        return with_cost(changes, snapshot.problems, time.monotonic() - began)

    def behind(self, notes: Path) -> int:
        """Count the notes that were added, changed or removed since the current generation."""
        states = self.current().content.snapshot.states
        now = vault.scan(notes).notes
        changed = sum(
            note not in states
            or (states[note].size, states[note].mtime_ns) != (stat.size, stat.mtime_ns)
            for note, stat in now.items()
        )
        return changed + len(states.keys() - now.keys())

    def rollback(self) -> str:
        """Make the generation before the current one current; gives its name.

        Raises
        ------
        IndexMissingError
            If there is no earlier one.
        """
        with self._shelf.writing():
            current = self._shelf.current()
            earlier = [
                name for name in self._shelf.names() if current is not None and name < current
            ]
            if not earlier:
                raise IndexMissingError(self.directory)
            self._load(earlier[-1])
            self._shelf.switch(earlier[-1])
            return earlier[-1]

    def _before(self) -> Generation | None:
        """Load the current generation as far as it can serve a refresh."""
        try:
            before = self.current()
        except (IndexMissingError, IndexDamagedError, IndexTooNewError):
            return None
        return before if before.manifest.chunker == CHUNKER else None

    def _build(
        self,
        snapshot: Snapshot,
        before: Generation | None,
        encoder: Encoder | None,
        report: Report,
    ) -> None:
        total = len(snapshot.notes)
        content = content_of(
            snapshot,
            before.content if before else None,
            on_note=lambda done: report(Progress("read", done, total, "notes")),
        )
        former = before.manifest.encoder if before else None
        identity = encoder.identity if encoder else former
        segments = list(before.segments) if before and former == identity else []
        segments = self._compact(_living(segments, content.keys), content.keys)
        texts = _missing(content, segments) if encoder else {}
        if encoder and 0 < len(texts) <= _AT_ONCE:
            segments += self._embed(texts, encoder, report)
            texts = {}
        manifest = self._publish(content, identity, segments, report)
        for start in range(0, len(texts), PIECE):
            assert encoder is not None
            piece = dict(itertools.islice(texts.items(), start, start + PIECE))
            segments += self._embed(piece, encoder, report, start, len(texts))
            segments = self._compact(segments, content.keys)
            manifest = self._add_vectors(manifest, content, segments)

    def _embed(
        self,
        texts: dict[str, str],
        encoder: Encoder,
        report: Report,
        done: int = 0,
        total: int = 0,
    ) -> list[Segment]:
        """Embed texts, given by key, and write their segment."""
        total = total or len(texts)
        vectors = encoder.encode(
            list(texts.values()),
            progress=lambda n: report(Progress("embed", done + n, total, "chunks")),
        )
        return [self._segment(list(texts), vectors)]

    def _segment(self, keys: list[str], vectors: FloatArray) -> Segment:
        folder = self._shelf.segments / new_name()
        write_segment(folder, keys, vectors)
        return Segment(folder)

    def _compact(self, segments: list[Segment], keys: tuple[str, ...]) -> list[Segment]:
        """Merge segments that have become many, or are mostly dead, into one."""
        living = set(keys)
        kept = [(s, i) for s in segments for i, key in enumerate(s.keys) if key in living]
        size = sum(len(s.keys) for s in segments)
        if len(segments) <= MANY_SEGMENTS and 2 * len(kept) >= size:
            return segments
        vectors = np.stack([s.matrix[i] for s, i in kept])
        return [self._segment([s.keys[i] for s, i in kept], vectors)]

    def _publish(
        self,
        content: Content,
        identity: EncoderIdentity | None,
        segments: list[Segment],
        report: Report,
    ) -> Manifest:
        """Write a generation, check it, and make it current."""
        report(Progress("write", 0, 1, "generation"))
        name = new_name()
        work = self._shelf.generations / f".{name}"
        try:
            manifest = Manifest(
                generation=name,
                created=time.time(),
                encoder=identity,
                segments=tuple(s.folder.name for s in segments),
                notes=len(content.notes),
                chunks=len(content.chunks),
                embedded=_embedded(content, segments),
                hashes=write_content(work, content),
            )
            report(Progress("verify", 0, 1, "generation"))
            self._install(work, manifest)
        except OSError as error:
            raise storage_error(self.directory, error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return manifest

    def _add_vectors(
        self, manifest: Manifest, content: Content, segments: list[Segment]
    ) -> Manifest:
        """Make a generation current that differs from another by its vectors only."""
        work = self._shelf.generations / f".{manifest.generation}-more"
        more = replace(
            manifest,
            generation=new_name(),
            created=time.time(),
            segments=tuple(s.folder.name for s in segments),
            embedded=_embedded(content, segments),
        )
        try:
            shutil.copytree(
                self._shelf.generations / manifest.generation, work, copy_function=_link_or_copy
            )
            (work / MANIFEST).unlink()
            self._install(work, more)
        except OSError as error:
            raise storage_error(self.directory, error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return more

    def _install(self, work: Path, manifest: Manifest) -> None:
        """Give a finished folder its name, check what can be read from it, and switch."""
        (work / MANIFEST).write_text(manifest.dump(), encoding="utf-8")
        for path in work.rglob("*"):
            sync(path)
        folder = self._shelf.generations / manifest.generation
        work.rename(folder)
        sync(self._shelf.generations)
        generation = self._load(manifest.generation)
        verify(generation, self.directory)
        lease = self._shelf.lease(manifest.generation)
        self._shelf.switch(manifest.generation)
        self._adopt(generation, lease)

    def _segments_of(self, name: str) -> tuple[str, ...]:
        try:
            return Manifest.load(self._shelf.generations / name).segments
        except RagbotError:
            return ()


def verify(generation: Generation, directory: Path) -> None:
    """Check that a generation as read back can answer.

    Raises
    ------
    IndexDamagedError
        If its counts are not those of its manifest, or a probe does not find itself.
    """
    manifest = generation.manifest
    found = (len(generation.notes), len(generation.chunks))
    if found != (manifest.notes, manifest.chunks):
        told = f"{found[0]} notes and {found[1]} chunks, not {manifest.notes} and {manifest.chunks}"
        raise IndexDamagedError(directory, told)
    for segment in generation.segments:
        probe = np.asarray(segment.matrix[0])
        near = segment.nearest(probe, 1)
        if not near or near[0][1] < 0.99:
            raise IndexDamagedError(directory, f"a vector does not find itself: {near}")


def _serves(generation: Generation, snapshot: Snapshot, identity: EncoderIdentity | None) -> bool:
    """Tell whether a generation is what a build of this snapshot would give."""
    manifest = generation.manifest
    whole = identity is None or (
        manifest.encoder == identity and manifest.embedded == manifest.chunks
    )
    return whole and generation.content.snapshot.says_the_same(snapshot)


def _living(segments: list[Segment], keys: tuple[str, ...]) -> list[Segment]:
    living = set(keys)
    return [s for s in segments if not living.isdisjoint(s.keys)]


def _missing(content: Content, segments: list[Segment]) -> dict[str, str]:
    """Texts without a vector, by key, each once."""
    known = {key for s in segments for key in s.keys}
    return {
        key: embedding_text(content.notes[chunk.note], chunk)
        for chunk, key in zip(content.chunks, content.keys, strict=True)
        if key not in known
    }


def _embedded(content: Content, segments: list[Segment]) -> int:
    known = {key for s in segments for key in s.keys}
    return sum(key in known for key in content.keys)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
