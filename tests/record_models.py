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
from datetime import date
from pathlib import Path

from ragbot import Ragbot, Turn
from ragbot.answers import evidence, llm_answer
from ragbot.config import Config
from ragbot.inference.llm import LanguageModel

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = Path(__file__).parent / "recordings"
EACH = 20
"""Questions of each set that the model is asked; relations and silence need no model."""

VAULTS = {
    "notes": "tests/evaluation/garden.jsonl",
    "tests/everyday/vault": "tests/everyday/more.jsonl",
}


def questions(path):
    """Return the questions of a set in a fixed random order; of the garden's, every second."""
    rows = [json.loads(line) for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]
    rows = rows[::2] if "garden" in path else rows
    random.Random(21).shuffle(rows)
    return rows


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
    with (RECORDINGS / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        for vault, path in VAULTS.items():
            for row in recorded(vault, path, Recorder(f"openai-like/{name}", url, 600.0)):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                print(row["id"], row["seconds"], flush=True)


def recorded(vault, path, recorder):
    """Yield a row for each question of a set that the model is asked, `EACH` at most."""
    collect, lines, count = evidence.collect, [], 0

    def collected(*arguments):
        lines[:] = collect(*arguments)
        return list(lines)

    evidence.collect = collected
    with (
        tempfile.TemporaryDirectory() as index,
        Ragbot.open(config=Config(notes=ROOT / vault, index=Path(index))) as bot,
    ):
        bot._models.configured = recorder
        for one in questions(path):
            recorder.written = ""
            answer = bot.ask(one["question"], [Turn(past) for past in one["history"]])
            if recorder.written:
                count += 1
                yield row(vault, one["id"], answer, lines, recorder)
            if count == EACH:
                break
    evidence.collect = collect


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
