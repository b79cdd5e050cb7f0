"""The link doctor: each kind of problem, once as a fault and once as none."""

import time

import pytest

from ragbot.models import Problem
from ragbot.notes.link_checker import check
from ragbot.notes.link_resolver import resolve
from ragbot.notes.parser import parse


def vault(files):
    return resolve([parse(text, name)[0] for name, text in files.items()])


def found(kind, files, **options):
    return [problem for problem in check(vault(files), **options) if problem.kind == kind]


def test_broken_link_names_the_nearest_and_the_edit():
    files = {"A.md": "x\n\nsee [[Persona Drfit|it]]", "b/Persona Drift.md": "[[A]]"}
    [problem] = found("broken_link", files)
    assert (problem.note, problem.line) == ("A.md", 3)
    assert "'Persona Drift'" in problem.message
    assert problem.fix == "Write [[Persona Drift|it]]."
    assert not found("ghost", files)


def test_the_edit_mends_the_link():
    files = {"A.md": "[[Sould Document]]", "a/Soul Document.md": "", "b/Soul Document.md": ""}
    [problem] = found("broken_link", files)
    mended = {**files, "A.md": problem.fix.removeprefix("Write ").removesuffix(".")}
    assert vault(mended)[0].relations[0].target == "a/Soul Document.md"


def test_a_path_that_is_not_there_is_broken():
    [problem] = found("broken_link", {"A.md": "[x](no/where.md)"})
    assert "no/where.md" in problem.message


def test_a_ghost_is_reported_once_with_its_number_of_links():
    files = {"A.md": "[[Unwritten]]\n[[unwritten]]", "B.md": "up:: [[Unwritten]]"}
    [problem] = found("ghost", files)
    assert "3 times, by 2 notes" in problem.message
    assert (problem.note, problem.line, problem.severity) == ("A.md", 1, "info")


def test_ambiguous_link():
    files = {"A.md": "[[X]] [[X]]", "a/X.md": "[[A]]", "b/X.md": "[[A]]"}
    [problem] = found("ambiguous_link", files)
    assert "'b/X.md'" in problem.message
    assert problem.fix == "Write [[a/X]]."
    assert not found("ambiguous_link", {**files, "A.md": "[[a/X]] [x](b/X.md)"})
    assert not found("ambiguous_link", {**files, "X.md": ""}), "a full path leaves nothing open"


def test_dead_heading_and_block():
    files = {
        "A.md": "[[B#Intro]]\n[[B#Intros]]\n[[B#^p1]]\n[[B#^p2]]",
        "B.md": "# Intro\n\nt ^p1\n",
    }
    [heading] = found("dead_heading", files)
    assert (heading.line, heading.fix) == (2, "Write [[B#Intro]].")
    [block] = found("dead_block", files)
    assert block.line == 4


def test_orphan():
    files = {"A.md": "[[B]]", "B.md": "", "C.md": "[[C]] [[Ghost]]"}
    assert [problem.note for problem in found("orphan", files)] == ["C.md"]


def test_duplicate_title():
    files = {"A.md": "# Same", "b/B.md": "# same", "C.md": "# Other"}
    [problem] = found("duplicate_title", files)
    assert problem.note == "b/B.md"
    assert "'A.md'" in problem.message


def test_alias_clash():
    files = {
        "A.md": "---\naliases: [B, Nick]\n---\n",
        "B.md": "---\naliases: [B, nick]\n---\n",
    }
    problems = found("alias_clash", files)
    assert [(p.note, p.line) for p in problems] == [("A.md", 2), ("B.md", 2)]
    assert "name of 'B.md'" in problems[0].message
    assert "alias of 'A.md'" in problems[1].message


def test_a_slip_of_a_predicate():
    files = {"A.md": "relates_to:: [[B]]\n" * 10 + "relate_to:: [[B]]\n", "B.md": ""}
    [problem] = found("unknown_predicate", files)
    assert problem.line == 11
    assert "'relates_to', used 10 times" in problem.message
    assert problem.fix == "Write relates_to:: instead of relate_to::."


def test_a_slip_of_a_predicate_that_nobody_uses():
    [problem] = found("unknown_predicate", {"A.md": "exstends:: [[B]]", "B.md": ""})
    assert "'extends'" in problem.message


def test_predicates_that_differ_in_meaning_are_none():
    text = "extends:: [[B]]\n" * 20 + "extended_by:: [[B]]\nfollows:: [[B]]\nfollowed_by:: [[B]]\n"
    assert not found("unknown_predicate", {"A.md": text, "B.md": ""})


def test_one_sided_where_the_vault_declares_the_inverse():
    files = {
        "grows_in.md": "---\ninverse_of: home_of\n---\n",
        "A.md": "grows_in:: [[B]]\n\ngrows_in:: [[C]]",
        "B.md": "home_of:: [[A]]",
        "C.md": "",
    }
    [problem] = found("one_sided", files)
    assert problem.note == "C.md"
    assert problem.fix == "Add: - home_of:: [[A]]"
    del files["grows_in.md"]
    assert not found("one_sided", files)


def test_suggestions_only_when_asked_for():
    files = {"A.md": "About persona drift.", "Persona Drift.md": ""}
    assert not found("unlinked_mention", files)
    [problem] = found("unlinked_mention", files, suggest=True)
    assert problem.fix == "Write [[Persona Drift|persona drift]]."


def test_problems_of_reading_are_passed_on_in_order():
    problem = Problem("encoding", "A.md", 1, "bad", severity="warning")
    problems = check(vault({"B.md": "[x](no/x.md)", "A.md": ""}), [problem])
    assert [(p.kind, p.note) for p in problems] == [
        ("orphan", "A.md"),
        ("encoding", "A.md"),
        ("orphan", "B.md"),
        ("broken_link", "B.md"),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_line_end(ending):
    text = ending.join(["one", "two", "[[Bta]]"])
    [problem] = found("broken_link", {"A.md": text, "Beta.md": ""})
    assert problem.line == 3


def test_time_is_linear():
    def seconds(count):
        files = {
            f"Note number {n}.md": f"[[Note nubmer {n}]] [[Ghost {n}]] [[Note number {n // 2}]]"
            for n in range(count)
        }
        notes = vault(files)
        started = time.perf_counter()
        check(notes)
        return time.perf_counter() - started

    assert seconds(2000) < 15 * seconds(500) + 0.5


# --- Fixes are tried, and keep the form of the link


def mended(files, note="A.md"):
    """The vault after the fix of the one problem of a note was carried out, and that fix."""
    notes = vault(files)
    [problem] = [p for p in check(notes) if p.note == note and p.fix.startswith("Write ")]
    start, end = next(n for n in notes if n.id == note).relations[0].span
    link = problem.fix.removeprefix("Write ").removesuffix(".")
    text = files[note]
    return vault({**files, note: text[:start] + link + text[end:]}), link


@pytest.mark.parametrize(
    ("written", "path", "link"),
    [
        ("[[Persona Drfit#Top|it]]", "b/Persona Drift.md", "[[Persona Drift#Top|it]]"),
        ("[[Persona Drfit#Bottom|it]]", "b/Persona Drift.md", "[[Persona Drift|it]]"),
        ("[it](Persona%20Drfit.md#Top)", "Persona Drift.md", "[it](Persona%20Drift.md#Top)"),
        ("[[c/Persona Drift]]", "b/Persona Drift.md", "[[Persona Drift]]"),
        ("[it](c/Persona%20Drift.md)", "b/Persona Drift.md", "[it](b/Persona%20Drift.md)"),
        ("![[Persona Drfit]]", "b/Persona Drift.md", "![[Persona Drift]]"),
        ("[it](b/Persona%20Drfit.md)", "b/Persona Drift.md", "[it](b/Persona%20Drift.md)"),
        ("![it](Persona%20Drfit.md)", "b/Persona Drift.md", "![it](b/Persona%20Drift.md)"),
        ("[[Persona Drfit]]", "Persona Drift .md", "[[Persona Drift .md]]"),
        ("[[Persona Drift]]", "Persona  Drift.md", "[[Persona  Drift]]"),
        (
            "[x](Persona%20Drfit.md)",
            "a (b)/Persona Drift.md",
            "[x](a%20%28b%29/Persona%20Drift.md)",
        ),
    ],
)
def test_a_fix_leads_to_the_note_in_the_form_of_the_link(written, path, link):
    notes, found = mended({"A.md": written, path: "# Top"})
    assert found == link
    assert notes[0].relations[0].target == path


@pytest.mark.parametrize(
    ("written", "link"),
    [
        ("[[B#Intros]]", "[[B#Intro]]"),
        ("![[B#Intros|x]]", "![[B#Intro|x]]"),
        ("[x](B.md#Intros)", "[x](B.md#Intro)"),
        ("[[B#^quote-2|y]]", "[[B#^quote-1|y]]"),
    ],
)
def test_a_fix_of_an_anchor_keeps_the_link(written, link):
    _, found = mended({"A.md": written, "B.md": "# Intro\n\ntext ^quote-1"})
    assert found == link


def test_a_heading_with_signs_that_no_link_holds():
    notes, _ = mended({"A.md": "[[B#Plan The Big On]]", "B.md": "# Plan: The [Big] One #1"})
    assert not [p for p in check(notes) if p.kind == "dead_heading"]


def test_an_ambiguous_link_keeps_its_form():
    files = {"A.md": "[it](X.md)", "a/X.md": "[[A]]", "b/X.md": "[[A]]"}
    _, link = mended(files)
    assert link == "[it](a/X.md)"


@pytest.mark.parametrize("name", ["a.png", "scan.PDF", "talks/a.mp3", "board.canvas"])
def test_a_missing_attachment_is_no_note_to_write(name):
    [problem] = found("broken_link", {"A.md": f"![[{name}]]"})
    assert problem.fix == f"Add the file {name.rpartition('/')[2]!r}, or remove the link."
    assert not found("ghost", {"A.md": f"![[{name}]]"})
    assert not [p for p in check(resolve(vault({"A.md": f"![[{name}]]"}), [name]), files=[name])
                if p.kind == "broken_link"]  # fmt: skip


@pytest.mark.parametrize("name", ["1", "12", "^1"])
def test_brackets_of_a_footnote(name):
    [problem] = found("ghost", {"A.md": f"As shown.[[{name}]]"})
    assert problem.fix == f"Write [^{name.lstrip('^')}] if a footnote is meant."


def test_a_version_is_a_note_to_write():
    [problem] = found("ghost", {"A.md": "[[v2.0]]"})
    assert problem.fix == "Write the note v2.0.md."


def test_conflict_copies_are_named_and_no_duplicate_titles():
    copy = "Plan (Ann's conflicted copy 2026-06-05).md"
    files = {"Plan.md": "# Plan\n[[Plan]]", copy: "# Plan"}
    [problem] = found("conflict_copy", files)
    assert (problem.note, "'Plan.md'" in problem.message) == (copy, True)
    assert not found("duplicate_title", files)


@pytest.mark.parametrize(
    "link",
    [
        "B.md#whats-new-in-20",
        "B.md#1-introduction",
        "B.md#same-1",
        "B.md#a_b--c",
        "B.md#%C3%BCber-uns",
    ],
)
def test_githubs_slugs_lead_to_headings(link):
    text = (
        "# What's new in 2.0?\n## 1. Introduction\n## Same\n## Same\n## `a_b()` & C\n## Über uns\n"
    )
    assert not found("dead_heading", {"A.md": f"[x]({link})", "B.md": text})
    assert found("dead_heading", {"A.md": "[x](B.md#nowhere-here)", "B.md": text})
