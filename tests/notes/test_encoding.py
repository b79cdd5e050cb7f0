"""UTF-8 and UTF-16, with and without a mark, and bytes that are neither."""

import codecs

import pytest

from ragbot.notes import vault
from ragbot.notes.vault import decode

TEXT = "# Grüße\r\n\r\nSee [[Alpha]] — 梨。\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
    ],
    ids=["utf-8", "bom", "le", "be", "le-unmarked", "be-unmarked"],
)
def test_the_same_text(content, tmp_path):
    assert decode(content, "a.md") == (TEXT, [])
    (tmp_path / "a.md").write_bytes(content)
    [note], problems = vault.read(tmp_path)
    assert (note.title, [r.written for r in note.relations], problems) == ("Grüße", ["Alpha"], [])


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a\nb\xff\nc", 2), (codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le") + b"\x00\xd8x", 2)],
)
def test_bytes_that_do_not_fit_are_reported(content, line):
    text, [problem] = decode(content, "a.md")
    assert (problem.kind, problem.line) == ("encoding", line)
    assert "\ufffd" in text


@pytest.mark.parametrize("content", [b"", b"a", b"a\0b [[Good]]\0", b"\0\0", b"ab\0\0cd"])
def test_a_zero_is_not_yet_utf_16(content):
    assert decode(content, "a.md") == (content.decode(), [])


@pytest.mark.parametrize(
    "text", ["Саксофон лежит на чердаке.\n", "Το δωμάτιο είναι εδώ.\n", "שלום לכולם.\n"]
)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_other_scripts_without_a_mark(text, encoding):
    assert decode(text.encode(encoding), "a.md") == (text, [])


def test_a_stray_zero_is_no_utf_16():
    text = f"{'word ' * 40}\0 {'word ' * 40}"
    assert decode(text.encode(), "a.md") == (text, [])
