"""The measures of written answers count what is shown."""

from ragbot.evaluation.llm_answers import Timed, as_text
from ragbot.models import Answer, Statement


def answer(kind, text="", abstained=False):
    return Answer("q", text, kind, abstained, (Statement(text, (1,)),) if text else ())


def test_written_and_quoted_answers_are_labelled():
    streams = {
        "a": [answer("extractive", "long quote"), answer("generated", "Three short words")],
        "b": [answer("extractive", "long quote")],
        "c": [answer("extractive", abstained=True)],
    }
    timed = Timed(lambda question, history: iter(streams[question]))
    assert [timed(question, ()).kind for question in "abc"] == [
        "generated",
        "extractive",
        "extractive",
    ]
    assert [one.words for one in timed.timings] == [3, 0, 0]
    assert [one.first is None for one in timed.timings] == [False, True, True]
    text = as_text(timed.timings)
    assert "written answers: 1 of 2 answered, 3 asked" in text
    assert "declined: 1 of 3" in text
