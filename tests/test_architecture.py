"""The house rules that a reader relies on, checked by parsing the imports."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ragbot"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.stem != "__main__" and path != PACKAGE / "__init__.py"
}

# Lowest floor first. A module may import only from floors below its own; a package
# (ui, cli) stands on one floor and its modules may import each other.
FLOORS = [
    {"schema", "errors"},
    {
        "config", "predicates", "frontmatter", "blocks", "inline", "fields", "page", "asserted",
        "prose", "markdown", "nearest", "links", "anchors", "mentions", "resolution",
        "sentences", "chunk", "clauses", "fusion", "metrics", "words", "phrasing",
        "wire", "export", "editor", "merging", "kinds", "expected", "remembered", "codes",
        "coming", "ghosts", "places", "pieces", "arcs", "defining", "splice", "filing", "roll",
    },
    {
        "vault", "graph", "postings", "bm25", "entities", "lexical", "faster", "embed", "cluster",
        "lending", "loading", "store", "llm",
    },
    {
        "corpus", "snapshot", "states", "reread", "segments", "shelf", "pages", "sheets",
        "manifest", "content", "generation", "ahead", "build", "index", "watch", "check",
    },
    {
        "late", "seeds", "expand", "filters", "relations", "asking", "retrieve", "rerank",
        "candidates", "extract", "ground", "edges", "followups", "compose", "arrange", "silence",
        "generate", "conversation", "rewrite", "answer",
    },
    {"bot"},
    {"evaluate", "evaluate_answers", "ui", "llamaindex", "mcp_server", "api"},
    {"cli"},
]  # fmt: skip
FLOOR_OF = {name: number for number, floor in enumerate(FLOORS) for name in floor}

# Within a floor, a module may import the ones its floor lists before it here.
SAME_FLOOR = {
    "errors": {"schema"},
    "config": {"editor"},
    "states": {"snapshot"},
    "reread": {"snapshot", "states"},
    "segments": {"snapshot"},
    "pages": {"snapshot"},
    "manifest": {"pages"},
    "content": {"snapshot", "pages", "sheets", "manifest", "shelf"},
    "generation": {"segments", "manifest", "content", "shelf"},
    "build": {
        "ahead",
        "snapshot",
        "states",
        "pages",
        "reread",
        "segments",
        "shelf",
        "manifest",
        "content",
        "generation",
    },
    "index": {"snapshot", "states", "reread", "shelf", "manifest", "generation", "build"},
    "fields": {"inline"},
    "page": {"frontmatter", "blocks", "inline", "fields"},
    "asserted": {"predicates", "frontmatter", "blocks", "inline", "fields", "page"},
    "prose": {"blocks", "inline", "fields", "page"},
    "markdown": {"frontmatter", "blocks", "inline", "page", "asserted", "prose"},
    "links": {"nearest", "markdown", "filing"},
    "roll": {"links", "splice"},
    "places": {"splice"},
    "anchors": {"nearest", "links"},
    "resolution": {"links", "filing", "roll"},
    "mentions": {"prose", "markdown", "links", "filing", "roll"},
    "chunk": {"markdown", "sentences"},
    "clauses": {"sentences", "words"},
    "phrasing": {"predicates", "words"},
    "expected": {"phrasing", "words"},
    "defining": {"kinds", "phrasing", "words"},
    "codes": {"words"},
    "kinds": {"words"},
    "ghosts": {"words"},
    "bm25": {"postings"},
    "entities": {"bm25"},
    "lexical": {"postings", "bm25", "entities"},
    "embed": {"faster", "loading"},
    "cluster": {"embed", "loading"},
    "lending": {"embed"},
    "expand": {"seeds"},
    "evaluate_answers": {"evaluate"},
    "asking": {"late", "seeds", "expand", "relations"},
    "retrieve": {"seeds", "asking", "filters", "rerank"},
    "extract": {"candidates", "late"},
    "compose": {"candidates", "extract", "ground"},
    "arrange": {"candidates", "extract", "compose"},
    "silence": {"extract", "compose"},
    "edges": {"ground", "relations"},
    "generate": {"candidates", "extract", "compose", "edges", "ground"},
    "rewrite": {"conversation"},
    "answer": {
        "relations",
        "conversation",
        "extract",
        "compose",
        "arrange",
        "ground",
        "edges",
        "followups",
        "silence",
        "generate",
    },
}

# Each heavy package has one door: the modules that may import it.
DOORS = {
    "chromadb": {"store"},
    "sentence_transformers": {"embed", "rerank"},
    "torch": {"embed", "faster", "rerank"},
    "onnx": {"faster"},
    "ray": {"cluster"},
    "onnxruntime": {"faster"},
    "networkx": {"graph"},
    "gradio": {"ui"},
    "mcp": {"mcp_server"},
    "llama_index": {"llm", "llamaindex"},
}
SLOW_TO_IMPORT = {*DOORS, "scipy", "transformers"}


def room(module):
    return module.split(".")[0]


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported(module, *, running=False):
    """Names that a module imports; when `running`, without those that only annotations need."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    if running:
        tree.body = [node for node in tree.body if not is_for_types(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write ragbot.x, not a relative import"
            if node.module == "ragbot":
                yield from (f"ragbot.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("module", MODULES)
def test_module_stands_on_a_floor(module):
    assert room(module) in FLOOR_OF, f"give ragbot/{module} a floor in FLOORS"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    for name in imported(module):
        if not name.startswith("ragbot."):
            continue
        here, other = room(module), name.split(".")[1]
        if other == here or other == "__version__" or other in SAME_FLOOR.get(here, ()):
            continue
        assert FLOOR_OF[other] < FLOOR_OF[here], f"{module} must not import {other}"


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_enter_by_one_door(module):
    for name in imported(module, running=True):
        doors = DOORS.get(name.split(".")[0], {room(module)})
        assert room(module) in doors, f"only {sorted(doors)} may import {name}"


@pytest.mark.parametrize("module", MODULES)
def test_module_is_small_and_says_what_it_is_for(module):
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    assert ast.get_docstring(ast.parse(text))


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
        assert error.__name__ in errors.__doc__, f"draw {error.__name__} in the module header"
