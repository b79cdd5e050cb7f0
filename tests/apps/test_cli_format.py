"""What is written for people: places, paths, colours, progress, completion, conversation."""

import io
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from ragbot.apps.cli import format, main
from ragbot.apps.cli.format import Page
from ragbot.apps.cli.program import COMPLETE, escaped, program
from ragbot.apps.cli.session import progress_bar
from ragbot.apps.serialize import (
    EvidenceRecord,
    HitRecord,
    NoteRecord,
    PassageRecord,
    RelationRecord,
)
from ragbot.config import Config
from ragbot.errors import ConfigError
from ragbot.models import Answer, Citation, Problem, Progress

PAGE = Page(Path("notes"))
ON_A_TERMINAL = Page(Path("/v"), colour=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


# --- text


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("\x1b]0;owned\x07", id="window-title"),
        pytest.param("\x1b[2J", id="clear-screen"),
        pytest.param("\x9b2J", id="c1-introducer"),
        pytest.param("\r\x08\x08overwritten", id="overwrite"),
        pytest.param("\u202ereversed", id="reordering"),
    ],
)
def test_control_characters_of_notes_do_not_reach_the_terminal(hostile):
    name, title = f"{hostile}.md", f"T{hostile}"
    relation = RelationRecord(name, f"p{hostile}", None, "t", hostile, 1)
    passage = PassageRecord(name, title, (hostile,), (1, 1), hostile)
    note = NoteRecord(
        name, title, (hostile,), (hostile,), {"out": (relation,), "in": ()}, (), (passage,), hostile
    )
    evidence = EvidenceRecord("graph", 1, 0.5, (relation,))
    hit = HitRecord(name, title, (hostile,), (1, 1), hostile, 0.5, (evidence,))
    citation = Citation(1, name, title, (hostile,), (1, 1), (0, 1), hostile)
    answer = Answer("q", hostile, "extractive", False, citations=(citation,))
    shown = [
        *format.note(note, PAGE),
        *format.hits([hit], PAGE, explain=True),
        *format.answer(answer, PAGE),
        *format.problems([Problem("ghost", name, 1, hostile, hostile)], PAGE),
        format.path([relation], "t", PAGE),
    ]
    for character in "\x1b\x9b\r\x08\x07\u202e":
        assert character not in "".join(shown)


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("[/] Draft *will* with [[Notary|the notary]]", "Draft will with the notary"),
        ("Count:\n\n```sql\nSELECT count(*)\n```", "Count: SELECT count(*)"),
        ("> [!tip] Descale\n> with acid", "Descale with acid"),
        ("%% hidden %%", "%% hidden %%"),
    ],
)
def test_quotes_and_passages_have_no_markup(source, reads):
    hit = HitRecord("a.md", "A", (), (1, 1), source, 0.5, ())
    citation = Citation(1, "a.md", "A", (), (1, 1), (0, 1), source)
    answer = Answer("q", "text", "extractive", False, citations=(citation,))
    assert [*format.hits([hit], PAGE, explain=False)][-1].strip() == reads
    assert [*format.answer(answer, PAGE)][-1].strip() == f"“{reads}”"


def test_a_place_is_path_and_line():
    assert PAGE.place("a/B c.md", 12) == "notes/a/B c.md:12"


def test_a_place_on_a_terminal_is_a_link_to_the_file():
    assert "\x1b]8;;file:///v/B%20c.md\x1b\\" in ON_A_TERMINAL.place("B c.md", 3)


def test_a_place_is_a_link_by_the_configured_template():
    page = Page(Path("/v"), "vscode://file/{absolute}:{line}", colour=True)
    assert "\x1b]8;;vscode://file/v/B.md:3\x1b\\" in page.place("B.md", 3)


@pytest.mark.parametrize(
    "template",
    ["x://{file}", "x://{", "x://{path", "x://{0}", "x://{path.x}", "x", "x://y", "{path}"],
)
def test_refuses_a_template_that_leads_to_no_note(template):
    with pytest.raises(ConfigError, match="RAGBOT_NOTE_URL"):
        Config(note_url=template)


@pytest.mark.parametrize(
    ("stream", "environment", "wanted"),
    [
        pytest.param(Terminal(), {}, True, id="terminal"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, False, id="no-color"),
        pytest.param(Terminal(), {"NO_COLOR": ""}, True, id="empty-no-color"),
        pytest.param(Terminal(), {"TERM": "dumb"}, False, id="dumb"),
        pytest.param(io.StringIO(), {}, False, id="pipe"),
    ],
)
def test_colours_on_a_terminal_only(monkeypatch, stream, environment, wanted):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert format.wants_colour(stream) is wanted


def test_a_path_is_written_from_its_start_to_its_end():
    def relation(source, predicate, target):
        return RelationRecord(source, predicate, f"{target}.md", target, None, 1)

    path = [
        relation("a.md", "extends", "b"),
        relation("x/c.md", "causes", "b"),
        relation("x/c.md", "part_of", "d"),
    ]
    assert format.path(path, "d.md", PAGE) == "a -extends-> b <-causes- c -part_of-> d"
    assert format.path(path[:1], "a.md", PAGE) == "b <-extends- a"


# --- progress


EMBEDDING = [Progress("embed", done, 40, "passages") for done in (0, 10, 20, 40)]


def shown(stream, *reports, patience=0.0):
    with progress_bar(stream, patience=patience) as show:
        for report in reports:
            show(report)
    return stream.getvalue()


def test_a_log_gets_a_line_for_each_stage():
    reading = Progress("read", 3400, 14000, "notes")
    lines = shown(io.StringIO(), reading, *EMBEDDING).splitlines()
    assert lines == ["reading 3,400 of 14,000 notes", "embedding 0 of 40 passages"]


def test_a_terminal_gets_a_bar_that_is_cleared():
    drawn = shown(Terminal(), *EMBEDDING)
    assert "embedding 40 of 40 passages" in drawn
    assert "####" in drawn
    assert "\r\x1b[K" in drawn


def test_short_work_is_not_reported():
    assert shown(io.StringIO(), *EMBEDDING, patience=60.0) == ""
    assert shown(Terminal(), *EMBEDDING, patience=60.0) == ""


def test_an_unknown_total_is_left_out():
    assert str(Progress("read", 50, 0, "notes")) == "reading 50 notes"


# --- completion


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["se"], ["search"], id="command"),
        pytest.param(["nope", "x"], [], id="unknown-command"),
        pytest.param(["search", "--ex"], ["--explain"], id="option"),
        pytest.param(["graph", "--format", "m"], ["mermaid"], id="choice"),
        pytest.param(["completion", "z"], ["zsh"], id="positional-choice"),
        pytest.param(["show", "--notes", "{plot}", "late"], ["Late Blight"], id="note"),
        pytest.param(["graph", "--notes", "{plot}", "--near", "ba"], ["Basil"], id="near"),
        pytest.param(["ask", "wh"], [], id="free-text"),
        pytest.param(["path", "--notes", "{plot}", "Basil", "late"], ["Late Blight"], id="second"),
        pytest.param(["show", "--notes", "{plot}", "Basil", "late"], [], id="no-second"),
    ],
)
def test_completion(plot, words, expected):
    *before, begun = (word.format(plot=plot) for word in words)
    completing = ShellComplete(program, {}, "ragbot", COMPLETE)
    assert [item.value for item in completing.get_completions(before, begun)] == expected


PRETENDED = f"""\
#!/bin/sh
if [ -n "${COMPLETE}" ] || [ "$1" = completion ]; then exec "{sys.executable}" -m ragbot "$@"; fi
for last; do :; done
echo "<<$last>>"
"""
"""A `ragbot` that completes, and otherwise only shows its last word."""

SHELLS = {
    # shell: how it is started for a person, how completion is switched on
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(ragbot completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit; compinit -D; eval "$(ragbot completion zsh)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "ragbot completion fish | source"),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bin")
    (folder / "ragbot").write_text(PRETENDED, encoding="utf-8")
    (folder / "ragbot").chmod(0o755)
    return folder


def typed_in(shell, line, folder, programs):
    """Type a line, Tab and Enter into an interactive shell; return the last word it ran with."""
    start, script = SHELLS[shell]
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "RAGBOT_NOTES": str(folder),
        "TERM": "dumb" if shell == "bash" else "xterm",
        "HOME": "/nonexistent",
        "XDG_DATA_HOME": "/nonexistent",
    }
    process, terminal = pty.fork()
    if not process:
        os.execvpe(start[0], start, environment)
    shown = b""
    try:
        os.write(terminal, f"{script}\n{line}\t\n".encode())
        while not (found := re.search(rb"<<([^$'>]+)>>", shown)):
            assert select.select([terminal], [], [], 60)[0], shown.decode()
            shown += os.read(terminal, 4096)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
    return found[1].decode()


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("ragbot show Late", id="bare"),
        pytest.param("ragbot show Late\\ Bl", id="escaped"),
        pytest.param('ragbot show "Late Bl', id="quoted"),
        pytest.param("ragbot path Basil 'Late B", id="in-single-quotes"),
    ],
)
def test_a_shell_completes_a_name_with_a_space(plot, programs, shell, line):
    assert typed_in(shell, line, plot, programs) == "Late Blight"


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_a_shell_completes_options(plot, programs, shell):
    assert typed_in(shell, "ragbot search blight --ex", plot, programs) == "--explain"


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize(
    "name", ["It's $5", 'a "b" `c`', "back\\slash", "#1 (é) [x] & ~;*?!", "天"]
)
def test_bash_reads_an_escaped_name_unchanged(name, quote):
    word = quote + escaped(name, quote) + quote
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, text=True)
    assert done.stdout == name


# --- conversation


def test_a_conversation_in_the_terminal(plot, plot_index, monkeypatch, capsys):
    said = ["What is late blight?", "", "And what mitigates it?", "/show Basil", "/show Bsil"]
    said += ["/new", "/x", "/quit", "never read"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(said)))
    assert main(["chat", "--terminal", "--notes", str(plot), "--index", str(plot_index)]) == 0
    shown = capsys.readouterr()
    assert "water mould" in shown.out
    assert "Crop Rotation" in shown.out
    assert "→ grows_with  Tomato" in shown.out
    assert "Nearest: 'Basil'" in shown.err
    assert "Forgotten." in shown.err
    assert "/new" in shown.err
