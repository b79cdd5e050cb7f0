"""Files in, `Note`s out: what an author wrote, which note a link means, what is wrong with either.

Open `parser.py` first (a text to a `Note`), then `units.py` (a note as a reader sees it) and
`chunker.py` (the passages that are searched).
"""

PARSER_VERSION = 3
"""Counts up when the same files give other notes, links, mentions or passages: an index then reads
all of them again. `python -m tests.notes.parser_version` counts it up."""
