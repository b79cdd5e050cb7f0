"""Notes made to break a reader: the time grows with the size, and the rest is read.

Each text is read at one size and at twice that; a reader that is quadratic would
take four times as long. Time is that of the processor, without the garbage of other tests, and
the best of a few runs, so a busy machine does not fail.
"""

import gc
import time
import tracemalloc

import pytest

from ragbot.notes import link_checker, vault
from ragbot.notes.link_resolver import resolve
from ragbot.notes.parser import parse
from ragbot.notes.units import plain, units

SIZE = 2_500
TEXTS = {
    "brackets": lambda n: "[[" * n,
    "brackets that close": lambda n: "[" * n + "a" + "]" * n,
    "opening links": lambda n: "[x](" * n,
    "opening links with titles": lambda n: '[a](b "' * n,
    "nested images": lambda n: "![a" * n + "](b)" * n,
    "wikilinks": lambda n: "[[Alpha]] " * n,
    "relations": lambda n: "- up:: [[Alpha]]\n" * (n // 4),
    "one relation of many": lambda n: "up:: " + "[[Alpha]], " * n,
    "an annotation of many": lambda n: "- up:: " + "[[A]] " * n + "\n" + "  - x y\n" * (n // 4),
    "open fields": lambda n: "(a:: " * n,
    "open fields with links": lambda n: "[a:: [[B]] " * n,
    "nested lists": lambda n: "- " * n + "x",
    "nested lists by indent": lambda n: "".join(" " * 2 * i + "- x\n" for i in range(n // 20)),
    "nested quotes": lambda n: "> " * n + "x",
    "open comments": lambda n: "<!-- " * n,
    "open tags": lambda n: "<a b='" * n,
    "blanks in a tag": lambda n: "<a " + " " * 10 * n + "b",
    "ticks": lambda n: "".join("`" * (i % 90 + 1) + " " for i in range(n // 20)),
    "dollars": lambda n: "$a " * n,
    "display math": lambda n: "$$ a\nb\n" * (n // 4),
    "definitions": lambda n: "".join(f"[r{i}]: a{i}.md\n" for i in range(n // 4)),
    "references": lambda n: "[r]: a.md\n\n" + "[r" * n + "]" * n,
    "a wide table": lambda n: f"|{'a|' * n}\n|{'-|' * n}\n|{'[[x]]|' * n}\n",
    "headings": lambda n: "# h\n" * (n // 4),
    "blanks in a heading": lambda n: "# a" + " " * 10 * n + "b",
    "block ids": lambda n: "a ^b\n\n" * (n // 4),
    "percent signs": lambda n: "%% [[a]] " * n,
    "emphasis": lambda n: "*a _b " * n,
    "backslashes": lambda n: "\\" * 10 * n,
    "carriage returns": lambda n: "a [[b]]\r\n" * (n // 2),
    "one long line": lambda n: "word " * 10 * n + "up:: [[Alpha]]",
    "YAML brackets": lambda n: "---\na: " + "[" * n + "\n---\n",
    "YAML fields": lambda n: "---\n" + "".join(f"k{i}: v\n" for i in range(n)) + "---\n",
}


@pytest.fixture
def no_garbage():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def seconds(text):
    started = time.process_time()
    note, problems = parse(text, "a.md")
    units(note)
    plain(text)
    link_checker.check(resolve([note]), problems)
    return time.process_time() - started


@pytest.mark.parametrize("make", TEXTS.values(), ids=TEXTS)
@pytest.mark.usefixtures("no_garbage")
def test_time_grows_with_size(make):
    once, twice = make(SIZE), make(2 * SIZE)
    assert any(seconds(twice) < 3 * seconds(once) + 0.15 for _ in range(3))


def test_a_hundred_thousand_links():
    note, _ = parse("[[Alpha]] " * 100_000, "a.md")
    assert len(note.relations) == 100_000


def test_a_million_brackets():
    started = time.process_time()
    parse("[" * 1_000_000, "a.md")
    assert time.process_time() - started < 30


def test_ten_thousand_levels_of_lists_leave_the_rest():
    note, _ = parse("- " * 10_000 + "[[deep]]\n\n# Next\n\n[[Alpha]]\n", "a.md")
    assert [relation.written for relation in note.relations][-1] == "Alpha"
    assert [unit.text for unit in units(note) if unit.kind == "heading"] == ["Next"]


def test_memory_of_a_structured_note():
    text = "- [[a]]\n" * 4_000
    tracemalloc.start()
    parse(text, "a.md")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # At 200,000 lines, the most that is read, it is fifty times this.
    assert peak < 16e6


def test_a_vault_of_traps_is_read_to_the_end(tmp_path):
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    root = tmp_path / "vault"
    root.mkdir()
    with (root / "Huge.md").open("wb") as file:
        file.truncate(50_000_000)
    traps = {
        "Nul.md": b"a\0b [[Good]]\0",
        "Surrogate.md": b"\xed\xa0\x80 [[Good]]",
        "Bomb.md": b"---\na: &a [x, x]\nb: &b [*a, *a]\n" + b"c: [*b, *b, *b]\n" * 50 + b"---\n",
        "Tag.md": b"---\na: !!python/object/apply:os.system [exit]\n---\n[[Good]]",
        "Escape.md": b"[[../../etc/passwd]] [[/etc/passwd]] [x](%2e%2e/secret.md) [[../secret]]",
        "Good.md": b"[[Nul]]",
    }
    for name, content in traps.items():
        (root / name).write_bytes(content)
    (root / "loop").symlink_to(".")
    (root / "out.md").symlink_to("../secret.md")
    notes, problems = vault.read(root)
    assert [note.id for note in notes] == sorted(traps)
    linked = {note.id: [relation.target for relation in note.relations] for note in notes}
    assert linked["Nul.md"] == linked["Surrogate.md"] == linked["Tag.md"] == ["Good.md"]
    assert linked["Escape.md"] == [None] * 4
    kinds = {(problem.kind, problem.note) for problem in problems}
    assert kinds >= {("too_large", "Huge.md"), ("encoding", "Surrogate.md"), ("outside", "out.md")}
