"""BM25 by FTS5: the formula that is documented, and the best rows whatever is left out."""

import math
import random
import sqlite3
from collections import Counter

import pytest

from ragbot.index import fulltext
from ragbot.index.fulltext import Fulltext
from ragbot.text.tokenize import tokens

K1, B = 1.2, 0.75


@pytest.fixture
def words():
    """Return rows of words, of which some are in nearly every row."""
    chance = random.Random(7)
    known = [f"w{rank}" for rank in range(60)]
    weights = [1 / (rank + 1) for rank in range(60)]
    return [chance.choices(known, weights, k=chance.randint(3, 30)) for _ in range(400)]


@pytest.fixture
def table(words):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE some USING fts5(words, tokenize='ascii')")
    connection.executemany("INSERT INTO some (words) VALUES (?)", [(" ".join(r),) for r in words])
    return Fulltext(connection, "some", len(words))


@pytest.mark.parametrize(
    ("word", "rows"), [("梨", [1, 2, 3]), ("물", [4, 5]), ("柿", []), ("梨の", [1]), ("a", [6])]
)
def test_a_single_letter_of_a_script_in_pairs_is_found_within_words(word, rows):
    texts = ["梨の収穫", "大きい梨", "梨", "물은 매주", "찬물", "a 中文 abc"]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE some USING fts5(words, tokenize='ascii')")
    indexed = [(" ".join(tokens(text)),) for text in texts]
    connection.executemany("INSERT INTO some (words) VALUES (?)", indexed)
    table = Fulltext(connection, "some", len(texts))
    assert sorted(table.scores([word])) == rows


def expected(words, question):
    """Return Lucene's BM25 of each row, from nothing."""
    average = sum(map(len, words)) / len(words)
    scores = Counter()
    for word in set(question.split()):
        holding = sum(word in row for row in words)
        weight = math.log(1 + (len(words) - holding + 0.5) / (holding + 0.5))
        for number, row in enumerate(words, start=1):
            if count := row.count(word):
                norm = K1 * (1 - B + B * len(row) / average)
                scores[number] += weight * count / (count + norm)
    return scores


QUESTIONS = ["w0", "w0 w1 w2", "w3 w30 w50", "w0 w1 w40 w59", "w55 w56 w57 w0", "nothing"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_are_those_of_the_formula(table, words, question):
    found = table.scores(question.split())
    assert found == pytest.approx(dict(expected(words, question)))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_best_rows_are_right_where_others_are_left_out(table, words, question, monkeypatch):
    monkeypatch.setattr(fulltext, "_MANY", 20)
    monkeypatch.setattr(fulltext, "_BEST", 10)
    monkeypatch.setattr(fulltext, "_COMMON", 1.0)
    found = table.scores(question.split())
    whole = expected(words, question)
    assert all(found[row] == pytest.approx(whole[row]) for row in found)
    best = sorted(whole.values(), reverse=True)[:10]
    assert sorted(found.values(), reverse=True)[:10] == pytest.approx(best)


def test_common_words_are_left_out_while_three_rarer_ones_remain(table, words, monkeypatch):
    monkeypatch.setattr(fulltext, "_MANY", 20)
    rare = [f"w{rank}" for rank in (57, 58, 59)]
    assert table.scores(["w0", *rare]) == pytest.approx(dict(expected(words, " ".join(rare))))
    assert len(table.scores(["w0", "w59"])) > 300


def test_how_rare_a_word_is(table):
    assert table.rarity("w0") < table.rarity("w30") < table.rarity("nothing") == 1
