"""The questions over the everyday vault are sound: each quote is in a gold note."""

import json
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VAULT = HERE / "vault"
TYPES = {"single", "multi", "relation", "compare", "list", "followup", "unanswerable"}
ROWS = [
    json.loads(line)
    for name in ("questions.jsonl", "more.jsonl")
    for line in (HERE / name).read_text(encoding="utf-8").splitlines()
]
ANSWERABLE = [row for row in ROWS if row["type"] != "unanswerable"]


def folded(text):
    return " ".join(text.split())


def groups_of(row):
    return [[group] if isinstance(group, str) else group for group in row["gold_notes"]]


def note(path):
    """The text of a note after its name, which can be evidence: the date of a daily note."""
    return folded(f"{(VAULT / path).stem}\n{(VAULT / path).read_text(encoding='utf-8')}")


def test_ids_and_questions_are_distinct():
    assert [name for name, count in Counter(row["id"] for row in ROWS).items() if count > 1] == []
    asked = Counter((row["question"].casefold(), tuple(row["history"])) for row in ROWS)
    assert [question for question, count in asked.items() if count > 1] == []
    assert {row["type"] for row in ROWS} == TYPES


def test_every_note_is_gold_of_a_question():
    gold = {path for row in ROWS for group in groups_of(row) for path in group}
    assert gold == {path.relative_to(VAULT).as_posix() for path in VAULT.rglob("*.md")}


@pytest.mark.parametrize("row", ANSWERABLE, ids=lambda row: row["id"])
def test_evidence_and_facts_are_in_the_gold_notes(row):
    assert row["answer"]
    texts = [[note(path) for path in group] for group in groups_of(row)]
    everything = "\n".join(text for group in texts for text in group)
    assert [quote for quote in row["evidence"] if folded(quote) not in everything] == []
    for group in texts:
        assert any(folded(quote) in text for quote in row["evidence"] for text in group)
    facts = [
        fact for fact in row["key_facts"] if folded(fact).casefold() not in everything.casefold()
    ]
    assert facts == []


def test_follow_ups_have_a_history_and_silence_has_no_evidence():
    assert all(row["history"] for row in ROWS if row["type"] == "followup")
    for row in ROWS:
        if row["type"] == "unanswerable":
            assert not any(
                row[field] for field in ("gold_notes", "evidence", "key_facts", "answer")
            )
