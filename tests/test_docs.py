"""The README and docs/ do what they say: every command and every block of code is run.

How a page is written:

* ```` ```console ```` holds commands after `$ `, run in a folder with the shipped `notes/`. Lines
  below a command are lines of its output, in order; `...` stands for any number of lines.
* ```` ```python ```` is run; the blocks of a page share their names, as a reader would.
* ```` ```json ```` and ```` ```toml ```` must be that; ```` ```help COMMAND ```` is the help text.
* ```` ```console not-run ```` and its like need a server, a key or a network. Each is listed in
  `NOT_RUN` below, with the reason; a block that is missing there, or there in vain, fails.
* ```` ```text ````, ```` ```markdown ```` and ```` ```mermaid ```` are pictures, and run nothing.

After a change of the commands: `python tests/test_docs.py` writes the help texts anew.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ragbot.cli import main
from ragbot.cli.arguments import parser
from ragbot.cli.session import demo_index

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PICTURES = {"text", "markdown", "md", "mermaid", "yaml", "gitignore"}
OF_ANOTHER_TEST = {"note-format.md"}
"""Pages whose blocks are cases of a test of their own."""

NOT_RUN = {
    # (page, first line of the block): why
    ("mcp.md", "$ .venv/bin/pip install -c constraints.txt -e '.[mcp]'"): "installs",
    ("mcp.md", "$ ragbot mcp --http --port 8765"): "a server; tests/test_mcp.py runs one",
    ("mcp.md", "import asyncio"): "a client; tests/test_mcp.py is one",
    ("http.md", "from gradio_client import Client"): "needs a chat; tests/test_api.py has one",
    ("http.md", "$ curl -s http://127.0.0.1:7860/gradio_api/call/v2/search "
     "-H 'Content-Type: application/json' -d '{\"question\": \"drift\", \"k\": 1}'"):
        "needs a chat; tests/test_api.py has one",
    ("vaults.md", "$ ragbot chat --notes ~/my-vault --index ~/.cache/my-vault-index"): "a server",
    ("vaults.md", "$ export RAGBOT_NOTES=~/my-vault RAGBOT_INDEX=~/.cache/my-vault-index"):
        "the reader's own vault",
    ("vaults.md", "$ ragbot check --strict"): "ends with 1 where there are ghosts",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    info: str
    text: str

    @property
    def name(self):
        return f"{self.page.name}:{self.line}"

    @property
    def key(self):
        return (self.page.name, self.text.splitlines()[0] if self.text else "")


def blocks_of(page):
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            language, _, info = token.info.partition(" ")
            yield Block(page, token.map[0] + 1, language, info.strip(), token.content)


BLOCKS = [block for page in PAGES if page.name not in OF_ANOTHER_TEST for block in blocks_of(page)]
RUN = [block for block in BLOCKS if "not-run" not in block.info]


def those(*languages):
    chosen = [block for block in RUN if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=lambda block: block.name)


def test_every_block_is_of_a_kind_that_is_checked():
    known = {"console", "python", "json", "toml", "help", "", *PICTURES}
    assert [b.name for b in BLOCKS if b.language not in known] == []


def test_blocks_that_are_not_run_are_listed_with_a_reason():
    assert {block.key for block in BLOCKS if "not-run" in block.info} == set(NOT_RUN)
    assert all(NOT_RUN.values())


@pytest.fixture(scope="module")
def folder(garden, tmp_path_factory):
    """The folder that a reader stands in: notes/ and an index of it."""
    folder = tmp_path_factory.mktemp("reader") / "checkout"
    shutil.copytree(garden, folder)
    questions = (ROOT / "tests" / "evaluation" / "garden.jsonl").read_text(encoding="utf-8")
    (folder / "tests" / "evaluation").mkdir(parents=True)
    # A few of them: this runs the command, another test measures.
    few = "".join(questions.splitlines(keepends=True)[:5])
    (folder / "tests" / "evaluation" / "garden.jsonl").write_text(few, encoding="utf-8")
    with contextlib.chdir(folder):
        assert main(["index"]) == 0
    return folder


@pytest.fixture
def reader(folder, monkeypatch, tmp_path):
    """Stand in the folder, with a cache of one's own that has the index of the demo."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shutil.copytree(folder / "index", demo_index())
    return folder


def commands_of(text):
    """Split a console block into commands, each with the lines that should follow."""
    commands = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif commands and commands[-1][0].endswith("\\") and not commands[-1][1]:
            commands[-1] = (commands[-1][0][:-1] + line.strip(), [])
        elif commands:
            commands[-1][1].append(line)
    return commands


def run(command):
    """Run one command: ours in this process, which has the encoder loaded; others in a shell."""
    words = shlex.split(command)
    if words[0] == "ragbot" and not re.search(r"[|<>&;$]", command):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main(words[1:]) == 0, command
        return out.getvalue()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    shell = f'ragbot() {{ "{sys.executable}" -m ragbot "$@"; }}; set -e -o pipefail; {command}'
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env=environment, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def holds(shown, expected):
    """Whether the expected lines stand in the output, in order; `...` skips lines."""
    place, skipping = 0, False
    for line in (line.rstrip() for line in expected):
        if line == "...":
            skipping = True
            continue
        found = shown.index(line, place) if line in shown[place:] else -1
        if found < 0 or (not skipping and found != place):
            return False
        place, skipping = found + 1, False
    return True


@those("console")
def test_commands(block, reader):
    for command, expected in commands_of(block.text):
        shown = [line.rstrip() for line in run(command).splitlines()]
        if expected:
            assert holds(shown, expected), f"{command} printed:\n" + "\n".join(shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python(page, reader):
    names = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in RUN:
            if block.page == page and block.language == "python":
                exec(compile(block.text, block.name, "exec"), names)


@those("json", "toml")
def test_data(block):
    {"json": json.loads, "toml": tomllib.loads}[block.language](block.text)


def help_of(words):
    """Help text of a command, as wide as the pages."""
    command = parser()
    for word in words.split():
        command = next(a for a in command._actions if a.dest == "command").choices[word]
    formatter = command.formatter_class
    command.formatter_class = lambda prog: formatter(prog, width=96)
    return command.format_help()


@those("help")
def test_help_texts(block):
    # Python's releases differ in where they break lines.
    assert help_of(block.info).split() == block.text.split()


def test_every_command_has_its_help_and_an_example_on_the_page():
    page = ROOT / "docs" / "command-line.md"
    helped = {block.info for block in BLOCKS if block.page == page and block.language == "help"}
    commands = next(a for a in parser()._actions if a.dest == "command").choices
    assert helped == set(commands)
    headings = re.findall(r"^## `ragbot (\w+)", page.read_text(encoding="utf-8"), re.M)
    assert set(headings) == set(commands)


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = re.findall(r"^ {4}make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert {"chat", "test"} <= set(told)
    for target in told:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_settings_of_the_readme_are_those_of_the_code():
    from ragbot.config import Config

    told = re.findall(r"`RAGBOT_(\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(told) >= {name.upper() for name in inspect.signature(Config).parameters}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


def write_help_texts():
    """Write the help texts on the pages anew."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fresh = re.sub(
            r"```help (.*?)\n.*?```",
            lambda found: f"```help {found[1]}\n{help_of(found[1])}```",
            text,
            flags=re.S,
        )
        if fresh != text:
            page.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    write_help_texts()
