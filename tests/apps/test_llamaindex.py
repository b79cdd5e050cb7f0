"""Our retriever inside LlamaIndex's own engines, with LlamaIndex's own mock models."""

import asyncio

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.chat_engine import CondensePlusContextChatEngine, ContextChatEngine
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode
from llama_index.core.tools import QueryEngineTool, RetrieverTool

from ragbot.apps.llamaindex import GraphRetriever
from ragbot.bot import Ragbot
from ragbot.models import Filters

QUESTION = "What mitigates late blight?"


@pytest.fixture(scope="module")
def bot(plot, plot_index):
    with Ragbot.open(notes=plot, index=plot_index) as bot:
        yield bot


@pytest.fixture
def retriever(bot):
    return GraphRetriever(bot, k=3)


def test_nodes_carry_what_the_hits_do(bot, retriever):
    nodes = retriever.retrieve(QUESTION)
    hits = bot.search(QUESTION, 3)
    assert [node.node.id_ for node in nodes] == [hit.passage.id for hit in hits]
    assert [node.score for node in nodes] == [hit.score for hit in hits]
    for node, hit in zip(nodes, hits, strict=True):
        metadata = node.node.metadata
        note = bot.note(hit.passage.note)
        assert node.text == hit.passage.text
        assert metadata["note"] == note.id
        assert metadata["title"] == note.title
        assert metadata["headings"] == list(hit.passage.headings)
        assert metadata["lines"] == list(note.lines_of(hit.passage.span))
        assert [e["retriever"] for e in metadata["evidence"]] == [e.retriever for e in hit.evidence]


def test_nodes_carry_the_path_that_led_to_them(retriever):
    paths = {n.node.metadata["note"]: n.node.metadata["path"] for n in retriever.retrieve(QUESTION)}
    assert any(step["predicate"] == "mitigates" for path in paths.values() for step in path), paths


def test_a_model_reads_the_passage_and_its_place_and_no_numbers(retriever):
    node = retriever.retrieve(QUESTION)[0].node
    assert node.get_content(MetadataMode.LLM).startswith("note: ")
    assert "rank" not in node.get_content(MetadataMode.LLM)
    assert "rank" not in node.get_content(MetadataMode.EMBED)


def test_async_finds_the_same(retriever):
    found = asyncio.run(retriever.aretrieve(QUESTION))
    assert [n.node.id_ for n in found] == [n.node.id_ for n in retriever.retrieve(QUESTION)]


def test_filters_and_words(bot):
    retriever = GraphRetriever(bot, filters=Filters(folders=("practice",)), words=True)
    found = retriever.retrieve("Which plants stand in the same bed?")
    notes = {node.node.metadata["note"] for node in found}
    assert notes == {"practice/Crop Rotation.md"}


def test_refuses_a_k_below_one(bot):
    with pytest.raises(ValueError, match="k must be >= 1, got 0"):
        GraphRetriever(bot, k=0)


@pytest.mark.parametrize("mode", ["compact", "refine", "tree_summarize", "simple_summarize"])
def test_query_engine(retriever, mode):
    # MockLLM repeats its prompt: what it "says" is what a model would have read.
    response = retriever.as_query_engine(llm=MockLLM(), response_mode=mode).query(QUESTION)
    assert "caused by a water mould" in str(response)
    assert all(n.node.metadata["note"].endswith(".md") for n in response.source_nodes)


def test_query_engine_async_and_streaming(retriever):
    engine = retriever.as_query_engine(llm=MockLLM())
    assert "caused by a water mould" in str(asyncio.run(engine.aquery(QUESTION)))
    streaming = RetrieverQueryEngine.from_args(retriever, llm=MockLLM(), streaming=True)
    pieces = list(streaming.query(QUESTION).response_gen)
    assert len(pieces) > 10
    assert "caused by a water mould" in "".join(pieces)


@pytest.mark.parametrize("engine", [ContextChatEngine, CondensePlusContextChatEngine])
def test_chat_engine(retriever, engine):
    chat = engine.from_defaults(retriever=retriever, llm=MockLLM())
    response = chat.chat(QUESTION)
    assert response.source_nodes
    assert "caused by a water mould" in str(response)
    again = asyncio.run(chat.achat("And what kills a field?"))
    assert again.source_nodes
    assert len(chat.chat_history) == 4


@pytest.mark.parametrize("kind", ["retriever", "query-engine"])
def test_tool_of_an_agent(retriever, kind):
    if kind == "retriever":
        tool = RetrieverTool.from_defaults(retriever, name="notes", description="the notes")
    else:
        engine = retriever.as_query_engine(llm=MockLLM())
        tool = QueryEngineTool.from_defaults(engine, name="notes", description="the notes")

    def model(messages, **kwargs):
        if messages[-1].role == "tool":
            return ChatMessage(role="assistant", content=f"I read: {messages[-1].content}")
        call = ToolCallBlock(tool_name="notes", tool_kwargs={"input": QUESTION}, tool_call_id="1")
        return ChatMessage(role="assistant", blocks=[call])

    llm = MockFunctionCallingLLM(response_generator=model, is_chat_model=True)
    agent = FunctionAgent(tools=[tool], llm=llm, streaming=False)

    async def run():
        return await agent.run("What should I do about blight?")

    result = asyncio.run(run())
    assert "caused by a water mould" in str(result)
    assert [call.tool_name for call in result.tool_calls] == ["notes"]
