"""What is installed with ragbot, under which licence: the page is made from what packages state.

After a change of `constraints.txt`: `python tests/test_dependencies.py` writes the table anew.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dependencies.md"
EXTRAS = ("", "ollama", "openai", "anthropic", "fast", "mcp")

SHORT = (
    # (what stands in a licence field or classifier, its SPDX name), the first that fits
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


def closure(extras=EXTRAS):
    """Names of everything that installing ragbot with these extras brings here."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(settings)["project"]
    wanted = list(project["dependencies"])
    for extra in filter(None, extras):
        wanted += project["optional-dependencies"][extra]
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
    """Licence of a package, by its SPDX expression, its licence field or its classifiers."""
    told = metadata(name)
    if expression := told.get("License-Expression"):
        return expression
    classifiers = [c for c in told.get_all("Classifier", []) if c.startswith("License ::")]
    field = (told.get("License") or "").strip().splitlines()
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


def test_the_page_lists_what_is_installed(table):
    # Extras that are not installed here are on the page all the same.
    assert set(closure()) <= set(table)


def test_the_page_tells_the_pinned_versions(table):
    pins = pinned()
    assert {name: version for name, (version, _) in table.items()} == {
        name: pins.get(name, "") for name in table
    }


def test_every_licence_lets_one_use_it(table):
    for name, (_, licence) in table.items():
        parts = re.split(r" (?:AND|OR|WITH) |[()]", licence)
        known = [part for part in parts if part and any(part.startswith(free) for free in FREE)]
        assert known, f"{name} is under {licence}"


def write_page():
    """Write the table of the page anew."""
    text = PAGE.read_text(encoding="utf-8")
    head, rule, _ = text.partition("| --- | --- | --- |\n")
    PAGE.write_text(head + rule + "\n".join(rows()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_page()
