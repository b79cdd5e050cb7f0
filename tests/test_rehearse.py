"""Sentences are taken in while nobody asks: a question then encodes nothing but its own words."""

import threading

from ragbot import Ragbot, rehearse
from ragbot.chunk import embedding_text
from ragbot.schema import Chunk
from ragbot.ui import serving

QUESTION = "What do slugs eat in the bed of lettuce at night?"


class Listening:
    def __init__(self, bot):
        self.asked = []
        self._encode = bot.remembered._encode
        bot.remembered._encode = self

    def __call__(self, texts):
        self.asked += texts
        return self._encode(texts)


def test_only_the_question_itself_is_encoded(plot, plot_index):
    with Ragbot.open(plot, plot_index) as bot:
        before = bot.ask(QUESTION)
    with Ragbot.open(plot, plot_index) as bot:
        bot.remembered.ahead(rehearse.texts(bot.corpus(), 10_000), threading.Event())
        listening = Listening(bot)
        answer = bot.ask(QUESTION)
        assert (answer.text, answer.citations) == (before.text, before.citations)
        assert answer.citations
        own = {*QUESTION.casefold().rstrip("?").split(), QUESTION.rstrip("?").casefold()}
        assert {text.casefold().rstrip("?") for text in listening.asked} <= own


def test_each_sentence_is_listed_once_and_the_best_linked_note_first(plot, plot_index):
    with Ragbot.open(plot, plot_index) as bot:
        corpus = bot.corpus()
        texts = rehearse.texts(corpus, 10_000)
        assert len(set(texts)) == len(texts)
        assert rehearse.texts(corpus, 3) == texts[:3]
        most = max(corpus.notes, key=lambda id: len(corpus.graph.edges_in(corpus.graph.row(id))))
        start = embedding_text(corpus.notes[most], Chunk(most, (0, 0), "", ()))
        assert texts[0].startswith(start)


def test_sentences_of_a_note_that_changed_are_taken_in_too(tmp_path):
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "Owl.md").write_text("# Owl\n\nOwls hunt at night.\n", encoding="utf-8")
    with Ragbot.open(vault, tmp_path / "index") as bot:
        listening = Listening(bot)
        stop = threading.Event()
        working = threading.Thread(
            target=serving.rehearse, args=(bot, stop), kwargs={"again": 0.05}
        )
        working.start()
        try:
            assert soon(lambda: any("hunt at night" in text for text in listening.asked))
            (vault / "Owl.md").write_text("# Owl\n\nOwls rest by day.\n", encoding="utf-8")
            bot.refresh()
            assert soon(lambda: any("rest by day" in text for text in listening.asked))
        finally:
            stop.set()
            working.join()


def soon(holds):
    waiting = threading.Event()
    return any(holds() or waiting.wait(0.05) for _ in range(200))
