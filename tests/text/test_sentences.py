"""Sentence boundaries: abbreviations, numbers, lists, quotes, links, other scripts."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.text.sentences import sentences


def split(text, start=0):
    return [text[a - start : b - start] for a, b in sentences(text, start)]


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(["One.", "Two!", "Three?", "Four…", "Five"], id="marks"),
        pytest.param(["Dr. Gray met Mrs. Hill.", "They spoke."], id="titles"),
        pytest.param(["Use words, e.g. Names or i.e. Titles.", "Then stop."], id="abbreviations"),
        pytest.param(["Lu et al. (2026) say so.", "Then more."], id="et-al"),
        pytest.param(["J. R. R. Tolkien wrote it.", "I did."], id="initials"),
        pytest.param(["It has 70B.", "For each, more."], id="a-unit-is-no-initial"),
        pytest.param(["So did I.", "He left."], id="the-word-I-is-no-initial"),
        pytest.param(["It costs 1.5 kg at v2.0.1 now.", "Next."], id="numbers"),
        pytest.param(["It was in 2026.", "Then it ended."], id="a-year-ends-a-sentence"),
        pytest.param(["It asked “why?” twice.", "No."], id="question-inside"),
        pytest.param(['He said "Stop."', "She left."], id="quote-closes-with-the-sentence"),
        pytest.param(["It holds (see there.)", "Next one."], id="bracket-closes"),
        pytest.param(["**It holds.** so they say.", "*Next.*", "End."], id="emphasis"),
        pytest.param(["See [[Mr. A. Then B]] here.", "Next."], id="wikilink"),
        pytest.param(["See [A. B](c.%20D.md) here.", "Next."], id="markdown-link"),
        pytest.param([r"See [\[\[A. B\]\]](c.html) here.", "Next."], id="escaped-wikilink"),
        pytest.param(["Run `a. B` now.", "Next."], id="code"),
        pytest.param(["At https://x.org/a.B/c.", "Then it broke."], id="address"),
        pytest.param(["Wait... what was that?", "Well…", "That."], id="ellipsis"),
        pytest.param(["意味がある。", "次の文！", "「終わり。」", "はい"], id="japanese"),
        pytest.param(["यह एक है।", "दूसरा है।"], id="hindi"),
        pytest.param(["هل هذا؟", "نعم۔", "لا."], id="arabic-and-urdu"),
        pytest.param(["Это т.е. Пример.", "Да."], id="cyrillic"),
    ],
)
def test_splits_a_line(expected):
    joint = "" if "。" in expected[0] else " "
    assert split(joint.join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One\ntwo\nthree.", ["One\ntwo\nthree."], id="line-breaks-end-nothing"),
        pytest.param("One\n\ntwo", ["One", "two"], id="blank-line"),
        pytest.param("One\r\n\r\ntwo", ["One", "two"], id="blank-line-crlf"),
        pytest.param(
            "- one\n- two. Three\n* four", ["- one", "- two.", "Three", "* four"], id="items"
        ),
        pytest.param("1. One\n2. Two", ["1. One", "2. Two"], id="numbered"),
        pytest.param("# Head\ntext\n## More", ["# Head\ntext", "## More"], id="headings"),
        pytest.param("| a |\n| b |", ["| a |", "| b |"], id="table-rows"),
        pytest.param(
            "| Is it? Yes. | No. B |\n| c |",
            ["| Is it? Yes. | No. B |", "| c |"],
            id="row-is-whole",
        ),
        pytest.param(
            "fluctus::wave\naqua:::water\nStarboard side::right",
            ["fluctus::wave", "aqua:::water", "Starboard side::right"],
            id="cards",
        ),
        pytest.param("It is of\nstd::vector here", ["It is of\nstd::vector here"], id="no-card"),
        pytest.param("one\n> two. \n> Three", ["one\n> two.", "Three"], id="quoted-lines"),
        pytest.param("one\n>\n> - two\n>   - b", ["one", "- two", "- b"], id="quoted-blocks"),
        pytest.param("  \n \n", [], id="white-space"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_splits_blocks(text, expected):
    assert split(text) == expected


def test_offsets_are_those_of_the_note():
    assert sentences("One. Two.", start=100) == [(100, 104), (105, 109)]


def test_time_grows_with_length_alone():
    # A quadratic pattern would take minutes here and fail by the suite's time limit.
    for piece in ("[", "`", "[[", "a.", "1\n", ".", '"', "http://", "<", "[a](", "。", "* "):
        assert split(piece * 100_000)


@settings(max_examples=50)
@given(st.text(alphabet=st.sampled_from('aB1.!?。 \n\r"[]()`*-#>'), max_size=60))
def test_every_character_lies_in_one_sentence(text):
    spans = sentences(text)
    assert all(a < b for a, b in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join(text[a:b] for a, b in spans).split() == "".join(split(text)).split()
    covered = {i for a, b in spans for i in range(a, b)}
    assert all(text[i].isspace() or text[i] == ">" for i in range(len(text)) if i not in covered)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is it so? #card #x\n42 metres.", ["Is it so? #card #x", "42 metres."]),
        ("Is it so? #card", ["Is it so? #card"]),
        ("Really? #one of us.", ["Really?", "#one of us."]),
    ],
)
def test_tags_belong_to_the_question_before_them(text, expected):
    assert [text[slice(*span)] for span in sentences(text)] == expected
