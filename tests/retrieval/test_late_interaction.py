"""Late interaction: passages and sentences that meet the words of a question."""

import pytest

from benchmarks.memory import MemoryCorpus, asked, bags
from ragbot.inference.token_codes import EncodedQuestion, TokenVectors
from ragbot.questions.question import analyse
from ragbot.retrieval import late_interaction
from ragbot.retrieval.late_interaction import Reading
from ragbot.retrieval.retriever import retrieve

FILES = {
    "Kettle.md": "# Kettle\n\nCopper conducts. A whistle sounds at boiling.\n",
    "Pot.md": "# Pot\n\nClay keeps warm.\n",
    "Pan.md": "# Pan\n\nIron rusts. Oil protects it.\n",
}


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES, bags)


def row_of(corpus, note):
    return corpus.passages_of(note)[0]


def reading_of(corpus, question):
    return Reading(corpus, analyse(corpus, question, encode=asked).vectors)


def test_only_the_passage_with_every_word_scores_high(corpus):
    question = "whistle boiling"
    passages = corpus.all_passages
    read = reading_of(corpus, question).passages(passages)
    near = dict(zip(passages, read, strict=True))
    assert near.pop(row_of(corpus, "Kettle.md")) > 0.95
    assert max(near.values()) < 0.3


def test_a_sentence_scores_by_its_words_or_its_title(corpus):
    question = "kettle whistle"
    row = row_of(corpus, "Kettle.md")
    text = corpus.notes["Kettle.md"].text
    spans = [(text.index("Copper"), text.index(" A")), (text.index("A wh"), len(text) - 1)]
    reading = reading_of(corpus, question)
    [met] = reading.pieces([(row, spans)])
    assert met.own[1] > 2 * met.own[0]
    assert met.words[1] @ reading.weights > 0.95 > met.own[1]
    assert met.passage > 0.95
    assert met.words.shape == (2, 2)


def test_passages_read_together_are_met_as_each_is_alone(corpus):
    reading = reading_of(corpus, "kettle of clay")
    spans = [(one, [corpus.passage(one).span]) for one in corpus.all_passages]
    alone = [one for pair in spans for one in reading.pieces([pair])]
    assert [one.passage for one in reading.pieces(spans)] == [
        pytest.approx(one.passage) for one in alone
    ]
    assert reading.passages(corpus.all_passages) == pytest.approx([one.passage for one in alone])
    assert len({one.passage for one in alone}) == 3


def test_an_encoder_without_words_leaves_out_this_step(corpus):
    question = "whistle boiling"
    alone = EncodedQuestion(asked(question).vector, TokenVectors(bags([]).vectors, ()))
    assert not late_interaction.reads(analyse(corpus, question, encode=lambda _: alone).vectors)
    assert not late_interaction.reads(None)
    assert (
        retrieve(corpus, analyse(corpus, question, encode=lambda text: alone))[0].passage.note
        == "Kettle.md"
    )


def test_words_decide_for_a_script_unknown_to_the_encoder():
    files = {"茶.md": "# 茶\n\n水壶在炉子上。\n", "Kettle.md": "# Kettle\n\nCopper.\n"}
    corpus = MemoryCorpus.of(files, bags)
    letters = tuple((n, n + 1) for n in range(3))
    blind = EncodedQuestion(
        asked("kettle copper").vector, TokenVectors(asked("a b c").words.vectors, letters)
    )
    hits = retrieve(corpus, analyse(corpus, "水壶？", encode=lambda text: blind))
    assert [hit.passage.note for hit in hits] == ["茶.md"]
    assert {one.retriever for one in hits[0].evidence} == {"bm25"}
