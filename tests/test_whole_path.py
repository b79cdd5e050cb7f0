"""The whole path on the real vault: index it, ask, and check the quotations of the answers.

Embedding its 2,400 passages takes minutes on two processors, so words and links answer here; the
tests of answers embed smaller vaults.
"""

import pytest

from ragbot import Ragbot

CHEAT = "Why does training a model to cheat on coding tasks make it misaligned in other ways?"


@pytest.fixture(scope="module")
def bot(real_vault, tmp_path_factory):
    index = tmp_path_factory.mktemp("index")
    with Ragbot.open(real_vault, index, refresh=False) as opened:
        yield opened


def test_every_note_is_indexed(bot, real_vault):
    status = bot.status()
    assert status.notes == len(list(real_vault.rglob("*.md"))) == 177
    assert status.passages > 1000
    assert status.behind == 0


def test_the_seed_note_answers_with_a_quotation_at_its_lines(bot, real_vault):
    answer = bot.ask(CHEAT)

    assert not answer.abstained
    assert answer.grounded
    cited = [c for c in answer.citations if c.note == "models/The Persona Selection Model.md"]
    assert cited
    for citation in answer.citations:
        text = (real_vault / citation.note).read_text(encoding="utf-8")
        first, last = citation.lines
        assert citation.quote in "\n".join(text.split("\n")[first - 1 : last])


def test_a_question_that_the_vault_does_not_answer(bot):
    answer = bot.ask("What is the capital of Peru?")
    assert answer.abstained
    assert answer.citations == ()


def test_typed_relations_keep_their_annotations(bot):
    edges = bot.related("Six Approaches to Persona Architecture — Synthesis", "relates_to", "out")
    membrane = next(r for r in edges if r.written == "Three-Layer Publication Membrane")
    assert membrane.target == "boundaries/Three-Layer Publication Membrane.md"
    assert "layer 3 of this membrane model" in membrane.annotation
