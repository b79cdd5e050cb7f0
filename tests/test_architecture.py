"""The rules of the house that import-linter does not hold: doors, sizes, docstrings, start-up.

Which room may import which is declared in pyproject.toml and checked by `make imports`.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "ragbot").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}

# The modules, or rooms, that may import each heavy package.
DOORS = {
    "chromadb": ["index/chroma.py"],
    "sqlite3": ["index/"],
    "sentence_transformers": ["inference/"],
    "torch": ["inference/"],
    "onnx": ["inference/"],
    "onnxruntime": ["inference/"],
    "ray": ["inference/ray.py"],
    "networkx": ["graph/"],
    "markdown_it": ["notes/", "apps/web/"],
    "rapidfuzz": ["text/"],
    "click": ["apps/cli/"],
    "gradio": ["apps/web/"],
    "fastapi": ["apps/web/"],
    "mcp": ["apps/mcp.py", "apps/web/"],
    "llama_index": ["inference/", "apps/llamaindex.py"],
}
SLOW_TO_IMPORT = {*DOORS, "scipy", "numpy", "transformers"} - {"sqlite3"}


def place(path):
    return path.relative_to(ROOT / "ragbot").as_posix()


def imports_at_run_time(tree):
    """Names of the packages that a module imports, but for what only annotations need."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write ragbot.x, not a relative import"
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", DOORS)
def test_a_heavy_package_is_imported_behind_its_door_only(package):
    importers = [
        place(path) for path, tree in TREES.items() if package in imports_at_run_time(tree)
    ]
    assert [name for name in importers if not name.startswith(tuple(DOORS[package]))] == []


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_module_is_small_and_has_a_docstring(path):
    assert path.read_text(encoding="utf-8").count("\n") < 400
    assert ast.get_docstring(TREES[path])


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_functions_are_short_and_take_six_parameters_at_most(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            taken = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            names = [argument.arg for argument in taken if argument.arg not in ("self", "cls")]
            lines = node.end_lineno - node.body[0].lineno
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                lines -= docstring.count("\n") + 1
            assert len(names) <= 6, f"{node.name} takes {len(names)} parameters"
            assert lines < 60, f"{node.name} has {lines} lines"


def modules_loaded_by(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code += "; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_import_is_light():
    assert SLOW_TO_IMPORT.isdisjoint(modules_loaded_by("import ragbot; ragbot.__version__"))


def test_errors_form_one_tree():
    from ragbot import errors

    found = [e for e in vars(errors).values() if isinstance(e, type)]
    own = [e for e in found if e.__module__ == errors.__name__]
    assert len(own) > 5
    assert all(issubclass(e, errors.RagbotError) for e in own)
    for error in own:
        assert error.__name__ in errors.__doc__, f"list {error.__name__} in the module header"
