"""The graph as the page draws it: it counts what the status counts."""

import pytest

from ragbot import Ragbot
from ragbot.apps.web.browser_calls import drawing

NOTES = {
    "Tea.md": "# Tea\n\nMade of leaves, in a [[samovar]]; see [[Kettle]], and [[Kettle]] again.\n",
    "Kettle.md": "# Kettle\n\n- used_for::[[Tea]]\n- like::[[Samovar]]\n- like::[[Urn]]\n",
    "Cup.md": "# Cup\n\nHolds Tea, or what a [[Samovar]] gives.\n",
}


@pytest.fixture
def bot(tmp_path):
    for name, text in NOTES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    # Without `wait` nothing is embedded: a drawing needs links alone.
    with Ragbot.open(tmp_path, tmp_path / ".index", refresh=False) as opened:
        yield opened


def test_the_whole_garden_has_the_notes_ghosts_and_relations_of_the_status(bot):
    whole, status = drawing(bot), bot.status()
    ghosts = [node["id"] for node in whole["nodes"] if node["ghost"]]
    assert ghosts == ["Samovar", "Urn"]
    assert (len(whole["nodes"]) - len(ghosts), len(ghosts)) == (status.notes, status.ghosts)
    assert whole["relations"] == status.relations == 7
    assert len(whole["nodes"]) == bot.graph().number_of_nodes()


def test_parallel_links_are_drawn_once_and_mentions_are_drawn_and_not_counted(bot):
    links = [
        (link["source"], link["predicate"], link["target"], link["typed"])
        for link in drawing(bot)["links"]
    ]
    assert links.count(("Tea.md", "links_to", "Kettle.md", False)) == 1
    assert ("Cup.md", "mentions", "Tea.md", False) in links
    assert ("Kettle.md", "used_for", "Tea.md", True) in links


def test_the_surroundings_of_notes_are_one_step_away(bot):
    around = drawing(bot, ["Cup.md"])
    assert {node["id"] for node in around["nodes"]} == {"Cup.md", "Tea.md", "Samovar"}
    assert [node["id"] for node in around["nodes"] if node["seed"]] == ["Cup.md"]
    assert around["relations"] == 1
