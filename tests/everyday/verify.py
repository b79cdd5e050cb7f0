"""Check questions.jsonl and more.jsonl against the notes of vault/: python3 tests/everyday/verify.py"""

import json
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
VAULT = HERE / "vault"
TYPES = {"single", "multi", "relation", "compare", "list", "followup", "unanswerable"}
FIELDS = {
    "id",
    "question",
    "history",
    "type",
    "gold_notes",
    "evidence",
    "answer",
    "key_facts",
    "kind",
    "lang",
    "topic",
}


def folded(text):
    return " ".join(text.split())


def note(path):
    """The text of a note, its name first: a name can be the evidence (an empty note, the date of a daily note)."""
    return folded(f"{(VAULT / path).stem}\n{(VAULT / path).read_text(encoding='utf-8')}")


def faults(row):
    missing = FIELDS - row.keys()
    if missing:
        yield f"lacks {sorted(missing)}"
        return
    if row["type"] not in TYPES:
        yield f"type {row['type']}"
    if row["type"] == "followup" and not row["history"]:
        yield "a follow-up without history"
    if row["type"] == "unanswerable":
        if row["gold_notes"] or row["evidence"] or row["key_facts"] or row["answer"]:
            yield "unanswerable, but has gold notes, evidence, facts or an answer"
        return
    groups = [[group] if isinstance(group, str) else group for group in row["gold_notes"]]
    absent = [path for group in groups for path in group if not (VAULT / path).is_file()]
    if absent or not groups:
        yield f"no such note: {absent}"
        return
    if not (row["evidence"] and row["key_facts"] and row["answer"]):
        yield "lacks evidence, facts or an answer"
    texts = [[note(path) for path in group] for group in groups]
    everything = "\n".join(text for group in texts for text in group)
    for quote in row["evidence"]:
        if not any(folded(quote) in text for group in texts for text in group):
            yield f"not in a gold note: {quote!r}"
    for group, paths in zip(texts, groups):
        if not any(folded(quote) in text for quote in row["evidence"] for text in group):
            yield f"no evidence for {paths}"
    for fact in row["key_facts"]:
        if folded(fact).casefold() not in everything.casefold():
            yield f"fact in no gold note: {fact!r}"


def main():
    ids, asked, bad, used = Counter(), Counter(), 0, set()
    for name in ("questions.jsonl", "more.jsonl"):
        rows = [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]
        for row in rows:
            ids[row["id"]] += 1
            asked[row["question"].casefold(), tuple(row["history"])] += 1
            for group in row["gold_notes"]:
                used.update([group] if isinstance(group, str) else group)
            for fault in faults(row):
                bad += 1
                print(f"{name} {row['id']}: {fault}")
        print(f"{name}: {len(rows)} questions")
        for field in ("type", "kind", "lang"):
            print(
                f"  {field}:",
                ", ".join(f"{key} {n}" for key, n in Counter(r[field] for r in rows).most_common()),
            )
    for counter in (ids, asked):
        for key, times in counter.items():
            if times > 1:
                bad += 1
                print(f"twice: {key}")
    notes = {path.relative_to(VAULT).as_posix() for path in VAULT.rglob("*.md")}
    print(f"{len(notes)} notes; gold of no question: {sorted(notes - used)}")
    print("no faults" if not bad else f"{bad} faults")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
