"""What is a relation by its form, and what is prose."""

import pytest

from ragbot.notes.parser import parse
from ragbot.notes.units import units


def predicates(text):
    return [relation.predicate for relation in parse(text, "n.md")[0].relations]


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] Email [[Petra]]",
        "- [x] Pay [[Plumber]]",
        "- [ ] supports [[Alpha]]",
        "- [/] extends [[A]]",
        "- see [[Ledger]]",
        "- and [[Mill]]",
        "- See [[Ledger]]",
        "- with [[Ann]] (maybe)",
        "- via [[Bus]]",
        "- also [[X]]",
        "- call [[Ann]]",
        "- Buy [[Flour]]",
        "- siehe [[Beta]]",
        "- voir [[Beta]]",
        "- cf. [[Beta]]",
        "- [[Beta]]",
        "- thanks [[Ann]]",
        "- some other thing [[Beta]]",
    ],
)
def test_tasks_and_phrases_are_prose(text):
    assert predicates(text) == ["links_to"]
    assert len(units(parse(text, "n.md")[0])) == 1


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("- supports [[Alpha]] (why)", "supports"),
        ("- relates_to [[Alpha]]", "relates_to"),
        ("- Mother [[Ann]]", "mother"),
        ("- 使用 [[测试]]", "使用"),
        ('- "see also" [[Alpha]]', "see-also"),
        ("- next [[Part two]]", "next"),
        ("see:: [[Ledger]]", "see"),
        ("- [ ] up:: [[Alpha]]", "up"),
        ("- and:: [[Mill]]", "and"),
        ("- see_also [[Beta]]", "see_also"),
    ],
)
def test_relations_stay(text, predicate):
    assert predicates(text) == [predicate]
