"""Names, and what happens to links when notes come, go and change their names."""

import sys

import pytest

from ragbot.notes.anchors import Anchors
from ragbot.notes.link_resolver import Names, resolve
from ragbot.notes.parser import parse


def note(name, text=""):
    return parse(text, name)[0]


def targets(notes, name):
    resolved = {n.id: n for n in resolve(notes)}
    return [relation.target for relation in resolved[name].relations]


def test_a_note_that_appears_is_linked_and_one_that_goes_is_a_ghost():
    here = note("Here.md", "[[New]]")
    assert targets([here], "Here.md") == [None]
    assert targets([here, note("deep/New.md")], "Here.md") == ["deep/New.md"]
    [again] = resolve(resolve([here, note("deep/New.md")])[:1])
    assert again.relations[0].target is None


def test_a_new_note_may_take_a_name_from_another():
    here, far = note("Here.md", "[[X]]"), note("a/b/X.md")
    assert targets([here, far], "Here.md") == ["a/b/X.md"]
    assert targets([here, far, note("X.md")], "Here.md") == ["X.md"]


def test_an_alias_gained_and_lost():
    here = note("Here.md", "[[Nick]]")
    assert targets([here, note("A.md", "---\naliases: Nick\n---\n")], "Here.md") == ["A.md"]
    assert targets([here, note("A.md")], "Here.md") == [None]


def test_resolving_twice_is_resolving_once():
    notes = [note("a/Here.md", "[[X^b]] [[%58]] [[X]]"), note("X.md", "t ^b")]
    once = resolve(notes)
    assert resolve(once) == once


@pytest.mark.parametrize(
    "name", ["path/Long Name.md", "Long Name", "LONG NAME", "Nick", "The Title"]
)
def test_named_by_path_file_alias_and_title(name):
    notes = [note("path/Long Name.md", "---\ntitle: The Title\naliases: [Nick]\n---\n")]
    assert Names(notes).named(name) == "path/Long Name.md"


def test_titles_do_not_resolve_links():
    assert Names([note("a.md", "# Title")]).find("Title") is None


def test_nearest():
    names = Names(
        [note("Persona Drift.md"), note("Soul Document.md", "---\naliases: Soul Doc\n---\n")]
    )
    assert names.nearest("Persona Drfit") == ["Persona Drift"]
    assert names.nearest("sould document")[0] == "Soul Document"
    assert names.nearest("drift") == ["Persona Drift"]
    assert names.nearest("drift", parts=False) == []
    assert names.nearest("quite another thing") == []


def test_candidates_of_a_name_that_several_notes_have():
    names = Names([note("a/X.md"), note("bb/X.md"), note("Y.md")])
    assert names.candidates("X") == ["a/X.md", "bb/X.md"]
    assert names.candidates("X", "bb/Here.md") == ["bb/X.md", "a/X.md"]
    assert names.candidates("a/X") == ["a/X.md"]
    assert names.candidates("Z") == []
    assert names.spelling("Y.md") == "Y"
    assert names.spelling("bb/X.md") == "bb/X"


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("One", 0),
        ("one", 0),
        ("Two#Deep", 1),
        ("Deep", 1),
        ("One#Deep", None),
        ("Two deep", None),
    ],
)
def test_heading_anchors(heading, found):
    text = "# One\n\n# Two\n\n## *Deep*\n"
    there = note("A.md", text)
    places = [text.index("# One"), text.index("## *Deep")]
    at = Anchors(there).find(heading)
    assert at == (None if found is None else places[found])


def test_many_notes_of_one_name_cost_no_more():
    def steps(count):
        """Lines that are run: a clock would tell of the machine as well."""
        notes = [note(f"{n}/index.md", "[[index]] [[other]]") for n in range(count)]
        run = 0

        def trace(frame, event, argument):
            nonlocal run
            run += 1
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            resolve(notes)
        finally:
            sys.settrace(before)
        return run

    assert steps(1600) < 6 * steps(400)


def test_a_name_with_a_hash_is_found_where_no_note_has_the_name_before_it():
    def targets(**files):
        texts = {"A.md": "[[C# basics]] [[C# basics|x]] [x](C%23%20basics.md)", **files}
        return [r.target for r in resolve([parse(t, n)[0] for n, t in texts.items()])[0].relations]

    assert targets(**{"C# basics.md": ""}) == ["C# basics.md"] * 3
    assert targets(**{"C.md": "# basics"}) == ["C.md", "C.md", None]


@pytest.mark.parametrize(
    ("link", "note", "heading"),
    [
        ("[[F# scales]]", "F# scales.md", None),
        ("[[Issue #12]]", "Issue #12.md", None),
        ("[[Issue #12#Why]]", "Issue #12.md", "Why"),
        ("[[C# minor#Fingering#Thumb]]", "C# minor.md", "Fingering#Thumb"),
        ("[[Room # 4]]", "Room # 4.md", None),
        ("[[F# none]]", None, "none"),
    ],
)
def test_a_link_to_a_name_with_a_hash_may_have_a_heading(link, note, heading):
    names = ["F# scales.md", "Issue #12.md", "C# minor.md", "Room # 4.md"]
    notes = [parse(link, "A.md")[0], *(parse("", name)[0] for name in names)]
    [relation] = resolve(notes)[0].relations
    assert (relation.target, relation.heading) == (note, heading)
