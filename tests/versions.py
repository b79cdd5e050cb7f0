"""Run the tests on the oldest, or on the newest, releases that pyproject.toml allows.

    python tests/versions.py oldest
    python tests/versions.py newest tests/index
    python tests/versions.py oldest --keep ~/oldest tests/index

Each makes an environment of its own and installs ragbot there: `oldest` with every dependency at
the least version that `pyproject.toml` names, `newest` with whatever is newest in the registry.
torch is the pinned one in both: a range would draw in whatever build is newest. The tests that
follow, or those of `TESTS`, are run, the versions and the result printed. `--keep` makes the
environment in a folder that stays, or uses the one that is there.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAIN = ("chromadb", "gradio", "llama-index-core", "networkx", "sentence-transformers", "torch")
TESTS = (
    "tests/apps", "tests/graph", "tests/index", "tests/inference", "tests/retrieval",
    "tests/test_bot.py", "tests/test_threads.py", "tests/test_whole_path.py", "tests/browser",
)  # fmt: skip
"""The tests that use the main packages; the others test code of our own alone."""


def oldest() -> list[str]:
    """Pin every dependency at the least version that is allowed."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    least = (
        re.match(r"([\w.-]+)>=([\w.]+)", needed) for needed in settings["project"]["dependencies"]
    )
    return [f"{found[1]}=={found[2]}" for found in least if found and found[1] != "torch"]


def pinned_torch() -> str:
    """Return the one version of torch that is installed anywhere."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return re.search(r"^torch==.+$", text, re.M)[0]


def run(which: str, folder: Path, tests: list[str]) -> int:
    """Bring the environment in a folder up to date, run the tests in it, print what they ran on."""
    pins = [pinned_torch(), *(oldest() if which == "oldest" else [])]
    constraints, python = folder / "constraints.txt", folder / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
    constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["-c", constraints, "-e", ".[test]"]
    subprocess.run(install, cwd=ROOT, check=True)
    site = next((folder / "venv" / "lib").glob("*/site-packages"))
    installed = {found.name.lower(): found.version for found in distributions(path=[str(site)])}
    print(f"{which}:", ", ".join(f"{name} {installed[name]}" for name in MAIN), flush=True)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(tests or TESTS)]
    return subprocess.run(command, cwd=ROOT).returncode


def main() -> int:
    """Read the arguments, and run in the folder that they name, or in one for this run alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=("oldest", "newest"))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the environment there")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="run these, and no others")
    given = parser.parse_intermixed_args()
    if given.keep:
        return run(given.which, given.keep.expanduser().resolve(), given.tests)
    with tempfile.TemporaryDirectory() as folder:
        return run(given.which, Path(folder), given.tests)


if __name__ == "__main__":
    sys.exit(main())
