"""Settings: read from the environment, wrong ones refused with the way out."""

from pathlib import Path

import pytest

from ragbot.config import Config
from ragbot.errors import ConfigError


def test_defaults_need_no_environment():
    config = Config.from_environment({})
    assert (config.notes, config.index, config.llm) == (Path("notes"), Path("index"), "")


def test_arguments_win_over_the_environment():
    config = Config.from_environment({"RAGBOT_NOTES": "a", "RAGBOT_INDEX": "b"}, notes="c")
    assert (config.notes, config.index) == (Path("c"), Path("b"))


def test_numbers_are_read_as_numbers():
    assert Config.from_environment({"RAGBOT_LLM_TIMEOUT": "2.5"}).llm_timeout == 2.5


def test_variables_without_the_prefix_are_ignored():
    assert Config.from_environment({"PATH": "/bin", "RAG_X": "1"}) == Config()


def test_an_empty_variable_counts_as_unset():
    assert Config.from_environment({"RAGBOT_LLM": ""}) == Config()


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        pytest.param({"RAGBOT_EMBED_MODLE": "x"}, "Did you mean RAGBOT_EMBED_MODEL", id="typo"),
        pytest.param({"RAGBOT_ZZZZZZZZZ": "x"}, "Known settings: RAGBOT_NOTES", id="unknown"),
        pytest.param({"RAGBOT_BACKEND": "cuda"}, "'cuda'; expected one of onnx", id="backend"),
        pytest.param({"RAGBOT_LLM": "gpt"}, "provider/name", id="llm-without-provider"),
        pytest.param({"RAGBOT_LLM": "openai-like/x"}, "RAGBOT_LLM_BASE_URL", id="llm-without-url"),
        pytest.param({"RAGBOT_CHROMA_URL": "host"}, "a URL like http://host:8000", id="url"),
        pytest.param({"RAGBOT_CHROMA_URL": "http://"}, "a URL like http", id="url-without-host"),
        pytest.param({"RAGBOT_CHROMA_URL": "http://h:port"}, "a URL like http", id="port"),
        pytest.param({"RAGBOT_LLM_BASE_URL": "ftp://h"}, "a URL like http", id="scheme"),
        pytest.param({"RAGBOT_RAY": "nonsense"}, "auto, local, host:port or ray", id="ray"),
        pytest.param({"RAGBOT_RAY": "http://h:1"}, "auto, local, host:port or ray", id="ray-url"),
        pytest.param({"RAGBOT_NOTES": "~no-such-user/x"}, "there is no such user", id="user"),
        pytest.param({"RAGBOT_LLM_TIMEOUT": "soon"}, "expected a number", id="number"),
        pytest.param({"RAGBOT_LLM_TIMEOUT": "-1"}, "more than 0", id="negative"),
        pytest.param({"RAGBOT_LLM_TIMEOUT": "nan"}, "nan; expected more than 0", id="nan"),
        pytest.param({"RAGBOT_LLM_TIMEOUT": "inf"}, "inf; expected more than 0", id="endless"),
        pytest.param({"RAGBOT_MAX_QUESTION": "9" * 5000}, r"99… \(5002 characters\)", id="long"),
        pytest.param({"RAGBOT_MAX_QUESTION": "1.5"}, "whole number", id="whole-number"),
        pytest.param({"RAGBOT_MENTIONS": "maybe"}, "on or off", id="switch"),
    ],
)
def test_refuses(environment, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Config.from_environment(environment)


@pytest.mark.parametrize(
    "address", ["auto", "local", "host:6379", "10.0.0.7:6379", "ray://host:10001", "[::1]:6379"]
)
def test_addresses_of_a_cluster(address):
    assert Config.from_environment({"RAGBOT_RAY": address}).ray == address


@pytest.mark.parametrize("url", ["http://host:8000", "https://host/v1", "http://[::1]:8000"])
def test_addresses_of_servers(url):
    assert Config.from_environment({"RAGBOT_CHROMA_URL": url}).chroma_url == url


@pytest.mark.parametrize(("written", "expected"), [("off", False), ("ON", True), ("0", False)])
def test_a_switch(written, expected):
    assert Config.from_environment({"RAGBOT_MENTIONS": written}).mentions is expected
