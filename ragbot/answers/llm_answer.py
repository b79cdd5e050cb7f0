"""Answers by a language model, of which only sentences that quotes carry are shown.

The model reads numbered evidence and one instruction. Each sentence that it writes is matched to
the lines that carry it, whether or not it wrote a number, and verified against them. If no line
carries a sentence, the sentence of the notes that says nearly the same replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import combinations

from ragbot.answers import evidence, grounding
from ragbot.answers.clauses import MARKS, clauses, lemma, words
from ragbot.answers.evidence import EvidenceLine
from ragbot.answers.verification import fault
from ragbot.index.corpus import FloatArray
from ragbot.inference.llm import LanguageModel, Message
from ragbot.models import Citation, Note, NoteId, Span, Statement
from ragbot.text.sentences import sentences

INSTRUCTION = (
    "Using only these notes, answer in one or two short sentences that keep the words of the notes:"
)

SENTENCES = 3
"""Most sentences shown."""

WRITTEN = 5
"""Sentences after which a model is stopped, shown or not."""

LONGEST = 1200
"""Characters after which a model is stopped."""

MOST_WORDS = 60
"""Most words shown in all."""

MEANT = 0.6
"""Least similarity of a refused sentence to the sentence of the notes that replaces it."""

BEST = 2
"""Best lines of evidence: only these may replace a refused sentence."""

_CITED = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_DONE = re.compile(r"[.!?…。！？][\"'”’)]*(?:\s*\[[\d,; ]+\])*(?=\s+[^\s\[]|\s*\n)")
_ECHO = re.compile(r"([^\[]{1,200})\[\d{1,3}\]\s")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")
_LINKS = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)|<[^<>]*>|https?://\S+")
_LABEL = re.compile(r"^\s*(?:answer|a|response)\s*:\s*", re.IGNORECASE)
_DECLINES = re.compile(
    r"\b(?:(?:notes?|text|passages?|information|source|context|it)\b[^.]{0,60}?"
    r"\b(?:do(?:es)?(?:n['’]t| not)"
    r"|did(?:n['’]t| not)|is not|are not|isn['’]t|aren['’]t|not)\s+(?:\w+\s+){0,2}?"
    r"(?:say|mention|specif|provid|contain|state|include|give|answer|explicit|address|available|discuss)"
    r"|no (?:information|mention|specific|details?|answer)\b"
    r"|(?:cannot|can['’]t|could not|unable to) (?:be )?(?:answer|determin|find|found|provide)"
    r"|i (?:do not|don['’]t) (?:know|have))",
    re.IGNORECASE,
)

_REPLY = re.compile(r"(?:yes|no)\b[,.:;—–-]*\s*", re.IGNORECASE)
_REPEATS = "it only repeats the question"
_OPEN_TASK = re.compile(r"\W*\[ \]")
_THIRD = frozenset(["he", "her", "him", "it", "she", "them", "these", "they", "this", "those"])
_ENDS = ".!?…。！？\"'”’)"

Encode = Callable[[Sequence[str]], FloatArray]
_Quoted = tuple[EvidenceLine, int, int]
"""A line of evidence with the first and the last of its sentences that are quoted."""


def lemmas(text: str) -> set[str]:
    """Return the lemmas of the content words of a text."""
    return {word.lemma for word in words(text) if word.content and word.text not in MARKS}


_ABOUT_NOTES = lemmas("notes text passage say state mention describe")


@dataclass(frozen=True, slots=True)
class Written:
    """The verified text of a model: the statements that quotes carry, and the quotes.

    `refused` is the number of sentences that no quote carries, and `why` the fault of the last of
    them. `replaced` is how many of them a sentence of the notes replaces. `declined` is True if the
    model wrote that the notes don't answer.
    """

    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    refused: int = 0
    replaced: int = 0
    why: str = ""
    declined: bool = False


def prompt(query: str, lines: Sequence[EvidenceLine]) -> list[Message]:
    """Return the messages to a model: the numbered evidence, then the instruction."""
    return [Message("user", f"{evidence.as_prompt(lines)}\n\n{INSTRUCTION} {query}")]


def stream(
    model: LanguageModel,
    notes: Mapping[NoteId, Note],
    query: str,
    lines: Sequence[EvidenceLine],
    encode: Encode | None = None,
) -> Iterator[Written]:
    """Yield the carried sentences so far: after each, while the model is silent, and at the end.

    Closing the iterator stops the model's work.

    Parameters
    ----------
    encode
        Returns unit vectors of texts, to find the nearest sentence; None to compare words only.

    Raises
    ------
    ModelUnavailableError
        If the model fails; the values yielded before stay valid.
    """
    checker = _Checker(notes, query, lines, encode)
    with closing(model.stream(prompt(query, lines))) as pieces:
        for sentence in _whole_sentences(pieces):
            checker.take(sentence)
            yield checker.written
            if checker.ended:
                break
    yield checker.written


def _whole_sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Yield the sentences of a stream, each with the marks after it; "" while it is silent."""
    waiting, length = "", 0
    for piece in pieces:
        if not piece:
            yield ""
        waiting += piece
        length += len(piece)
        while end := _end(waiting):
            yield waiting[:end]
            waiting = waiting[end:]
        if length > LONGEST:
            return  # drop the unfinished sentence
    yield from (line for line in re.split(r"\n+", waiting) if line.strip())


def _end(text: str) -> int:
    """Return the end of the first whole sentence, with its marks; 0 if none has ended."""
    starts = [first for first, _ in sentences(text)[1:]]  # "St. Nicholas" is one sentence
    for done in _DONE.finditer(text):
        after = len(text) - len(text[done.end() :].lstrip())
        if any(done.start() < start <= after for start in starts):
            return done.end()
    return 0


class _Checker:
    """Verifies the sentences of one answer as they come."""

    def __init__(
        self,
        notes: Mapping[NoteId, Note],
        query: str,
        lines: Sequence[EvidenceLine],
        encode: Encode | None,
    ) -> None:
        self.written = Written()
        self._notes, self._query, self._lines = notes, query, lines
        self._asked = lemmas(query) | _ABOUT_NOTES
        self._encode = encode
        self._numbers: dict[tuple[NoteId, Span], int] = {}
        self._seen: set[str] = set()
        self._taken = 0
        self._repeated = False
        self._first = True

    @property
    def ended(self) -> bool:
        """True if no more text is needed.

        Enough is shown, the model repeats itself, or its answer is refused: its first sentence
        that does not only repeat the question.
        """
        enough = len(self.written.statements) >= SENTENCES or self._taken >= WRITTEN
        failed = self.written.why not in ("", _REPEATS) and not self.written.statements
        return enough or self._repeated or failed

    @property
    def _room(self) -> int:
        """Words that may still be shown."""
        return MOST_WORDS - sum(len(one.text.split()) for one in self.written.statements)

    def take(self, sentence: str) -> None:
        """Verify one sentence, and add it to `written` if quotes carry it."""
        if not sentence:
            return
        self._taken += 1
        text = _plain(sentence, self._lines)
        folded = text.casefold()
        if not re.search(r"\w{2}", text):
            return
        if folded in self._seen:
            self._repeated = True
            return
        self._first = not self._seen
        self._seen.add(folded)
        if _DECLINES.search(text):
            self.written = replace(self.written, declined=True)
            return
        quoted, why = self._carried(text)
        if why and (reply := _REPLY.match(text)):
            # The "yes" does not follow from the quotes, but the rest of the sentence may.
            text = _capital(text[reply.end() :])
            quoted, why = self._carried(text)
        if quoted:
            self._keep(text, quoted)
            return
        self.written = replace(self.written, refused=self.written.refused + 1, why=why)
        if nearest := self._nearest(text):
            for quoted in nearest:
                self._keep(_shown(*quoted), quoted)
            self.written = replace(self.written, replaced=self.written.replaced + 1)

    def _nearest(self, text: str) -> Sequence[_Quoted]:
        """Return the quote, or the two, that say nearly the same as a refused sentence.

        They have its numbers, its names, and half of the new words of each of its clauses: one side
        of a comparison does not replace both. Code and open tasks are passed over.
        """
        if text.endswith("?") or (self._taken > 1 and words(text)[0].text in _THIRD):
            return ()  # an echo of the question, or of what an earlier sentence named
        named = {word.lemma for word in words(text) if word.number or word.name} - self._asked
        new = [one.lemmas - self._asked for one in clauses(text) if one.verb is not None]
        shown = {one.text for one in self.written.statements}
        quotes = [
            (line, *part)
            for line in self._lines[:BEST]
            for part in _parts(line)
            if not self._is_open(line, *part) and "\n" not in _shown(line, *part)
        ]
        for several in (1, 2):
            complete = [
                some
                for some in combinations(quotes, several)
                if len({line.number for line, _, _ in some}) == several
                and not shown.intersection(texts := [_shown(*one) for one in some])
                and len(" ".join(texts).split()) <= self._room
                and named <= (has := lemmas(" ".join(texts)))
                and all(2 * len(one & has) >= len(one) for one in new)
            ]
            if complete:
                texts = [" ".join(_shown(*one) for one in some) for some in complete]
                ranked = zip(self._similarity(text, texts), range(len(texts)), strict=True)
                score, best = max(ranked)
                return complete[best] if score >= MEANT else ()
        return ()

    def _similarity(self, text: str, quotes: Sequence[str]) -> list[float]:
        """Return the similarity of each quote to a sentence, in [0, 1]; 0 if it has no new word.

        It is the mean of the cosine, of the share of the sentence's words that the quote has, and
        of the same share without the words of the question.
        """
        said = lemmas(text)
        parts = {one: {lemma(part) for part in one.split("-")} for one in said - self._asked}
        own = {one for one, of in parts.items() if not of <= self._asked}  # "role-playing" is asked
        if not own:
            return [0.0] * len(quotes)
        quoted = [lemmas(quote) for quote in quotes]
        measures = [[len(of & one) / len(of) for one in quoted] for of in (said, own)]
        if self._encode is not None:
            vectors = self._encode([text, *quotes])
            measures.append((vectors[1:] @ vectors[0]).tolist())
        return [sum(column) / len(column) for column in zip(*measures, strict=True)]

    def _carried(self, text: str) -> tuple[_Quoted | None, str]:
        """Return the shortest quote that carries a sentence; or None, with the fault."""
        said = lemmas(text)
        if len(said) < 2 or (not self._first and text[-1] not in _ENDS):
            return None, "it is no whole sentence"
        if text.endswith("?") or (not _REPLY.match(text) and said <= self._asked):
            return None, _REPEATS
        ranked = sorted(self._lines, key=lambda line: -len(said & lemmas(line.text)))
        why = ""
        for line in ranked:
            for part in _parts(line):
                reason = self._fault(text, (line, *part))
                if not reason:
                    return (line, *part), ""
                why = why or reason
        return None, why

    def _fault(self, text: str, quoted: _Quoted) -> str:
        shown = _shown(*quoted)
        if self._is_open(*quoted) and text != shown:
            return "the task is not done"
        if quoted[0].number > BEST and lemmas(text) == lemmas(shown):
            return "other sentences come nearer to the question"
        first, *rest = (word.text for word in words(text))
        added = _THIRD.intersection(rest) - {word.text for word in words(shown)}
        if added or (first in _THIRD and text not in shown):
            return "it does not name what it speaks of"
        said, asked = lemmas(text), self._asked & lemmas(shown)
        if len(said) < 3 and 2 * len(asked - said) > len(asked):
            return "it leaves out what is asked"  # a name alone
        return fault(text, [shown], quoted[0].place, self._query)

    def _is_open(self, line: EvidenceLine, first: int, last: int) -> bool:
        """Check for an open task, which does not say that anything happened."""
        text = self._notes[line.note].text
        return any(_OPEN_TASK.match(text, *span) for span in line.spans[first : last + 1])

    def _keep(self, text: str, quoted: _Quoted) -> None:
        if len(text.split()) > self._room:
            if not self.written.statements:
                why = f"it has more than {MOST_WORDS} words"
                self.written = replace(self.written, refused=1, why=why)
            return
        line, first, last = quoted
        span = (line.spans[first][0], line.spans[last][1])
        citations = self.written.citations
        number = self._numbers.setdefault((line.note, span), len(citations) + 1)
        if number > len(citations):
            citations = (*citations, grounding.cite(self._notes, number, line.note, span))
        self.written = replace(
            self.written,
            statements=(*self.written.statements, Statement(text, (number,))),
            citations=citations,
        )


def _plain(sentence: str, lines: Sequence[EvidenceLine]) -> str:
    """Return a written sentence without marks, markup, links, and echoes of the prompt."""
    places = {part for line in lines for part in (line.place, line.place.split(" > ")[-1])}
    if (echo := _ECHO.match(sentence)) and echo[1].strip() in places:
        sentence = sentence[echo.end() :]
    text = _LINKS.sub(r"\1", _BULLET.sub("", _CITED.sub("", sentence)))
    text = " ".join(re.sub(r"\*\*|__|`|^#+", "", text).split())
    text = _LABEL.sub("", text.strip())
    text = re.sub(r"\s+([.!?,;:])", r"\1", text).strip()
    return "" if text in {line.place for line in lines} else _capital(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parts(line: EvidenceLine) -> list[tuple[int, int]]:
    """Return the ranges of sentences that can be quoted: the last one alone, then all."""
    last = len(line.texts) - 1
    return [(last, last), (0, last)] if last == 1 else [(0, last)]


def _shown(line: EvidenceLine, first: int, last: int) -> str:
    return " ".join(line.texts[first : last + 1])
