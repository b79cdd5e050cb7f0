"""Language models of each provider over real HTTP, and those that servers on this machine offer."""

import importlib.util
import time

import pytest

from ragbot.errors import ModelUnavailableError
from ragbot.inference.llm import LEAST_TOKENS, LanguageModel, Message
from ragbot.inference.llm_discovery import SERVERS, Server, local_models
from ragbot.inference.llm_providers import CONTEXT
from tests.model_server import Script, serving

HELLO = [Message("user", "hello")]


def needs(package):
    return pytest.mark.skipif(
        importlib.util.find_spec(package) is None,
        reason=f"needs {package}: pip install -c constraints.txt -e '.[test]'",
    )


def test_closing_the_stream_stops_the_server():
    script = Script("word " * 200_000)
    with serving(script) as url:
        pieces = LanguageModel("openai-like/scripted", url, 10.0).stream(HELLO)
        assert any(pieces)
        pieces.close()
        assert script.broken_off.wait(10)


def test_closing_the_stream_stops_a_server_that_still_reads_the_prompt():
    script = Script("word " * 200, waits=3.0)
    with serving(script) as url:
        pieces = LanguageModel("openai-like/scripted", url, 60.0).stream(HELLO)
        while not script.requests:
            assert next(pieces) == ""
        started = time.monotonic()
        pieces.close()
        assert time.monotonic() - started < 1
        assert script.broken_off.wait(10)


@needs("ollama")
def test_ollama_is_asked_for_the_context_that_the_prompt_needs():
    script = Script("hello back")
    with serving(script) as url:
        model = LanguageModel("ollama/scripted", url.removesuffix("/v1"), 10.0)
        assert "".join(model.stream(HELLO)) == "hello back"
    assert script.requests[0]["options"]["num_ctx"] == CONTEXT
    assert 0 < script.requests[0]["options"]["num_predict"] < CONTEXT


@needs("ollama")
def test_closing_the_stream_stops_ollama():
    script = Script("word " * 200_000)
    with serving(script) as url:
        pieces = LanguageModel("ollama/scripted", url.removesuffix("/v1"), 10.0).stream(HELLO)
        assert any(pieces)
        pieces.close()
        assert script.broken_off.wait(10)


@pytest.mark.parametrize("spec", ["nobody/x", "nobody"])
def test_an_unknown_provider_is_named(spec):
    with pytest.raises(ModelUnavailableError, match="'nobody' is not a provider"):
        list(LanguageModel(spec).stream(HELLO))


def test_a_key_is_in_no_error(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(Script(status=401)) as url:
        model = LanguageModel("openai-like/x", url, 2.0)
        with pytest.raises(ModelUnavailableError) as refused:
            list(model.stream(HELLO))
    assert "secret" not in str(refused.value)


def test_a_slow_reader_gets_less_evidence():
    model = LanguageModel("openai-like/x")
    usual = model.evidence_tokens
    long = [Message("user", "word " * 400)]
    with serving(Script("hello", waits=1.5)) as url:
        model.base_url = url
        list(model.stream(long))
    assert model.evidence_tokens >= LEAST_TOKENS
    slow = model.evidence_tokens
    with serving(Script("hello")) as url:
        model.base_url = url
        list(model.stream(long))
    assert model.evidence_tokens == slow  # the slowest of the last ones counts
    assert LanguageModel("openai/x").evidence_tokens > usual


def test_models_of_this_machine_are_listed():
    ollama, lm_studio, _ = SERVERS
    with serving(Script(models=["qwen:1.5b", "evil\nname"])) as url:
        servers = (
            Server("Ollama", "ollama", url.removesuffix("/v1"), "/api/tags", ollama.read),
            Server("LM Studio", "openai-like", url, "/models", lm_studio.read),
            Server("llama.cpp", "openai-like", "http://127.0.0.1:9/v1", "/models", lm_studio.read),
        )
        found = local_models(servers)
    assert [(one.spec, one.server) for one in found] == [
        ("ollama/qwen:1.5b", "Ollama"),
        ("openai-like/qwen:1.5b", "LM Studio"),
    ]
    assert found[1].base_url == url


def test_another_program_on_the_port_offers_nothing():
    with serving(Script(models=[])) as url:
        odd = Server("odd", "ollama", url, "/api/other", SERVERS[0].read)
        assert local_models((odd,)) == []
