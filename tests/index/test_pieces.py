"""Files named by their content."""

import hashlib

import pytest

from ragbot.errors import IndexDamagedError
from ragbot.index import pieces


def test_a_piece_is_named_by_its_content(tmp_path):
    name = pieces.write(tmp_path, b"warm")
    assert name == hashlib.sha256(b"warm").hexdigest()
    assert pieces.read(tmp_path, name) == b"warm"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("content", [b"", b"cold", b"warm "])
def test_a_damaged_piece_is_found_and_written_anew(tmp_path, content):
    name = pieces.write(tmp_path, b"warm")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IndexDamagedError, match="is not as it was written"):
        pieces.read(tmp_path, name)
    assert pieces.write(tmp_path, b"warm") == name
    assert pieces.read(tmp_path, name) == b"warm"


def test_a_missing_piece_is_damage(tmp_path):
    with pytest.raises(IndexDamagedError, match="No such file"):
        pieces.read(tmp_path, "0" * 64)
