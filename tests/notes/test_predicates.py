"""Spellings, words and inverses of predicates."""

import pytest

from ragbot.notes import predicates
from ragbot.notes.parser import parse


@pytest.mark.parametrize("written", ["Relates to", "relates-to", "relates_to", "RELATES  TO:"])
def test_one_predicate_in_many_spellings(written):
    assert predicates.canonical(written) == "relates_to"
    assert predicates.words(written) == "relates to"


@pytest.mark.parametrize("name", sorted(predicates.KNOWN))
def test_the_inverse_of_an_inverse_leads_back(name):
    inverse = predicates.inverse(name)
    assert inverse == predicates.canonical(inverse)
    assert predicates.inverse(inverse) is not None


def test_other_scripts_survive():
    assert predicates.normal("समर्थन") == "समर्थन"
    assert predicates.normal("🎅") == "🎅"


def test_a_vault_declares_inverses():
    note = parse('---\ninverse_of: "[[home of]]"\n---\n', "predicates/grows in.md")[0]
    declared = predicates.declared([note])
    assert declared == {"grows_in": "home_of", "home_of": "grows_in"}
