"""The README and docs/ are true: every command and block of code on them is run.

How a page is written:

* ```` ```console ```` has commands after `$ `, run in a checkout with the shipped `notes/`. Lines
  below a command are lines of its output, in order; `...` matches any number of lines, or any text
  within a line.
* ```` ```console serves ````: the last command is a server. The test waits until it prints the
  lines below it, and ends it with the page. Ports are replaced by free ones.
* ```` ```python ```` is run; the blocks of a page share their names, as a reader would.
* ```` ```json ```` and ```` ```toml ```` must parse; ```` ```help COMMAND ```` is the help text.
* ```` ```console not-run ```` is not run. `NOT_RUN` lists each with the reason; an entry without a
  block, or a block without an entry, fails.
* ```` ```text ````, ```` ```markdown ```` and their like are pictures, and run nothing. A block
  without a language fails: it could hide a command.

After a change of the commands: `python tests/test_docs.py` updates the help texts.
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
import signal
import socket
import subprocess
import sys
import time
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt

from ragbot.apps.cli import main
from ragbot.apps.cli.program import program
from ragbot.apps.cli.session import demo_index

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PICTURES = {"text", "markdown", "md", "mermaid", "yaml", "gitignore"}
OF_ANOTHER_TEST = {"links.md", "note-format.md"}
"""Pages whose blocks are cases of a test of their own."""
MAP = ROOT / "docs" / "architecture.md"
LONG = {"README.md", "dependencies.md"}
"""Pages that may be longer than others: lists that a reader searches."""

NOT_RUN = {
    # (page, first line of the block): why
    ("docker.md", "$ docker build -t ragbot ."): "tests/test_container.py runs its steps",
    (
        "docker.md",
        "$ LOGIN=me:secret NOTES=~/my-vault docker compose up",
    ): "needs a container engine; tests/test_container.py reads the file",
    ("docker.md", "$ make container"): "installs everything once more, in minutes",
    (
        "README.md",
        "$ make test     # all tests, those in a browser too (Debian: apt install chromium)",
    ): "this run is one",
    ("dependencies.md", "$ make audit"): "asks the registry, and runs the tests for an hour",
}
SERVERS = {"chat|app.py": "7860", "mcp": "8765", "chroma run": "8000"}
"""Usual port of each server that the pages start, by a pattern of its command."""


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
    known = {"console", "python", "json", "toml", "help", *PICTURES}
    assert [b.name for b in BLOCKS if b.language not in known] == []
    assert {b.info for b in BLOCKS if b.language != "help"} <= {"", "not-run", "serves"}


def test_blocks_that_are_not_run_are_listed_with_a_reason():
    assert {block.key for block in BLOCKS if "not-run" in block.info} == set(NOT_RUN)
    assert all(NOT_RUN.values())


@pytest.fixture(scope="module")
def checkout(garden, tmp_path_factory):
    """Return the folder of a reader: the tracked files, an index, and a `.venv` of its own.

    Its `.venv` sees the packages of this environment, so nothing asks the registry.
    """
    folder = tmp_path_factory.mktemp("reader") / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    shutil.rmtree(folder / "index")
    shutil.copytree(garden / "index", folder / "index")
    questions = folder / "tests" / "evaluation" / "garden.jsonl"
    # A few of them: this runs the command, another test measures.
    few = questions.read_text(encoding="utf-8").splitlines(keepends=True)[:5]
    questions.write_text("".join(few), encoding="utf-8")
    environment_in(folder / ".venv")
    with contextlib.chdir(folder):
        assert main(["index"]) == 0
    return folder


def environment_in(folder):
    """Build an environment that sees the packages of this one, pip too: installing it is slow."""
    venv.create(folder)
    site = next((folder / "lib").glob("*/site-packages"))
    shared = [path for path in sys.path if "site-packages" in path]
    (site / "registry.pth").write_text("\n".join(shared) + "\n", encoding="utf-8")
    pip = folder / "bin" / "pip"
    pip.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n', encoding="utf-8")
    pip.chmod(0o755)


@pytest.fixture
def reader(checkout, monkeypatch, tmp_path):
    """Return a reader in the checkout, whose home has a vault and an index of the demo."""
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip reads it the other way round
    shutil.copytree(checkout / "notes", tmp_path / "my-vault")
    shutil.copytree(checkout / "index", tmp_path / ".cache" / "my-vault-index")
    shutil.copytree(checkout / "index", demo_index())
    reader = Reader(monkeypatch, tmp_path)
    yield reader
    reader.close()


class Reader:
    """Runs the blocks of a page, from the top to the bottom."""

    def __init__(self, monkeypatch, folder):
        self._monkeypatch = monkeypatch
        self._folder = folder
        self._ports = {port: str(free_port()) for port in SERVERS.values()}
        self._servers = {}
        self._names = {"__name__": "__main__"}

    def run(self, block):
        text = block.text
        for port, free in self._ports.items():
            text = text.replace(port, free)
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(text, block.name, "exec"), self._names)
            return
        commands = commands_of(text)
        if block.info == "serves":
            *commands, (command, expected) = commands
            self._serve(command, expected)
        for command, expected in commands:
            shown = self._run(command)
            if expected:
                assert matches(shown, expected), f"{command} printed:\n" + "\n".join(shown)

    def _run(self, command):
        """Run a command: ours in this process, which has the encoder loaded; others in a shell."""
        words = shlex.split(command, comments=True)
        if words[:2] == ["ragbot", "index"]:
            self._stop("7860")  # a chat that has just begun may still be writing the index
        if words[0] == "ragbot" and not re.search(r"[|<>&;$]", command):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                assert main(words[1:]) == 0, command
            return [line.rstrip() for line in out.getvalue().splitlines()]
        if words[0] == "export":
            for word in words[1:]:
                name, _, value = word.partition("=")
                self._monkeypatch.setenv(name, str(Path(value).expanduser()))
            return []
        done = subprocess.run(
            ["bash", "-c", f"set -e -o pipefail; {command}"],
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return [line.rstrip() for line in done.stdout.splitlines()]

    def _serve(self, command, expected):
        """Start a server, and wait until its port is open and it printed what is expected."""
        usual = next(port for what, port in SERVERS.items() if re.search(rf"\b({what})\b", command))
        port = self._ports[usual]
        if usual == "7860" and not command.startswith("make"):
            command += f" --port {port}"
        self._stop(usual)
        log = self._folder / f"server-{usual}"
        with log.open("w") as output:
            server = self._servers[usual] = subprocess.Popen(
                ["bash", "-c", command], start_new_session=True, stdout=output, stderr=output,
                env={**os.environ, "ARGS": f"--port {port}"},
            )  # fmt: skip
        while True:
            printed = log.read_text(encoding="utf-8")
            assert server.poll() is None, f"{command} ended:\n{printed}"
            lines = [line.rstrip() for line in printed.splitlines()]
            if listens(port) and matches(lines, ["...", *expected]):
                return
            time.sleep(0.2)

    def _stop(self, usual):
        server = self._servers.pop(usual, None)
        if server is not None and server.poll() is None:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()

    def close(self):
        for usual in list(self._servers):
            self._stop(usual)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands_of(text):
    """Return the commands of a console block, each with the lines that should follow."""
    commands = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif commands and commands[-1][0].endswith("\\") and not commands[-1][1]:
            commands[-1] = (commands[-1][0][:-1] + line.strip(), [])
        elif commands:
            commands[-1][1].append(line)
    return commands


def matches(shown, expected):
    """Return whether the output has the expected lines in order; `...` matches anything."""
    place, skipping = 0, False
    for line in (line.rstrip() for line in expected):
        if line == "...":
            skipping = True
            continue
        wanted = re.compile(re.escape(line).replace(r"\.\.\.", ".*"))
        found = next((n for n in range(place, len(shown)) if wanted.fullmatch(shown[n])), -1)
        if found < 0 or (not skipping and found != place):
            return False
        place, skipping = found + 1, False
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_does_what_the_page_says(page, reader):
    for block in RUN:
        if block.page == page and block.language in ("console", "python"):
            reader.run(block)


@those("json", "toml")
def test_data(block):
    {"json": json.loads, "toml": tomllib.loads}[block.language](block.text)


def help_of(name):
    """Return the help text of a command, without shared options and examples."""
    command = program.commands[name]
    settings = {**command.context_settings, "max_content_width": 96, "terminal_width": 96}
    with click.Context(command, info_name=f"ragbot {name}", **settings) as context:
        text = command.get_help(context).partition("\n\nExamples:")[0]
    text = re.sub(r"\n  (--json|--notes DIR|--index DIR|-h, --help) .*", "", text)
    return f"{text.removesuffix('Options:').rstrip()}\n"


@those("help")
def test_help_texts(block):
    # Releases of click differ in where they break lines.
    assert help_of(block.info).split() == block.text.split()


def test_every_command_has_its_help_on_a_page():
    helped = sorted(block.info for block in BLOCKS if block.language == "help")
    assert helped == sorted(program.commands)
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert sorted(re.findall(r"^## `ragbot (\w+)`", pages, re.M)) == helped


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^\$ make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert {"chat", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_settings_of_the_readme_are_those_of_the_code():
    from ragbot.config import Config

    named = re.findall(r"`RAGBOT_(\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(named) == {name.upper() for name in inspect.signature(Config).parameters}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            file, _, anchor = target.partition("#")
            assert (page.parent / file).exists(), f"{page.name}: {target}"
            if anchor and file.endswith(".md"):
                assert anchor in anchors_of(page.parent / file), f"{page.name}: {target}"


def anchors_of(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_listed_on_the_landing_page():
    landing = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {target.partition("#")[0] for target in re.findall(r"\]\(([\w./-]+)", landing)}
    assert {page.name for page in PAGES if page.parent.name == "docs"} <= listed | {"README.md"}


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in LONG], ids=lambda p: p.name)
def test_a_page_has_at_most_150_lines(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= (120 if page == MAP else 150)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_long_line_and_no_merge_marker(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 240] == []
    assert [line for line in lines if re.match(r"<{7} |>{7} |={7}$", line)] == []


def test_the_architecture_page_names_rooms_and_files_that_exist():
    text = MAP.read_text(encoding="utf-8")
    package = ROOT / "ragbot"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    assert rooms - {"garden"} <= set(re.findall(r"`(\w+)/", text))
    for name in re.findall(r"`([\w/]+\.(?:py|js|css))`", text):
        if name.startswith("tests/"):
            assert (ROOT / name).is_file(), name
            continue
        assert any(file == name or file.endswith(f"/{name}") for file in files), name


def write_help_texts():
    """Update the help texts on the pages."""
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
