"""Answer from hits: quote the notes, or say that they don't answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from ragbot.answers import (
    abstention,
    compose,
    grounding,
    quotes,
    relation_answers,
    sentence_ranker,
)
from ragbot.answers.compose import Composed, Line, Quote
from ragbot.answers.sentence_ranker import Ranking
from ragbot.index.corpus import Corpus
from ragbot.models import Answer, Citation, Hit, NoteId, Relation
from ragbot.notes.note_dates import daily_date
from ragbot.questions import lookups
from ragbot.questions.conversation import Standalone, starters
from ragbot.questions.language import phrases
from ragbot.questions.question import Question
from ragbot.questions.relation_questions import RelationQuestion
from ragbot.questions.values import Found
from ragbot.text.language import language_of
from ragbot.text.tokenize import tokens

LEAST_WORDS_LEFT = 25
"""Least words that must be left after the relations to add a quote."""

LEAST_UNSAID = 0.3
"""Least share of the question's words that the relations must lack to add a quote."""

RELATION_WORDS = 150
"""Words of listed relations: a list that is asked for may be longer than prose."""

LONGEST_LIST = 30
"""Most rows, tasks or notes that are listed; the others are counted."""

MOST_SUGGESTED = 3
"""Questions suggested after an answer."""

LEAST_PART = -1.0
"""Confidence below which a part of a question is named as unanswered."""


def small_talk(corpus: Corpus, text: str, asked: Standalone) -> Answer:
    """Return the reply to small talk, with questions to begin with."""
    return Answer(
        text, asked.reply, "smalltalk", False, followups=starters(corpus, 3, language_of(text))
    )


def answer(
    corpus: Corpus,
    question: Question,
    hits: Sequence[Hit],
    *,
    notice: str = "",
) -> Answer:
    """Return the answer to a question from the passages found, without a language model.

    It is of kind `graph` if relations or a look-up answer, else `extractive`. It abstains if the
    notes do not answer. `notice` is a limit of the answer that the reader should know.
    """
    related = question.relation
    if related is not None and (not related.relations or _is_shown(corpus, question, related)):
        related = None
    found = () if related else lookups.look_up(corpus, question)
    if {(one.note, one.span) for one in found} <= question.shown:
        found = ()
    ranking = sentence_ranker.rank(corpus, question, hits)
    selected = quotes.select(corpus, question, ranking, quotes.WORDS)
    sure = abstention.confidence(corpus, question, ranking.in_turn, selected.quotes)
    sure -= abstention.missing(corpus, question, ranking.in_turn)
    unanswered: tuple[str, ...] = ()
    if ranking.whole and question.parts and not (related or found):
        sure, ranking, unanswered = _by_part(corpus, question, ranking, sure)
        selected = quotes.select(corpus, question, ranking, quotes.WORDS)
    if related is not None:
        made = _with_more(corpus, question, related, ranking)
    elif found:
        made = _looked_up(corpus, found, question.language)
    elif sure < 0:
        return replace(abstention.answer(corpus, question, hits, notice), confidence=sure)
    else:
        made = compose.compose(corpus.notes, selected.quotes)
    if not all(grounding.is_exact(citation, corpus.notes) for citation in made.citations):
        raise AssertionError("a quote is not in its note: an error of ragbot, not of the notes")
    open_parts = (phrases(question.language).unanswered.format(part=part) for part in unanswered)
    return Answer(
        question.text,
        "\n\n".join((made.text, *open_parts)),
        "graph" if related or found else "extractive",
        False,
        made.statements,
        made.citations,
        tuple(hits),
        question.standalone,
        notice,
        _suggestions(corpus, question.words, made.citations),
        None if related or found else sure,
        _more(corpus, selected.more, made.citations),
        unanswered,
    )


def _is_shown(corpus: Corpus, question: Question, related: RelationQuestion) -> bool:
    """Check whether the last answer quoted all relations that answer a follow-up."""
    spans = {
        (one.source, relation_answers.quoted(corpus.notes[one.source], one))
        for one in related.relations
    }
    return spans <= question.shown


def _looked_up(corpus: Corpus, found: Sequence[Found], language: str) -> Composed:
    """Return the answer from facts that were looked up, each quoted from its line."""
    groups = [list(group) for _, group in groupby(found, lambda one: (one.note, one.span))]
    shown = groups[:LONGEST_LIST]
    found_quotes = [
        Quote(
            group[0].note,
            group[0].span,
            tuple(Line(one.text, one.item and len(found) > 1, one.code) for one in group),
        )
        for group in shown
    ]
    made = compose.compose(corpus.notes, found_quotes, [group[0].lead for group in shown])
    left_out = len(groups) - len(shown)
    rest = phrases(language).rest.format(count=left_out)
    return replace(made, text=f"{made.text}\n\n{rest}") if left_out else made


def _more(corpus: Corpus, left: Sequence[Quote], cited: Sequence[Citation]) -> tuple[Citation, ...]:
    """Return citations of the next passages, numbered after those of the answer."""
    fresh = [one for one in left if not any(one.overlaps(other) for other in cited)]
    return tuple(
        grounding.cite(corpus.notes, number, one.note, one.span)
        for number, one in enumerate(fresh, start=len(cited) + 1)
    )


def _by_part(
    corpus: Corpus, question: Question, ranking: Ranking, sure: float
) -> tuple[float, Ranking, tuple[str, ...]]:
    """Return the confidence by parts, the sentences for the answered ones, the text of the others.

    The confidence is at least that of the best part.
    """
    weighed = []
    for part, ranked in zip(question.parts, ranking.parts, strict=True):
        best = [one.candidate for one in ranked[: abstention.COMPARED]]
        quoted = quotes.quote(corpus, best[0])
        alone = sentence_ranker.score(corpus, part, best)
        weighed.append(abstention.confidence(corpus, part, alone, [quoted] if quoted else []))
    most = max(weighed)
    least = LEAST_PART if sure >= 0 else 0.0
    said = [one >= least or (sure >= 0 and one == most) for one in weighed]
    if not any(said):
        return sure, ranking, ()
    parts = tuple(ranked for ranked, kept in zip(ranking.parts, said, strict=True) if kept)
    unsaid = tuple(p.text for p, kept in zip(question.parts, said, strict=True) if not kept)
    return max(sure, most), Ranking(parts[0] if unsaid else ranking.whole, parts), unsaid


def _with_more(
    corpus: Corpus,
    question: Question,
    asked_for: RelationQuestion,
    ranking: Ranking,
) -> Composed:
    """Return the statements of relations, with a quote for words of the question that they lack."""
    stated = relation_answers.answer(corpus, asked_for, RELATION_WORDS)
    said = " ".join(f"{statement.lead} {statement.text}" for statement in stated.statements)
    text = compose.render(stated.statements)
    if stated.left_out:
        text += "\n\n" + phrases(question.language).rest.format(count=stated.left_out)
    room = quotes.WORDS - len(said.split())
    missing = compose.unsaid(question.stems, said)
    asked = max(1, len(question.stems))
    ends = {relation.target for relation in asked_for.relations} - {asked_for.subject}
    # "The town of X's publisher": the note at the end of the relation may name the town.
    known = compose.stems(said) | question.stems
    fitting = tuple(
        one
        for one in ranking.whole
        if one.candidate.note in ends and not compose.stems(one.candidate.text) <= known
    ) or tuple(
        one for one in ranking.whole if missing.intersection(compose.stems(one.candidate.text))
    )
    open_share = sum(map(corpus.rarity, missing)) / asked
    if not fitting or room < LEAST_WORDS_LEFT or open_share < LEAST_UNSAID:
        return Composed(text, stated.statements, stated.citations)
    chosen = quotes.select(corpus, question, Ranking(fitting, (fitting,)), room)
    more = compose.compose(corpus.notes, chosen.quotes[:1])
    more = compose.renumbered(more, len(stated.citations))
    return Composed(
        f"{text}\n\n{more.text}",
        stated.statements + more.statements,
        stated.citations + more.citations,
    )


def _suggestions(
    corpus: Corpus, words: Sequence[str], citations: Sequence[Citation]
) -> tuple[str, ...]:
    """Return questions about notes that the cited notes lead to, by typed relations first.

    Notes that the words of the question name or the answer cites are not suggested again.
    """
    cited = list(dict.fromkeys(citation.note for citation in citations))
    asked = f" {' '.join(words)} "
    questions: dict[str, None] = {}
    seen = set(cited)
    for note in cited:
        for relation, other in _around(corpus, note):
            if other in seen or daily_date(other):  # a day is no subject
                continue
            title = corpus.notes[other].title
            if f" {' '.join(tokens(title))} " not in asked:
                seen.add(other)
                questions[_question(corpus, note, relation, title)] = None
                break
        if len(questions) >= MOST_SUGGESTED:
            break
    return tuple(questions)


def _around(corpus: Corpus, note: NoteId) -> list[tuple[Relation, NoteId]]:
    """Return the relations of a note with the other end: typed first, then the rarer note."""
    ends = [
        (relation, relation.target if relation.source == note else relation.source)
        for relation in corpus.graph.neighbours(note)
    ]
    written = [(relation, other) for relation, other in ends if other is not None]
    rarity = corpus.graph.rarities({note for _, note in written})
    return sorted(written, key=lambda end: (not end[0].typed, -rarity[end[1]]))


def _question(corpus: Corpus, note: str, relation: Relation, title: str) -> str:
    here = corpus.notes[note].title
    return f"How are {here} and {title} connected?" if relation.typed else f"What is {title}?"
