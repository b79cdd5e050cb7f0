"""Record what a real language model writes for forty questions over the shipped notes.

    python -m tests.record_models NAME URL     e.g. qwen2.5-coder-1.5b http://127.0.0.1:8123/v1

Any OpenAI-compatible server does. Writes tests/recordings/NAME.jsonl: a line with the model, the
date and the instruction, then a line for each question, with the evidence and what was written.
`test_recordings.py` replays it.
"""

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from ragbot import Ragbot, Turn
from ragbot.answers import evidence, llm_answer
from ragbot.config import Config
from ragbot.inference.llm import LanguageModel

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = Path(__file__).parent / "recordings"


def questions():
    """Return forty questions of every kind: two of each five of the shipped set."""
    lines = (ROOT / "tests/evaluation/garden.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for number, line in enumerate(lines) if number % 5 in (0, 2)]


class Recorder(LanguageModel):
    """Keeps all that the model writes, and reads a stream to its end."""

    written = ""

    def stream(self, messages):
        started = time.monotonic()
        pieces = []
        for piece in super().stream(messages):
            if not pieces:
                self.first = round(time.monotonic() - started, 2)
            pieces.append(piece)
        self.written, self.seconds = "".join(pieces), round(time.monotonic() - started, 2)
        yield from pieces


def record(name, url):
    head = {"model": name, "date": date.today().isoformat(), "instruction": llm_answer.INSTRUCTION}
    collect, lines = evidence.collect, []

    def collected(corpus, ranked, tokens=0):
        lines[:] = collect(corpus, ranked)  # as much as for a model of unknown speed
        return list(lines)

    evidence.collect = collected
    RECORDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as index, (RECORDINGS / f"{name}.jsonl").open("w") as file:
        file.write(json.dumps(head) + "\n")
        with Ragbot.open(config=Config(notes=ROOT / "notes", index=Path(index))) as bot:
            bot._models.configured = recorder = Recorder(f"openai-like/{name}", url, 600.0)
            for one in questions():
                recorder.written = ""
                answer = bot.ask(one["question"], [Turn(past) for past in one["history"]])
                if recorder.written:  # relations and small talk need no model
                    file.write(json.dumps(line(one, answer, lines, recorder)) + "\n")
                    file.flush()
                    print(one["id"], recorder.first, answer.kind, flush=True)


def line(one, answer, lines, recorder):
    found = [
        {"note": one.note, "place": one.place, "spans": one.spans, "texts": one.texts}
        for one in lines
    ]
    return {
        "id": one["id"],
        "question": one["question"],
        "query": answer.query,
        "evidence": found,
        "text": recorder.written,
        "first": recorder.first,
        "seconds": recorder.seconds,
    }


if __name__ == "__main__":
    record(*sys.argv[1:])
