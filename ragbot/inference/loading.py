"""Loading a model with the libraries that do: nothing fetched, nothing printed, errors in a line.

Floor 2: imports transformers, inside the function that needs it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ragbot.errors import ModelUnavailableError


def place_of(model: str, remedy: str) -> str:
    """Give a model's folder or name as the libraries take it, and ready them: quiet and offline.

    Raises
    ------
    ModelUnavailableError
        If it is written as a folder and there is none.
    """
    place = model
    if model.startswith((".", "/", "~")):
        with suppress(RuntimeError):  # no such user: then there is no such folder either
            place = str(Path(model).expanduser())
        if not Path(place).is_dir():
            raise ModelUnavailableError(model, "there is no such folder", remedy)
    # Set before the import that reads them: nothing is fetched, nothing is reported.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped in transformers
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # as well
    return place


def first_line(error: BaseException) -> str:
    """Give what an error of a library says first, to stand within a sentence of ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")
