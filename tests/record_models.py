"""Record what a real language model writes for forty questions over notes of this repository.

    python -m tests.record_models NAME URL     e.g. qwen2.5-coder-1.5b http://127.0.0.1:8123/v1

Any OpenAI-compatible server does. Writes tests/recordings/NAME.jsonl: a line with the model, the
date and the instruction, then a line for each question, with the evidence and what was written.
`test_recordings.py` replays it.
"""

import json
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from itertools import islice, zip_longest
from pathlib import Path

from ragbot import Ragbot, Turn
from ragbot.answers import evidence, llm_answer
from ragbot.config import Config
from ragbot.inference.llm import LanguageModel

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = Path(__file__).parent / "recordings"
MOST = 40
"""Questions that the model is asked; relations and silence need no model."""

VAULTS = {
    "notes": "tests/evaluation/garden.jsonl",
    "tests/everyday/vault": "tests/everyday/questions.jsonl",
}


def questions():
    """Yield a vault and a question of its set, of both in turn, each set in a fixed random order.

    Of the garden's questions it takes every second.
    """
    sets = []
    for vault, path in VAULTS.items():
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines][:: 2 if vault == "notes" else 1]
        random.Random(21).shuffle(rows)
        sets.append([(vault, row) for row in rows])
    yield from (pair for turn in zip_longest(*sets) for pair in turn if pair)


class Recorder(LanguageModel):
    """Keeps what the model reads and writes, and reads a stream to its end."""

    evidence_tokens = evidence.TOKENS
    written = ""

    def stream(self, messages):
        started = time.monotonic()
        pieces = []
        for piece in filter(None, super().stream(messages)):
            if not pieces:
                self.first = round(time.monotonic() - started, 2)
            pieces.append(piece)
        self.written, self.seconds = "".join(pieces), round(time.monotonic() - started, 2)
        yield from pieces


def record(name, url):
    head = {"model": name, "date": date.today().isoformat(), "instruction": llm_answer.INSTRUCTION}
    RECORDINGS.mkdir(exist_ok=True)
    recorder = Recorder(f"openai-like/{name}", url, 600.0)
    with (RECORDINGS / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        for found in islice(recorded(recorder), MOST):
            file.write(json.dumps(found, ensure_ascii=False) + "\n")
            file.flush()
            print(found["id"], found["seconds"], flush=True)


def recorded(recorder):
    """Yield a row for each question that the model is asked."""
    collect, lines = evidence.collect, []

    def collected(*arguments):
        lines[:] = collect(*arguments)
        return list(lines)

    evidence.collect = collected
    with ExitStack() as stack:
        bots = {}
        for vault in VAULTS:
            index = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            config = Config(notes=ROOT / vault, index=index)
            bots[vault] = stack.enter_context(Ragbot.open(config=config))
            bots[vault]._models.configured = recorder
        for vault, one in questions():
            recorder.written = ""
            answer = bots[vault].ask(one["question"], [Turn(past) for past in one["history"]])
            if recorder.written:
                yield row(vault, one["id"], answer, lines, recorder)


def row(vault, name, answer, lines, recorder):
    found = [
        {"note": one.note, "place": one.place, "spans": one.spans, "texts": one.texts}
        for one in lines
    ]
    return {
        "vault": vault,
        "id": name,
        "question": answer.question,
        "query": answer.query,
        "evidence": found,
        "text": recorder.written,
        "first": recorder.first,
        "seconds": recorder.seconds,
    }


if __name__ == "__main__":
    record(*sys.argv[1:])
