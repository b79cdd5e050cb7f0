"""Conflict copies: known by their names, and only beside the note they are copies of."""

import pytest

from ragbot.notes.conflicts import conflict_copies

NAMES = [
    "Plan (Ann's conflicted copy 2026-06-05)", "Plan (conflicted copy 2026-06-05 101112)",
    "Plan.sync-conflict-20260605-101112-ABCDEF7", "Plan (Conflicted copy phone 202606051011)",
    "Plan_conflict-20260605-101112", "Plan (SFConflict ann@example.org 2026-06-05)",
    "Plan (conflict #1 on 2026-06-05)", "Plan [conflicted]", "Plan.Conflict",
    "Plan (In Konflikt stehende Kopie von Ann 2026-06-05)", "Plan (Copie en conflit de Ann 2026)",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_conflict_copies(name):
    assert conflict_copies(["a/Plan.md", f"a/{name}.md"], str) == {f"a/{name}.md": "a/Plan.md"}
    assert conflict_copies([f"a/{name}.md", "b/Plan.md"], str) == {}


NUMBERED = ["Plan 2", "Plan (1)", "Plan-DESKTOP-4F2K", "Plan-annsphone"]
PLAN = "# Plan\n\nThe slipway is repaved.\n\nAnn wants brick.\n"


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize(
    ("text", "copy"),
    [
        (PLAN, True),
        (PLAN.replace("brick", "granite"), True),
        (PLAN + "\nBo wants setts.\n", True),
        ("# Plan\n\nThe sequel: a second slipway.\n\nOf brick.\n", False),
        ("", False),
    ],
)
def test_a_numbered_name_is_a_copy_if_the_text_is_alike(name, text, copy):
    texts = {"Plan.md": PLAN, f"{name}.md": text}
    assert conflict_copies(texts, texts.__getitem__) == ({f"{name}.md": "Plan.md"} if copy else {})


@pytest.mark.parametrize(
    "name",
    ["Plan (Syrian conflict)", "Plan Conflict", "Conflict", "Plan (copy)", "Planned", "Plan 12"],
)
def test_other_names(name):
    assert conflict_copies(["Plan.md", f"{name}.md"], lambda note: PLAN) == {}
