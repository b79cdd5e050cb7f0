"""The facade on a small vault, with the real encoder: from files to a cited answer."""

import threading

import pytest

from ragbot import Filters, Ragbot, Turn
from ragbot.config import Config
from ragbot.errors import ModelUnavailableError, NoteNotFoundError, QuestionError, VaultError
from ragbot.inference import llm_discovery
from ragbot.inference.llm_discovery import LocalModel
from tests.model_server import Script, serving

NOTES = {
    "drinks/Green Tea.md": (
        "---\naliases: [sencha]\ntags: [drink]\n---\n# Green Tea\n\n"
        "Green tea is made from leaves that are steamed soon after picking, so that they do not "
        "oxidise.\n\n## Brewing\n\nBrew green tea at 80 degrees for two minutes; boiling water "
        "makes it bitter.\n\n## Relations\n\n"
        "- contrasts_with::[[Black Tea]]\n  - The leaves of black tea are left to oxidise.\n"
        "- needs::[[Kettle]]\n- relates_to::[[Matcha]]\n"
    ),
    "drinks/Black Tea.md": (
        "---\ntags: [drink]\n---\n# Black Tea\n\nBlack tea comes from leaves that are fully "
        "oxidised before they are dried, which gives them their dark colour.\n"
    ),
    "tools/Kettle.md": (
        "# Kettle\n\nA kettle heats water. One with a thermostat stops at the temperature that "
        "was set.\n"
    ),
    "Gardening.md": "# Gardening\n\nTomatoes want sun and much water in July. See [[Kettle]].\n",
}


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vault")
    for name, text in NOTES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bot(vault, tmp_path_factory):
    config = Config(notes=vault, index=tmp_path_factory.mktemp("index"))
    with Ragbot.open(config=config) as opened:
        yield opened


def assert_quotations_stand(answer, vault):
    for citation in answer.citations:
        text = (vault / citation.note).read_text(encoding="utf-8")
        assert text[slice(*citation.span)] == citation.quote
        first, last = citation.lines
        assert citation.quote in "\n".join(text.split("\n")[first - 1 : last])


def test_an_answer_quotes_the_note_that_answers(bot, vault):
    answer = bot.ask("How hot should the water be for green tea?")

    assert not answer.abstained
    assert "80 degrees" in answer.text
    quoted = next(c for c in answer.citations if "80 degrees" in c.quote)
    assert (quoted.note, quoted.headings[-1]) == ("drinks/Green Tea.md", "Brewing")
    assert answer.grounded
    assert_quotations_stand(answer, vault)


def test_an_unanswerable_question_gets_an_abstention(bot):
    answer = bot.ask("What is the capital of Peru?")
    assert answer.abstained
    assert (answer.statements, answer.citations) == ((), ())
    assert answer.text


def test_a_stream_ends_with_the_answer_of_ask(bot):
    [answer] = bot.stream("How hot should the water be for green tea?")
    assert answer.text == bot.ask("How hot should the water be for green tea?").text


def test_a_follow_up_is_understood_from_the_turn_before(bot):
    first = bot.ask("What is green tea?")
    answer = bot.ask("And how is it brewed?", [Turn("What is green tea?", first)])
    assert "two minutes" in answer.text


def test_hits_say_how_they_were_found(bot):
    hits = bot.search("steamed leaves that do not oxidise", k=4)
    assert hits[0].passage.note == "drinks/Green Tea.md"
    assert {e.retriever for e in hits[0].evidence} >= {"dense", "bm25"}
    for hit in hits:
        for evidence in hit.evidence:
            for before, after in zip(evidence.path, evidence.path[1:], strict=False):
                assert {before.source, before.target} & {after.source, after.target}


def test_words_alone_find_without_the_encoder(bot):
    hits = bot.search("thermostat", words=True)
    assert hits[0].passage.note == "tools/Kettle.md"
    assert "dense" not in {e.retriever for hit in hits for e in hit.evidence}


def test_filters_leave_out_what_does_not_match(bot):
    found = bot.search("water", filters=Filters(folders=("drinks",)))
    assert found
    assert all(hit.passage.note.startswith("drinks/") for hit in found)


@pytest.mark.parametrize("name", ["Green Tea", "green tea", "drinks/Green Tea.md", "sencha"])
def test_a_note_is_found_by_any_of_its_names(bot, name):
    assert bot.note(name).id == "drinks/Green Tea.md"


def test_an_unknown_note_names_the_nearest(bot):
    with pytest.raises(NoteNotFoundError, match="Green Tea") as error:
        bot.note("Gren Tea")
    assert "Green Tea" in error.value.nearest


def test_the_error_for_a_ghost_counts_the_notes_that_link_to_it(bot):
    with pytest.raises(NoteNotFoundError, match="not written yet: 1 note"):
        bot.note("Matcha")


def test_relations_go_both_ways(bot):
    out = bot.related("Green Tea", direction="out")
    assert [(r.predicate, r.target) for r in out] == [
        ("contrasts_with", "drinks/Black Tea.md"),
        ("needs", "tools/Kettle.md"),
        ("relates_to", None),
    ]
    assert "left to oxidise" in out[0].annotation
    (back,) = bot.related("Black Tea", direction="in")
    assert back.source == "drinks/Green Tea.md"
    assert bot.related("Green Tea", predicate="needs") == [out[1]]


def test_the_shortest_path_between_two_notes(bot):
    steps = bot.path("Gardening", "Black Tea")
    assert [(r.source, r.target) for r in steps] == [
        ("Gardening.md", "tools/Kettle.md"),
        ("drinks/Green Tea.md", "tools/Kettle.md"),
        ("drinks/Green Tea.md", "drinks/Black Tea.md"),
    ]


def test_status_counts_notes_passages_and_relations(bot):
    status = bot.status()
    assert (status.notes, status.relations, status.ghosts) == (4, 4, 1)
    assert status.embedded == status.passages
    assert status.behind == 0


def test_the_graph_holds_notes_and_ghosts(bot):
    graph = bot.graph()
    assert graph.number_of_edges() == 4
    assert graph.number_of_nodes() == 5


def test_an_edit_is_answered_from_after_a_refresh(vault, tmp_path):
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "Owl.md").write_text("# Owl\n\nThe owl is called Minerva.\n")
    with Ragbot.open(folder, tmp_path / "index") as own:
        assert "Minerva" in own.ask("What is the owl called?").text
        (folder / "Owl.md").write_text("# Owl\n\nThe owl is called Athena now.\n")
        changes = own.refresh()
        assert changes.changed == ("Owl.md",)
        text = own.ask("What is the owl called?").text
        assert "Athena" in text
        assert "Minerva" not in text


def test_many_threads_share_one_bot(bot):
    found, failed = [], []

    def work():
        try:
            found.append(bot.ask("How hot should the water be for green tea?").text)
        except BaseException as error:  # an error in a thread would else be lost
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("question", ["", "   \n", "\u200b\0"])
def test_an_empty_question_is_refused(bot, question):
    with pytest.raises(QuestionError, match="empty"):
        bot.ask(question)


def test_a_question_too_long_is_refused(bot):
    with pytest.raises(QuestionError, match="2,000"):
        bot.ask("why " * 1000)


def test_a_missing_vault_is_a_clear_error(tmp_path):
    with pytest.raises(VaultError, match="does not exist"):
        Ragbot.open(tmp_path / "nowhere", tmp_path / "index")


def test_a_missing_encoder_is_a_clear_error(vault, tmp_path):
    config = Config(notes=vault, index=tmp_path, embed_model="./nowhere")
    with pytest.raises(ModelUnavailableError, match="no such folder"):
        Ragbot.open(config=config)


def test_words_answer_before_the_encoder_is_there(vault, tmp_path):
    config = Config(notes=vault, index=tmp_path / "index")
    with Ragbot.open(config=config, refresh=False) as lazy:
        assert lazy.search("thermostat", words=True)[0].passage.note == "tools/Kettle.md"
        answer = lazy.ask("At what temperature is green tea brewed?")
        assert "words and links only" in answer.notice
        lazy.refresh()
        assert not lazy.ask("At what temperature is green tea brewed?").notice


def test_a_model_of_this_machine_is_used_only_when_chosen(bot, monkeypatch):
    script = Script("Green tea is brewed at 80 degrees.", models=["small"])
    with serving(script) as url:
        offered = [LocalModel("openai-like/small", url, "llama.cpp")]
        monkeypatch.setattr(llm_discovery, "local_models", lambda: offered)
        bot.ask("How hot should the water be for green tea?")
        assert script.requests == []
        bot.ask("How hot should the water be for green tea?", use_llm="openai-like/small")
        assert len(script.requests) == 1
        bot.ask("What is green tea?", use_llm=False)
        assert len(script.requests) == 1


def test_a_model_that_nobody_offers_is_refused(bot, monkeypatch):
    monkeypatch.setattr(llm_discovery, "local_models", list)
    with pytest.raises(ModelUnavailableError, match="no server on this machine offers it"):
        bot.ask("What is green tea?", use_llm="openai-like/elsewhere")
