"""One language model, streaming.

Floor 2: the module that imports llama_index's language models.
"""

from __future__ import annotations


class LanguageModel:
    """A language model named `provider/name`."""

    def __init__(self, spec: str, base_url: str = "", timeout: float = 30.0) -> None:
        self.spec, self.base_url, self.timeout = spec, base_url, timeout
