"""A note as HTML to be read: links that work, the passage marked, nothing that runs."""

import re

import pytest

from ragbot.apps.web import note_view
from ragbot.notes import link_resolver, parser

HOSTILE = """---
title: "<script>alert(1)</script>"
---
<script>alert(2)</script> <img src=x onerror=alert(3)> <svg onload=alert(4)>

![remote](https://evil.example/a.png) [run](javascript:alert(5)) [data](data:text/html,x)
[spaced]( java&#115;cript:alert(6) ) <javascript:alert(7)> [[No|<b onclick=alert(8)>x</b>]]

`{{constructor}}` ${alert(9)} [ok](https://example.org/?a="><script>)
"""


def note(text, name="A.md", beta="# Beta\n\nText of beta.\n"):
    other, _ = parser.parse(beta, "b/Beta.md")
    this, _ = parser.parse(text, name)
    resolved = link_resolver.resolve([this, other])
    return resolved[0], {each.id: each for each in resolved}


def shown(text, passage=None):
    this, _ = note(text)
    span = None
    if passage:
        start = this.text.index(passage)
        span = (start, start + len(passage))
    return note_view.body(this, span)


def marked(html):
    return re.sub("<[^>]*>", "", " ".join(re.findall("<mark>(.*?)</mark>", html, re.DOTALL)))


@pytest.mark.parametrize(
    ("text", "passage", "read"),
    [
        pytest.param("One. Two is. Three.", "Two is.", "Two is.", id="sentence"),
        pytest.param("# H\n\n- One.\n- Two.\n", "- Two.", "Two.", id="list-item"),
        pytest.param("A **bold** word.", "bold** word", "bold  word", id="in-bold"),
        pytest.param("One. _Two is._", "_Two is._", "Two is.", id="emphasis"),
        pytest.param("- __Two__ is.", "- __Two__ is.", "Two  is.", id="strong-item"),
        pytest.param("See [[Beta]] now.", "See [[Beta]] now.", "See  Beta  now.", id="link"),
        pytest.param("---\ntitle: T\n---\nOne. Two.", "Two.", "Two.", id="frontmatter"),
        pytest.param("---\r\ntitle: T\r\n---\r\nOne. Two.", "Two.", "Two.", id="crlf"),
    ],
)
def test_the_passage_is_marked(text, passage, read):
    assert marked(shown(text, passage)) == read


def test_a_table_row_is_marked_cell_by_cell():
    table = "# T\n\n| A | B |\n|---|---|\n| one | two |\n| three | four |\n"
    assert marked(shown(table, "| three | four |")).split() == ["three", "four"]
    assert "<td>" in shown(table, "| three | four |")


def test_a_quotation_of_the_frontmatter_is_shown_above_the_text():
    html = shown("---\nsummary: A <b>note</b>.\n---\n# A\n", "A <b>note</b>.")
    assert "<mark>A &lt;b&gt;note&lt;/b&gt;.</mark>" in html


def test_a_link_opens_its_note_and_a_ghost_looks_like_one():
    html = shown("[[Beta|b]] and [[Nobody]].")
    assert '<a class="wikilink" href="#note" data-note="b/Beta.md">b</a>' in html
    assert '<span class="ghost" title="Not written yet">Nobody</span>' in html


PARTS = (
    "# Beta\r\n\r\nText.\r\n\r\n## How it *grows*\r\n\r\nFast. Second line.\r\n\r\n"
    "- one\r\n- two ^second\r\n- three\r\n\r\nLast words.\r\n\r\n^last\r\n"
)


@pytest.mark.parametrize(
    ("link", "there"),
    [
        pytest.param("[[Beta#How it grows]]", "How it *grows*", id="heading"),
        pytest.param("[[Beta#Beta#How it grows]]", "How it *grows*", id="path-of-headings"),
        pytest.param("[[Beta#^second|two]]", "two", id="list-item"),
        pytest.param("[[Beta#^last]]", "Last words.", id="id-below-its-block"),
        pytest.param("[Beta](b/Beta.md#how-it-grows)", "How it *grows*", id="markdown-link"),
    ],
)
def test_a_link_to_a_part_of_a_note_opens_it_there(link, there):
    this, notes = note(link, beta=PARTS)
    place = re.search('data-place="(.*?)"', note_view.body(this))[1]
    beta = notes["b/Beta.md"]
    span = note_view.span_of(beta, place)
    assert beta.text[slice(*span)].startswith(there, 3 * beta.text.startswith("## ", span[0]))
    assert marked(note_view.body(beta, span)).split() == there.replace("*", "").split()


def test_a_link_to_a_part_that_is_not_there_opens_the_note():
    html = shown("[[Beta#Gone]] and [[Beta#^gone]]")
    assert html.count('data-note="b/Beta.md" data-place=') == 2
    assert "Beta › Gone" in html
    beta = note("")[1]["b/Beta.md"]
    assert [note_view.span_of(beta, place) for place in ("Gone", "^gone", "")] == [None] * 3


def test_nothing_of_a_note_runs_or_is_fetched():
    this, notes = note(HOSTILE, "<img src=x>.md")
    html = note_view.note_html(this, this.relations, notes, (0, len(this.text)))
    tags = re.findall(r"<([a-z0-9]+)([^>]*)>", html)
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "svg", "iframe", "b", "style"})
    for _, attributes in tags:
        assert not re.search(r"\son\w+=", attributes)
        address = re.search(r'href="([^"]*)"', attributes)
        assert address is None or address[1] == "#note" or address[1].startswith("https://")
    assert "{" not in html
    assert "${" not in html


def test_comments_are_not_shown_but_code_is():
    html = shown("Said %%hidden%% here.\n\n```\n%% kept %%\n```\n")
    assert "hidden" not in html
    assert "%% kept %%" in html


def test_the_id_of_a_block_is_no_text_to_read():
    html = shown("One ^a\n\n- two ^b\n\nThree\n\n^c\n\nx ^2\nis not, nor `x ^a`.\n")
    assert "^b" not in html
    assert "<p></p>" in html
    assert html.count("^") == 2


def test_neighbours_are_shown_next_to_the_note():
    this, notes = note("# A\n\n- extends::[[Beta]]\n  - because it does\n")
    html = note_view.note_html(this, this.relations, notes)
    assert '<span class="chip typed">extends</span>' in html
    assert "because it does" in html
    back = note_view.note_html(notes["b/Beta.md"], this.relations, notes)
    assert "Linked from (1)" in back
