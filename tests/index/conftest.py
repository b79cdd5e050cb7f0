"""The tests of the index ask Chroma from the first question on."""

import pytest

from ragbot.index import vectors
from ragbot.index.index import Index


@pytest.fixture(autouse=True)
def chroma_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the exact search that answers until Chroma is open."""
    monkeypatch.setattr(vectors, "FEW", -1)


@pytest.fixture
def vault(tmp_path):
    folder = tmp_path / "vault"
    folder.mkdir()
    for name, text in {
        "Heat": "# Heat\n\nHeat flows from warm to cold.\n\n- opposes::[[Ice]]",
        "Ice": "# Ice\n\nIce melts slowly in warm water.",
        "Salt": "# Salt\n\nSalt is a crystal. See [[Nowhere]].",
    }.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "index")
