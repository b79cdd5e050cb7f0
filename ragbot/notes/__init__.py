"""Read files into `Note`s: parse them, resolve their links, and check them.

Open `parser.py` first (a text to a `Note`), then `units.py` (a note as a reader sees it) and
`chunker.py` (the passages that are searched).
"""

PARSER_VERSION = 13
"""Version of the parser; an index of another version reads all files again.

Raise it if the same files yield other notes, links, mentions or passages:
`python -m tests.notes.parser_version` does that."""
