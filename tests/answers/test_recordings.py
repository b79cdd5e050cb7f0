"""What real models wrote, replayed: only sentences that the notes carry are shown."""

import json
from functools import cache

import pytest

from ragbot.answers.candidates import readable
from ragbot.answers.evidence import EvidenceLine
from ragbot.answers.grounding import is_exact
from ragbot.answers.llm_answer import INSTRUCTION, MOST_WORDS
from ragbot.answers.stream import Writer, stream
from ragbot.inference.encoder import VectorCache
from ragbot.inference.llm import LanguageModel
from ragbot.inference.ray import open_encoder
from ragbot.models import Answer
from ragbot.notes import link_resolver, vault
from ragbot.questions.question_type import clauses
from tests.conftest import ROOT
from tests.model_server import Script, serving

FOLDER = ROOT / "tests" / "recordings"
RECORDINGS = sorted(FOLDER.glob("*.jsonl"))
ENCODE = VectorCache(open_encoder("", "onnx", "").encode)


@cache
def notes(folder):
    return {note.id: note for note in link_resolver.resolve(vault.read(ROOT / folder)[0])}


@cache
def judged():
    """Return what a person found of each sentence: whether its quotes carry it."""
    return json.loads((FOLDER / "judged.json").read_text(encoding="utf-8"))


@cache
def replayed(recording):
    """Return each row with the last snapshot of its answer."""
    head, *rows = map(json.loads, recording.read_text(encoding="utf-8").splitlines())
    assert head["instruction"] == INSTRUCTION, "the prompt changed: record the models again"
    written = {row["query"]: row["text"] for row in rows}
    script = Script(lambda body: written[body["messages"][-1]["content"].split(INSTRUCTION)[1][1:]])
    found = []
    with serving(script) as url:
        model = LanguageModel("openai-like/recorded", url)
        for row in rows:
            lines = [
                EvidenceLine(
                    number,
                    one["note"],
                    tuple(map(tuple, one["spans"])),
                    tuple(one["texts"]),
                    one["place"],
                )
                for number, one in enumerate(row["evidence"], start=1)
            ]
            quoted = Answer(row["question"], "", "extractive", False, query=row["query"])
            parts = tuple(clauses(row["query"]))
            *_, last = stream(quoted, Writer(model, lines, notes(row["vault"]), ENCODE, parts))
            found.append((row, last))
    return found


def in_own_words(answer):
    """Return the statements that are no sentence of the notes."""
    quotes = " ".join(readable(citation.quote) for citation in answer.citations)
    return [one.text for one in answer.statements if one.text.rstrip(".;") not in quotes]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_every_sentence_shown_was_read_and_is_carried(recording):
    answers = [last for _, last in replayed(recording) if last.kind == "generated"]
    shown = [text for last in answers for text in in_own_words(last)]
    wrong = [text for text in shown if judged().get(text) is False]
    assert not set(shown) - set(judged()), "read these and add them to judged.json"
    assert len(wrong) <= sum(len(last.statements) for last in answers) / 50, wrong


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_replayed_answer_is_short_and_its_quotes_are_in_the_notes(recording):
    assert len(replayed(recording)) == 40
    for row, last in replayed(recording):
        assert all(is_exact(citation, notes(row["vault"])) for citation in last.citations)
        assert sum(len(one.text.split()) for one in last.statements) <= MOST_WORDS
