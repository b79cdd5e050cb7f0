"""One bot in many threads: they ask, search, refresh and close, and none meets another's work."""

import itertools
import os
import random
import re
import threading
import time
from pathlib import Path

import pytest

from ragbot.bot import Ragbot
from ragbot.config import Config
from ragbot.errors import ClosedError
from tests.word_encoder import WordEncoder

QUESTIONS = [
    "What causes late blight?",
    "What mitigates late blight?",
    "Which plants grow with basil?",
    "How is crop rotation done?",
    "What is the capital of Peru?",
]


class Words(WordEncoder):
    """The encoder of the tests with all that a bot calls."""

    name = "words"

    def load(self):
        return self

    def encode(self, texts):
        return self.encode_passages(texts).vectors


@pytest.fixture
def open_bot(plot, tmp_path, monkeypatch):
    monkeypatch.setattr("ragbot.bot.open_encoder", lambda *settings: Words())

    def opened(notes=plot):
        return Ragbot.open(config=Config(notes=notes, index=tmp_path / "index"))

    return opened


def result_of(bot, question):
    """The whole result of a question: the answer's text and quotations, and the hits in order."""
    answer = bot.ask(question)
    hits = bot.search(question, 5)
    return (
        answer.text,
        tuple((citation.note, citation.span) for citation in answer.citations),
        tuple((hit.passage.note, hit.passage.span, round(hit.score, 6)) for hit in hits),
    )


def at_once(*works):
    """Run each function in a thread, all at the same time; return the exceptions."""
    raised, together = [], threading.Barrier(len(works))

    def run(work):
        together.wait()
        try:
            work()
        except BaseException as error:  # would be lost with its thread
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    return raised


def test_many_threads_are_answered_as_one_is(open_bot):
    with open_bot() as bot:
        alone = {question: result_of(bot, question) for question in QUESTIONS}
        assert any(citations for _, citations, _ in alone.values())
        found = []

        def ask(seed):
            for question in random.Random(seed).sample(QUESTIONS, len(QUESTIONS)):
                found.append((question, result_of(bot, question)))

        def refresh():
            for rebuild in (False, True, False):
                bot.refresh(rebuild=rebuild)

        def read():
            for note in bot.notes():
                assert bot.note(note.title).id == note.id
                bot.related(note.id)
                bot.status()
                bot.problems()

        works = [lambda seed=seed: ask(seed) for seed in range(12)]
        assert at_once(*works, refresh, refresh, read, read) == []
    assert len(found) == 12 * len(QUESTIONS)
    for question, answer in found:
        assert answer == alone[question]


def test_an_answer_is_of_one_state_of_the_notes_while_they_change(open_bot, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()

    def write(version):
        for name in ("Heron", "Kestrel"):
            text = f"# {name}\n\nThe {name.lower()} nests in tree number {version}.\n"
            (notes / f"{name}.md").write_text(text, encoding="utf-8")

    write(0)
    ended = threading.Event()
    with open_bot(notes) as bot:

        def edit():
            for version in range(1, 9):
                write(version)
                bot.refresh()
            ended.set()

        def ask():
            while not ended.is_set():
                answer = bot.ask("In which tree do the heron and the kestrel nest?")
                said = [hit.passage.text for hit in answer.hits]
                said += [citation.quote for citation in answer.citations]
                assert len({hit.passage.note for hit in answer.hits}) == 2
                assert len(set(re.findall(r"number (\d)", " ".join(said)))) == 1

        assert at_once(edit, *[ask] * 6) == []
        assert "tree number 8" in bot.ask("In which tree does the heron nest?").text


def test_closing_lets_calls_end_and_refuses_later_ones(open_bot):
    for round_ in range(5):
        bot = open_bot()
        alone = {question: result_of(bot, question) for question in QUESTIONS}
        closing = threading.Event()

        def ask(bot=bot, alone=alone):
            for question in itertools.cycle(QUESTIONS):
                assert result_of(bot, question) == alone[question]

        def refresh(bot=bot):
            while True:
                bot.refresh()

        def close(bot=bot, closing=closing, pause=0.02 * round_):
            closing.wait(pause)
            bot.close()

        raised = at_once(*[ask] * 6, refresh, refresh, close, close)
        assert len(raised) == 8
        assert {type(error) for error in raised} == {ClosedError}


@pytest.mark.parametrize(
    "call",
    [
        lambda bot: bot.ask("What causes late blight?"),
        lambda bot: list(bot.stream("What causes late blight?")),
        lambda bot: bot.search("late blight"),
        lambda bot: bot.note("Tomato"),
        lambda bot: bot.notes(),
        lambda bot: bot.related("Tomato"),
        lambda bot: bot.path("Tomato", "Basil"),
        lambda bot: bot.graph(),
        lambda bot: bot.status(),
        lambda bot: bot.problems(),
        lambda bot: bot.refresh(),
        lambda bot: bot.snapshot().__enter__(),
        lambda bot: bot.encode("late blight"),
    ],
)
def test_a_closed_bot_says_so(open_bot, call):
    bot = open_bot()
    kept = bot.ask("What causes late blight?")
    bot.close()
    bot.close()
    with pytest.raises(ClosedError, match=r"is closed; an open one was expected. Open another"):
        call(bot)
    assert kept.citations


def test_a_stream_reads_one_state_and_is_ended_by_closing_it(open_bot, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "Heron.md").write_text("# Heron\n\nThe heron nests in tree number 0.\n")
    with open_bot(notes) as bot:
        pieces = bot.stream("In which tree does the heron nest?")
        first = next(pieces)
        (notes / "Heron.md").write_text("# Heron\n\nThe heron nests in tree number 1.\n")
        bot.refresh()
        *_, answer = first, *pieces
        assert "tree number 0" in answer.text
        left = bot.stream("In which tree does the heron nest?")
        next(left)
        left.close()
        assert "tree number 1" in bot.ask("In which tree does the heron nest?").text


def test_a_stream_may_be_continued_in_another_thread(open_bot):
    with open_bot() as bot:
        pieces = bot.stream("What causes late blight?")
        found = [next(pieces)]
        assert at_once(lambda: found.extend(pieces)) == []
        assert found[-1] == bot.ask("What causes late blight?")


def test_closing_closes_the_database(open_bot, tmp_path):
    bot = open_bot()
    bot.note("Tomato")
    bot.close()
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        return
    end = time.monotonic() + 10
    while open_files := _open_files(descriptors, tmp_path / "index"):
        # Chroma closes its files in a thread of its own.
        assert time.monotonic() < end, open_files
        time.sleep(0.01)


def _open_files(descriptors, folder):
    found = {os.path.realpath(path) for path in descriptors.iterdir()}
    return [name for name in found if name.startswith(str(folder))]
