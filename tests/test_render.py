"""An answer as HTML: everything escaped, citations linked to their sources, paths readable."""

import pytest

from ragbot.schema import Answer, Chunk, Citation, Evidence, Hit, Note, Relation, Statement
from ragbot.ui import render

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
A = Note("a.md", "Alpha", "")
B = Note("b/b.md", "Beta", "")
C = Note("c.md", "Gamma", "")
NOTES = {note.id: note for note in (A, B, C)}


def relation(source, predicate, target):
    return Relation(source, predicate, target, target, (0, 0))


def answer(text="Said. [1]", quote="Said.", **changes):
    citation = Citation(1, "b/b.md", "Beta", ("Beta", "How"), (3, 4), (0, 5), quote)
    path = (relation("a.md", "extends", "b/b.md"),)
    hit = Hit(Chunk("b/b.md", (0, 5), quote), 1.0, (Evidence("graph", 1, 1.0, path),))
    fields = {"statements": (Statement("Said.", (1,)),), "citations": (citation,), "hits": (hit,)}
    return Answer("q", text, "extractive", False, **{**fields, **changes})


def test_a_mark_links_to_its_source_and_shows_the_quotation():
    html = render.answered(answer(), NOTES)
    assert 'href="#source-1" data-quote="Said."' in html
    assert '<li class="source" id="source-1"' in html
    assert "<strong>Beta › How</strong>" in html
    assert "b/b.md, lines 3 to 4" in html


def test_a_mark_without_a_source_stays_text():
    assert "[7]" in render.answered(answer("Said. [7]"), NOTES)


def test_the_path_that_brought_a_source_is_shown():
    assert "Alpha -extends-&gt; Beta" in render.answered(answer(), NOTES)


@pytest.mark.parametrize(
    ("path", "end", "told"),
    [
        pytest.param([("a.md", "extends", "b/b.md")], "b/b.md", "Alpha -extends-> Beta", id="out"),
        pytest.param([("a.md", "extends", "b/b.md")], "a.md", "Beta <-extends- Alpha", id="back"),
        pytest.param(
            [("a.md", "uses", "b/b.md"), ("c.md", "cites", "b/b.md")],
            "c.md",
            "Alpha -uses-> Beta <-cites- Gamma",
            id="two-steps",
        ),
    ],
)
def test_a_path_reads_from_the_seed_to_the_note(path, end, told):
    assert render.path_text([relation(*step) for step in path], end, NOTES) == told


def test_escaped_markup_is_shown_as_it_is_meant():
    assert render.prose(r"a \[1\] \<b\>") == "<p>a [1] &lt;b&gt;</p>"


def test_lists_and_paragraphs():
    assert render.prose("One.\n\n- a\n- b\n\nTwo.") == (
        "<p>One.</p><ul><li>a</li><li>b</li></ul><p>Two.</p>"
    )


def test_nothing_of_a_note_a_question_or_a_model_gets_through():
    evil = Citation(1, f"{EVIL}.md", EVIL, (EVIL,), (1, 1), (0, 5), EVIL)
    html = (
        render.turn(EVIL, render.answered(answer(f"{EVIL} [1]", citations=(evil,)), NOTES))
        + render.prose(EVIL)
        + render.failed(EVIL)
        + render.answered(answer(notice=EVIL), NOTES)
    )
    assert "<script" not in html
    assert "<img" not in html
    assert 'title="<' not in html
    assert html.count("&lt;script&gt;") == 11


@pytest.mark.parametrize(
    ("query", "shown"), [("", False), ("Q", False), ("q (the <b> axis)", True)]
)
def test_what_was_searched_is_shown_where_it_is_not_what_was_asked(query, shown):
    html = render.answered(answer("Said.", query=query), {})
    assert ("Searched for: q (the &lt;b&gt; axis)" in html) is shown
    assert "Searched" not in html or shown
