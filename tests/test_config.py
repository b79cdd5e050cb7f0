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


def test_other_variables_are_none_of_our_business():
    assert Config.from_environment({"PATH": "/bin", "RAG_X": "1"}) == Config()


def test_an_empty_variable_counts_as_unset():
    assert Config.from_environment({"RAGBOT_LLM": ""}) == Config()


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        pytest.param({"RAGBOT_EMBED_MODLE": "x"}, "Did you mean RAGBOT_EMBED_MODEL", id="typo"),
        pytest.param({"RAGBOT_ZZZZZZZZZ": "x"}, "Known settings: RAGBOT_NOTES", id="unknown"),
        pytest.param({"RAGBOT_BACKEND": "cuda"}, "'cuda'; expected one of torch", id="backend"),
        pytest.param({"RAGBOT_LLM": "gpt"}, "provider/name", id="llm-without-provider"),
        pytest.param({"RAGBOT_LLM": "openai-like/x"}, "RAGBOT_LLM_BASE_URL", id="llm-without-url"),
        pytest.param({"RAGBOT_CHROMA_URL": "host"}, "starts with http", id="url"),
        pytest.param({"RAGBOT_LLM_TIMEOUT": "soon"}, "expected a number", id="number"),
        pytest.param({"RAGBOT_LLM_TIMEOUT": "-1"}, "more than 0", id="negative"),
        pytest.param({"RAGBOT_MAX_QUESTION": "1.5"}, "whole number", id="whole-number"),
        pytest.param({"RAGBOT_MENTIONS": "maybe"}, "on or off", id="switch"),
    ],
)
def test_refuses(environment, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Config.from_environment(environment)


@pytest.mark.parametrize(("written", "expected"), [("off", False), ("ON", True), ("0", False)])
def test_a_switch(written, expected):
    assert Config.from_environment({"RAGBOT_MENTIONS": written}).mentions is expected
