"""The shipped garden: complete, connected, sourced and newly written; its questions are sound."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ragbot.models import Note
from ragbot.notes import link_checker, link_resolver, predicates, vault
from ragbot.notes.units import units
from ragbot.text.folding import fold_name
from tests.conftest import ROOT

GARDEN = ROOT / "notes"
QUESTIONS = ROOT / "tests" / "evaluation" / "garden.jsonl"
SEED = "models/The Persona Selection Model.md"
GUIDE = "garden/About This Garden.md"
SEED_TITLES = {
    "The Persona Selection Model",
    "Persona Vectors and the Assistant Axis",
    "The Persona Spectrum from Role Label to Soul Document",
    "Psychometric Personality Frameworks for AI Agents",
}
TYPES = {"single", "multi", "relation", "compare", "list", "followup", "unanswerable"}
RUN = 8


@cache
def garden() -> Mapping[str, Note]:
    notes, problems = vault.read(GARDEN)
    assert problems == []
    return {note.id: note for note in link_resolver.resolve(notes)}


@cache
def questions() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines())


def section(note: Note, heading: str) -> str:
    """Return the text under one second-level heading, the heading line left out."""
    spans = [s.span for s in note.sections if s.headings[1:2] == (heading,)]
    return "".join(note.text[slice(*span)] for span in spans).partition("\n")[2]


def body(note: Note) -> str:
    """Return the note without its frontmatter and without its list of sources."""
    text = note.text.split("---\n", 2)[2]
    return text.partition("\n## Sources\n")[0]


def folded(text: str) -> str:
    return " ".join(text.split())


every_note = pytest.mark.parametrize("note", garden().values(), ids=lambda note: Path(note.id).stem)


# -- each note ------------------------------------------------------------------------


@every_note
def test_note_has_its_frontmatter(note: Note) -> None:
    assert set(note.metadata) >= {"title", "aliases", "tags", "created", "summary"}
    assert note.title == note.metadata["title"] == Path(note.id).stem
    assert note.aliases
    assert note.tags
    assert str(note.metadata["created"]) == "2026-11-23"
    assert re.fullmatch(r"[^.!?]+(\.[\w][^.!?]*)*\.", note.metadata["summary"])


@every_note
def test_note_can_be_scanned(note: Note) -> None:
    headings = [s.headings for s in note.sections if s.headings]
    assert headings[0] == (note.title,)
    second = [path[1] for path in headings if len(path) == 2]
    assert second[-2:] == ["Relations", "Sources"]
    assert len(second) >= 5
    assert 250 <= len(body(note).split()) <= 700


@every_note
def test_every_relation_is_typed_and_says_why(note: Note) -> None:
    typed = [r for r in note.relations if r.typed]
    listed = re.findall(r"(?m)^- .*$", section(note, "Relations"))
    assert len(typed) == len(listed) >= 3
    assert all(r.annotation and r.annotation.endswith(".") for r in typed)
    assert max(Counter(r.written for r in typed).values()) == 1


SOURCE = re.compile(
    r"- (?P<label>[^[]+) \([^)]+\): \[(?P<title>[^\]]+)\]\(https?://\S+\)(, .+)?\.?"
)


def source_names(note: Note) -> set[str]:
    """Return the names by which a note's prose can call its sources: `Lu et al., code` is `Lu`."""
    lines = section(note, "Sources").strip().splitlines()
    found = [SOURCE.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {re.split(r",| and | et al\.", match["label"])[0] for match in found if match}


@every_note
def test_every_section_with_a_figure_names_a_source(note: Note) -> None:
    names = source_names(note)
    assert names
    for part in note.sections:
        prose = re.sub(r"\[\[[^\]]*\]\]|`[^`]*`", "", note.text[slice(*part.span)])
        if part.headings[1:2] in (("Relations",), ("Sources",)) or not part.headings:
            continue
        figures = re.findall(
            r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])",
            re.sub(r"(?m)^\d+\. ", "", prose.partition("\n")[2]),
        )
        named = [name for name in names if re.search(rf"\b{re.escape(name)}\b", prose, re.I)]
        assert not figures or named, (part.headings, figures, names)


@every_note
def test_every_source_is_called_in_the_prose(note: Note) -> None:
    for name in source_names(note):
        assert re.search(rf"\b{re.escape(name)}\b", body(note), re.I), name


# -- the garden as a whole ------------------------------------------------------------


def test_the_titles_of_the_seed_are_kept() -> None:
    assert {note.title for note in garden().values()} >= SEED_TITLES


def test_no_two_notes_share_a_name() -> None:
    names = Counter(
        fold_name(name) for note in garden().values() for name in {note.title, *note.aliases}
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_link_resolves_or_is_an_intended_ghost() -> None:
    intended = set(garden()[GUIDE].metadata["ghosts"])
    ghosts = {
        relation.written
        for note in garden().values()
        for relation in note.relations
        if relation.target is None
    }
    assert ghosts == intended
    assert 3 <= len(intended) <= 8


def test_check_finds_only_the_ghosts() -> None:
    found = link_checker.check(list(garden().values()), [])
    assert [problem for problem in found if problem.kind != "ghost"] == []


def test_no_heading_or_block_that_is_linked_is_missing() -> None:
    for note in garden().values():
        for relation in note.relations:
            assert relation.block is None
            if relation.heading and relation.target:
                target = garden()[relation.target]
                assert relation.heading in {
                    unit.text for unit in units(target) if unit.kind == "heading"
                }


def declared_predicates() -> dict[str, str]:
    """Read the guide's table: predicate to inverse."""
    rows = re.findall(r"(?m)^\| `(\w+)` \|.*\| `(\w+)` \|$", section(garden()[GUIDE], "Predicates"))
    return dict(rows)


def test_the_guide_declares_exactly_the_predicates_in_use() -> None:
    used = {r.predicate for note in garden().values() for r in note.relations if r.typed}
    assert used == set(declared_predicates())


def test_the_inverses_are_those_the_program_knows() -> None:
    for predicate, inverse in declared_predicates().items():
        assert predicates.inverse(predicate) == inverse


def test_every_note_is_within_three_steps_of_the_seed() -> None:
    notes = garden()
    reached = frontier = {SEED}
    for _ in range(3):
        frontier = {r.target for id in frontier for r in notes[id].relations if r.target} - reached
        reached = reached | frontier
    assert reached == set(notes)


def test_no_note_is_an_orphan() -> None:
    ends = [
        (relation.source, relation.target)
        for note in garden().values()
        for relation in note.relations
        if relation.target != relation.source
    ]
    assert {id for pair in ends for id in pair} >= set(garden())


def test_the_licence_credits_the_garden_that_came_before() -> None:
    licence = (GARDEN / "LICENSE").read_text("utf-8")
    for words in (
        "CC BY 4.0",
        "Christopher Allen",
        "persona-garden-patch",
        "creativecommons.org/licenses/by/4.0",
    ):
        assert words in licence


# -- nothing is carried over ----------------------------------------------------------


def words_of(text: str) -> list[str]:
    """Return the words as they are compared: no case, no punctuation, no accents' variants."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[a-z0-9]+", plain.replace("'", "").replace("\u2019", ""))


def runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(RUN)), strict=False)


def own_words(text: str) -> list[str]:
    """Return the words of a note but for the titles of the works that it cites: those are data."""
    prose, _, sources = text.partition("\n## Sources\n")
    return words_of(prose + " sources " + re.sub(r"\[[^\]]+\]\([^)]+\)", " cited ", sources))


def names() -> set[tuple[str, ...]]:
    """Return the runs within a kept title, alone or after the word or predicate it must follow."""
    before = ["title", *(f"Relations {predicate}" for predicate in declared_predicates())]
    return {
        run
        for note in garden().values()
        for word in before
        for run in runs(words_of(f"{word.replace('_', ' ')} {note.title}"))
    }


def test_no_run_of_eight_words_is_shared_with_the_material(shared: Path) -> None:
    material = [
        shared / "facts" / "persona-facts.md",
        *(shared / "seeds").iterdir(),
        *(shared / "vaults").rglob("*.md"),
        *(shared / "eval").glob("*.jsonl"),
    ]
    texts = [path.read_text("utf-8", errors="replace") for path in material]
    theirs = {run for text in texts for run in runs(words_of(text))} - names()
    assert len(theirs) > 10_000
    ours = {run: note.id for note in garden().values() for run in runs(own_words(note.text))}
    assert {" ".join(run): ours[run] for run in ours.keys() & theirs} == {}


def test_a_copied_sentence_would_be_found(shared: Path) -> None:
    facts = (shared / "facts" / "persona-facts.md").read_text("utf-8")
    sentence = facts.partition("**Definition.** ")[2].partition("\n")[0]
    copied = f"# A note\n\nIt is {sentence.upper().replace(' ', '  ')}\n\n## Sources\n"
    assert set(runs(words_of(facts))) & set(runs(own_words(copied)))


# -- the questions --------------------------------------------------------------------


def groups(question: dict[str, Any]) -> list[list[str]]:
    return [[group] if isinstance(group, str) else group for group in question["gold_notes"]]


def test_there_are_enough_questions_of_every_type() -> None:
    counts = Counter(question["type"] for question in questions())
    assert len(questions()) >= 60
    assert set(counts) == TYPES
    assert counts["unanswerable"] >= 12
    assert min(counts.values()) >= 6


def test_questions_are_well_formed() -> None:
    ids = [question["id"] for question in questions()]
    assert len(set(ids)) == len(ids)
    asked = Counter((q["question"], *q["history"]) for q in questions())
    assert max(asked.values()) == 1
    for question in questions():
        assert set(question) == {
            "id",
            "type",
            "question",
            "history",
            "gold_notes",
            "evidence",
            "answer",
            "key_facts",
        }
        assert question["question"].strip()
        assert bool(question["history"]) == (question["type"] == "followup")
        assert question["answer"].strip()
        assert question["key_facts"]


def test_gold_notes_exist_and_contain_the_evidence() -> None:
    for question in questions():
        answerable = question["type"] != "unanswerable"
        assert bool(question["gold_notes"]) == answerable == bool(question["evidence"])
        gold = [garden()[note] for group in groups(question) for note in group]
        for quote in question["evidence"]:
            assert any(folded(quote) in folded(note.text) for note in gold), (question["id"], quote)


def test_the_gold_notes_contain_the_key_facts() -> None:
    for question in questions():
        text = folded(" ".join(garden()[n].text for g in groups(question) for n in g)).casefold()
        for fact in question["key_facts"]:
            assert not text or fact.casefold() in text, (question["id"], fact)


def test_multi_questions_need_several_notes() -> None:
    for question in questions():
        if question["type"] == "multi":
            assert len(question["gold_notes"]) >= 2


def test_every_note_is_asked_about() -> None:
    asked = {note for question in questions() for group in groups(question) for note in group}
    assert asked == set(garden())


def test_the_six_starters_are_asked_too() -> None:
    starters = garden()[GUIDE].metadata["starters"]
    assert len(set(starters)) == 6
    assert set(starters) <= {q["question"] for q in questions() if q["type"] != "unanswerable"}
