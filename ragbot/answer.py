"""Hits in, an answer out: the sentences nearest to the question, each with its quotation.

Floor 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ragbot.conversation import Standalone
from ragbot.corpus import Corpus, FloatArray
from ragbot.llm import LanguageModel
from ragbot.markdown import plain
from ragbot.schema import Answer, Citation, Hit, Statement, Turn
from ragbot.sentences import sentences

Encode = Callable[[Sequence[str]], FloatArray]

_HITS, _SENTENCES, _LEAST = 5, 4, 0.35


def stream(
    corpus: Corpus,
    question: str,
    asked: Standalone,
    hits: Sequence[Hit],
    *,
    encode: Encode | None,
    query: FloatArray | None,
    model: LanguageModel | None = None,
    history: Sequence[Turn] = (),
    notice: str = "",
) -> Iterator[str | Answer]:
    """Give the text of the answer, then the answer itself."""
    found = [
        (hit, span) for hit in hits[:_HITS] for span in sentences(hit.chunk.text, hit.chunk.span[0])
    ]
    texts = [plain(corpus.notes[hit.chunk.note].text[slice(*span)]) for hit, span in found]
    near = [1.0] * len(texts)
    if encode is not None and query is not None and texts:
        near = (encode(texts) @ query).tolist()
    best = sorted(range(len(texts)), key=lambda i: -near[i])[:_SENTENCES]
    best = [i for i in best if near[i] >= _LEAST]
    citations, statements = [], []
    for number, i in enumerate(best, start=1):
        hit, span = found[i]
        note = corpus.notes[hit.chunk.note]
        place = (note.title, hit.chunk.headings, note.lines_of(span), span)
        citations.append(Citation(number, note.id, *place, note.text[slice(*span)]))
        statements.append(Statement(texts[i], (number,)))
    text = "\n\n".join(f"{s.text} [{s.citations[0]}]" for s in statements)
    text = text or "The notes don't say."
    yield text
    yield Answer(
        question,
        text,
        "extractive",
        not statements,
        tuple(statements),
        tuple(citations),
        tuple(hits),
        asked.query,
        notice,
    )
