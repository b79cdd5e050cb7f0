"""The command `models`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ragbot.apps.cli.options import Command, json_option, places
from ragbot.apps.cli.session import print_json, say

if TYPE_CHECKING:
    from ragbot.config import Config


@click.command(cls=Command, examples=("ragbot models", "ragbot models --json"))
@json_option
@places
def models(config: Config, as_json: bool) -> None:
    """List the language models that servers on this machine offer."""
    from ragbot.inference.llm_discovery import local_models

    found = local_models()
    if as_json:
        print_json({"models": [asdict(model) for model in found]})
        return
    for model in found:
        print(f"{model.spec}  ({model.server} at {model.base_url})")
    if not found:
        say("No Ollama, LM Studio or llama.cpp server answers on this machine.")
    say(f"In use: {config.llm or 'none'}. To use one, set RAGBOT_LLM and RAGBOT_LLM_BASE_URL.")
