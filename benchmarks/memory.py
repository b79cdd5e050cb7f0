"""An index in memory: notes and their vectors, without files.

For tests and benchmarks of retrieval, which then measure nothing else.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ragbot.index.corpus import Corpus
from ragbot.index.database import StateCache, write_meta
from ragbot.index.note_rows import NoteRows
from ragbot.index.note_writer import NoteWriter, Written
from ragbot.index.schema import create_tables
from ragbot.inference import token_codes
from ragbot.inference.token_codes import Encoded, EncodedQuestion, TokenVectors
from ragbot.models import Note, Passage, Relation
from ragbot.notes import link_resolver, parser
from ragbot.notes.chunker import chunk, embedding_text
from ragbot.text.tokenize import content_words

FloatArray = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Encoded]


class MemoryCorpus(Corpus):
    """A corpus in a database in memory; links and mentions lead where the notes say.

    Parameters
    ----------
    notes
        Resolved.
    encode
        Encodes the passages; None for a corpus without vectors.
    """

    def __init__(
        self,
        notes: Iterable[Note],
        encode: Encode | None,
        mentions: Iterable[Relation] = (),
        cut: Callable[[Note], list[Passage]] = chunk,
    ) -> None:
        ordered = sorted(notes, key=lambda note: note.id)
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        create_tables(connection)
        connection.execute("BEGIN")
        written, writer = Written(), NoteWriter(connection)
        for note in ordered:
            writer.put(NoteRows.of(note, cut=cut), written)
        numbers = dict(connection.execute("SELECT path, id FROM note").fetchall())
        _lead(connection, numbers, ordered, list(mentions))
        if encode is not None:
            pieces = [(note, piece) for note in ordered for piece in cut(note)]
            _embed(connection, encode([embedding_text(*pair) for pair in pieces]))
        connection.execute("COMMIT")
        super().__init__(connection, None, StateCache())

    @property
    def all_passages(self) -> list[int]:
        """Every passage, in order of note and place."""
        return [number for note in self.notes for number in self.passages_of(note)]

    @classmethod
    def of(cls, files: Mapping[str, str], encode: Encode | None = None) -> MemoryCorpus:
        """Read notes from `{path: text}`."""
        notes = [parser.parse(text, path)[0] for path, text in files.items()]
        return cls(link_resolver.resolve(notes), encode)


def _lead(
    connection: sqlite3.Connection,
    numbers: Mapping[str, int],
    notes: Iterable[Note],
    mentions: list[Relation],
) -> None:
    """Write where the links lead, and the mentions of notes that are not linked."""
    for note in notes:
        linked = {note.id} | {relation.target for relation in note.relations}
        for position, one in enumerate(note.relations):
            kind = "ghost" if one.target is None else "link"
            kind = "self" if one.target == note.id else kind
            connection.execute(
                "UPDATE relation SET kind = ?, target = ? WHERE source = ? AND position = ?",
                (kind, numbers.get(one.target or ""), numbers[note.id], position),
            )
        for one in mentions:
            if one.source == note.id and one.target not in linked:
                linked.add(one.target)
                connection.execute(
                    "INSERT INTO relation (source, position, kind, predicate, written, target, "
                    "first, last, fields, parsed, wiki) VALUES (?, ?, 'mention', ?, ?, ?, ?, ?, "
                    "'[null, null, null, null]', '', 0)",
                    (numbers[note.id], 2**32 + one.span[0], one.predicate, one.written,
                     numbers[one.target or ""], *one.span),
                )  # fmt: skip


def _embed(connection: sqlite3.Connection, encoded: Encoded) -> None:
    """Write a vector for each passage, in order of note and place."""
    query = "SELECT p.id FROM passage p JOIN note n ON n.id = p.note ORDER BY n.path, p.first, p.id"
    passages = [number for (number,) in connection.execute(query)]
    for number, vector, codes in zip(passages, encoded.vectors, encoded.codes, strict=True):
        values = (number, str(number), vector.astype("<f4").tobytes(), codes.tobytes())
        connection.execute("INSERT INTO embedding VALUES (?, ?, ?, ?)", values)
        connection.execute("UPDATE passage SET embedding = id WHERE id = ?", (number,))
    if len(encoded.vectors):
        write_meta(connection, "dimension", encoded.vectors.shape[1])


def bags(texts: Sequence[str]) -> Encoded:
    """Encode passages as bags of words, and each of their words as itself."""
    words = [_words(text) for text in texts]
    vectors = [bag_of_words([word for word, _ in found]) for found in words]
    return Encoded(
        bag_of_words(texts),
        [
            token_codes.quantize(rows, [place for _, place in found])
            for rows, found in zip(vectors, words, strict=True)
        ],
    )


def asked(question: str) -> EncodedQuestion:
    """Encode a question as a bag of words, and each of its words as itself."""
    found = _words(question)
    spans = tuple((place, place + len(word)) for word, place in found)
    vectors = bag_of_words([word for word, _ in found])
    return EncodedQuestion(bag_of_words([question])[0], TokenVectors(vectors, spans))


def _words(text: str) -> list[tuple[str, int]]:
    return [(match.group(), match.start()) for match in re.finditer(r"\w+", text)]


def bag_of_words(texts: Sequence[str], dimension: int = 512) -> FloatArray:
    """Encode texts as unit vectors of their words: equal words, equal vectors.

    A word's form is cut to five letters, so that "model" and "models" agree.
    """
    vectors = np.zeros((len(texts), dimension), np.float32)
    for row, text in enumerate(texts):
        for word in content_words(text):
            vectors[row, zlib.crc32(word[:5].encode()) % dimension] += 1
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
