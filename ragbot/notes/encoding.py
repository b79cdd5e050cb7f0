"""Decode the bytes of a note."""

from __future__ import annotations

import codecs

from ragbot.models import NoteId, Problem

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

LATIN, OTHER = 0.3, 0.03
"""Least share of characters with a zero byte in UTF-16: of bytes that are UTF-8 too, as Latin
letters are, and of others. In other scripts mostly the blanks have a zero byte."""


def decode(content: bytes, note: NoteId) -> tuple[str, list[Problem]]:
    r"""Return the text of a note, without its byte-order mark, and the problem of invalid bytes.

    The text is read as UTF-8; or as UTF-16 if it has a byte-order mark, or a zero in every
    second byte. Invalid bytes become `\ufffd` and are reported.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), _unmarked(content))
    name = "UTF-16" if encoding.startswith("utf-16") else "UTF-8"
    try:
        return content.decode(encoding), []
    except UnicodeDecodeError as problem:
        text = content.decode(encoding, errors="replace")
        before = content[: problem.start].decode(encoding, errors="replace")
        line = len(before.splitlines()) or 1
        message = f"byte {problem.start} is not valid {name}; it is shown as \ufffd"
        return text, [Problem("encoding", note, line, message, "Save the file as UTF-8.")]


def _unmarked(content: bytes) -> str:
    """Return the encoding of bytes without a mark.

    In UTF-16 every second byte of a Latin letter, blank or line end is zero; UTF-8 has no zeros.
    """
    head = content[:1000]
    if len(content) % 2 or len(head) < 4 or b"\0" not in head:
        return "utf-8"
    even, odd = head[::2].count(0), head[1::2].count(0)
    least = (LATIN if _is_utf8(head) else OTHER) * len(head) / 2
    if odd > least and not even:
        return "utf-16-le"
    return "utf-16-be" if even > least and not odd else "utf-8"


def _is_utf8(head: bytes) -> bool:
    """Check whether the first bytes of a file are UTF-8 without control characters.

    They may end within a character. In UTF-16 the high byte of a letter is a control: 4 in
    Cyrillic.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return not any(0 < byte < ord("\t") for byte in head)
