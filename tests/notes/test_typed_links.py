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
        "- fertilise [[Fern]]",
        "- Sharpen [[Chisel]]",
        "- beside [[Barn]]",
        "- Photos [[Crete]]",
        "- Call [[Petra]] (by Friday)",
        "- 参考 [[测试]]",
        "- see [[Ledger]] (page 3)",
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
        ("- needs [[Rope]]", "needs"),
        ("- near [[Beta]] (a mile)", "near"),
        ("- 使用 [[测试]] (注)", "使用"),
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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- Mother [[Ann]]\n- father [[Bo]] (of Leith)", ["mother", "father"]),
        ("- kind [[Ship]]\n- built_by [[Leith]]", ["kind", "built_by"]),
        ("- fertilise [[Fern]]\n- water [[Rose]]", ["links_to", "links_to"]),
        ("- scrub [[Deck]]\n- needs [[Tar]]\n- sand the rail", ["links_to", "needs"]),
        ("- scrub [[Deck]]\n  - needs [[Tar]]", ["links_to", "needs"]),
        ("- call [[Ann]] (by Friday)\n- rest", ["links_to"]),
    ],
)
def test_the_items_of_a_list_decide_together(text, found):
    assert predicates(text) == found
