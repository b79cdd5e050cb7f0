"""One open bot over the plot, and one server over it, for all tests of the front ends."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator

import pytest

from ragbot.apps.web.access import RateLimit
from ragbot.apps.web.index_refresher import IndexRefresher
from ragbot.apps.web.server import running
from ragbot.bot import Ragbot

LOGIN = ("gardener", "open: sesame")
UNLIMITED = 1_000_000


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
    with running(IndexRefresher(plot_bot), port=free_port(), limit=limit) as server:
        yield server.address


@pytest.fixture(scope="session")
def private_address(plot_bot) -> Iterator[str]:
    """Address of a server that asks for `LOGIN`."""
    limit = RateLimit(UNLIMITED)
    with running(IndexRefresher(plot_bot), port=free_port(), limit=limit, login=LOGIN) as server:
        yield server.address
