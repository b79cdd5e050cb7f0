"""What the page's script calls answers whatever a browser sends."""

import json

from ragbot.apps.web.browser_calls import FEEDBACK, functions, text_of

HALF = "\ud83d"


def test_half_of_a_surrogate_pair_becomes_a_question_mark():
    assert text_of(f"tea {HALF} 😀") == "tea ? 😀"


def test_half_of_a_surrogate_pair_ends_no_call(plot_bot):
    read_note, draw, opinion = functions(plot_bot)
    assert "No note" in read_note({"note": HALF})
    assert "Basil" in read_note({"note": "Basil", "place": HALF})
    assert draw({"seeds": [HALF]})["nodes"] == []
    assert opinion({"question": HALF, "answer": HALF})
    written = (plot_bot.config.index / FEEDBACK).read_text(encoding="utf-8")
    assert json.loads(written.splitlines()[-1])["question"] == "?"
