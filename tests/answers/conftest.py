"""What several tests of answers share: a bot over the notes that a module declares."""

import pytest

from ragbot import Ragbot


@pytest.fixture(scope="module")
def bot(request, tmp_path_factory):
    """A bot with the encoder we ship, over the module's `NOTES`: texts by file name."""
    folder = tmp_path_factory.mktemp("notes")
    for name, text in request.module.NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Ragbot.open(folder, tmp_path_factory.mktemp("index")) as opened:
        yield opened
