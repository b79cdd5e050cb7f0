"""The wheel has the needed files only, and works outside the checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "-w", str(folder)]
    # A copy: a build writes beside the sources.
    copy = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            (copy / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*command, str(copy)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def run(installed, *words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "ragbot", *words],
        capture_output=True,
        text=True,
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        timeout=200,
        input="What is persona drift?\n",
    )


def test_every_package_of_the_code_is_in_the_wheel():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(settings["tool"]["setuptools"]["packages"])
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "ragbot").rglob("__init__.py")
    }
    assert listed == found | {"ragbot.garden"}


def test_the_wheel_has_the_needed_files_only(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ragbot"}
    assert "ragbot/py.typed" in names
    static = {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "ragbot/apps/web/static").rglob("*.*")
    }
    assert static <= names
    notes = {p.relative_to(ROOT / "notes").as_posix() for p in (ROOT / "notes").rglob("*.md")}
    packed = {n.removeprefix("ragbot/garden/") for n in names if n.startswith("ragbot/garden/")}
    assert packed == notes | {"LICENSE"}


def test_the_wheel_is_light_to_ask_for_help(installed):
    done = run(installed, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("ragbot ")


def test_the_demo_answers_far_from_the_checkout(installed, tmp_path):
    garden = installed / "ragbot" / "garden"
    for note in garden.rglob("*.md"):
        # Three notes do; to embed them all takes a while.
        if note.stem not in ("Persona Drift", "The Assistant Axis", "Activation Capping"):
            note.unlink()
    done = run(installed, "chat", "--demo", "--terminal", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout
    assert str(garden) in done.stdout
    assert (tmp_path / "ragbot" / "demo-index").is_dir()


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_a_benchmark_finds_what_it_measures(script):
    """No test runs the benchmarks, so a renamed function would break them unseen."""
    command = [sys.executable, "-c", f"import runpy; runpy.run_path({str(script)!r})"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
