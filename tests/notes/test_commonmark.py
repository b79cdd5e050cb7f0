"""Markdown links, beside markdown-it-py's own inline parser on random texts.

Our scanner takes the place of that parser, so on text without wikilinks, math and
comments both must find the same links, in the same places of precedence: code,
escapes, HTML, nested brackets, references.
"""

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ragbot.notes.document import page_of
from ragbot.notes.link_scanner import scan

# No lone "(": for `[r](` at the end of a paragraph markdown-it finds no link, the
# specification a shortcut reference.
PIECES = [
    "[", "]", ")", "![", "](b)", "](a.md)", "[a](b)", "[r]", "[r][]", "[x][r]", "\n", "\n\n", " ",
    "`", "``", "<b>", "<", "> ", "- ", "\\", "*", "_", "&amp;", '"', "'", ' "t"', " 't'", " (t)",
    "<u v>", "-->", "<!A>", "<?", "?>", "text", "(a(b)c)", "<http://x>", "\\[", "\\]", "\\(",
    "    ", "!", "# ", "&#91;", "~~~\n", "<a href='x'>", "=", "\t", "[r]: z.md\n", "1. ",
    "\n\n[r]: z.md\n",
]  # fmt: skip

reference = MarkdownIt("commonmark")
reference.normalizeLink = str
reference.validateLink = bool


def links_of(tokens):
    for token in tokens:
        if token.type == "link_open" and token.info != "auto":
            yield "link", token.attrs["href"]
        if token.type == "image":
            yield "image", token.attrs["src"]
        yield from links_of(token.children or ())


@settings(derandomize=True, max_examples=400)
@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=14).map("".join))
def test_the_same_links_as_markdown_it(text):
    assume("[[" not in text)
    found = [
        ("image" if link.embed else "link", link.target)
        for block in page_of(text).texts.values()
        for link in block.inline.links
    ]
    assert sorted(found) == sorted(links_of(reference.parse(text)))


def test_comments_that_never_close_hide_nothing():
    assert [link.target for link in scan("<!-- [a](b) <!x [c](d)").links] == ["b", "d"]
    assert [link.target for link in scan("<!--> [a](b) <!---> [c](d) -->").links] == ["b", "d"]
