"""`Ragbot`: the stages put together, and the only place where they meet the settings.

Each public method takes the current generation of the index once and works on
that to its end, so that no answer mixes two. All of them may be called from
several threads.

Floor 5: the composition root.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ragbot.answers import answer as answers
from ragbot.config import Config
from ragbot.errors import NoteNotFoundError
from ragbot.graph.relation_graph import Direction
from ragbot.index.generation import Generation
from ragbot.index.index import Index
from ragbot.inference.lending import Borrowed, lent
from ragbot.inference.llm import LanguageModel
from ragbot.inference.ray import open_encoder
from ragbot.inference.token_codes import EncodedQuestion
from ragbot.inference.vector_cache import Remembered
from ragbot.models import (
    Answer,
    Changes,
    Filters,
    Hit,
    Note,
    NoteId,
    Passage,
    Problem,
    Progress,
    Relation,
    Status,
    Turn,
)
from ragbot.notes.link_checker import check
from ragbot.questions.conversation import checked, standalone
from ragbot.questions.query_rewrite import understand
from ragbot.retrieval.retriever import HOPS, retriever

if TYPE_CHECKING:
    import networkx as nx

History = Sequence[Turn | str]
"""Earlier turns, oldest first, each a question or a `Turn`."""

SOURCES = 12
"""Passages that an answer is made from."""

_NO_FILTERS = Filters()
_NO_VECTORS = "Found by words and links only: the meaning of the notes is still being indexed."
_NO_ENCODER = "Found by words and links only: the encoder is still loading."


class Ragbot:
    """Ask a folder of Markdown notes. Safe to share between threads; close it, or use `with`.

    Once it is closed, a call that had begun comes to its end, and a later one raises `ClosedError`.
    Every method is shown at work in `docs/python.md`, which the tests run.
    """

    def __init__(self, config: Config, *, borrow: bool = False) -> None:
        self.config = config
        self._index = Index(config.index, config.chroma_url, mentioned=config.mentions)
        own = open_encoder(config.embed_model, config.backend, config.ray)
        self._encoder = Borrowed(own, config.index) if borrow else own
        self.remembered = Remembered(self._encoder.encode)
        self._model = _model(config)
        self._find = retriever(config.reranker, self._encoder.encode_question)
        self._wait = True
        self._seen = False
        self._refreshing = threading.Lock()

    @classmethod
    def open(
        cls,
        notes: str | Path | None = None,
        index: str | Path | None = None,
        *,
        config: Config | None = None,
        wait: bool = True,
        borrow: bool = False,
    ) -> Self:
        """Open the notes and their index.

        Parameters
        ----------
        notes, index
            Folders; the environment's or the defaults if omitted.
        config
            All settings at once, instead of the environment's.
        wait
            Whether to bring the index up to date now, and to wait for the
            encoder at the first question. Without it, questions are answered
            from words and links until `refresh` and `warm` are done.
        borrow
            Whether a chat on the same index may encode questions: for short programs.

        Raises
        ------
        ConfigError, VaultError, StorageError, ModelUnavailableError
            If a setting, the notes, the index folder or the encoder cannot be used.
        """
        if config is None:
            config = Config.from_environment(notes=notes, index=index)
        bot = cls(config, borrow=borrow)
        bot._wait = wait
        if wait:
            bot.refresh(automatic=True)
        return bot

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index. What was given before stays valid; a later call is refused."""
        self._index.close()

    # Keeping the index

    def refresh(
        self,
        *,
        rebuild: bool = False,
        automatic: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Changes:
        """Bring the index up to date with the notes.

        Parameters
        ----------
        rebuild
            Whether to read and embed everything anew.
        automatic
            Whether nobody asked for it: an index that was rolled back then
            stays as it is until a note changes.
        progress
            Called as the work goes on; an exception from it ends the work and
            leaves the index as it was last made safe.

        Raises
        ------
        VaultError, IndexLockedError, StorageError, ModelUnavailableError
            If the notes cannot be read, another process writes the index, it
            cannot be written, or the encoder cannot be used.
        """
        report = progress or (lambda step: None)
        kind = {"rebuild": rebuild, "automatic": automatic}
        with self._refreshing:
            done = self._index.refresh(self.config.notes, self._encoder, **kind, report=report)
            self._seen = True
        return done

    def rollback(self) -> str:
        """Go back to the generation before, until a note changes; gives its name."""
        return self._index.rollback(self.config.notes)

    def warm(self) -> None:
        """Load the encoder, so that the next question need not wait for it."""
        self._encoder.load()

    def lend(self) -> AbstractContextManager[None]:
        """Encode questions for those who `borrow`, until the context ends."""
        return lent(self._encoder, self.config.index)

    def status(self) -> Status:
        """Say what the index holds, and how far it is behind the notes."""
        manifest = (corpus := self.corpus()).manifest
        return Status(
            generation=manifest.generation,
            notes=manifest.notes,
            passages=manifest.chunks,
            relations=corpus.graph.written,
            ghosts=len(corpus.graph.ghosts()),
            embedded=manifest.embedded,
            indexed_at=manifest.created,
            behind=self._index.behind(self.config.notes),
            encoder=manifest.encoder.name if manifest.encoder else "",
            notice=_NO_VECTORS if manifest.embedded < manifest.chunks else "",
        )

    def problems(self, *, suggest: bool = False) -> list[Problem]:
        """Say what the link doctor finds in the notes; with `suggest`, links to add too."""
        corpus = self.corpus()
        snapshot = corpus.content.snapshot
        notes = list(corpus.notes.values())
        return check(notes, snapshot.problems, files=snapshot.files, suggest=suggest)

    # Asking

    def search(
        self,
        question: str,
        k: int = 10,
        history: History = (),
        *,
        filters: Filters = _NO_FILTERS,
        words: bool = False,
        hops: int | None = None,
    ) -> list[Hit]:
        """Find the passages that answer a question, best first.

        Parameters
        ----------
        question
            At most `Config.max_question` characters.
        k
            Number of hits wanted, >= 1.
        history
            Earlier turns, oldest first.
        filters
            Which notes may be found.
        words
            Whether to search by words and links only, without the encoder.
        hops
            Links to follow from a hit; 0 for none, the default when None.

        Raises
        ------
        QuestionError
            If the question is empty or too long.
        """
        corpus = self.corpus()
        asked = standalone(checked(question, self.config.max_question), _turns(history), corpus)
        query = None if words else self._encoded(corpus, asked.query)
        hops = HOPS if hops is None else hops
        return self._find(corpus, asked.query, query, k=k, filters=filters, hops=hops)

    def ask(
        self,
        question: str,
        history: History = (),
        *,
        filters: Filters = _NO_FILTERS,
        use_llm: bool | None = None,
        sources: int | None = None,
        hops: int | None = None,
    ) -> Answer:
        """Answer a question from the notes, every statement with its quotation.

        Parameters
        ----------
        question, history, filters, hops
            As for `search`.
        use_llm
            Whether a language model may write the answer; as configured when None.
        sources
            Passages to answer from, >= 1.

        Raises
        ------
        QuestionError
            If the question is empty or too long.
        """
        *_, answer = self.stream(
            question, history, filters=filters, use_llm=use_llm, sources=sources, hops=hops
        )
        assert isinstance(answer, Answer)  # a stream ends with its answer
        return answer

    def stream(
        self,
        question: str,
        history: History = (),
        *,
        filters: Filters = _NO_FILTERS,
        use_llm: bool | None = None,
        sources: int | None = None,
        hops: int | None = None,
    ) -> Iterator[str | Answer]:
        """Answer as `ask` does, piece by piece: text as it comes, then the checked `Answer`."""
        question = checked(question, self.config.max_question)
        turns = _turns(history)
        corpus = self.corpus()
        model = self._model if use_llm is not False else None
        asked, failed = understand(question, turns, corpus, model)
        query, hits = None, []
        if not asked.reply:
            query = self._encoded(corpus, asked.query)
            k, far = SOURCES if sources is None else sources, HOPS if hops is None else hops
            hits = self._find(corpus, asked.query, query, k=k, filters=filters, hops=far)
        yield from answers.stream(
            corpus,
            question,
            asked,
            hits,
            encode=None if query is None else self.remembered,
            query=query,
            encode_clause=partial(self._encoded, corpus),
            model=model,
            failed=failed,
            history=turns,
            notice="" if query is not None or asked.reply else self._why_words(corpus),
        )

    def encode(self, question: str) -> EncodedQuestion | None:
        """Encode a question; None while words and links alone are searched."""
        return self._encoded(self.corpus(), question)

    def corpus(self) -> Generation:
        """Give the current generation of the index, which never changes."""
        # Without `wait` nobody has looked at the notes yet.
        if not self._wait and not self._seen:
            with self._refreshing:
                if not self._seen:
                    self._index.catch_up(self.config.notes)
                    self._seen = True
        return self._index.current()

    def notes(self) -> list[Note]:
        """Every note, in order of id."""
        return list(self.corpus().notes.values())

    def note(self, name: str) -> Note:
        """Find a note by path, file name, title or alias.

        Raises
        ------
        NoteNotFoundError
            If no note goes by that name; it names the nearest.
        """
        corpus = self.corpus()
        return corpus.notes[self._id(corpus, name)]

    def passages(self, name: str) -> list[Passage]:
        """Return the passages of a note, in the order of the file.

        Raises
        ------
        NoteNotFoundError
            If no note goes by that name; it names the nearest.
        """
        corpus = self.corpus()
        return [corpus.passage(one) for one in corpus.passages_of(self._id(corpus, name))]

    def related(
        self, name: str, predicate: str | None = None, direction: Direction = "both"
    ) -> list[Relation]:
        """Relations of a note: its own in file order, then those of others that lead to it.

        Raises
        ------
        NoteNotFoundError
            If no note goes by that name.
        """
        corpus = self.corpus()
        return corpus.graph.neighbours(self._id(corpus, name), predicate, direction)

    def path(self, a: str, b: str) -> list[Relation]:
        """Shortest way between two notes along relations, either way; empty if there is none.

        Raises
        ------
        NoteNotFoundError
            If no note goes by one of the names.
        """
        corpus = self.corpus()
        return list(corpus.graph.path(self._id(corpus, a), self._id(corpus, b)))

    def graph(self) -> nx.MultiDiGraph[str]:
        """Give the relation graph: notes and ghosts as nodes, a relation on each edge."""
        return self.corpus().graph.to_networkx()

    def starters(self, most: int = 6) -> list[str]:
        """Return questions to begin with.

        They are the field `starters` of a note's frontmatter; without one they ask about the
        notes with the most links.
        """
        corpus = self.corpus()
        for note in corpus.notes.values():
            written = note.metadata.get("starters")
            if isinstance(written, list) and written:
                return [str(question) for question in written[:most]]
        return [f"What is {corpus.notes[note].title}?" for note in corpus.graph.hubs(most)]

    # Steps

    def _encoded(self, corpus: Generation, query: str) -> EncodedQuestion | None:
        """Encode a question, unless that would mix encoders or keep someone waiting."""
        if not corpus.embedded or not (self._wait or self._encoder.loaded):
            return None
        if corpus.manifest.encoder != self._encoder.identity or corpus.trouble():
            return None
        return self._encoder.encode_question(query)

    def _why_words(self, corpus: Generation) -> str:
        ready = self._encoder.loaded or not corpus.embedded
        return corpus.trouble() or (_NO_VECTORS if ready else _NO_ENCODER)

    def _id(self, corpus: Generation, name: str) -> NoteId:
        names = corpus.names
        found = names.find(name)
        if found is None:
            ghosts: Mapping[str, int] = corpus.graph.ghosts()
            wanted = sum(n for ghost, n in ghosts.items() if ghost.casefold() == name.casefold())
            raise NoteNotFoundError(name, names.nearest(name), wanted)
        return found


def _turns(history: History) -> list[Turn]:
    return [turn if isinstance(turn, Turn) else Turn(turn) for turn in history]


def _model(config: Config) -> LanguageModel | None:
    llm = config.llm
    return LanguageModel(llm, config.llm_base_url, config.llm_timeout) if llm else None
