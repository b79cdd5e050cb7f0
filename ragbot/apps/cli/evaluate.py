"""The command that measures: evaluate."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ragbot.apps.cli.session import opened, print_json


def evaluate(options: Namespace) -> int:
    """Run a set of questions and print how much of what they need was found."""
    from ragbot.evaluation import retrieval as evaluation

    if options.answers:
        return _answers(options)
    questions = evaluation.read(Path(options.questions))
    with opened(options, encoder=not options.words) as (bot, _):
        encode = (lambda question: None) if options.words else bot.encode
        report = evaluation.evaluate(bot.corpus(), encode, questions)
    if options.json:
        print_json(evaluation.as_json(report))
    else:
        print(evaluation.as_text(report))
    return 0


def _answers(options: Namespace) -> int:
    """Ask every question of the set, and print how the answers fared."""
    from ragbot.evaluation import answers as evaluation

    expected = evaluation.read(Path(options.questions))
    with opened(options, encoder=not options.words) as (bot, _):
        report = evaluation.run(bot.corpus().notes, bot.ask, expected)
    if options.json:
        print_json(evaluation.as_json(report))
    else:
        print(evaluation.as_text(report))
    return 0
