"""An answer as HTML: everything escaped, citations linked to their sources, paths readable."""

import re
from html import unescape

import pytest

from ragbot.apps.web import answer_view
from ragbot.apps.web.note_view import link
from ragbot.models import Answer, Citation, Evidence, Hit, Note, Passage, Relation, Statement

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
A = Note("a.md", "Alpha", "")
B = Note("b/b.md", "Beta", "")
C = Note("c.md", "Gamma", "")
NOTES = {note.id: note for note in (A, B, C)}


def paragraphs(*words):
    """Return the text of an answer as HTML, without the line ends between tags."""
    return answer_view.paragraphs(*words).replace("\n", "")


def relation(source, predicate, target, annotation=None):
    return Relation(source, predicate, target, target, (0, 0), annotation)


def answer(text="Said. [1]", quote="Said.", **changes):
    citation = Citation(1, "b/b.md", "Beta", ("Beta", "How"), (3, 4), (0, 5), quote)
    path = (relation("a.md", "extends", "b/b.md", "Because <b>."),)
    hit = Hit(Passage("b/b.md", (0, 5), quote), 1.0, (Evidence("graph", 1, 1.0, path),))
    fields = {"statements": (Statement("Said.", (1,)),), "citations": (citation,), "hits": (hit,)}
    return Answer("q", text, "extractive", False, **{**fields, **changes})


def test_a_mark_links_to_its_source_and_shows_the_quotation():
    html = answer_view.answered(answer(), NOTES)
    assert 'href="#source-1" data-number="1"' in html
    assert '<li class="source" id="source-1" value="1" dir="auto" data-quote="Said.">' in html
    assert '<a class="open" href="#note" data-note="b/b.md">Beta</a>' in html
    assert '<span class="place">b/b.md</span>' in html
    assert '>1</span> How, <span class="lines" dir="ltr">lines 3 to 4</span>' in html


def test_a_mark_stays_with_the_end_of_its_sentence():
    assert "<p>Said.\u00a0<sup>" in answer_view.answered(answer(), NOTES)


@pytest.mark.parametrize(
    ("quote", "read"),
    [
        pytest.param("**Bold**: see [[A|b]].", "Bold: see b.", id="markup"),
        pytest.param("_See [a.com](https://a.com/b)._", "See a.com.", id="link-elsewhere"),
        pytest.param("| *one* | two |", "one; two", id="table-row"),
        pytest.param("a < b", "a &lt; b", id="escaped"),
    ],
)
def test_a_quotation_is_shown_as_it_reads(quote, read):
    html = answer_view.answered(answer("Written. [1]", quote=quote), NOTES)
    assert f"<blockquote>{read}</blockquote>" in html
    assert f'data-quote="{read}"' in html


@pytest.mark.parametrize(
    ("text", "quotes", "shown"),
    [
        pytest.param("Said. [1]", ["Said."], [], id="said"),
        pytest.param("**B:** It \\[is\\] said. [1]", ["It [is] **said**."], [], id="markup"),
        pytest.param("Rewritten. [1]", ["Said."], ["Said."], id="rewritten"),
        pytest.param("New. [1] [2]", ["Said.", "Said."], ["Said."], id="twice"),
        pytest.param("New. [1] [2]", ["Said. And more.", "Said."], ["Said. And more."], id="part"),
    ],
)
def test_a_quotation_is_shown_once_and_not_if_the_answer_repeats_it(text, quotes, shown):
    citations = tuple(
        Citation(number, "a.md", "A", (), (1, 1), (0, 5), quote)
        for number, quote in enumerate(quotes, start=1)
    )
    html = answer_view.answered(answer(text, citations=citations), NOTES)
    assert re.findall("<blockquote>(.*?)</blockquote>", html) == shown
    assert html.count('<li class="source"') == len(quotes)


def test_code_is_shown_and_copied_as_it_is():
    text = "**Run:**\n\n````\nx = a[1] * b  # <*b*>\n```\n\n  y\n````\n\n[1]\n\nThen. [1]"
    code = "x = a[1] * b  # <*b*>\n```\n\n  y"
    html = answer_view.answered(answer(text), NOTES)
    shown = re.search('<pre tabindex="0"><code>(.*?)</code></pre>', html, re.DOTALL)[1]
    assert unescape(shown) == code
    assert html.count('class="cite"') == 2
    copied = answer_view.markdown(answer(text))
    assert f"````\n{code}\n````\n\n[^1]\n\nThen. [^1]" in copied


def test_more_from_the_notes_is_folded():
    next_one = Citation(1, "c.md", "Gamma", (), (7, 7), (3, 9), "Next & on.")
    html = answer_view.answered(answer(more=(next_one,)), NOTES)
    assert '<details class="more"><summary>More from the notes</summary>' in html
    assert 'data-note="c.md" data-start="3" data-end="9">Gamma</a>, ' in html
    assert "<blockquote>Next &amp; on.</blockquote>" in html
    assert "<details" not in answer_view.answered(answer(), NOTES)


def test_an_answer_as_markdown_has_footnotes():
    text = answer_view.markdown(answer("Said \\[1\\]. [1]"))
    assert text == "Said \\[1\\]. [^1]\n\n[^1]: [[b/b#How|Beta › How]]: “Said.”"


def test_code_in_a_copied_answer_keeps_its_brackets():
    copied = answer_view.markdown(answer("Run `x[1]` or ``y`[1]``. [1]"))
    assert copied.startswith("Run `x[1]` or ``y`[1]``. [^1]\n")


def test_a_question_that_failed_can_be_asked_again():
    html = answer_view.unanswered("Too <long>.")
    assert 'role="alert">Too &lt;long&gt;.' in html
    assert 'data-act="edit"' in html


def test_a_long_question_scrolls_and_can_be_reached_by_keyboard():
    assert 'class="question long" tabindex="0"' in answer_view.turn("why " * 100, "")
    assert "tabindex" not in answer_view.turn("Why?", "")


def test_a_mark_without_a_source_stays_text():
    assert "[7]" in answer_view.answered(answer("Said. [7]"), NOTES)


def test_the_path_that_brought_a_source_is_shown():
    html = answer_view.answered(answer(), NOTES)
    assert "Alpha -extends-> Beta" in shown(html)
    assert 'data-note="a.md">Alpha</a>' in html
    assert '<p class="why" dir="auto">Because &lt;b&gt;.</p>' in html


def test_a_note_without_a_path_names_the_retrievers_that_found_it():
    evidence = (Evidence("dense", 1, 1.0), Evidence("bm25", 2, 1.0))
    hit = Hit(Passage("b/b.md", (0, 5), "Said."), 1.0, evidence)
    assert "Found by its meaning and words" in answer_view.answered(answer(hits=(hit,)), NOTES)


def test_quotations_of_one_note_are_together():
    one, two, three = (
        Citation(n, note, "T", (), (1, 1), (0, 5), f"Said {n}.")
        for n, note in ((1, "a.md"), (2, "b/b.md"), (3, "a.md"))
    )
    html = answer_view.answered(answer("A [1] B [2] C [3]", citations=(one, two, three)), NOTES)
    first, second = html.split('<article class="card"')[1:]
    assert re.findall('id="source-(.)"', first) == ["1", "3"]
    assert re.findall('id="source-(.)"', second) == ["2"]


def shown(html):
    return " ".join(unescape(re.sub("<[^>]*>", "", html)).split())


def test_escaped_markup_is_shown_as_it_is_meant():
    assert paragraphs(r"a \[1\] \<b\>") == "<p>a [1] &lt;b&gt;</p>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("Nearest: *Alpha*.", f"Nearest: {link('a.md', 'Alpha')}.", id="note"),
        pytest.param(r"*A \*b\** c", "<em>A *b*</em> c", id="no-note"),
        pytest.param(r"*\*Title\** c", "<em>*Title*</em> c", id="title-in-asterisks"),
        pytest.param("**X \\[1\\]:** y", "<strong>X [1]:</strong> y", id="strong"),
        pytest.param("2 * 3 * 4 **", "2 * 3 * 4 **", id="no-markup"),
        pytest.param("*<b>*", "<em>&lt;b&gt;</em>", id="escaped"),
    ],
)
def test_names_in_italics_lead_to_their_notes(text, html):
    assert paragraphs(text, (), {"Alpha": A}.get) == f"<p>{html}</p>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param(
            "One.\n\n- a\n- b\n\nTwo.",
            "<p>One.</p><ul><li>a</li><li>b</li></ul><p>Two.</p>",
            id="list",
        ),
        pytest.param("One\ntwo.", "<p>One<br>two.</p>", id="lines"),
        pytest.param("Run `x[1] <b>`.", "<p>Run <code>x[1] &lt;b&gt;</code>.</p>", id="code"),
        pytest.param("# Not a heading", "<p># Not a heading</p>", id="no-heading"),
        pytest.param(
            "See https://a.com or [x](https://a.com) ![y](z).",
            "<p>See https://a.com or [x](https://a.com) ![y](z).</p>",
            id="no-link",
        ),
    ],
)
def test_blocks_and_lines(text, html):
    assert paragraphs(text) == html


def test_nothing_of_a_note_a_question_or_a_model_gets_through():
    evil = Citation(1, f"{EVIL}.md", EVIL, (EVIL,), (1, 1), (0, 5), EVIL)
    html = (
        answer_view.turn(
            EVIL, answer_view.answered(answer(f"{EVIL} [1]", citations=(evil,)), NOTES)
        )
        + answer_view.paragraphs(EVIL)
        + answer_view.failed(EVIL)
        + answer_view.answered(answer(notice=EVIL), NOTES)
    )
    assert "<script" not in html
    assert "<img" not in html
    assert 'title="<' not in html
    assert html.count("&lt;script&gt;") == 12


@pytest.mark.parametrize(
    ("query", "shown"), [("", False), ("Q", False), ("q (the <b> axis)", True)]
)
def test_the_searched_question_is_shown_if_it_differs_from_the_typed_one(query, shown):
    html = answer_view.answered(answer("Said.", query=query), {})
    assert ("Searched for: q (the &lt;b&gt; axis)" in html) is shown
    assert "Searched" not in html or shown
