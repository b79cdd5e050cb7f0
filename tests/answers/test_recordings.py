"""What real models wrote, replayed: only sentences that the notes carry are shown."""

import json
from functools import cache

import pytest

from ragbot.answers.evidence import EvidenceLine
from ragbot.answers.grounding import stands
from ragbot.answers.llm_answer import INSTRUCTION
from ragbot.answers.stream import Writer, stream
from ragbot.inference.llm import LanguageModel
from ragbot.models import Answer
from ragbot.notes import link_resolver, vault
from tests.conftest import ROOT
from tests.model_server import Script, serving

FOLDER = ROOT / "tests" / "recordings"
RECORDINGS = sorted(FOLDER.glob("*.jsonl"))


@cache
def notes(folder):
    return {note.id: note for note in link_resolver.resolve(vault.read(ROOT / folder)[0])}


@cache
def judged():
    """Return what a person found of each sentence: whether its notes carry it."""
    return json.loads((FOLDER / "judged.json").read_text(encoding="utf-8"))


def replayed(recording):
    """Yield each row with the last snapshot of its answer."""
    head, *rows = map(json.loads, recording.read_text(encoding="utf-8").splitlines())
    assert head["instruction"] == INSTRUCTION, "the prompt changed: record the models again"
    written = {row["query"]: row["text"] for row in rows}
    script = Script(lambda body: written[body["messages"][-1]["content"].split(INSTRUCTION)[1][1:]])
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
            *_, last = stream(quoted, Writer(model, lines, notes(row["vault"])))
            yield row, last


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_every_sentence_shown_was_read_and_is_carried(recording):
    shown = [
        (row["id"], statement.text)
        for row, last in replayed(recording)
        for statement in last.statements
        if last.kind == "generated"
    ]
    unread = [pair for pair in shown if pair[1] not in judged()]
    wrong = [pair for pair in shown if judged().get(pair[1]) is False]
    assert not unread, "read these and add them to judged.json"
    assert len(wrong) <= len(shown) / 50, wrong


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_every_quote_of_a_replayed_answer_is_in_its_note(recording):
    for row, last in replayed(recording):
        assert all(stands(citation, notes(row["vault"])) for citation in last.citations)
