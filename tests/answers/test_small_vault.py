"""Everyday questions over a small vault, through `Ragbot` with the real encoder."""

import pytest
from starlette.testclient import TestClient

from ragbot import Filters, Ragbot
from ragbot.apps.mcp import NotesServer
from ragbot.apps.serving import IndexRefresher
from ragbot.apps.web.server import application
from ragbot.text.language import MULTILINGUAL_ENCODERS

NOTES = {
    "gate.md": "# Norhaven\n\nThe tide gate at Norhaven opens two hours before high water.\n",
    "Plan.md": "# Plan\n\nThe slipway will be repaved with granite setts.\n\nSee [[tramp]].\n",
    "Plan (Ann's conflicted copy 2026-06-05).md": (
        "# Plan\n\nThe slipway will be repaved with granite setts.\n\nAnn wants brick.\n"
    ),
    "tramp.md": "---\ntitle: The Steam Tramp Aurora\n---\nBuilt in Leith in 1911. See [[Plan]].\n",
    "2026-06-05.md": "Planted the quince by the wall. The neighbour brought honey.\n",
    "2026-06-09 Harbour board.md": "# Harbour board\n\nPresent:\n\n- Joost Maas\n- Ida Berg\n",
    "Cards.md": (
        "# Cards\n\nWhich knot makes a fixed loop?::The bowline\n"
        "One short blast::I turn to starboard\n"
    ),
    "Home.md": (
        "---\nserial: KX-90417\n---\n# Kettle\n\nThe kettle is from Norrfrost.\n\n"
        "Mr Quandt owns number 7 and can be reached on Mondays.\n"
    ),
    "Tagebuch.md": "# Tagebuch\n\nFür 15 Euro eine Kuckucksuhr gekauft, die rückwärts geht.\n",
    "Milk.md": "# Milk\n\nOat milk costs 1.95 euros a litre.\n\nSoy milk costs 1.45 euros a litre."
    "\n\nAlmond milk costs 2.60 euros a litre.\n",
    "Belts.md": "# Belts\n\nMia Voss won the green belt.\n\nMia Stein won the brown belt.\n\n"
    "Lea Stein won the blue belt.\n",
    "Photos.md": "# Photos\n\nRename photographs with `mv *.JPG <dir>[0-9]` afterwards.\n",
    "Sloop.md": "---\nbuilder: Tove Lind\nprice: 4100 €\n---\n# The sloop Merle\n\nThe sloop Merle "
    "lies at pier 4. Her sails were mended in May, since the jib had a tear.\n",
    "Crew.md": "# Crew\n\n| Name | Phone | Watch |\n|---|---|---|\n| Tove | 555 0142 | dawn |\n"
    "| Anders | | dusk |\n",
    "First aid.md": "# First aid\n\nQ: How do you treat a jellyfish sting?\nA:\n\n"
    "Q: What do you put on a burn?\nA: Lukewarm water\n",
    "The spare key is under the boat.md": "",
    "Fleet.md": "# Fleet\n\nThe Heron's skipper is Ulla Brandt. She has sailed since 1998.\n\n"
    "The engine of the Petrel is a Volvo D1. The rent of slip 2 is 300 euros.\n",
    "Shots.md": "# Shots\n\n| Person | Vaccine | Date |\n|---|---|---|\n"
    "| Lotte Braun | Tetanus | 2021-05-04 |\n| Lotte Braun | TBE | 2024-03-12 |\n"
    "| Emil | Tetanus | 2019-08-20 |\n",
    "Ledger.md": "# Ledger\n\n- 3 March: sold the bike to Arne\n- 4 July: dug the pond\n"
    "- 11 June: lent the ladder to Dagny\n\n> [!tip] Keep the receipts\n> They go into the tin.\n",
    "Latvia.md": "# Latvia\n\nThe capital is {{c1::Riga}}.\n\nThe {{c1::Daugava::river}} freezes"
    " at {{c2::0 °C}} in most winters.\n",
    "冰箱的钥匙在蓝色盒子里.md": " \n",
    "The bilge pump hides behind the aft bunk.md": "---\ntags: [pump]\n---\n#boat\n",
    "搬家.md": "# 搬家\n\n三月七日，我们搬进了皮匠巷九号的老房子。钢琴太重，四个人才抬上楼。\n",
}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("When does the tide gate at Norhaven open?", "two hours before high water"),
        ("When does the tide gate open?", "two hours before high water"),
        ("Which knot makes a fixed loop?", "The bowline"),
        ("What does one short blast mean?", "I turn to starboard"),
        ("What did I do on June 5th?", "Planted the quince"),
        ("Who came to the board on 9 June?", "Joost Maas"),
        ("Who was at the harbour board?", "Ida Berg"),
        ("serial number of the kettle?", "KX-90417"),
        ("Wieviel hat die Uhr gekostet, die rückwärts läuft?", "15 Euro"),
        ("我们是几月几号搬的家?", "三月七日"),
        ("Who built the sloop Merle?", "Tove Lind"),
        ("What did the sloop cost?", "4100 €"),
        ("Why were the sails of the Merle mended?", "the jib had a tear"),
        ("What is Tove's phone number?", "555 0142"),
        ("What do you put on a burn?", "Lukewarm water"),
        ("Where was the Steam Tramp Aurora built?", "Leith"),
        ("Who is the skipper of the Heron?", "Ulla Brandt"),
        ("What is the rent of slip 2?", "300 euros"),
        ("When was the harbour board?", "9 June 2026"),
        ("When was Emil's tetanus shot?", "2019-08-20"),
        ("Who did I sell the bike to?", "Arne"),
        ("What is the capital of Latvia?", "The capital is Riga."),
        ("At what temperature does the Daugava freeze?", "The Daugava freezes at 0 °C"),
        ("What should I do with the receipts?", "Keep the receipts They go into the tin."),
        ("钢琴什么时候搬的?", "三月七日"),
    ],
)
def test_answered(bot, question, said):
    assert said in bot.ask(question).text


@pytest.mark.parametrize(
    "question",
    [
        "Who came to the board on 16 June?",
        "phone number of Mr Quandt?",
        "IBAN of Mr Quandt?",
        "When is Ida's birthday?",
        "钢琴多少钱?",
        "What is the insurance of the sloop Merle?",
        "Which engine does the sloop have?",
        "What is Anders's phone number?",
        "Who painted the sloop Merle?",
        "When did we sell the sloop Merle?",
        "How do you treat a jellyfish sting?",
        "Who is the heir of the steam tramp Aurora?",
        "Who is the skipper of the Petrel?",
        "What is the engine of the Heron?",
        "What is the rent of slip 5?",
        "When was Emil vaccinated against TBE?",
        "When did I sell the ladder?",
        "钢琴是在哪里买的?",
    ],
)
def test_declined(bot, question):
    assert bot.ask(question).abstained


def test_a_filter_by_date_says_how_many_undated_notes_it_leaves_out(bot):
    since = Filters(since="2026-06")
    undated = len(NOTES) - 2
    assert bot.left_out(since) == f"{undated} notes without a known date left out."
    assert bot.left_out(since) in bot.ask("Who planted the quince?", filters=since).notice
    assert bot.left_out(Filters()) == "" == bot.ask("Who planted?").notice


def test_an_unknown_folder_or_tag_is_named_by_ask_and_search(bot):
    nowhere = Filters(folders=("nowhere",), tags=("#no/such",))
    said = "No note is below the folder 'nowhere'. No note has the tag '#no/such'."
    assert bot.ask("Who planted?", filters=nowhere).notice == said == bot.left_out(nowhere)
    early = Filters(until="1900")
    assert bot.left_out(early) == "No note passes the filters."


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(since="2026-06-06"), {"2026-06-09 Harbour board.md"}),
        (Filters(until="5 June 2026"), {"2026-06-05.md"}),
        (
            Filters(since="2026-06", until="2026-06"),
            {"2026-06-05.md", "2026-06-09 Harbour board.md"},
        ),
        (Filters(since="2026-07"), set()),
    ],
)
def test_filters_by_date(bot, filters, found):
    hits = bot.search("harbour board and quince", filters=filters)
    assert {hit.passage.note for hit in hits} == found


def test_a_conflict_copy_comes_after_its_note(bot):
    found = [
        hit.passage.note for hit in bot.search("granite setts of the slipway; Ann wants brick")
    ]
    copy = next(note for note in found if "conflicted" in note)
    assert found.index(copy) == found.index("Plan.md") + 1
    assert bot.ask("What is the slipway repaved with?").citations[0].note == "Plan.md"


@pytest.mark.parametrize("name", ["The Steam Tramp Aurora", "the steam tramp aurora", "tramp"])
def test_a_title_finds_its_note_wherever_a_name_is_taken(bot, name):
    assert bot.note(name).id == "tramp.md"
    assert bot.passages(name)[0].note == "tramp.md"
    assert {relation.source for relation in bot.related(name)} == {"tramp.md", "Plan.md"}
    assert bot.path(name, "Plan")
    assert bot.path("Plan", name)


@pytest.mark.parametrize("name", ["The Steam Tramp Aurora", "the steam tramp aurora"])
def test_a_title_finds_its_note_in_filters_over_http_and_by_mcp(bot, name):
    near = {hit.passage.note for hit in bot.search("setts", filters=Filters(near=name))}
    assert near
    assert near <= {"tramp.md", "Plan.md"}
    client = TestClient(application(IndexRefresher(bot)), base_url="http://127.0.0.1")
    assert client.post("/api/note", json={"name": name}).json()["note"] == "tramp.md"
    server = NotesServer(bot)
    for result in (server.read_note(name), server.related_notes(name)):
        assert "tramp" in result.content[0].text.lower()
    assert server.path_between(name, "Plan").content[0].text


def test_a_whole_name_wins_over_half_of_it(bot):
    answer = bot.ask("Which belt did Mia Stein win?")
    assert "brown" in answer.text
    assert not any(half in answer.text for half in ("Mia Voss", "Lea Stein"))


@pytest.mark.parametrize(
    ("question", "history", "said", "unsaid"),
    [
        ("And soy?", "What does oat milk cost?", "1.45", "1.95"),
        ("What about almond milk?", "How much is oat milk?", "2.60", "1.95"),
    ],
)
def test_a_new_subject_replaces_the_old(bot, question, history, said, unsaid):
    answer = bot.ask(question, [history])
    assert said in answer.text
    assert unsaid not in answer.text


def test_code_is_verbatim(bot):
    assert "`mv *.JPG <dir>[0-9]`" in bot.ask("How do I rename photographs?").text


@pytest.mark.parametrize(
    ("question", "name", "quote"),
    [
        ("Where is the spare key?", "The spare key is under the boat", ""),
        ("冰箱的钥匙在哪里?", "冰箱的钥匙在蓝色盒子里", " \n"),
        ("Where is the bilge pump?", "The bilge pump hides behind the aft bunk", "tags: [pump]"),
    ],
)
def test_a_note_without_text_answers_by_its_name(bot, question, name, quote):
    answer = bot.ask(question)
    assert answer.statements[0].text == name
    assert [cited.quote for cited in answer.citations] == [quote]


def test_a_vault_in_another_language_is_noticed(tmp_path, bot):
    (tmp_path / "notes").mkdir()
    for number in range(3):
        text = f"# Заметка {number}\n\nЯ посадил яблоню у стены и полил её водой.\n"
        (tmp_path / "notes" / f"{number}.md").write_text(text, encoding="utf-8")
    with Ragbot.open(tmp_path / "notes", tmp_path / "index") as foreign:
        notice = foreign.status().notice
    assert "RAGBOT_EMBED_MODEL" in notice
    assert all(name in notice for name in MULTILINGUAL_ENCODERS)
    assert bot.status().notice == ""
