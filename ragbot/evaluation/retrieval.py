"""Evaluation of retrieval: compare the notes found for each question with the gold notes.

Baselines show what each part of the retriever adds: vectors alone, words alone, and
their fusion without the graph.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragbot.errors import EvaluationError
from ragbot.evaluation import metrics
from ragbot.evaluation.metrics import Mean
from ragbot.index.corpus import Corpus
from ragbot.inference.token_codes import EncodeQuestion
from ragbot.models import NoteId, Turn
from ragbot.questions.conversation import standalone
from ragbot.questions.question import analyse
from ragbot.questions.question_type import clauses
from ragbot.retrieval.retriever import retrieve
from ragbot.text.tokenize import tokens

DEPTH = 100
"""Notes of each ranking that are fused."""

RANK_OFFSET = 60
"""Offset of ranks in their fusion, as in Cormack and others; 20 to 100 differ little."""

KEPT = 10
"""Notes of each ranking that are measured, the greatest k."""

MEASURES = ("recall@5", "recall@10", "mrr", "ndcg@10")

Ranking = list[NoteId]
Method = Callable[[Corpus, str, EncodeQuestion], Ranking]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the set.

    `gold` has groups of note ids: all groups are needed, any member of each. `evidence` and
    `facts` are what an answer should quote and say; an answer abstains if `gold` is empty.
    """

    id: str
    question: str
    type: str
    gold: tuple[tuple[NoteId, ...], ...]
    history: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A question with a gold note that is not among the first ten."""

    question: Question
    missing: tuple[tuple[NoteId, ...], ...]
    found: tuple[NoteId, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """The measures of one method by type of question, and for "all"."""

    method: str
    by_type: dict[str, dict[str, Mean]]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of all methods; `skipped` counts questions without an answer in the notes."""

    methods: tuple[Scores, ...]
    failures: tuple[Failure, ...]
    skipped: int


def read(path: Path) -> list[Question]:
    """Read a set of questions, one JSON object per line; `EvaluationError` says which is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise EvaluationError(path, 0, f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise EvaluationError(
            path, 0, f"is not UTF-8: byte {error.start} cannot be read"
        ) from error
    questions = [
        _question(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if not questions:
        raise EvaluationError(path, 0, "has no question")
    return questions


def evaluate(corpus: Corpus, encode: EncodeQuestion, questions: Sequence[Question]) -> Report:
    """Return the measures of the retriever, and of its parts, for a set of questions.

    If `encode` returns None, words and links alone are measured. Questions with an empty `gold` are
    counted, but not run.
    """
    asked = [question for question in questions if question.gold]
    if not asked:
        raise EvaluationError(None, 0, "has no question whose answer is in the notes")
    texts = [_standalone(question, corpus) for question in asked]
    encode = encoded_before(encode, texts)
    scores, failures = [], []
    for name, method in METHODS.items():
        started = time.perf_counter()
        rankings = [method(corpus, text, encode)[:KEPT] for text in texts]
        spent = (time.perf_counter() - started) / len(asked) * 1000
        rows = (
            (["all", question.type], _measured(ranking, question.gold))
            for question, ranking in zip(asked, rankings, strict=True)
        )
        scores.append(Scores(name, metrics.by_type(rows), spent))
        if name == RAGBOT:
            failures = list(_failures(asked, rankings))
    return Report(tuple(scores), tuple(failures), len(questions) - len(asked))


def encoded_before(encode: EncodeQuestion, texts: Iterable[str]) -> EncodeQuestion:
    """Return a function that knows the vectors of the questions, to time without the encoder."""
    known = {text: encode(text) for whole in texts for text in (whole, *clauses(whole))}
    return known.__getitem__


def ragbot(corpus: Corpus, question: str, encode: EncodeQuestion) -> Ranking:
    """Return the notes in the order of `Ragbot.search`."""
    hits = retrieve(corpus, analyse(corpus, question, encode=encode), k=KEPT)
    return [hit.passage.note for hit in hits]


def dense(corpus: Corpus, question: str, encode: EncodeQuestion) -> Ranking:
    """Return the notes by the cosine of their best passage."""
    query = encode(question)
    if query is None:
        return []
    passages = [passage for passage, _ in corpus.vectors.nearest(query.vector, DEPTH * 3)]
    notes = corpus.notes_of(passages)
    return list(dict.fromkeys(notes[passage] for passage in passages))[:DEPTH]


def bm25(corpus: Corpus, question: str, encode: EncodeQuestion) -> Ranking:
    """Return the notes by the BM25 score of their best passage."""
    del encode
    scores = corpus.bm25(tokens(question))
    notes = corpus.notes_of(scores)
    order = sorted(scores, key=lambda passage: (-scores[passage], notes[passage]))
    return list(dict.fromkeys(notes[passage] for passage in order))[:DEPTH]


def fusion(corpus: Corpus, question: str, encode: EncodeQuestion) -> Ranking:
    """Return the notes by reciprocal rank fusion of meaning and words."""
    return reciprocal_rank_fusion([dense(corpus, question, encode), bm25(corpus, question, encode)])


def reciprocal_rank_fusion(rankings: Sequence[Ranking]) -> Ranking:
    """Return merged rankings: rank r in one of them adds `1 / (RANK_OFFSET + r)` to the score.

    Ties keep the order of first appearance.

    References
    ----------
    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet
    and individual Rank Learning Methods", SIGIR 2009, doi:10.1145/1571941.1572114.

    Examples
    --------
    >>> reciprocal_rank_fusion([["a", "b"], ["b", "c"]])
    ['b', 'a', 'c']
    """
    scores: dict[NoteId, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (RANK_OFFSET + rank)
    return sorted(scores, key=scores.__getitem__, reverse=True)


RAGBOT = "ragbot"
METHODS: dict[str, Method] = {
    RAGBOT: ragbot,
    "fusion only": fusion,
    "dense only": dense,
    "BM25 only": bm25,
}


def as_text(report: Report) -> str:
    """Return a report as a table by type, with the list of failures."""
    lines = [f"{'':12s} {'type':12s} {'n':>4s}  " + "  ".join(f"{m:>22s}" for m in MEASURES)]
    for scores in report.methods:
        for kind, measures in scores.by_type.items():
            if kind != "all" and scores.method != RAGBOT:
                continue
            cells = "  ".join(
                f"{m.value:8.3f} [{m.low:.3f}, {m.high:.3f}]" for m in measures.values()
            )
            lines.append(f"{scores.method:12s} {kind:12s} {measures['mrr'].n:4d}  {cells}")
    lines.append("")
    lines += [f"{s.method}: {s.milliseconds:.1f} ms a question" for s in report.methods]
    if report.skipped:
        lines.append(f"{report.skipped} questions that the notes do not answer were left out.")
    for failure in report.failures:
        missing = "; ".join(" or ".join(group) for group in failure.missing)
        lines += [
            "",
            f"{failure.question.id} ({failure.question.type}) {failure.question.question}",
            f"  missing: {missing}",
            f"  found:   {'; '.join(failure.found[:5]) or 'nothing'}",
        ]
    return "\n".join(lines)


def _standalone(question: Question, corpus: Corpus) -> str:
    turns = [Turn(text) for text in question.history]
    return standalone(question.question, turns, corpus).query


def _question(path: Path, number: int, line: str) -> Question:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise EvaluationError(path, number, f"is not JSON ({error})") from error
    if not isinstance(value, dict) or not isinstance(value.get("question"), str):
        raise EvaluationError(path, number, 'is not an object with the field "question"')
    gold, history = value.get("gold_notes", []), value.get("history", [])
    if not isinstance(gold, list) or not isinstance(history, list):
        raise EvaluationError(path, number, 'needs lists in "gold_notes" and "history"')
    return Question(
        id=str(value.get("id", number)),
        question=value["question"],
        type=str(value.get("type", "question")),
        gold=tuple((group,) if isinstance(group, str) else tuple(group) for group in gold),
        history=tuple(str(turn) for turn in history),
        evidence=tuple(value.get("evidence", ())),
        facts=tuple(value.get("key_facts", ())),
    )


def _measured(ranking: Ranking, gold: metrics.Groups) -> dict[str, float | None]:
    return {
        "recall@5": metrics.recall(ranking, gold, 5),
        "recall@10": metrics.recall(ranking, gold, 10),
        "mrr": metrics.reciprocal_rank(ranking, gold),
        "ndcg@10": metrics.ndcg(ranking, gold, 10),
    }


def _failures(questions: Sequence[Question], rankings: Sequence[Ranking]) -> Iterable[Failure]:
    for question, ranking in zip(questions, rankings, strict=True):
        missing = tuple(group for group in question.gold if not set(group) & set(ranking))
        if missing:
            yield Failure(question, missing, tuple(ranking))
