"""`Ragbot`: puts the rooms together and passes them the settings.

Each public method reads one snapshot of the index, so no answer mixes two states.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ragbot.answers.answer import answer, small_talk
from ragbot.answers.stream import Writer, reading, stream
from ragbot.config import Config
from ragbot.errors import NoteNotFoundError
from ragbot.graph.relation_graph import Direction
from ragbot.index.corpus import Corpus
from ragbot.index.index import Index
from ragbot.inference.encoder import VectorCache
from ragbot.inference.llm_discovery import LocalModel, ModelChoice, local_models
from ragbot.inference.ray import open_encoder
from ragbot.inference.token_codes import EncodedQuestion
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
from ragbot.questions.conversation import checked, standalone, starters
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import HOPS, Retriever, filter_notice
from ragbot.text.language import foreign_notice

if TYPE_CHECKING:
    import networkx as nx

History = Sequence[Turn | str]
"""Earlier turns, oldest first, each a question or a `Turn`."""
SOURCES = 12
"""Passages that an answer is made from."""

_NO_FILTERS = Filters()
_NO_VECTORS = "Found by words and links only: the meaning of the notes is still being indexed."
_NO_CHROMA = "Chroma cannot be used ({}); vectors are compared exactly until the next refresh."


class Ragbot:
    """Ask a folder of Markdown notes. Safe to share between threads; close it, or use `with`.

    `close` waits for running calls; a later call raises `ClosedError`. `docs/python.md` has an
    example of every method. A method that takes the name of a note raises `NoteNotFoundError` if no
    note has it.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._index = Index(config.index, config.chroma_url, mentioned=config.mentions)
        self._encoder = open_encoder(config.embed_model, config.backend, config.ray)
        self._encode_sentences = VectorCache(self._encoder.encode)
        self._models = ModelChoice(config.llm, config.llm_base_url, config.llm_timeout)
        self._retriever = Retriever(config.reranker)
        self._seen = False
        self._foreign: tuple[int, str] | None = None
        self._refreshing = threading.Lock()

    @classmethod
    def open(
        cls,
        notes: str | Path | None = None,
        index: str | Path | None = None,
        *,
        config: Config | None = None,
        refresh: bool = True,
    ) -> Self:
        """Open the notes and their index.

        Parameters
        ----------
        notes, index
            Folders; the environment's or the defaults if omitted.
        config
            All settings at once, instead of the environment's.
        refresh
            Whether to update the index now. Without it, the first call reads the changed
            notes, and only `refresh` embeds their passages.

        Raises
        ------
        ConfigError, VaultError, StorageError, ModelUnavailableError
            If a setting, the notes, the index folder or the encoder cannot be used.
        """
        if config is None:
            config = Config.from_environment(notes=notes, index=index)
        bot = cls(config)
        if refresh:
            bot.refresh()
        return bot

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index. Values that were returned before stay valid."""
        self._index.close()

    # Keeping the index

    def refresh(
        self,
        *,
        rebuild: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Changes:
        """Update the index from the notes.

        Parameters
        ----------
        rebuild
            Whether to read and embed everything again.
        progress
            Called with each report; an exception from it ends the refresh after the
            last commit.

        Raises
        ------
        VaultError, IndexLockedError, StorageError, ModelUnavailableError
            If the notes cannot be read, another process writes the index, it
            cannot be written, or the encoder cannot be used.
        """

        def report(step: Progress) -> None:
            # From the first notes on, questions are answered while the others are read.
            self._seen = self._seen or step.stage != "read" or step.done > 0
            if progress is not None:
                progress(step)

        with self._refreshing:
            done = self._index.refresh(
                self.config.notes, self._encoder, rebuild=rebuild, report=report
            )
            self._seen = True
        return done

    def status(self) -> Status:
        """Return the state of the index, and the number of notes that changed since."""
        with self.snapshot() as corpus:
            passages, embedded = corpus.passage_count, corpus.embedded_count
            return Status(
                generation=str(corpus.counter),
                notes=len(corpus.notes),
                passages=passages,
                relations=corpus.graph.written,
                ghosts=len(corpus.graph.ghosts()),
                embedded=embedded,
                indexed_at=corpus.indexed_at,
                behind=self._index.behind(self.config.notes),
                encoder=corpus.encoder.name if corpus.encoder else "",
                notice=_NO_VECTORS if embedded < passages else self._lasting_notice(corpus),
                listed=corpus.listed_count,
            )

    def problems(self, *, suggest: bool = False) -> list[Problem]:
        """Return the problems of the notes and their links; with `suggest`, links to add too."""
        with self.snapshot() as corpus:
            notes, problems, files = corpus.notes.all(), corpus.problems, corpus.files
        return check(notes, problems, files=files, suggest=suggest)

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
        """Return the passages that answer a question, best first.

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
        hops = HOPS if hops is None else hops
        with self.snapshot() as corpus:
            asked = standalone(checked(question, self.config.max_question), _turns(history), corpus)
            encode = None if words else partial(self._encoded, corpus)
            analysed = analyse(corpus, question, asked, encode)
            return self._retriever.retrieve(corpus, analysed, k, filters, hops)

    def left_out(self, filters: Filters) -> str:
        """Return sentences on unknown folders and tags, and on undated notes left out."""
        with self.snapshot() as corpus:
            return filter_notice(corpus, filters)

    def ask(
        self,
        question: str,
        history: History = (),
        *,
        filters: Filters = _NO_FILTERS,
        use_llm: bool | str | None = None,
        sources: int | None = None,
        hops: int | None = None,
    ) -> Answer:
        """Return the answer to a question from the notes, every statement with its quote.

        Parameters
        ----------
        question, history, filters, hops
            As for `search`.
        use_llm
            Whether a language model may write the answer, as configured when None; or which one,
            a `spec` that `models` lists.
        sources
            Passages to answer from, >= 1.

        Raises
        ------
        QuestionError, ModelUnavailableError
            If the question is empty or too long, or no server here offers the model of `use_llm`.
        """
        *_, last = self.stream(
            question, history, filters=filters, use_llm=use_llm, sources=sources, hops=hops
        )
        return last

    def stream(
        self,
        question: str,
        history: History = (),
        *,
        filters: Filters = _NO_FILTERS,
        use_llm: bool | str | None = None,
        sources: int | None = None,
        hops: int | None = None,
    ) -> Iterator[Answer]:
        """Yield the answer of `ask` in snapshots: each `Answer` replaces the one before.

        The first is quoted from the notes. With a language model, snapshots with the sentences that
        it wrote and the notes carry follow; see `ragbot.answers.stream`. Closing the iterator stops
        the model.
        """
        question = checked(question, self.config.max_question)
        model = self._models.choose(use_llm)
        writer: Writer | None = None
        with self.snapshot() as corpus:
            asked = standalone(question, _turns(history), corpus)
            if asked.reply:
                quoted = small_talk(corpus, question, asked)
            else:
                analysed = analyse(corpus, question, asked, partial(self._encoded, corpus))
                k, far = SOURCES if sources is None else sources, HOPS if hops is None else hops
                hits = self._retriever.retrieve(corpus, analysed, k, filters, far)
                embedded = analysed.vectors is not None or corpus.embedded
                notices = ["" if embedded else _NO_VECTORS, filter_notice(corpus, filters)]
                quoted = answer(corpus, analysed, hits, notice=" ".join(filter(None, notices)))
                if model is not None:
                    encode = None if analysed.vectors is None else self._encode_sentences
                    writer = reading(corpus, analysed, hits, model, encode)
        # The model writes for seconds, so the snapshot is closed first.
        yield from stream(quoted, writer)

    def models(self) -> list[LocalModel]:
        """Return the language models that servers on this machine offer, without using one."""
        return local_models()

    def encode(self, question: str) -> EncodedQuestion | None:
        """Return the vectors of a question; None while the index has none of this encoder."""
        with self.snapshot() as corpus:
            return self._encoded(corpus, question)

    @contextmanager
    def snapshot(self) -> Iterator[Corpus]:
        """Open a snapshot of the index: later writes do not change it."""
        # The bot was opened without a refresh, so the notes may not be read yet.
        if not self._seen:
            with self._refreshing:
                if not self._seen:
                    self._index.catch_up(self.config.notes)
                    self._seen = True
        with self._index.snapshot() as corpus:
            yield corpus

    def notes(self) -> list[Note]:
        """Return every note, in order of id."""
        with self.snapshot() as corpus:
            return corpus.notes.all()

    def note(self, name: str) -> Note:
        """Return the note with a path, file name, title or alias."""
        with self.snapshot() as corpus:
            return corpus.notes[self._id(corpus, name)]

    def passages(self, name: str) -> list[Passage]:
        """Return the passages of a note, in the order of the file."""
        with self.snapshot() as corpus:
            return [corpus.passage(one) for one in corpus.passages_of(self._id(corpus, name))]

    def related(
        self, name: str, predicate: str | None = None, direction: Direction = "both"
    ) -> list[Relation]:
        """Return the relations of a note: its own in file order, then those that lead to it."""
        with self.snapshot() as corpus:
            return corpus.graph.neighbours(self._id(corpus, name), predicate, direction)

    def path(self, a: str, b: str) -> list[Relation]:
        """Return the shortest path between two notes, in either direction; empty without one."""
        with self.snapshot() as corpus:
            return list(corpus.graph.path(self._id(corpus, a), self._id(corpus, b)))

    def graph(self, near: Sequence[str] | None = None) -> nx.MultiDiGraph[str]:
        """Return the relation graph: notes and ghosts as nodes, a relation on each edge.

        With `near`, a list of names of notes, it has the relations of these notes only.
        """
        with self.snapshot() as corpus:
            notes = None if near is None else [self._id(corpus, name) for name in near]
            return corpus.graph.to_networkx(notes)

    def starters(self, most: int = 6) -> list[str]:
        """Return questions to begin with.

        They come from the field `starters` in the frontmatter of a note; without one, they ask
        about the notes with the most links.
        """
        with self.snapshot() as corpus:
            for note in corpus.notes.all():
                written = note.metadata.get("starters")
                if isinstance(written, list) and written:
                    return [str(question) for question in written[:most]]
            return list(starters(corpus, most))

    # Steps

    def _encoded(self, corpus: Corpus, query: str) -> EncodedQuestion | None:
        """Return the vectors of a question; None if the index has none of this encoder."""
        if not corpus.embedded or corpus.encoder != self._encoder.identity:
            return None
        return self._encoder.encode_question(query)

    def _lasting_notice(self, corpus: Corpus) -> str:
        """Return a limit of the search that remains when every passage has a vector."""
        trouble = self._index.chroma_error
        if trouble:
            return _NO_CHROMA.format(trouble)
        if self.config.embed_model:
            return ""
        if self._foreign is None or self._foreign[0] != corpus.counter:
            titles = list(corpus.notes.titles())
            sample = titles[:: max(1, len(titles) // 200)]
            self._foreign = (corpus.counter, foreign_notice(corpus.notes[n].text for n in sample))
        return self._foreign[1]

    def _id(self, corpus: Corpus, name: str) -> NoteId:
        found = corpus.names.named(name)
        if found is None:
            ghosts = corpus.graph.ghosts().items()
            wanted = sum(links for ghost, links in ghosts if ghost.casefold() == name.casefold())
            raise NoteNotFoundError(name, corpus.names.nearest(name), wanted)
        return found


def _turns(history: History) -> list[Turn]:
    return [turn if isinstance(turn, Turn) else Turn(turn) for turn in history]
