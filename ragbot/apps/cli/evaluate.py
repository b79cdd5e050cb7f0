"""The command `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragbot.apps.cli.options import Command, json_option, places
from ragbot.apps.cli.session import opened, print_json

if TYPE_CHECKING:
    from ragbot.config import Config


@click.command(
    cls=Command,
    examples=(
        "ragbot evaluate tests/evaluation/garden.jsonl",
        "ragbot evaluate questions.jsonl --words --json",
    ),
)
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("--answers", is_flag=True, help="Ask each question, and judge the answers.")
@click.option("--words", is_flag=True, help="Without the encoder.")
@json_option
@places
def evaluate(config: Config, questions: Path, answers: bool, words: bool, as_json: bool) -> None:
    """Measure how well questions are answered; list what was missed.

    QUESTIONS is a file of JSON lines.
    """
    from ragbot.evaluation import answers as of_answers
    from ragbot.evaluation import llm_answers
    from ragbot.evaluation import retrieval as of_retrieval

    if answers:
        expected = of_retrieval.read(questions)
        with opened(config, encoder=not words) as (bot, _), bot.snapshot() as corpus:
            timed = llm_answers.Timed(bot.stream)
            judged = of_answers.run(corpus.notes, timed, expected)
        record, shown = of_answers.as_json(judged), of_answers.as_text(judged)
        if config.llm:
            shown += "\n\n" + llm_answers.as_text(timed.timings)
    else:
        asked = of_retrieval.read(questions)
        with opened(config, encoder=not words) as (bot, _):
            encode = (lambda question: None) if words else bot.encode
            with bot.snapshot() as corpus:
                found = of_retrieval.evaluate(corpus, encode, asked)
        record, shown = of_retrieval.as_json(found), of_retrieval.as_text(found)
    if as_json:
        print_json(record)
    else:
        print(shown)
