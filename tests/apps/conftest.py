"""One open bot over the plot, and one server over it, for all tests of the front ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ragbot.apps.serving import IndexRefresher, address_of, listen, running
from ragbot.apps.web.access import RateLimit
from ragbot.apps.web.server import application
from ragbot.bot import Ragbot

LOGIN = ("gardener", "open: sesame")
UNLIMITED = 1_000_000


@contextmanager
def served(bot: Ragbot, **how: Any) -> Iterator[str]:
    """Serve a bot at a free port, and yield the address."""
    app = application(IndexRefresher(bot), **how)
    with listen("127.0.0.1", 0) as listener, running(app, listener):
        yield address_of(listener)


@pytest.fixture(scope="session")
def plot_bot(plot, plot_index, tmp_path_factory) -> Iterator[Ragbot]:
    """An open bot over a copy of the index: programs that tests start write the other one."""
    index = tmp_path_factory.mktemp("front-ends") / "index"
    shutil.copytree(plot_index, index)
    with Ragbot.open(notes=plot, index=index) as bot:
        yield bot


@pytest.fixture(scope="session")
def address(plot_bot) -> Iterator[str]:
    """Address of a server without login or limit."""
    limit = RateLimit(UNLIMITED)
    with served(plot_bot, limit=limit) as where:
        yield where


@pytest.fixture(scope="session")
def private_address(plot_bot) -> Iterator[str]:
    """Address of a server that asks for `LOGIN`."""
    limit = RateLimit(UNLIMITED)
    with served(plot_bot, limit=limit, login=LOGIN) as where:
        yield where
