"""Invariants of parsing, on texts nobody would write."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ragbot.notes.link_resolver import resolve
from ragbot.notes.parser import parse
from ragbot.notes.units import plain, units
from tests.strategies import notes

FOUND = Path(__file__).parents[1] / "corpus" / "notes.jsonl"
CORPUS = [json.loads(line) for line in FOUND.read_text(encoding="utf-8").splitlines()]
"""Texts that reached new code in a run of tests/fuzz/fuzz_notes.py, and faults of the past."""


def unescaped(text):
    return re.sub(r"\\(.)", r"\1", text)


def check_invariants(text):
    note, problems = parse(text, "folder/a.md")
    assert note.text == text
    check_sections(note)
    last = (-1, -1)
    for relation in note.relations:
        assert relation.target is None
        assert relation.source == note.id
        assert relation.predicate
        start, end = relation.span
        assert 0 <= start < end <= len(text)
        assert last <= relation.span, "relations stand in file order"
        last = relation.span
        check_annotation(note, relation)
    assert all(0 <= at <= len(text) for at in note.blocks.values())
    assert all(problem.note == note.id for problem in problems)
    check_prose(note)
    assert isinstance(plain(text), str)
    assert all(relation.target in (None, note.id) for relation in resolve([note])[0].relations)


def check_sections(note):
    position = 0
    for section in note.sections:
        assert section.span[0] == position
        position = section.span[1]
    assert position == len(note.text)


def check_annotation(note, relation):
    assert (relation.annotation is None) == (relation.annotation_span is None)
    if relation.annotation_span:
        start, end = relation.annotation_span
        assert relation.annotation
        assert note.text[start:end] == note.text[start:end].strip()
        assert start < end


def check_prose(note):
    position = 0
    for start, end in (piece for unit in units(note) for piece in unit.pieces):
        assert position <= start < end <= len(note.text)
        position = end


@given(notes)
@example("")
@example("\ud800[[\ud800]]\ud800")
def test_invariants(text):
    check_invariants(text)


@given(st.text(max_size=300))
def test_invariants_of_any_text(text):
    check_invariants(text)


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_inputs_that_the_fuzzer_found(text):
    check_invariants(text)


@given(
    st.lists(st.sampled_from(["[[Alpha]]", "![[Beta#H|x]]", "[[A^b]]"]), min_size=1, max_size=5),
    st.sampled_from(["", "> ", "- ", "> - ", "1. ", "# ", "  - ", "\t", "a "]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_spans_cover_the_written_links(links, prefix, ending):
    text = ending.join(prefix.replace("\t", "- \t") + "x " + link for link in links) + ending
    note, _ = parse(text, "a.md")
    assert [text[slice(*relation.span)] for relation in note.relations] == links


@given(notes, st.sampled_from(["\r\n", "\r"]))
def test_line_ends_change_nothing_but_offsets(text, ending):
    text = text.replace("\r", "")
    note, _ = parse(text, "a.md")
    other, _ = parse(text.replace("\n", ending), "a.md")
    found = [(r.predicate, r.written, r.annotation) for r in note.relations]
    assert found == [(r.predicate, r.written, r.annotation) for r in other.relations]
    assert note.tags == other.tags
    for one, two in zip(note.relations, other.relations, strict=True):
        assert note.text[slice(*one.span)] == other.text[slice(*two.span)].replace(ending, "\n")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("**bold** _it_ ~~no~~ ==mark==", "bold it no mark"),
        ("snake_case and 2 * 3 * 4", "snake_case and 2 * 3 * 4"),
        ("[[A]], [[A|b]], [[#H]], ![[E]]", "A, b, H, E"),
        (r"[\[\[A\]\]](../f/A.html) and \*", "A and *"),
        ("see [[A]]↑ and **[[B]]**⊙", "see A and B"),
        ("`df[['x']]` ![[p.png|100]] [[A|Big **b**]]", "df[['x']] Big b"),
        ("`code` <b>x</b> <!-- c --> %%h%% y", "code x y"),
        ("# Title\n\n- one\n- two", "Title\none\ntwo"),
        ("<https://example.org>", "https://example.org"),
        ("count(*) and sum(*)", "count(*) and sum(*)"),
        ("a*b*c, *a*, **a *b** c*", "abc, a, a b c"),
        ("`count(*)` and `` a`b ``", "count(*) and a`b"),
        ("tap<br>is H<sub>2</sub>O", "tap is H2O"),
        ("[site](https://e.org/a_(b)) [![alt](i.png)](https://e.org)", "site alt"),
        ("Tom &amp; Jerry, `&amp;`", "Tom & Jerry, &amp;"),
        ("- [/] half\n- [-] never\n- [x] done", "half\nnever\ndone"),
        ("[/] half of [[A]]", "half of A"),
        ("see [x] there, [y](z.md)", "see [x] there, y"),
        ("> [!warning]- Hot\n> Do not touch.", "Hot Do not touch."),
        ("A claim.[^1] More ^block-1", "A claim. More"),
        ("| a | b |\n|---|---|\n| 1 | [[x\\|y]] |", "a; b\n1; y"),
        ("```sql\nselect *\nfrom _t_;\n```", "select *\nfrom _t_;"),
        ("<div>One<br>two</div>\n<!-- no -->", "One\ntwo"),
        ("\\*not\\* \\[x\\] 2 * 3 * 4", "*not* [x] 2 * 3 * 4"),
        ("![[photo.png]] ![[Note]]", "Note"),
        ("It is {{c1::Paris}}, on the {{c2::**Seine**::a river}}.", "It is Paris, on the Seine."),
        ("{{c12::[[Nice|a town]]}} {{c1::a & b::c::d}}", "a town a & b"),
        (
            "{{ user.name }} {{c1}} {{x::y}} `{{c1::a}}`",
            "{{ user.name }} {{c1}} {{x::y}} {{c1::a}}",
        ),
    ],
)
def test_plain(written, read):
    assert plain(written) == read


@given(
    st.from_regex(r"[A-Za-zé](?:[A-Za-zé0-9]|[ ,.;?!'\"()/‘’“”–—:*_`~=#\[\]-])*", fullmatch=True)
)
@example("Heat *flows* downhill")
@example("see::[[Heat]]")
def test_plain_reads_a_line_by_itself_as_before_a_paragraph(text):
    assert plain(f"{text}\n\n*end*") == f"{plain(text)}\nend"
