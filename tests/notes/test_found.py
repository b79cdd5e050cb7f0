"""What an author wrote is found: every visible word of a note is in a passage of it."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragbot.notes import vault
from ragbot.notes.chunker import SUMMARIES, chunk, embedding_text
from ragbot.notes.parser import parse
from ragbot.notes.units import units
from ragbot.text.tokenize import tokens

HIDDEN = re.compile(
    r"%%.*?%%|<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)>"  # comments and programs
    r"|</?[A-Za-z][^<>\n]*>"  # tags, and addresses in angle brackets
    r"|^[ \t>]*(?:[-*+] )?(?:`{3,}|~{3,}).*$"  # fences with their languages
    r"|^[ \t>]*\[[^\]\n]+\]:.*$"  # definitions of links
    r"|!\[\]\([^()\n]*\)|!\[\[[^\]\n]*\.(?:png|jpe?g|svg|gif|webp)\]\]"  # images
    r"|\]\[[^\]\n]*\]|\]\((?:[^()\n]|\([^()\n]*\))*\)|\[\[[^\[\]|\n]*\\?\|"  # where links lead
    r"|\[\^[^\]\n]+\]|\[![\w-]+\][+-]?|\s\^[\w-]+[ \t]*$"  # footnotes, callouts, block ids
    r"|^[ \t]*(?:[-*+]|\d+[.)])[ \t]+(?:\[.\])?|https?://\S+|&\w+;",  # bullets, addresses
    re.DOTALL | re.MULTILINE,
)


def visible_words(text):
    """Words of a note, by a rule that shares nothing with the reader."""
    return set(re.findall(r"(?<!\w)[^\W\d_]{3,}(?!\w|[*_\]]+\w)", HIDDEN.sub(" ", text)))


def words_found(note):
    return set(tokens(" ".join(embedding_text(note, passage) for passage in chunk(note))))


def missing(note):
    found = words_found(note)
    found |= set(tokens(" ".join(SUMMARIES)))  # the key of a summary is not read out
    return {word for word in visible_words(note.text) if not set(tokens(word)) <= found}


LINES = [
    "# Bare heading", "## 1. Introduction", "## [Ten ways](https://e.org)", "A sentence here.",
    "- [[Petra]]", "- [ ] Email [[Lars]]", "- [/] Half done", "- [x] Paid", "  - nested [[Quince]]",
    "- supports [[Beta]] (because)", "author:: [[Frank Herbert]]", "serial:: Vaillant", "Tools:",
    "| Ship | Captain |", "|---|---|", "| Corvo | [[Lars]] |", "| Mira | |", "", "",
    "> [!note] Callout title", "> quoted words", "```sql", "select count(*) from berth;", "```",
    "    indented code", "<div>", "inside markup", "</div>", "tap<br>water", "![[Embedded]]",
    "%% hidden %%", "<!-- secret -->", "Why does it leak?", "Question::Answer", "$$", "a + beta",
    "$$", "**bold** and *slanted* text", "[label](Note.md) then", "> # Inside a quote",
    "1. first step", "中文笔记", "Где яблоня", "#tagged words", "![[Other note]]", "  ```sh",
    "> - [ ] quoted task", "| escaped \\| bar | `code` |", "<table><tr><td>cell</td><td>next</td>",
    "</tr></table>", "<ul><li>listed</li></ul>", "key with words:: plain value", "Setext", "===",
    "- [[One link]], [Another](b.md)", "[^1]: a footnote", "### [[Linked]] heading ^id", "~~~",
    "> [!tip]- Folded callout", "- **bold key**:: [[Target]]", "(inline:: field) after",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12).map("\n".join))
@example("---\ntags: [beehive]\nvendor: Vaillant\nnested:\n  deep: words\n---\n")
@example("---\nbroken: [yaml\n---\ntext")
@example("\n---\naliases: [Misplaced]\n---\ntext\n")
@example("---\ntitle: One\n---\n---\nother: two\n---\ntext\n")
def test_every_visible_word_is_in_a_passage(text):
    note, _ = parse(text, "note.md")
    assert not missing(note)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(LINES), max_size=12).map("\n".join),
    st.sampled_from(["\n", "\r\n"]),
)
def test_passages_are_slices_that_do_not_overlap(text, ending):
    note, _ = parse(text.replace("\n", ending), "note.md")
    position = 0
    for passage in chunk(note):
        assert passage.text == note.text[slice(*passage.span)]
        assert position <= passage.span[0] <= passage.span[1]
        position = passage.span[1]
    for unit in units(note):
        assert 0 <= unit.span[0] < unit.span[1] <= len(note.text)
        assert note.text[slice(*unit.span)].strip()


@pytest.mark.parametrize("name", ["persona-garden", "second-garden"])
def test_every_visible_word_of_a_real_vault(shared: Path, name: str):
    root = shared / "vaults" / name
    notes, _ = vault.read(root)
    lost = {note.id: words for note in notes if (words := missing(note))}
    assert not lost
