"""Unlinked mentions: found at a name, and guarded against chance."""

from ragbot.models import MENTIONS
from ragbot.notes import mentions
from ragbot.notes.link_resolver import resolve
from ragbot.notes.mentions import MAX_TOKENS
from ragbot.notes.parser import parse


def found(text, *names, **aliased):
    notes = [parse(text, "Here.md")[0]]
    notes += [parse("", f"{name}.md")[0] for name in names]
    notes += [
        parse(f"---\naliases: [{alias}]\n---\n", f"{name}.md")[0] for name, alias in aliased.items()
    ]
    notes = resolve(notes)
    relations = [r for r in mentions.find(notes) if r.source == "Here.md"]
    assert all(text[slice(*r.span)].split()[-1] == r.written.split()[-1] for r in relations)
    assert all(r.predicate == MENTIONS and not r.typed for r in relations)
    return [(relation.written, relation.target) for relation in relations]


def test_a_name_in_the_text():
    assert found("On persona  drift, and more.", "Persona Drift") == [
        ("persona drift", "Persona Drift.md")
    ]


def test_a_name_over_a_line_end():
    expected = [("persona drift", "Persona Drift.md")]
    assert found("about persona\ndrift", "Persona Drift") == expected
    assert found("> about persona\n> drift", "Persona Drift") == expected


def test_an_alias():
    assert found("The Selection Model says", Long="Selection Model") == [
        ("Selection Model", "Long.md")
    ]


def test_the_longest_wins_and_the_shorter_where_it_fails():
    names = ("Persona Drift", "Persona Drift Causes")
    assert [w for w, _ in found("Persona drift causes. Persona drift caused", *names)] == [
        "Persona drift causes",
        "Persona drift",
    ]


def test_word_boundaries():
    assert found("Multipersona driftwood", "Persona Drift") == []
    assert found("persona.drift persona, drift", "Persona Drift") == []


def test_scripts_without_blanks_and_with_vowel_signs():
    assert found("我们讨论测试组件的用法", "测试组件") == [("测试组件", "测试组件.md")]
    assert found("यह समर्थन है", "समर्थन") == [("समर्थन", "समर्थन.md")]
    assert found("यह समर्थ है", "सम") == []


def test_not_in_links_code_headings_frontmatter_and_comments():
    text = (
        "---\nnote: Persona Drift\n---\n# Persona Drift\n\n"
        "[[Other|Persona Drift]] `Persona Drift`\n"
        "%% Persona Drift %% <!-- Persona Drift -->\n\n```\nPersona Drift\n```\n"
    )
    assert found(text, "Persona Drift", "Other") == []


def test_a_note_that_is_linked_is_not_suggested():
    assert found("[[Persona Drift]] and Persona Drift", "Persona Drift") == []


def test_single_words_need_their_case():
    assert found("the model of Pruner", "Model", "Pruner") == [("Pruner", "Pruner.md")]


def test_short_names_numbers_and_shared_names_are_left_out():
    assert found("AI in 1984 by X", "AI", "1984", "X") == []
    assert found("about Nick", A="Nick", B="Nick") == []


def test_common_words_are_left_out():
    notes = [parse("Some talk of Notes here.", f"N{n}.md")[0] for n in range(30)]
    notes.append(parse("", "Notes.md")[0])
    assert mentions.find(resolve(notes)) == []
    notes[1:] = [parse("Other talk.", f"N{n}.md")[0] for n in range(1, 30)] + notes[-1:]
    assert len(mentions.find(resolve(notes))) == 1


def test_names_of_many_equal_words_cost_no_more():
    names = [" ".join(["aaa"] * n) for n in range(1, 60)]
    written = [name for name, _ in found("aaa " * 20_000, *names)]
    assert [len(name.split()) for name in written] == [MAX_TOKENS, 20_000 % MAX_TOKENS]
