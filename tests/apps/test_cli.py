"""The command line: output, errors, exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest

from ragbot.apps.cli import main
from ragbot.apps.cli.program import program


@pytest.fixture
def ragbot(plot, plot_index, capsys):
    """Run a command over the small vault; returns its exit code, stdout and stderr."""

    def run(command, *words):
        places = ["--notes", str(plot), "--index", str(plot_index)]
        code = main([command, *words, *places])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def ragbot_json(ragbot):
    def run(*words):
        code, out, _ = ragbot(*words, "--json")
        assert code == 0
        return json.loads(out)

    return run


def test_ask_prints_the_answer_and_its_sources(ragbot, plot):
    code, out, _ = ragbot("ask", "What causes late blight?")
    assert code == 0
    assert "water mould" in out
    assert "[1]" in out
    cited = [line for line in out.splitlines() if line.startswith("[1] ")]
    path, _, line = cited[-1].removeprefix("[1] ").split("  ")[0].rpartition(":")
    assert Path(path).is_file()
    assert Path(path).is_relative_to(plot)
    assert int(line) >= 1


def test_ask_abstains_when_the_notes_do_not_answer(ragbot):
    code, out, _ = ragbot("ask", "What is the capital of Peru?")
    assert code == 0
    assert "[1]" not in out
    assert out.strip()


def test_ask_json(ragbot_json, plot):
    answer = ragbot_json("ask", "What causes late blight?")
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    table = page.partition("| field of `--json`")[2].partition("```")[0]
    described = re.findall(r"^\| (`[^|]*`) \|", table, re.M)
    assert set(answer) == set(re.findall(r"`(\w+)`", " ".join(described)))
    assert answer["abstained"] is False
    assert answer["citations"]
    for citation in answer["citations"]:
        text = (plot / citation["note"]).read_text(encoding="utf-8")
        first, last = citation["lines"]
        assert citation["quote"] in text
        assert citation["quote"].splitlines()[0] in text.splitlines()[first - 1]
        assert last >= first


def test_ask_json_of_an_unanswerable_question(ragbot_json):
    answer = ragbot_json("ask", "What is the capital of Peru?")
    assert answer["abstained"] is True
    assert answer["citations"] == []


def test_search_lists_the_best_first(ragbot_json):
    found = ragbot_json("search", "late blight spores", "-k", "3")
    assert found["question"] == "late blight spores"
    assert 1 <= len(found["hits"]) <= 3
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert list(found["hits"][0]) == [
        "note", "title", "headings", "lines", "text", "score", "evidence",
    ]  # fmt: skip


def test_search_explains(ragbot):
    _, out, _ = ragbot("search", "What mitigates late blight?", "--words", "--explain")
    assert "bm25" in out
    assert "rank 1" in out
    _, brief, _ = ragbot("search", "What mitigates late blight?", "--words")
    assert "bm25" not in brief
    assert "trouble/Late Blight.md:" in brief


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param(["--in", "trouble"], {"trouble/Late Blight.md"}, id="folder"),
        pytest.param(["--tag", "disease"], {"trouble/Late Blight.md"}, id="tag"),
        pytest.param(["--tag", "plant"], {"plants/Tomato.md", "plants/Basil.md"}, id="nested-tag"),
        pytest.param(["--until", "2026-02-01"], {"practice/Crop Rotation.md"}, id="date"),
        pytest.param(["--until", "1 Feb 2026"], {"practice/Crop Rotation.md"}, id="english"),
        pytest.param(["--until", "Januar 2026"], {"practice/Crop Rotation.md"}, id="month"),
        pytest.param(["--since", "1er avril 2026"], {"plants/Basil.md"}, id="french"),
        pytest.param(["--since", "2026年4月1日"], {"plants/Basil.md"}, id="chinese"),
        pytest.param(
            ["--since", "2 January 2026", "--until", "2026-W11"],
            {"practice/Crop Rotation.md", "plants/Tomato.md"},
            id="week",
        ),
        pytest.param(
            ["--near", "phytophthora infestans", "--predicate", "mitigates"],
            {"practice/Crop Rotation.md", "trouble/Late Blight.md"},
            id="near",
        ),
    ],
)
def test_search_filters(ragbot_json, filters, expected):
    found = ragbot_json("search", "plants in the soil and late blight", "--words", *filters)
    assert {hit["note"] for hit in found["hits"]} <= expected
    assert found["hits"]


def test_search_without_hits_says_so_on_stderr(ragbot):
    code, out, err = ragbot("search", "tomato", "--words", "--in", "no-such-folder")
    assert (code, out) == (0, "")
    assert "Nothing found" in err


def test_show(ragbot, plot):
    _, out, _ = ragbot("show", "love apple")
    assert "Tomato" in out
    assert f"{plot}/plants/Tomato.md:1" in out
    assert "→ suffers_from  Late Blight" in out
    assert "Spores settle on leaves that stay wet for ten hours." in out
    assert "→ attacked_by  Hornworm (not written yet)" in out
    assert "← grows_with  Basil" in out


def test_show_json(ragbot_json):
    shown = ragbot_json("show", "Tomato")
    assert shown["note"] == "plants/Tomato.md"
    assert shown["ghosts"] == ["Hornworm"]
    assert {r["predicate"] for r in shown["relations"]["out"]} >= {"suffers_from", "grows_with"}
    assert {r["source"] for r in shown["relations"]["in"]} == {"plants/Basil.md"}
    assert shown["passages"][0]["lines"][0] >= 1


def test_show_text_prints_the_file(ragbot, plot):
    _, out, _ = ragbot("show", "Basil", "--text")
    assert out == (plot / "plants/Basil.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["show", "related"])
def test_a_misspelt_name_is_answered_with_the_nearest(ragbot, command):
    code, out, err = ragbot(command, "Tomatoe")
    assert (code, out) == (1, "")
    assert "'Tomatoe'" in err
    assert "Tomato" in err.replace("Tomatoe", "")
    assert "Traceback" not in err


def test_related(ragbot, ragbot_json):
    _, out, _ = ragbot("related", "Late Blight", "--direction", "in", "--predicate", "mitigates")
    assert "← mitigates  Crop Rotation" in out
    assert "Tomato" not in out
    record = ragbot_json("related", "Late Blight", "--predicate", "mitigates")
    assert record["relations"] == [
        {
            "source": "practice/Crop Rotation.md",
            "predicate": "mitigates",
            "target": "trouble/Late Blight.md",
            "written": "Late Blight",
            "annotation": "Spores that winter in the soil find no host in spring.",
            "line": 9,
        }
    ]


def test_related_with_an_unknown_predicate_lists_the_known_ones(ragbot):
    code, out, err = ragbot("related", "Basil", "--predicate", "growswith")
    assert (code, out) == (0, "")
    assert "grows_with" in err


def test_path_from_a_note_to_itself(ragbot):
    code, out, err = ragbot("path", "Tomato", "love apple")
    assert (code, out) == (0, "")
    assert "the same note, plants/Tomato.md" in err


def test_path(ragbot, ragbot_json):
    _, out, _ = ragbot("path", "Basil", "Crop Rotation")
    assert "Basil -grows_with-> Tomato -suffers_from-> Late Blight <-mitigates- Crop Rotation" in (
        out.replace("<-grows_with-", "-grows_with->")
    )
    assert len(ragbot_json("path", "Basil", "Crop Rotation")["path"]) == 3


def test_graph(plot, plot_index, capsys):
    places = ["--notes", str(plot), "--index", str(plot_index)]
    assert main(["graph", *places]) == 0
    drawn = json.loads(capsys.readouterr().out)
    assert {"id": "Hornworm", "title": "Hornworm", "ghost": True} in drawn["nodes"]
    assert main(["graph", "--format", "mermaid", "--near", "Basil", "--typed", *places]) == 0
    out = capsys.readouterr().out
    assert "grows_with" in out
    assert "Crop Rotation" not in out
    assert main(["graph", "--near", "Basil", "--hops", "9" * 18, *places]) == 0
    assert len(json.loads(capsys.readouterr().out)["nodes"]) == len(drawn["nodes"])


def test_check(ragbot, ragbot_json):
    code, out, _ = ragbot("check")
    assert code == 0
    assert "plants/Tomato.md:22: ghost: " in out
    problems = ragbot_json("check")["problems"]
    assert {"kind": "ghost", "note": "plants/Tomato.md", "line": 22}.items() <= next(
        problem for problem in problems if problem["kind"] == "ghost"
    ).items()


def test_status(ragbot, ragbot_json):
    _, out, _ = ragbot("status")
    assert out.startswith("4 notes, ")
    assert ragbot_json("status")["notes"] == 4


def test_index_reports_the_changes(tmp_path, plot, capsys):
    index = tmp_path / "index"
    places = ["--notes", str(plot), "--index", str(index)]
    assert main(["index", *places]) == 0
    assert "4 added, 0 unchanged" in capsys.readouterr().out
    assert main(["index", "--json", *places]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["unchanged"] == 4
    assert again["added"] == []
    assert main(["index", "--rebuild", *places]) == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param([], "Commands:", id="no-command"),
        pytest.param(["ask"], "Missing argument 'QUESTION'", id="no-question"),
        pytest.param(["aks", "x"], "No such command 'aks'", id="unknown-command"),
        pytest.param(["serach", "x"], "Did you mean 'search'?", id="misspelt-command"),
        pytest.param(["search", "x", "--explian"], "'--explain'", id="option"),
        pytest.param(["search", "x", "-k", "0"], "1<=x<=", id="k"),
        pytest.param(["search", "x", "-k", "9" * 30], "1<=x<=", id="huge"),
        pytest.param(["search", "x", "--hops", "21"], "0<=x<=20", id="far"),
        pytest.param(["search", "x", "--hops", "-1"], "0<=x<=20", id="hops"),
        pytest.param(
            ["index", "--notes", "~no-such-user/x"], "a user that does not exist", id="user"
        ),
        pytest.param(["search", "x", "--since", "May"], "not a date", id="date"),
        pytest.param(["chat", "--port", "70000"], "0<=x<=65535", id="port"),
        pytest.param(["graph", "--format", "png"], "'png' is not one of", id="format"),
        pytest.param(["index", "--rebuild", "--watch"], "cannot be used together", id="two-ways"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_usage_line(words, complaint, capsys):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: ragbot")
    assert complaint in shown.err


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        pytest.param(lambda folder: None, "notes", id="missing"),
        pytest.param(lambda folder: folder.mkdir(), "notes", id="empty"),
        pytest.param(lambda folder: folder.write_text("x"), "notes", id="file"),
    ],
)
def test_a_folder_without_notes_gets_one_line(tmp_path, capsys, make, complaint):
    make(tmp_path / "notes")
    code = main(["ask", "x", "--notes", str(tmp_path / "notes"), "--index", str(tmp_path / "i")])
    shown = capsys.readouterr()
    assert (code, shown.out) == (1, "")
    assert shown.err.count("\n") == 1
    assert complaint in shown.err


def test_an_unknown_setting_is_an_error(monkeypatch, capsys):
    monkeypatch.setenv("RAGBOT_INDX", "x")
    assert main(["status"]) == 1
    assert "Did you mean RAGBOT_INDEX?" in capsys.readouterr().err


def test_odd_notes_in_an_odd_folder_are_read_or_reported(tmp_path, capsys):
    folder = tmp_path / 'a vault\'s "odd"\nname'
    folder.mkdir()
    (folder / "Owl.md").write_text("# Owl\n\nOwls live in barns. [[Café]]\n", encoding="utf-8")
    apart = unicodedata.normalize("NFD", "Café")
    (folder / f"{apart}.md").write_text(f"# {apart}\n\nIt sells coffee.\n", encoding="utf-8")
    lines = b"\xef\xbb\xbf---\r\ntags: [old]\r\n---\r\n# Lines\r\n\r\nAs Windows ends them.\r\n"
    (folder / "Lines.md").write_bytes(lines)
    (folder / "Binary.md").write_bytes(bytes(range(256)) * 40)
    (folder / "Long.md").write_text("# Long\n\n" + "word " * 1_100_000, encoding="utf-8")
    (folder / "Folder.md").mkdir()
    places = ["--notes", str(folder), "--index", str(folder / "in dex")]

    def shown(*words):
        assert main([*words, *places]) == 0
        return capsys.readouterr().out

    assert "Long.md:1: too_large: it has 6 MB; at most 5 MB are read" in shown("check")
    assert shown("status").splitlines()[1].startswith("up to date; ")
    assert shown("path", "Owl", "Café") == f"Owl -links_to-> {apart}\n"
    assert "sells coffee" in shown("show", unicodedata.normalize("NFC", "Café"))
    found = json.loads(shown("search", "windows ends", "--words", "--tag", "old", "--json"))
    assert [(hit["note"], hit["lines"]) for hit in found["hits"]] == [("Lines.md", [6, 6])]
    drawn = json.loads(shown("graph"))
    notes = {node["title"] for node in drawn["nodes"]}
    assert notes >= {"Owl", "Lines", "Binary"}
    assert "Folder" not in notes


@pytest.mark.parametrize("name", program.commands)
def test_every_command_has_a_description_and_examples(name, capsys):
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: ragbot {name}")
    assert program.commands[name].get_short_help_str(200).endswith(".")
    assert "Examples:\n  " in shown


def run_alone(*words, **environment):
    """Run the program as a process, as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "ragbot", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        timeout=120,
    )


def test_help_is_light_and_shows_examples():
    done = run_alone("--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    heavy = [
        "torch",
        "chromadb",
        "gradio",
        "llama_index",
        "networkx",
        "scipy",
        "numpy",
        "mcp",
    ]
    code = (
        "import sys, ragbot.apps.cli\n"
        "ragbot.apps.cli.main(['--help'])\n"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.stdout.splitlines()[-1] == "[]"


def test_output_is_utf8_whatever_the_locale(plot, plot_index):
    done = run_alone(
        "show", "Basil", "--notes", str(plot), "--index", str(plot_index),
        LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "→ grows_with" in done.stdout


def test_a_closed_pipe_is_no_error(plot, plot_index):
    ragbot = f'"{sys.executable}" -m ragbot graph --notes "{plot}" --index "{plot_index}"'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{ragbot} | head -1"],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "{\n")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    ("where", "code", "message"),
    [
        pytest.param(
            "> /dev/full", 1, "cannot be written: No space left on device", id="full-disk"
        ),
        pytest.param(">&-", 0, "", id="closed-output"),
        pytest.param(">&- 2>&-", 0, "", id="closed-both"),
    ],
)
def test_output_that_cannot_be_written(where, code, message):
    command = f'"{sys.executable}" -m ragbot completion bash {where}'
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "module",
    ["ragbot.apps.cli.program", "click", "ragbot.bot", "numpy"],
)
def test_an_interrupt_of_an_import_stops_the_command(plot, plot_index, module):
    words = ["search", "blight", "--words", "--notes", str(plot), "--index", str(plot_index)]
    code = (
        "import os, signal, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
        f"from ragbot.apps.cli import start\nsys.exit(start({words}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "\nragbot: stopped\n"


def test_watch_reports_each_edit(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# A\n\nOne thing.\n", encoding="utf-8")
    watching = subprocess.Popen(
        [sys.executable, "-m", "ragbot", "index", "--watch", "--notes", str(notes), "--index",
         str(tmp_path / "index")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert watching.stdout.readline().startswith("1 added, 0 unchanged")
    while "following" not in watching.stderr.readline():
        pass
    (notes / "b.md").write_text("# B\n\nAnother thing.\n", encoding="utf-8")
    assert watching.stdout.readline().startswith("1 added, 1 unchanged")
    watching.send_signal(signal.SIGINT)
    out, errors = watching.communicate(timeout=60)
    assert (watching.returncode, out) == (0, "")
    assert "Traceback" not in errors


def test_an_interrupt_ends_a_build_with_130_and_leaves_the_index(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(3000):
        text = f"# Note {number}\n\nNumber {number} says something of its own about {number * 7}.\n"
        (notes / f"{number}.md").write_text(text * 5, encoding="utf-8")
    building = subprocess.Popen(
        [sys.executable, "-m", "ragbot", "index", "--notes", str(notes), "--index",
         str(tmp_path / "index")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    first = building.stderr.readline()
    time.sleep(0.2)
    building.send_signal(signal.SIGINT)
    _, errors = building.communicate(timeout=60)
    assert first.startswith("reading")
    assert building.returncode == 130, errors
    assert "Traceback" not in errors
    assert "stopped" in errors


def test_a_search_by_words_loads_no_encoder(plot, plot_index):
    heavy = ["torch", "sentence_transformers", "chromadb", "gradio", "llama_index", "networkx"]
    words = ["search", "late blight", "--words", "--notes", str(plot), "--index", str(plot_index)]
    code = (
        f"import sys, ragbot.apps.cli\nassert ragbot.apps.cli.main({words}) == 0\n"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert loaded.stdout.splitlines()[-1] == "[]"


def test_models_lists_the_models_of_servers_and_the_one_in_use(capsys, monkeypatch):
    from ragbot.inference import llm_discovery
    from ragbot.inference.llm_discovery import LocalModel

    offered = [LocalModel("ollama/qwen3", "http://127.0.0.1:11434", "Ollama")]
    monkeypatch.setattr(llm_discovery, "local_models", lambda: offered)
    assert main(["models"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "ollama/qwen3  (Ollama at http://127.0.0.1:11434)\n"
    assert "In use: none" in shown.err
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["spec"] == "ollama/qwen3"
    monkeypatch.setattr(llm_discovery, "local_models", list)
    assert main(["models"]) == 0
    assert "No Ollama" in capsys.readouterr().err
