"""Build the database rows of notes from their bytes, on all processors if they are many.

So all expensive work is done here, and rows are plain values that pickle quickly. Worker processes
are plain children with a pipe: `multiprocessing` would import the main module of a user's program
again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from ragbot.models import Note, NoteId, Passage, Problem, Relation
from ragbot.notes import mentions, vault
from ragbot.notes.chunker import chunk, embedding_text, text_key
from ragbot.notes.link_resolver import file_names, is_wikilink, link_keys
from ragbot.notes.note_dates import note_date
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name
from ragbot.text.tokenize import STOP_WORDS, tokens

_log = logging.getLogger(__name__)

PARALLEL = 600
"""Least number of notes for which worker processes pay."""

_TASK = 50
"""Notes in one task of a worker."""


class NameRow(NamedTuple):
    """One name of a note or file: its lookup key and its spelling."""

    kind: str
    key: str
    length: int
    path: str
    spelling: str


class LinkRow(NamedTuple):
    """One link as parsed, its target not resolved."""

    position: int
    predicate: str
    written: str
    first: int
    last: int
    heading: str | None
    block: str | None
    fields: str
    parsed: str
    wiki: bool
    key: str | None
    other_key: str | None


class PassageRow(NamedTuple):
    """One passage: its place, the text that is embedded for it, and its words."""

    first: int
    last: int
    headings: str
    text_key: str
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class NoteRows:
    """The rows of one note.

    `digest` is the SHA-256 of its text, `parsed` the JSON of the note without its text and links,
    `prose` the JSON of its readable blocks (see `mentions.prose_of`), and `prose_words` are the
    distinct tokens of these blocks.
    """

    path: NoteId
    title: str
    title_words: str
    digest: str
    tags: str
    written: str
    text: str
    parsed: str
    prose: str
    prose_words: str
    names: tuple[NameRow, ...]
    links: tuple[LinkRow, ...]
    passages: tuple[PassageRow, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(
        cls,
        note: Note,
        problems: Iterable[Problem] = (),
        cut: Callable[[Note], Sequence[Passage]] = chunk,
    ) -> NoteRows:
        """Build the rows of a note."""
        prose = mentions.prose_of(note)
        parsed = {
            "aliases": note.aliases,
            "tags": note.tags,
            "metadata": dict(note.metadata),
            "sections": [[section.headings, section.span] for section in note.sections],
            "blocks": dict(note.blocks),
        }
        title = storable(note.title)
        return cls(
            path=note.id,
            title=title,
            title_words=" ".join(tokens(" ".join((note.title, *note.aliases)))),
            digest=hashlib.sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest(),
            tags=json.dumps(note.tags),
            written=day.isoformat() if (day := note_date(note)) else "",
            text=storable(note.text),
            parsed=json.dumps(parsed, default=str),
            prose=json.dumps(prose),
            prose_words=" ".join(sorted(mentions.words_of(prose))),
            names=tuple(dict.fromkeys(names_of(note))),
            links=tuple(
                _link_row(position, relation, note.text)
                for position, relation in enumerate(note.relations)
            ),
            passages=tuple(_passage_row(note, passage) for passage in cut(note)),
            problems=tuple(problems),
        )


Outcome = NoteRows | tuple[Problem, ...]
"""The rows of a note, or its problems if it cannot be read."""


def read_rows(root: Path, path: NoteId) -> Outcome:
    """Read a note and return its rows, or the problems of one that cannot be read."""
    note, problems = vault.read_note(root, path)
    return tuple(problems) if note is None else NoteRows.of(note, problems)


def names_of(note: Note) -> Iterable[NameRow]:
    """Yield the names that links, people and prose use for a note."""
    yield from file_rows(note.id)
    title = storable(note.title)
    aliases = [storable(alias) for alias in note.aliases]

    def row(kind: str, key: str, spelling: str) -> NameRow:
        return NameRow(kind, key, len(note.id), note.id, spelling)

    yield row("title", fold_name(title), title)
    for alias in {fold_name(alias): alias for alias in reversed(aliases)}.values():
        yield row("alias", fold_name(alias), alias)
    for key, is_title in _spoken(title, aliases, stem(note.id)).items():
        yield row("spoken", key, "title" if is_title else "")
    for name in mentions.note_names(note):
        if key := mentions.name_key(name):
            yield row("mention", key, storable(name))


def file_rows(path: str) -> Iterable[NameRow]:
    """Yield the names that links use for any file, and its folders."""
    return (NameRow(kind, key, len(path), path, "") for kind, key in file_names(path))


def storable(text: str) -> str:
    """Return a text with U+FFFD for lone surrogates, which UTF-8 cannot encode."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def problem_row(problem: Problem) -> tuple[Any, ...]:
    """Return the values of a problem, in the order of its fields."""
    return tuple(storable(v) if isinstance(v, str) else v for v in asdict(problem).values())


def _spoken(title: str, aliases: Sequence[str], file_name: str) -> dict[str, bool]:
    """Return the folded names that a question may use, and whether each is the title."""
    names: dict[str, bool] = {}
    for name in (title, *aliases, file_name):
        words = tokens(name)
        if not STOP_WORDS.issuperset(words):
            names.setdefault(" ".join(words), name is title)
    return names


def _link_row(position: int, relation: Relation, text: str) -> LinkRow:
    key, other = link_keys(relation)
    written = storable(relation.written)
    optional = (relation.heading, relation.block, key, other)
    heading, block, key, other = (one if one is None else storable(one) for one in optional)
    fields = (relation.annotation, relation.annotation_span, relation.alias, relation.marker)
    return LinkRow(
        position,
        storable(relation.predicate),
        written,
        *relation.span,
        heading,
        block,
        json.dumps(fields),
        json.dumps((written, heading, block)),
        is_wikilink(text, relation),
        key,
        other,
    )


def _passage_row(note: Note, passage: Passage) -> PassageRow:
    text = embedding_text(note, passage)
    return PassageRow(
        *passage.span,
        json.dumps(passage.headings),
        text_key(text),
        storable(text),
        " ".join(tokens(text)),
    )


# Many notes


def read_all(root: Path, paths: Sequence[NoteId]) -> Iterator[tuple[NoteId, Outcome]]:
    """Yield the rows of some notes, or their problems, in order."""
    workers = os.cpu_count() or 1
    if len(paths) < PARALLEL or workers == 1:
        for path in paths:
            yield path, read_rows(root, path)
        return
    tasks = [paths[start : start + _TASK] for start in range(0, len(paths), _TASK)]
    with ThreadPoolExecutor(workers) as threads:
        processes: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(workers):
            processes.put(_Worker(root))
        pending: deque[Future[list[Outcome]]] = deque()
        try:
            for number, task in enumerate(tasks):
                pending.append(threads.submit(_do, processes, task))
                if number >= 2 * workers:
                    first = tasks[number - 2 * workers]
                    yield from zip(first, pending.popleft().result(), strict=True)
            for task in tasks[len(tasks) - len(pending) :]:
                yield from zip(task, pending.popleft().result(), strict=True)
        finally:
            for future in pending:
                future.cancel()
            threads.shutdown(wait=True)
            while not processes.empty():
                processes.get().close()


class _Worker:
    """A child process that reads notes; if it fails, this process reads them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        code = f"from {__name__} import serve; serve()"
        source = str(Path(__file__).resolve().parent.parent.parent)
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C is for the program that started it
            )
        except OSError as error:
            _log.info("notes are read in one process: %s", error)

    def read(self, paths: Sequence[NoteId]) -> list[Outcome]:
        """Return the rows of some notes, or their problems."""
        process = self._process
        if process is not None and process.stdin is not None and process.stdout is not None:
            try:
                pickle.dump((str(self._root), list(paths)), process.stdin)
                process.stdin.flush()
                found: list[Outcome] = pickle.load(process.stdout)
                return found
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                _log.info("notes are read in one process: %s", error)
                self.close()
        return [read_rows(self._root, path) for path in paths]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _do(workers: SimpleQueue[_Worker], paths: Sequence[NoteId]) -> list[Outcome]:
    worker = workers.get()
    try:
        return worker.read(paths)
    finally:
        workers.put(worker)


def serve() -> None:
    """Read notes for the process at the other end of the standard streams, until it closes them."""
    given, results = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        while True:
            root, paths = pickle.load(given)
            pickle.dump([read_rows(Path(root), path) for path in paths], results)
            results.flush()
    # Exit at once, because flushing the rest of a result into a closed pipe would raise an error.
    os._exit(0)
