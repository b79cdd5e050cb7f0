"""Rows, properties, tags, dates and tasks are looked up, and prose is left alone."""

import pytest

from benchmarks.memory import MemoryCorpus
from ragbot.questions import lookups
from ragbot.questions.question import analyse

BOATS = """# Boats

| Boat | Skipper | Berth |
|---|---|---|
| Corvo | [[Lars]] | 31 |
| Petrel | [[Ida]] | 12 |
| Gannet | Lars | 7 |
"""
FILES = {
    "Boats.md": BOATS,
    "Boiler.md": "---\ntags: [heating, home/cellar]\nvendor: Vaillant\n---\n# Boiler\n\n"
    "The boiler is in the cellar.\n",
    "Stove.md": "# Stove\n\nThe stove burns wood. #heating\n",
    "2026-06-05.md": "Planted the quince by the wall.\n\n- [x] Pay the plumber\n"
    "- [ ] Email [[Petra]]\n- [-] Call the bank\n",
    "Meeting.md": "---\ndate: 2026-06-12\n---\n# Meeting on the harbour\n\n## Attendees\n\n"
    "- [[Lars]]\n- [[Ida]]\n\n## Tools\n\n- Rope\n- Tar\n- Oakum\n",
    "Hives.md": "# Hives\r\n\r\n| Hive | Keeper |\r\n|---|---|\r\n| Maud | [[S\\|Sunni]] |\r\n"
    "| Ada | Bo |\r\n",
    "小学校.md": "| 名前 | 担任 | 教室 |\n|---|---|---|\n| 三年二組 | [[佐藤]] | 北館 |\n"
    "| 四年一組 | 鈴木 | 南館 |\n",
    "Solaris.md": "author:: [[Stanislaw Lem]]\n- translator:: [[Joanna K]], [[Steve C]]\n",
    "Roof.md": "# Roof\n\n## Materials\n\n- [[Slate]]\n- Nails\n  - [[Copper]]\n",
    "Cellar.md": "# Cellar\n\n| Bin | Origin | Price |\n|---|---|---|\n"
    + "".join(
        f"| {1000 + n} | {('Porto', 'Faro')[n % 2]} | {n % 13 + 5} € |\n" for n in range(120)
    ),
    "Lockers.md": "# Lockers\n\n| Locker | Owner | Since |\n|---|---|---|\n"
    "| 2 | Ann | 3 May 2024 |\n| 3 | Bela | 12 June 2025 |\n| 12 | Cem | 3 March 2025 |\n",
    "Log.md": "# Log\n\n## 2026-02-11\n\nThe pump froze.\n\n## Bills\n\n- Water, due 7 March 2026\n"
    "- Power, due 8 March 2026\n",
    "2026-03-08.md": "Flew home from Riga.\n",
    "Router.md": "---\ndevice:\n  model: AX-5\n  serial: RT-9\n---\n# Router\n",
    "Errands.md": "# Errands\n\n- [ ] Buy twine\n- [x] Post the parcel\n",
    "Diary/2025-03-09.md": "# Sunday\n\nRepaired the bike chain.\n",
    "books/Tidewater.md": "---\nauthor: Ada Lund\nyear: 1990\nstatus: lent\nprice: 12.50\n---\n"
    "# Tidewater\n\nOn eels.\n",
    "books/Old Ropes.md": "---\nauthor: Ada Lund\nyear: 2004\nattendees: [Bo]\n---\n# Old Ropes\n",
    "2026-08-02 Council.md": "---\nattendees: [Bo, Sunni]\n---\n# Council\n\nNo quorum.\n",
    "Soup.md": "# Lentil soup\n\n| Ingredient | Amount |\n|---|---|\n| red lentils | 200 g |\n"
    "| cumin | 2 g |\n",
    "Crew.md": "# Crew\n\n| Name | Phone | Town |\n|---|---|---|\n| Bo | 555 12 | Faro |\n"
    "| Sunni | | Porto |\n",
}


def looked_up(corpus, question):
    return lookups.look_up(corpus, analyse(corpus, question))


@pytest.fixture(scope="module")
def corpus():
    return MemoryCorpus.of(FILES)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Which berth does the Corvo have?", ["Boat: Corvo; Skipper: Lars; Berth: 31"]),
        ("the berth of the Petrel", ["Boat: Petrel; Skipper: Ida; Berth: 12"]),
        (
            "Which boats have Lars as skipper?",
            ["Boat: Corvo; Skipper: Lars; Berth: 31", "Boat: Gannet; Skipper: Lars; Berth: 7"],
        ),
        ("When was the council?", ["Council"]),
        ("Which books are by Lund?", ["author: Ada Lund", "author: Ada Lund"]),
        ("Welche Aufgaben sind offen?", ["Email Petra", "Buy twine"]),
        ("Who owns locker 3?", ["Locker: 3; Owner: Bela; Since: 12 June 2025"]),
        ("Who owns locker 12?", ["Locker: 12; Owner: Cem; Since: 3 March 2025"]),
        ("What happened on 11 February?", ["The pump froze."]),
        ("What is due on 7 March?", ["Water, due 7 March 2026"]),
        ("What's on 8 March 2026?", ["Flew home from Riga.", "Power, due 8 March 2026"]),
        ("When did I fly home from Riga?", ["Flew home from Riga."]),
        ("Which notes were written in August 2026?", ["Council"]),
        ("What is still open?", ["Email Petra", "Buy twine"]),
        ("Which notes are tagged heating?", ["Boiler", "Stove"]),
        ("notes tagged #home", ["Boiler"]),
        ("Which tasks are open?", ["Email Petra", "Buy twine"]),
        ("which tasks are done?", ["Pay the plumber", "Post the parcel"]),
        ("list the cancelled tasks", ["Call the bank"]),
        ("Which errands are open?", ["Buy twine"]),
        ("Which errands are done?", ["Post the parcel"]),
        ("Which windows are open?", []),
        ("notes from June 2026", ["2026-06-05", "Meeting on the harbour"]),
        ("When did I plant the quince?", ["Planted the quince by the wall."]),
        ("Who attended the meeting?", ["Lars", "Ida"]),
        ("What are the three tools of the meeting?", ["Rope", "Tar", "Oakum"]),
        ("Who keeps the Maud hive?", ["Hive: Maud; Keeper: Sunni"]),
        ("四年一組の担任は誰ですか?", ["名前: 四年一組; 担任: 鈴木; 教室: 南館"]),
        ("三年二組の教室はどこ?", ["名前: 三年二組; 担任: 佐藤; 教室: 北館"]),
        ("Wer ist der Autor von Solaris?", ["author: Stanislaw Lem"]),
        ("¿Quién es el autor de Solaris?", ["author: Stanislaw Lem"]),
        ("Qui est l'auteur de Solaris ?", ["author: Stanislaw Lem"]),
        ("Quelle est la traductrice de Solaris ?", ["translator: Joanna K, Steve C"]),
        ("Which materials are needed for the roof?", ["Slate", "Nails", "Copper"]),
        ("Whom should I email?", ["Email Petra"]),
        ("What does bin 1085 cost?", ["Bin: 1085; Origin: Faro; Price: 12 €"]),
        ("Where is bin 1101 from?", ["Bin: 1101; Origin: Faro; Price: 15 €"]),
        ("What is the serial of the router?", ["device: model: AX-5; serial: RT-9"]),
        ("What did I do on 9 March?", ["Repaired the bike chain."]),
        ("Who attended the council on 2 August?", ["attendees: Bo, Sunni"]),
        ("Who wrote Tidewater?", ["author: Ada Lund"]),
        ("Which books by Ada Lund do we have?", ["author: Ada Lund", "author: Ada Lund"]),
        ("Which books are lent?", ["status: lent"]),
        ("How much did Tidewater cost?", ["price: 12.50"]),
        ("Which is older, Tidewater or Old Ropes?", ["year: 1990", "year: 2004"]),
        ("who is the author of tidewatr", ["author: Ada Lund"]),
        ("What is Bo's phone number?", ["Name: Bo; Phone: 555 12; Town: Faro"]),
        ("Which notes mention eels?", ["On eels."]),
        # What structure does not hold is left to the prose.
        ("What does bin 2085 cost?", []),
        ("What are the ingredients of the lentil soup?", []),
        ("What is the colour of the router?", []),
        ("What is Sunni's phone number?", []),
        ("Who wrote Cellar?", []),
        ("Which books by Ida Lund do we have?", []),
        ("Which notes mention herrings?", []),
        ("What refutes Tidewater?", []),
        ("What did I do on 29 February?", []),
        ("Who keeps the Edna hive?", []),
        ("一年一組の担任は誰ですか?", []),
        ("Wer ist der Verlag von Solaris?", []),
        ("Whom should I pay?", []),
        ("Where is the spare tyre?", []),
        ("Which berth does the Heron have?", []),
        ("What are the two tools of the meeting?", []),
        ("Where does the boiler stand?", []),
        ("Why does the stove burn wood?", []),
        ("notes from July 2026", []),
    ],
)
def test_facts_in_the_structure_are_looked_up(corpus, question, found):
    assert [one.text for one in looked_up(corpus, question)] == found


def test_a_day_is_found_in_any_spelling(corpus):
    for day in ("5 June 2026", "June 5th, 2026", "2026-06-05", "5/6/2026", "06/05/2026"):
        found = looked_up(corpus, f"What did I do on {day}?")
        assert found[0].text == "Planted the quince by the wall."
        assert [one.text for one in found[1:]] == [
            "Pay the plumber (done)",
            "Email Petra (open)",
            "Call the bank (cancelled)",
        ]


def test_a_property_answers_for_its_note(corpus):
    (found,) = looked_up(corpus, "Who is the vendor of the boiler?")
    assert corpus.notes[found.note].text[slice(*found.span)] == "vendor: Vaillant"


def test_every_place_is_a_slice_of_its_note(corpus):
    for question in ("Which notes are tagged heating?", "Which tasks are open?"):
        for one in looked_up(corpus, question):
            assert corpus.notes[one.note].text[slice(*one.span)].strip()


def test_a_daily_note_with_another_title_answers_with_its_day(corpus):
    (found,) = looked_up(corpus, "When did I repair the bike chain?")
    assert found.lead == "9 March 2025"


def test_tasks_of_one_note_are_those_of_the_note_that_is_named():
    corpus = MemoryCorpus.of({"Todo.md": "- [ ] Call\n", "Shed.md": "- [ ] Paint\n"})
    for question, found in (("Which tasks are open in Todo?", ["Call"]), ("open tasks", 2)):
        texts = [one.text for one in looked_up(corpus, question)]
        assert texts == found or len(texts) == found


def test_a_row_does_not_answer_a_question_about_a_note():
    row = "| | Speed vectors | Axis |\n|---|---|---|\n| Use | Steering | Drift tracking |\n"
    files = {"Speed Drift.md": "Drift is slow.", "Speed Vectors.md": f"# Speed Vectors\n\n{row}"}
    corpus = MemoryCorpus.of(files)
    assert looked_up(corpus, "What is speed drift?") == ()
