"""The tables of the index."""

from __future__ import annotations

import sqlite3
import uuid

FORMAT = 3
"""Version of the tables; a database of an older version is built again."""

APPLICATION = 0x52414742
"""SQLite's application id of an index."""

_SCHEMA = """
-- Values by name: the counter of states, the encoder, the state of Chroma, the parser's version.
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Every file of the vault; times and size only for notes. A `racy` file was young when it was read,
-- so its content is compared at the next scan.
CREATE TABLE file (
    path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, racy INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE note (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    digest TEXT NOT NULL,
    tags TEXT NOT NULL, written TEXT NOT NULL
);
-- A table of its own, so that a scan of `note` does not read the text.
CREATE TABLE content (
    note INTEGER PRIMARY KEY REFERENCES note, text TEXT NOT NULL, parsed TEXT NOT NULL,
    prose TEXT NOT NULL
);
CREATE TABLE problem (kind TEXT, path TEXT, line INTEGER, message TEXT, fix TEXT, severity TEXT);
CREATE INDEX problem_path ON problem (path);

-- Names of notes and files. `kind` is path, ending, folder, title, alias, spoken or mention.
CREATE TABLE name (
    kind TEXT, key TEXT, length INTEGER, path TEXT, spelling TEXT,
    PRIMARY KEY (kind, key, length, path, spelling)
) WITHOUT ROWID;
CREATE INDEX name_path ON name (path);
-- Names that are one word, the number of notes that contain each, and whether it is a common word.
CREATE TABLE name_word (word TEXT PRIMARY KEY, notes INTEGER, common INTEGER) WITHOUT ROWID;

-- `kind` is link, ghost, self, file (it leads to no note) or mention. `written`, `heading` and
-- `block` are as resolved; `parsed` has them as they were parsed.
CREATE TABLE relation (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES note, position INTEGER NOT NULL,
    kind TEXT NOT NULL, predicate TEXT NOT NULL, written TEXT NOT NULL, target INTEGER,
    first INTEGER NOT NULL, last INTEGER NOT NULL, heading TEXT, block TEXT,
    fields TEXT NOT NULL, parsed TEXT NOT NULL, wiki INTEGER NOT NULL, key TEXT, other_key TEXT
);
CREATE INDEX relation_source ON relation (source, position);
CREATE INDEX relation_target ON relation (target, kind, source) WHERE target IS NOT NULL;
CREATE INDEX relation_key ON relation (key) WHERE key IS NOT NULL;
CREATE INDEX relation_other_key ON relation (other_key) WHERE other_key IS NOT NULL;
CREATE INDEX relation_predicate ON relation (predicate, kind);
CREATE INDEX relation_ghost ON relation (source, position) WHERE kind = 'ghost';

-- Ids are never used again, because Chroma may still have removed passages. `text` is embedded,
-- and `text_key` is its hash. `flush` is the number of the write that added the passage to Chroma.
CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT, note INTEGER NOT NULL REFERENCES note,
    first INTEGER NOT NULL, last INTEGER NOT NULL, headings TEXT NOT NULL,
    text_key TEXT NOT NULL, text TEXT NOT NULL, embedding INTEGER, flush INTEGER
);
CREATE INDEX passage_note ON passage (note, first);
CREATE INDEX passage_text_key ON passage (text_key);
CREATE INDEX passage_embedding ON passage (embedding) WHERE embedding IS NOT NULL;
CREATE INDEX passage_pending ON passage (id) WHERE embedding IS NULL;
CREATE INDEX passage_flush ON passage (flush) WHERE flush IS NOT NULL;
CREATE INDEX passage_unflushed ON passage (id) WHERE flush IS NULL AND embedding IS NOT NULL;
CREATE TABLE chroma_removed (passage INTEGER PRIMARY KEY);

CREATE TABLE embedding (
    id INTEGER PRIMARY KEY, text_key TEXT NOT NULL UNIQUE, vector BLOB NOT NULL, codes BLOB NOT NULL
);

-- The rowid is a passage in the first table, and a note in the other two.
CREATE VIRTUAL TABLE passage_words USING fts5(words, tokenize='ascii');
CREATE VIRTUAL TABLE title_words USING fts5(words, tokenize='ascii');
CREATE VIRTUAL TABLE prose_words USING fts5(
    words, detail=none, columnsize=0, tokenize="ascii tokenchars '_'"
);
"""


def create_tables(connection: sqlite3.Connection) -> None:
    """Write all tables to an empty database, in a transaction."""
    identity = f"INSERT INTO meta VALUES ('id', '{uuid.uuid4().hex}');"
    version = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};"
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {identity} {version} COMMIT;")
