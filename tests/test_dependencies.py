"""What is installed with ragbot, under which licence: the page repeats what packages state.

After a change of `constraints.txt`: `python tests/test_dependencies.py` updates the table.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ragbot.config import LLM_PROVIDERS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dependencies.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [extra for extra in PROJECT["optional-dependencies"] if extra not in ("benchmark", "test")]

SHORT = (
    # (a part of a licence field or classifier, its SPDX name), the first that fits
    ("Apache-2.0 AND MIT", "Apache-2.0 AND MIT"),
    ("MPL", "MPL-2.0"),
    ("Mozilla Public License 2.0", "MPL-2.0"),
    ("Apache", "Apache-2.0"),
    ("BSD-2", "BSD-2-Clause"),
    ("BSD", "BSD-3-Clause"),
    ("PSF", "PSF-2.0"),
    ("Python Software Foundation", "PSF-2.0"),
    ("ISC", "ISC"),
    ("Unlicense", "Unlicense"),
    ("HPND", "HPND"),
    ("MIT", "MIT"),
)
FREE = {"MIT", "Apache-2.0", "BSD", "ISC", "PSF-2.0", "MPL-2.0", "Unlicense", "HPND", "0BSD"}


def closure():
    """Return the names of all that installing ragbot with the extras for users brings here."""
    wanted = list(PROJECT["dependencies"])
    for extra in EXTRAS:
        wanted += PROJECT["optional-dependencies"][extra]
    todo = [(Requirement(text), "") for text in wanted]
    found = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted_extra in ("", *requirement.extras):
            if (name, wanted_extra) in found:
                continue
            try:
                below = requires(name) or []
            except PackageNotFoundError:
                continue
            found.add((name, wanted_extra))
            todo += [(Requirement(text), wanted_extra) for text in below]
    return sorted({name for name, _ in found})


def licence_of(name):
    """Return the licence of a package: its SPDX expression, licence field or classifiers."""
    fields = metadata(name)
    if expression := fields.get("License-Expression"):
        return expression
    classifiers = [c for c in fields.get_all("Classifier", []) if c.startswith("License ::")]
    field = (fields.get("License") or "").strip().splitlines()
    for text in (*classifiers, *field[:1]):
        for part, name_of_it in SHORT:
            if part.casefold() in text.casefold():
                return name_of_it
    return "see its files"


def pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name): version.strip() for name, _, version in pins}


def rows():
    pins = pinned()
    return [f"| {name} | {pins.get(name, '')} | {licence_of(name)} |" for name in closure()]


def table_of(text):
    return re.findall(r"^\| ([\w.-]+) \| ([^|]*) \| ([^|]+) \|$", text, re.M)


@pytest.fixture(scope="module")
def table():
    return {name: (version.strip(), licence.strip()) for name, version, licence in table_of(
        PAGE.read_text(encoding="utf-8")) if name not in ("package", "---")}  # fmt: skip


def test_the_page_lists_the_installed_packages(table):
    # Extras that are not installed here are on the page all the same.
    assert set(closure()) <= set(table)


def test_the_page_has_the_pinned_versions(table):
    pins = pinned()
    assert {name: version for name, (version, _) in table.items()} == {
        name: pins.get(name, "") for name in table
    }


def test_every_licence_is_a_free_one(table):
    for name, (_, licence) in table.items():
        parts = re.split(r" (?:AND|OR|WITH) |[()]", licence)
        known = [part for part in parts if part and any(part.startswith(free) for free in FREE)]
        assert known, f"{name} is under {licence}"


def promised():
    """Yield the extras that a page, message or recipe names, each with the file that does."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md", "*.py", "*.toml", "Makefile", ".ci/run"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        text = (ROOT / name).read_text(encoding="utf-8")
        for extras in re.findall(r"""(?:\bragbot|['"]\.)\[([a-z][a-z,-]*)\]""", text):
            yield from ((extra, name) for extra in extras.split(","))


def test_every_extra_that_is_promised_exists():
    named = set(promised())
    assert {("ray", "README.md"), ("test", "Makefile")} <= named
    assert [entry for entry in named if entry[0] not in PROJECT["optional-dependencies"]] == []


def test_every_extra_is_on_the_page():
    assert set(EXTRAS) <= {extra for extra, name in promised() if name == "docs/dependencies.md"}


def test_every_provider_of_language_models_has_its_extra():
    # language-model.md and the error message say: the extra of the same name.
    for provider in LLM_PROVIDERS:
        assert any(
            Requirement(needed).name == f"llama-index-llms-{provider}"
            for needed in PROJECT["optional-dependencies"][provider]
        )


def write_page():
    """Update the table; keep the rows of extras that are not installed here."""
    text = PAGE.read_text(encoding="utf-8")
    head, rule, old = text.partition("| --- | --- | --- |\n")
    fresh = {row.split(" | ")[0]: row for row in rows()}
    kept = {row.split(" | ")[0]: row for row in old.splitlines()}
    kept = {name: row for name, row in kept.items() if name.removeprefix("| ") in pinned()}
    table = sorted({**kept, **fresh}.items())
    PAGE.write_text(head + rule + "".join(f"{row}\n" for _, row in table), encoding="utf-8")


if __name__ == "__main__":
    write_page()
