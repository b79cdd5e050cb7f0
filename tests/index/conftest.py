"""The tests of the index ask Chroma from the first question on."""

import pytest

from ragbot.index import vectors


@pytest.fixture(autouse=True)
def chroma_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the exact search that answers until Chroma is open."""
    monkeypatch.setattr(vectors, "FEW", -1)
