"""Words and names: BM25 scores, names spotted in a question, rare names shared, what is kept."""

from functools import cache

import numpy as np
import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.errors import IndexDamagedError
from ragbot.index.bm25 import Bm25
from ragbot.index.lexical import Lexical
from ragbot.index.merging import MANY
from ragbot.index.roll import NOBODY, Roll
from ragbot.index.shared_names import SharedNames
from ragbot.index.snapshot import Entry, Snapshot
from ragbot.notes.link_resolver import Called
from ragbot.notes.parser import parse

FILES = {
    "models/Persona Vectors.md": "---\naliases: [trait directions]\n---\nVectors of traits.",
    "models/Drift.md": "# Persona Drift\n\nA persona drifts in long chats.\n\n## Cause\n\nLength.",
    "Personas.md": "The personas of the house. Every persona is listed.",
    "人格.md": "# 人格選択モデル\n\nモデルは人格を選ぶ。",
}


@pytest.fixture(scope="module")
def lexical():
    return MemoryCorpus.of(FILES).lexical


def test_notes_are_in_order_and_their_chunks_are_runs_of_rows(lexical):
    assert lexical.notes == tuple(sorted(FILES))
    assert lexical.first_chunk.tolist() == [0, 1, 3, 4, 5]


def test_bm25_scores_every_chunk_and_nothing_without_its_words(lexical):
    scores = lexical.passages("What causes drift in long chats?")
    assert scores.shape == (5,)
    assert scores.argmax() == 1
    assert scores[3] == 0


def test_a_title_counts_as_said_in_every_chunk_of_its_note(lexical):
    assert lexical.passages("drift")[2] > 0


def test_bm25_reads_scripts_without_spaces(lexical):
    assert lexical.passages("人格とは").argmax() == 4


@pytest.mark.parametrize("question", ["", "???", "zebra"], ids=repr)
def test_a_question_without_known_words_scores_nothing(lexical, question):
    assert not lexical.passages(question).any()


def test_titles_are_scored_by_themselves(lexical):
    scores = lexical.titles("the drift note")
    assert lexical.notes[scores.argmax()] == "models/Drift.md"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param("What is persona drift?", [("persona drift", True)], id="title"),
        pytest.param("Are trait directions real?", [("trait directions", False)], id="alias"),
        pytest.param("about DRIFT", [("drift", False)], id="file-name-in-any-case"),
        pytest.param("personas", [("personas", True)], id="one-word"),
        pytest.param("Persona drift and persona-vectors",
                     [("persona drift", True), ("persona vectors", True)], id="two"),
        pytest.param("人格選択モデルとは", [], id="no-word-boundary"),
        pytest.param("persona", [], id="part-of-a-name"),
        pytest.param("", [], id="nothing"),
    ],
)  # fmt: skip
def test_names_spotted(lexical, question, expected):
    assert [(s.name, s.title) for s in lexical.names(question)] == expected


def test_a_name_tells_where_it_stands_and_how_rare_it_is(lexical):
    question = "So: what's persona drift?"
    [drift] = lexical.names(question)
    assert question[slice(*drift.span)] == "persona drift"
    assert drift.notes == ("models/Drift.md",)
    assert 0 < lexical.rarity("persona") < lexical.rarity("drift") < lexical.rarity("zebra") == 1


def test_a_name_of_stop_words_is_never_spotted():
    corpus = MemoryCorpus.of({"What.md": "Text.", "Who We Are.md": "Text."})
    assert corpus.lexical.names("What is it, who we are?") == []


def test_what_is_saved_is_what_is_loaded(lexical, tmp_path):
    loaded = loaded_again(lexical, tmp_path)
    for question in ("persona drift", "人格", "trait directions"):
        assert np.array_equal(loaded.passages(question), lexical.passages(question))
        assert loaded.names(question) == lexical.names(question)
    assert loaded.notes == lexical.notes


def test_an_empty_vault_has_an_index(tmp_path):
    empty = Lexical.build([], [])
    empty.save(tmp_path)
    assert Lexical.load(tmp_path, empty.parts, NOBODY, np.zeros(1, int), []).passages(
        "anything"
    ).shape == (0,)


@pytest.mark.parametrize("name", ["keys.txt", "words.txt", "lengths.npy", "word_counts.npy"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\n"])
def test_a_damaged_file_is_named_as_such(lexical, tmp_path, name, content):
    lexical.save(tmp_path)
    (tmp_path / lexical.parts[0] / name).write_bytes(content)
    with pytest.raises(IndexDamagedError, match="words"):
        Lexical.load(tmp_path, lexical.parts, NOBODY, np.zeros(1, int), [])


def test_passages_without_words_are_counted(lexical, tmp_path):
    roll = Roll([Called("A.md", "A", ())])
    with pytest.raises(IndexDamagedError, match="the words of 5 passages are missing"):
        Lexical.load(tmp_path, [], roll, np.array([0, 5]), ["key"] * 5)


@cache
def entry(path, text):
    return Entry.of(parse(text, path)[0])


def read(files):
    """Read files; one that was read before is the same entry."""
    return Snapshot.of(entry(path, files[path]) for path in files)


def edited(before, old, files):
    """The index of other files, made from that of the files as they were."""
    vault = read(files)
    step, chunks = vault.since(read(old)), vault.chunks
    known = (before, step.notes, step.passages)
    return Lexical.of(vault.roll, chunks.first, chunks.keys, chunks.text, *known)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(FILES | {"Personas.md": "A persona is like Drift, said Amanda."}, id="edited"),
        pytest.param(
            FILES | {"A.md": "A persona drifts.", "B.md": "A persona drifts."}, id="added"
        ),
        pytest.param({"Personas.md": FILES["Personas.md"]}, id="most-removed"),
        pytest.param({"Other.md": "The persona of Amanda.", "Z.md": "Amanda."}, id="all-other"),
        pytest.param({f"{n}.md": FILES["models/Drift.md"] for n in range(9)}, id="copies"),
    ],
)
def test_words_taken_over_are_weighed_as_if_read_anew(lexical, files):
    taken = edited(lexical, FILES, files)
    clean = MemoryCorpus.of(files).lexical
    rows = range(int(clean.first_chunk[-1]))
    for question in ("What causes persona drift?", "Amanda", "人格", "said house"):
        assert np.array_equal(taken.passages(question), clean.passages(question))
        assert np.array_equal(taken.titles(question), clean.titles(question))
        assert taken.names(question) == clean.names(question)
        assert taken.rarity(question) == clean.rarity(question)
    named = [(n, w, held.tolist()) for n, w, held in taken.shared.shared(rows)]
    assert named == [(n, w, held.tolist()) for n, w, held in clean.shared.shared(rows)]


def test_many_edits_leave_few_sets_of_words(lexical):
    files, grown = dict(FILES), lexical
    for number in range(40):
        old = dict(files)
        files["Log.md"] = f"Entry {number} on persona drift."
        files[f"{number}.md"] = f"Note {number} of Amanda."
        grown = edited(grown, old, files)
        assert len(grown.parts) <= MANY
    assert np.array_equal(
        grown.passages("entry note persona"),
        MemoryCorpus.of(files).lexical.passages("entry note persona"),
    )


def test_chunks_out_of_order_are_refused():
    corpus = MemoryCorpus.of(FILES)
    with pytest.raises(ValueError, match="in the order of note id"):
        Lexical.build(corpus.notes.values(), corpus.chunks[::-1])


def loaded_again(lexical, folder):
    vault = read(FILES)
    lexical.save(folder)
    return Lexical.load(folder, lexical.parts, vault.roll, vault.chunks.first, vault.chunks.keys)


def shared_names(texts, note_of, row):
    keys = [str(number) for number in range(len(texts))]
    words = Bm25.of(keys, texts.__getitem__)
    found = SharedNames(words, np.array(note_of), max(note_of) + 1).shared([row])
    return {name: (round(weight, 3), held.tolist()) for name, weight, held in found}


def test_names_are_shared_by_the_notes_that_hold_them():
    texts = ["Guy met Hugh.", "Guy died.", "Nobody.", "Hugh and Marozia.", "Ann."]
    assert shared_names(texts, [0, 1, 2, 3, 4], 0) == {
        "guy": (0.324, [0, 1]),  # (ln(5 / 2) / ln 5) ** 2
        "hugh": (0.324, [0, 3]),
    }


def test_a_name_in_one_note_alone_or_in_too_many_is_no_clue():
    assert shared_names(["Guy.", "Guy.", "Ann."], [0, 0, 1], 0) == {}
    assert shared_names(["Guy."] * 50, list(range(50)), 0) == {}
