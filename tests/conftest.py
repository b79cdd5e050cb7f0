"""What several test modules share: where things are, and indexes that are built once."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

collect_ignore_glob = ["fuzz/fuzz_*.py"]
"""Programs that need a fuzzer; the inputs that they found are tests."""

SHARED = ROOT.parent / "shared"
"""Material next to the checkout: present in CI, not needed elsewhere."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material; tests that need it are skipped if it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the material in {SHARED}: put it there to run this test")
    return SHARED


@pytest.fixture(scope="session")
def real_vault(shared: Path) -> Path:
    """A public digital garden of 177 notes, to test on."""
    return shared / "vaults" / "persona-garden"


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not depend on what the person who runs them has set."""
    for name in os.environ:
        if name.startswith("RAGBOT_"):
            monkeypatch.delenv(name)


def pytest_configure() -> None:
    """Enable Ctrl-C, which background jobs ignore, and so the programs that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the kill test kills; 500 shows more, and takes minutes."""
    parser.addoption("--kills", type=int, default=20, help="refreshes to kill (default: 20)")


@pytest.fixture(scope="session")
def plot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault of four notes about a vegetable plot, with a ghost; not to be changed."""
    folder = tmp_path_factory.mktemp("plot") / "plot"
    return Path(shutil.copytree(Path(__file__).parent / "plot", folder))


@pytest.fixture(scope="session")
def plot_index(plot: Path) -> Path:
    """An index of the plot, built by the real program."""
    from ragbot.bot import Ragbot

    index = plot.parent / "index"
    Ragbot.open(notes=plot, index=index).close()
    return index


@pytest.fixture(scope="session")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the shipped `notes/` and its `index/`; not to be changed."""
    from ragbot.bot import Ragbot

    folder = tmp_path_factory.mktemp("garden")
    shutil.copytree(ROOT / "notes", folder / "notes")
    Ragbot.open(notes=folder / "notes", index=folder / "index").close()
    return folder
