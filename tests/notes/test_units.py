"""A note as a reader sees it: rows, code, tasks, properties, lists, questions."""

import pytest

from ragbot.notes.chunker import chunk, embedding_text
from ragbot.notes.parser import parse
from ragbot.notes.units import members, sentence_spans, units, units_in


def units_of(text):
    note, _ = parse(text, "note.md")
    return units(note)


def shown(text):
    return [(unit.kind, unit.text) for unit in units_of(text)]


# --- Tables


TABLE = "| Ship | Captain | Berth |\n|:--|---|--:|\n| Corvo | [[Lars]] | 31 |\n| Mira | | 7 |\n"


def test_a_row_is_one_unit_with_its_columns():
    header, corvo, mira = units_of(TABLE)
    assert header.kind == "header"
    assert corvo.columns == (("Ship", "Corvo"), ("Captain", "Lars"), ("Berth", "31"))
    assert corvo.text == "Ship: Corvo; Captain: Lars; Berth: 31"
    assert mira.columns[1:] == (("Captain", ""), ("Berth", "7"))
    assert TABLE[slice(*corvo.span)] == "| Corvo | [[Lars]] | 31 |"
    assert header.group == corvo.group == mira.group


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("Plum | **Prune** in `July*` |", ["Plum", "Prune in July*"]),
        ("| [[Plum\\|the tree]] | [site](https://e.org) |", ["the tree", "site"]),
        ("| up:: [[Alpha]] | [[Beta]] |", ["up:: Alpha", "Beta"]),
        ("| a \\| b | |", ["a | b", ""]),
        ("| `ls \\| wc` | [[Plum\\|*plum*]] |", ["ls | wc", "plum"]),
        ("| `a | b` | [[Plum|tree]] |", ["a | b", "tree"]),
        ("| `a | b |", ["`a", "b"]),
        ("| a | b | c |", ["a", "b", "c"]),
        ("| 梨 | <br> |", ["梨", ""]),
    ],
)
def test_cells_read_as_their_text(row, cells):
    *_, unit = units_of(f"| What | Then |\n|---|---|\n{row}\n")
    assert [text for _, text in unit.columns] == cells


def test_two_tables_are_two_groups_and_text_with_bars_is_none():
    one, other = units_of(TABLE)[0], units_of(f"{TABLE}\ntext\n\n{TABLE}")[-1]
    assert one.group != other.group
    assert shown("a | b and nothing below") == [("paragraph", "a | b and nothing below")]


def test_every_row_of_a_long_table_knows_its_columns():
    rows = "".join(f"| Ship{n} | Captain{n} | {n} |\n" for n in range(120))
    note, _ = parse("# Harbour\n\n| Ship | Captain | Berth |\n|---|---|---|\n" + rows, "h.md")
    passages = chunk(note)
    assert len(passages) > 3
    for passage in passages:
        text = embedding_text(note, passage)
        assert "Ship; Captain; Berth" in text
        assert text.count("Berth") == 1
        assert passage.text.startswith("| Ship")
        assert passage.text.endswith("|")


# --- Code


CODE = "Run:\n\n```sql\nSELECT count(*) FROM _t_;\n-- [[x]] <b>\n```\n\n    indented *code*\n"


def test_code_is_verbatim_and_its_span_has_no_fence():
    _, fenced, indented = units_of(CODE)
    assert (fenced.kind, fenced.language) == ("code", "sql")
    assert fenced.text == "SELECT count(*) FROM _t_;\n-- [[x]] <b>"
    assert CODE[slice(*fenced.span)] == fenced.text
    assert indented.text == "indented *code*"


@pytest.mark.parametrize("mark", ["```", "~~~~", "```python title='x'"])
@pytest.mark.parametrize("closing", ["", "\n", None])
def test_fences_of_every_kind(mark, closing):
    end = "" if closing is None else f"\n{mark[:4].strip('p')}{closing}"
    [unit] = units_of(f"{mark}\na  b # c\n\n  d{end}")
    assert unit.text == "a  b # c\n\n  d"


def test_html_and_math_in_a_quote_have_no_marks_of_it():
    text = "> <div>\n> tap <b>is</b>\n> dry</div>\n>\n> $$\n> a > b\n> $$\n"
    assert shown(text) == [("html", "tap is dry"), ("math", "a > b")]


def test_code_in_items_and_quotes():
    text = "- step\n\n  ```sh\n  make *x*\n  ```\n\n> ~~~\n> ls _a_\n> ~~~\n"
    code = [unit for unit in units_of(text) if unit.kind == "code"]
    assert [unit.text for unit in code] == ["make *x*", "ls _a_"]
    assert [unit.quoted for unit in code] == [False, True]


def test_long_code_is_parted_at_its_lines_and_is_embedded_verbatim():
    lines = [f"rsync --exclude='*{n}*' a_{n}_b host:/x" for n in range(60)]
    note, _ = parse("```sh\n" + "\n".join(lines) + "\n```\n", "n.md")
    passages = chunk(note)
    assert len(passages) > 2
    assert set(lines) <= {
        line for p in passages for line in embedding_text(note, p).split("\n")
    } | {line for p in passages for line in p.text.split("\n")}
    assert all(
        line in lines or line.startswith("```") for p in passages for line in p.text.split("\n")
    )


# --- Lists and tasks


def test_tasks_have_a_state_and_no_box():
    found = units_of(
        "- [ ] Email [[Petra]]\n- [x] Pay\n- [X] Mow\n- [-] Sell\n- [/] Build\n- [a] Rig\n- [ ]\n"
    )
    assert [unit.state for unit in found] == ["open", "done", "done", "cancelled", "open", "open"]
    assert [unit.text for unit in found] == ["Email Petra", "Pay", "Mow", "Sell", "Build", "Rig"]
    assert all(unit.kind == "task" for unit in found)


def test_brackets_elsewhere_are_no_tasks():
    for text in ("[x] a paragraph", "- see [x] there", "- [[Note]]", "## [ ] a heading"):
        assert not [unit for unit in units_of(text) if unit.state]
    assert shown("[x] a paragraph") == [("paragraph", "[x] a paragraph")]
    assert shown("## [ ] Later") == [("heading", "[ ] Later")]


def test_a_list_knows_its_lead_in_and_its_items():
    lead, drill, bit, saw, after = units_of(
        "Tools:\n\n- [[Drill]]\n  - [[Bit]]\n- [[Saw]]\n\nDone.\n"
    )
    assert (drill.parent, saw.parent) == (0, 0)
    assert bit.parent == 1
    assert (drill.level, bit.level) == (0, 1)
    assert drill.group == saw.group != bit.group
    assert (lead.group, after.parent) == (None, None)


def test_a_list_of_links_below_a_heading_is_content():
    note, _ = parse("# Meeting\n\n## Attendees\n\n- [[Ann]]\n- [[Ben]]\n", "m.md")
    [passage] = chunk(note)
    assert passage.text == "[[Ann]]\n- [[Ben]]"
    assert embedding_text(note, passage) == "Meeting. Attendees. Ann\nBen"


@pytest.mark.parametrize("text", ["[[Ann]], [[Ben]]", "![[Other]]", "[a](Alpha.md) · [b](Beta.md)"])
def test_a_line_of_links_is_content(text):
    assert len(units_of(text)) == 1


# --- Headings, names, questions


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("## 1. Introduction", "1. Introduction"),
        ("## - dash", "- dash"),
        ("## > quote", "> quote"),
        ("## [Ten ways](https://e.org/a)", "Ten ways"),
        ("## `a*b` and **C**", "a*b and C"),
        ("## [[Beta|shown]] ^id", "shown"),
        ("## # hash", "# hash"),
        ("1. Introduction\n---", None),
    ],
)
def test_a_heading_is_inline_text(heading, text):
    note, _ = parse(f"{heading}\n\nwords\n", "n.md")
    found = [section.headings for section in note.sections if section.headings]
    assert found == ([(text,)] if text else [])


def test_a_bare_heading_is_a_passage_and_one_with_parts_below_is_not():
    note, _ = parse("# Top\n\n## Bare\n\n## Full\n\ntext\n\n### Last", "n.md")
    assert [(p.text, p.headings) for p in chunk(note)] == [
        ("Bare", ("Top", "Bare")),
        ("text", ("Top", "Full")),
        ("Last", ("Top", "Full", "Last")),
    ]


@pytest.mark.parametrize(
    "text", ["Water boils at {{c1::100 °C}} here.", "It is {{c1::long::hint}}\nand {{c2::[[B]]}}."]
)
def test_a_cloze_deletion_is_no_field_and_ends_no_sentence(text):
    note, _ = parse(text, "n.md")
    (unit,) = units(note)
    assert (unit.kind, unit.columns) == ("paragraph", ())
    assert [relation.predicate for relation in note.relations] in ([], ["links_to"])
    assert sentence_spans(note, unit) == [(0, len(text))]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("What is the capital of Peru? #card", True),
        ("Where is it?::In Lima", False),
        ("### Why does it leak?", True),
        ("梨はいつですか？", True),
        ("هل هذا صحيح؟", True),
        ("Πού είναι;", True),
        ("He asked why? Nobody knew.", False),
        ("One; two;", False),
    ],
)
def test_questions_are_known(text, asks):
    assert units_of(text)[0].question is asks


def test_a_card_on_one_line_is_a_question_and_its_answer():
    text = "What is the capital of Peru?::lima, on the coast"
    note, _ = parse(text, "n.md")
    [unit] = units(note)
    assert [text[slice(*span)] for span in sentence_spans(note, unit)] == [
        "What is the capital of Peru?::",
        "lima, on the coast",
    ]


# --- Properties


MATTER = """---
tags: [beehive, "garden/west"]
vendor: Vaillant
serial: VX-20931
empty:
nested:
  deep: words
link: "[[Alpha|the first]]"
---
author:: [[Frank Herbert]]
berth:: 31; captain:: [[Lars]]
"""


def test_properties_are_units_on_their_lines():
    found = units_of(MATTER)
    assert [(unit.text, MATTER.count("\n", 0, unit.span[0]) + 1) for unit in found] == [
        ("tags: beehive, garden/west", 2),
        ("vendor: Vaillant", 3),
        ("serial: VX-20931", 4),
        ("empty:", 5),
        ("nested: deep: words", 6),
        ("link: the first", 8),
        ("author: Frank Herbert", 10),
        ("berth: 31; captain: Lars", 11),
    ]
    assert found[-1].columns == (("berth", "31"), ("captain", "Lars"))
    assert {unit.kind for unit in found} == {"property"}


def test_prose_with_colons_is_no_property():
    for text in ("see: this", "C++ std::vector<int> is it", "The edge is written up::[[A]] here."):
        assert [unit.kind for unit in units_of(text)] == ["paragraph"]


def test_broken_frontmatter_is_found_as_it_is_written():
    unit, text = units_of("---\nvendor: [Vaillant\n---\ntext\n")
    assert (unit.kind, unit.text, text.text) == ("code", "vendor: [Vaillant", "text")


# --- HTML and comments


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>\nAt the <b>mill</b>\n</div>", "At the mill"),
        ("<p>tap<br>is dry</p>", "tap\nis dry"),
        ("<table><tr><th>Hive</th><td>4</td></tr><tr><td>x</td></tr></table>", "Hive; 4\nx"),
        ("<details><summary>More</summary>inside &amp; out</details>", "More\ninside & out"),
        ("<div><!-- no --><script>no()</script>yes</div>", "yes"),
        ("<pre>keep\nthis</pre>", "keep this"),
        (
            '<p><img src="a.png" alt="A *stoat*" width=9>sleeps<img src="b.png"></p>',
            "A *stoat* sleeps",
        ),
    ],
)
def test_text_in_html_is_text(html, text):
    [unit] = units_of(html)
    assert (unit.kind, unit.text) == ("html", text)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- hidden -->",
        "<script>\nhidden()\n</script>",
        "<style>\nhidden {}\n</style>",
        "%%\nhidden\n%%",
        "%% kanban:settings\n```\n{'hidden': 1}\n```\n%%",
        "%%\n```\nnever closed: hidden\n%%",
        "%%\n<div>\nhidden\n%%",
        "- %%hidden%%",
        "^block-id",
    ],
)
def test_hidden_text_is_not_a_unit(text):
    assert [unit.text for unit in units_of(f"before\n\n{text}\n\nafter")] == ["before", "after"]


def test_a_script_in_a_paragraph_is_hidden():
    [unit] = units_of("Open till noon.<script>x = 'y'</script> Then `<style>a</style>`.")
    assert unit.text == "Open till noon. Then <style>a</style>."


def test_links_in_comments_still_count():
    note, _ = parse("%%\n[[Alpha]]\n```\n[[no]]\n```\n[[Beta]] #tag\n%%\n", "n.md")
    assert [relation.written for relation in note.relations] == ["Alpha", "Beta"]
    assert note.tags == ("tag",)


def test_a_sign_without_an_end_hides_nothing():
    assert shown("%%\nshown\n") == [("paragraph", "%% shown")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_places_hold_for_every_line_end(ending):
    text = (TABLE + "\n" + CODE + "\n- [ ] task\n").replace("\n", ending)
    note, _ = parse(text, "n.md")
    assert [unit.kind for unit in units(note)] == [
        unit.kind for unit in units_of(text.replace(ending, "\n"))
    ]
    row = units(note)[1]
    assert text[slice(*row.span)] == "| Corvo | [[Lars]] | 31 |"
    assert units_in(note, row.span) == [row]


@pytest.mark.parametrize("lead", ["Tools:", "**Tools**", "__Tools__", "道具："])
def test_a_line_that_leads_in_a_list_is_its_parent(lead):
    _, drill, saw = units_of(f"{lead}\n\n- [[Drill]]\n- [[Saw]]\n")
    assert (drill.parent, saw.parent) == (0, 0)


@pytest.mark.parametrize("lead", ["Tools", "We **like** tools", "**a** and **b**"])
def test_other_lines_lead_in_nothing(lead):
    assert units_of(f"{lead}\n\n- [[Drill]]\n")[1].parent is None


def test_a_list_has_the_members_of_the_lists_in_it():
    found = units_of("- a\n  - b\n    - c\n- d\n\ntext\n\n1. e\n")
    assert [one.text for one in members(found, found[0].group)] == ["a", "b", "c", "d"]
    assert [one.text for one in members(found, found[1].group)] == ["b", "c"]


def test_a_map_in_the_frontmatter_has_a_column_for_each_key():
    [unit] = units_of("---\ndevice:\n  model: AX\n  size:\n    height: 18\n---\n")
    assert unit.columns == (
        ("device", "model: AX; size: height: 18"),
        ("model", "AX"),
        ("size", "height: 18"),
        ("height", "18"),
    )
