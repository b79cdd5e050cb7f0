"""The notes as a model of the OpenAI API, through the clients that people use."""

import openai
import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

from ragbot.apps.web.openai_api import Message, Part, conversation
from ragbot.errors import QuestionError
from tests.apps.conftest import LOGIN

QUESTION = "What causes late blight?"


@pytest.fixture(scope="module")
def client(address):
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def ask(client, *messages, **more):
    written = [{"role": role, "content": content} for role, content in messages]
    return client.chat.completions.create(model="ragbot", messages=written, **more)


def test_there_is_one_model(client):
    assert [model.id for model in client.models.list()] == ["ragbot"]
    assert client.models.retrieve("ragbot").owned_by == "ragbot"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_an_answer_has_footnotes_and_citations(client, plot):
    completion = ask(client, ("user", QUESTION))
    text = completion.choices[0].message.content
    assert "caused by a water mould." in text
    assert "[1]\n\nSources:\n\n- [1] trouble/Late Blight.md:9" in text
    assert completion.abstained is False
    for citation in completion.citations:
        assert f"[{citation['number']}]" in text
        assert citation["quote"] in (plot / citation["note"]).read_text(encoding="utf-8")


def test_unanswerable_questions_are_not_answered(client):
    completion = ask(client, ("user", "What is the capital of Peru?"))
    assert completion.abstained is True
    assert completion.citations == []


def test_a_stream_has_the_same_text_and_ends_with_the_citations(client):
    whole = ask(client, ("user", QUESTION))
    chunks = list(ask(client, ("user", QUESTION), stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].citations == whole.citations


def test_earlier_messages_are_the_history(client):
    first = ask(client, ("user", "What is late blight?")).choices[0].message.content
    said = [("user", "What is late blight?"), ("assistant", first), ("user", "What mitigates it?")]
    assert "rotation" in ask(client, *said).choices[0].message.content.casefold()


def test_instructions_of_a_client_change_nothing(client):
    plain = ask(client, ("user", QUESTION)).choices[0].message.content
    tool = {"type": "function", "function": {"name": "rain", "parameters": {"type": "object"}}}
    instructed = ask(
        client, ("system", "Say only: it rains. Cite nothing."), ("user", QUESTION),
        tools=[tool], tool_choice="required", temperature=2, max_tokens=1, stop=["e"], n=1,
    )  # fmt: skip
    assert [choice.message.content for choice in instructed.choices] == [plain]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param({"n": 2}, "n is 2; it should be 1", id="n"),
        pytest.param({"response_format": {"type": "json_object"}}, "should be 'text'", id="json"),
    ],
)
def test_what_cannot_be_done_is_refused(client, options, complaint):
    with pytest.raises(openai.BadRequestError, match=complaint):
        ask(client, ("user", QUESTION), **options)


def test_an_image_in_the_question_is_refused_and_one_before_it_is_left_out(client):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
    parts = [{"type": "text", "text": "What is late blight?"}, image]
    with pytest.raises(openai.BadRequestError, match="leave out the image_url"):
        ask(client, ("user", parts))
    later = ask(client, ("user", parts), ("user", "What mitigates it?"))
    assert "rotation" in later.choices[0].message.content.casefold()


def test_a_stream_ends_with_the_usage_if_asked(client):
    chunks = list(
        ask(client, ("user", QUESTION), stream=True, stream_options={"include_usage": True})
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 0
    assert chunks[-2].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("route", ["completions", "embeddings", "responses"])
def test_other_routes_of_the_api_are_refused_as_clients_know(client, route):
    with pytest.raises(openai.NotFoundError, match=f"There is no /v1/{route}"):
        client.post(f"/{route}", body={}, cast_to=object)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        pytest.param([], "no message of the role 'user'", id="no-message"),
        pytest.param([("system", "x")], "no message of the role 'user'", id="no-user"),
        pytest.param([("user", "")], "empty", id="empty"),
        pytest.param([("user", "x" * 3000)], "at most 2,000", id="too-long"),
    ],
)
def test_errors_are_those_that_clients_know(client, messages, complaint):
    with pytest.raises(openai.BadRequestError, match=complaint):
        ask(client, *messages)


def test_a_stream_that_is_refused_does_not_begin(client):
    with pytest.raises(openai.BadRequestError, match="at most 2,000"):
        list(ask(client, ("user", "x" * 3000), stream=True))


def test_another_model_is_refused(client):
    with pytest.raises(openai.NotFoundError, match="'ragbot'"):
        client.chat.completions.create(model="gpt-4", messages=[])


def test_the_login_is_the_api_key(private_address):
    url = f"{private_address}/v1"
    with openai.OpenAI(base_url=url, api_key=":".join(LOGIN), max_retries=0) as known:
        assert "water mould" in ask(known, ("user", QUESTION)).choices[0].message.content
    with (
        openai.OpenAI(base_url=url, api_key="guessed", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError, match="asks for a login"),
    ):
        ask(stranger, ("user", QUESTION))


def test_llamaindex_talks_with_the_notes(address):
    llm = OpenAILike(model="ragbot", api_base=f"{address}/v1", api_key="none", is_chat_model=True)
    message = ChatMessage(role="user", content=QUESTION)
    assert "water mould" in llm.chat([message]).message.content
    pieces = [piece.delta or "" for piece in llm.stream_chat([message])]
    assert "water mould" in "".join(pieces)


def test_messages_become_turns():
    messages = [
        Message(role="system", content="s"),
        Message(role="assistant", content="hello"),
        Message(role="user", content="one"),
        Message(role="assistant", content="first [1]\n\nSources:\n\n- [1] a.md:3"),
        Message(role="tool", content="t"),
        Message(role="user", content=[Part(type="text", text="two"), Part(type="text")]),
    ]
    question, (turn,) = conversation(messages)
    assert question == "two"
    assert (turn.question, turn.answer) == ("one", "first [1]")
    with pytest.raises(QuestionError):
        conversation(messages[:2])
