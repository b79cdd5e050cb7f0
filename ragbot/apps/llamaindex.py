"""The retriever as a LlamaIndex component, for query engines, chat engines and agents.

from ragbot import Ragbot
from ragbot.apps.llamaindex import GraphRetriever

retriever = GraphRetriever(Ragbot.open("notes", "index"), k=5)
engine = retriever.as_query_engine(llm=...)
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import LLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from ragbot.apps import serialize
from ragbot.bot import Ragbot
from ragbot.models import Filters, Hit

FOR_PROGRAMS = ["lines", "evidence", "path"]
"""Metadata that a model or an encoder must not read as text."""


class GraphRetriever(BaseRetriever):
    """Retrieves passages of the notes by meaning, words and relations.

    Each node's id is that of its passage, its text is the passage as it is in
    the file, and a higher score is better. The metadata holds `note` (path
    below the vault), `title`, `headings` (from the top), `lines` (first and
    last, from 1), `evidence` (one entry a retriever, with rank, score and
    path) and `path` (the relations that led here, empty if none did).

    The caller opens and closes the bot; threads may share it. At most `k` passages are retrieved,
    with `words` by words and relations alone. `kwargs` is what every LlamaIndex retriever takes,
    such as `callback_manager`.
    """

    def __init__(
        self,
        bot: Ragbot,
        *,
        k: int = 10,
        filters: Filters = Filters(),  # noqa: B008  # frozen
        words: bool = False,
        **kwargs: Any,
    ) -> None:
        if k < 1:
            raise ValueError(f"k must be >= 1, got {k}")
        super().__init__(**kwargs)
        self._bot = bot
        self._k = k
        self._filters = filters
        self._words = words

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._bot.search(
            query_bundle.query_str, self._k, filters=self._filters, words=self._words
        )
        notes = serialize.Notes(self._bot)
        return [node_of(hit, notes) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # The encoder computes, and would block the event loop.
        return await asyncio.to_thread(self._retrieve, query_bundle)

    def as_query_engine(self, llm: LLM | None = None, **kwargs: Any) -> RetrieverQueryEngine:
        """Return a query engine that answers from these nodes, by `Settings.llm` if none is given.

        `kwargs` is what `RetrieverQueryEngine.from_args` takes, such as `response_mode`.
        """
        return RetrieverQueryEngine.from_args(self, llm=llm, **kwargs)


def node_of(hit: Hit, notes: serialize.Notes) -> NodeWithScore:
    """Return a hit as a LlamaIndex node."""
    record = json.loads(serialize.to_json(serialize.hit_record(hit, notes)))
    paths = [entry["path"] for entry in record["evidence"] if entry["path"]]
    metadata = {name: record[name] for name in ("note", "title", "headings", "lines", "evidence")}
    node = TextNode(
        id_=hit.passage.id,
        text=hit.passage.text,
        metadata={**metadata, "path": paths[0] if paths else []},
        excluded_llm_metadata_keys=FOR_PROGRAMS,
        excluded_embed_metadata_keys=FOR_PROGRAMS,
    )
    return NodeWithScore(node=node, score=hit.score)
