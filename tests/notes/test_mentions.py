"""Unlinked mentions: found where a name stands, and guarded against chance."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ragbot.index.roll import Roll
from ragbot.models import MENTIONS
from ragbot.notes import mentions
from ragbot.notes.link_resolver import Called, resolve
from ragbot.notes.mentions import MAX_TOKENS
from ragbot.notes.parser import parse


def found(text, *names, **aliased):
    notes = [parse(text, "Here.md")[0]]
    notes += [parse("", f"{name}.md")[0] for name in names]
    notes += [
        parse(f"---\naliases: [{alias}]\n---\n", f"{name}.md")[0] for name, alias in aliased.items()
    ]
    notes = resolve(notes)
    relations = [r for r in mentions.find(notes).relations if r.source == "Here.md"]
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
    assert mentions.find(resolve(notes)).relations == ()
    notes[1:] = [parse("Other talk.", f"N{n}.md")[0] for n in range(1, 30)] + notes[-1:]
    assert len(mentions.find(resolve(notes)).relations) == 1


def test_names_of_many_equal_words_cost_no_more():
    names = [" ".join(["aaa"] * n) for n in range(1, 60)]
    written = [name for name, _ in found("aaa " * 20_000, *names)]
    assert [len(name.split()) for name in written] == [MAX_TOKENS, 20_000 % MAX_TOKENS]


def test_a_second_look_is_equal_to_a_first_after_any_edit():
    files = {
        "Tea.md": "Tea is drunk from a Cup.",
        "Cup.md": "A Cup holds Tea. See the Saucer.",
        "Saucer.md": "[[Cup]]",
    }
    edits = [
        {"Tea.md": "Tea alone."},
        {"Tea.md": "A Saucer and a Cup, [[Saucer]]."},
        {"Pot.md": "A pot of Tea."},
        {"Cup.md": "---\naliases: [Mug]\n---\nA pot."},
        {"Tea.md": "A Mug of Tea from a Pot."},
        {f"Note {n}.md": "From a Mug." for n in range(6)},
        {"Pot.md": None},
    ]
    seen = None
    for edit in edits:
        files = {name: text for name, text in (files | edit).items() if text is not None}
        notes = resolve([parse(text, name)[0] for name, text in files.items()])
        seen = mentions.find(notes, seen)
        assert seen.relations == mentions.find(notes).relations


def test_what_stays_is_not_read_again(monkeypatch):
    texts = {"Tea.md": "Tea from a Cup.", "Cup.md": "For Tea."}
    first = mentions.find(resolve([parse(text, name)[0] for name, text in texts.items()]))
    read = []
    plain = mentions.readable
    monkeypatch.setattr(mentions, "readable", lambda note: read.append(note.id) or plain(note))
    texts["Tea.md"] = "Tea from another Cup."
    mentions.find(resolve([parse(text, name)[0] for name, text in texts.items()]), first)
    assert read == ["Tea.md"]


NAMES = ["Warm Water", "warm", "Water", "Deep Warm Water", "Salt", "salt", "Ice"]
texts = st.lists(
    st.sampled_from([*NAMES, "cold", "[[Salt]]", "the", "**Wa**ter", "Warm  Water."]), max_size=12
).map(" ".join)
heads = st.one_of(st.just(""), st.sampled_from(NAMES).map("---\naliases: [{}]\n---\n".format))
paths = st.builds("{}{}.md".format, st.sampled_from(["", "sub/"]), st.sampled_from(NAMES))
vaults = st.dictionaries(paths, st.builds(str.__add__, heads, texts), min_size=1, max_size=9)


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(vaults, min_size=2, max_size=4), kept=st.booleans())
def test_mentions_after_edits_are_those_of_a_look_at_everything(steps, kept):
    before = None
    for files in steps:
        notes = resolve([parse(text, path)[0] for path, text in sorted(files.items())])
        before = mentions.find(notes, before)
        assert before.relations == mentions.find(notes).relations
        if kept:
            rows = json.loads(json.dumps(before.dump(files)))
            roll = Roll(Called(note.id, note.title, note.aliases) for note in notes)
            before = mentions.Found.load(rows, {note.id: note for note in notes}, roll)


def test_a_new_name_is_looked_for_where_its_words_are(monkeypatch):
    files = {"A.md": "Warm water.", "B.md": "Cold salt.", "C.md": "Nothing."}
    notes = [parse(text, path)[0] for path, text in files.items()]
    before, seen = mentions.find(notes), []
    scan = mentions._scan
    monkeypatch.setattr(
        mentions, "_scan", lambda note, trie: seen.append(note.id) or scan(note, trie)
    )
    found = mentions.find([*notes, parse("New.", "Warm Water.md")[0]], before)
    assert seen == ["A.md", "Warm Water.md"]
    assert [(r.source, r.target) for r in found.relations] == [("A.md", "Warm Water.md")]
