"""Files in, `Note`s out: the folder, the parser, links, mentions, and checks of the notes.

Open `parser.py` first.
"""

PARSER_VERSION = 1
"""Counts up when the same files give other notes, links, mentions or passages: an index then reads
all of them again. `python -m tests.notes.parser_version` counts it up."""
