"""Who may reach the page, and on which port: refused with the way out."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ragbot.apps.web import Door, serve
from ragbot.config import Config
from ragbot.errors import ServeError, VaultError


def test_a_taken_port_is_a_clear_error(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"127.0.0.1:{port}.*--port"):
            serve(Config(notes=tmp_path), Door(port=port))


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_impossible_port_is_refused(port):
    with pytest.raises(ServeError, match="Cannot listen on"):
        serve(Config(), Door(port=port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_the_page_is_not_opened_to_others_unasked(host):
    with pytest.raises(ServeError, match="--auth NAME:PASSWORD, or --no-auth"):
        serve(Config(), Door(host=host))


@pytest.mark.parametrize("auth", ["name", "name:", ":password"])
def test_a_login_needs_name_and_password(auth):
    with pytest.raises(ServeError, match="NAME:PASSWORD"):
        serve(Config(), Door(auth=auth))


def test_a_missing_vault_is_reported_before_the_server_starts(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = Config(notes=tmp_path / "nowhere", index=tmp_path / "index")
    with pytest.raises(VaultError, match="does not exist"):
        serve(config, Door(port=port))


def test_an_interrupt_ends_the_chat_without_a_traceback(plot, plot_index):
    words = ["chat", "--port", "0", "--notes", str(plot), "--index", str(plot_index)]
    with subprocess.Popen(
        [sys.executable, "-m", "ragbot", *words], stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    ) as chat:  # fmt: skip
        said = chat.stderr.readline()
        assert said.startswith("The chat is open at http://127.0.0.1:"), said
        chat.send_signal(signal.SIGINT)
        assert chat.wait(60) == 130
        assert chat.stderr.read().strip() == "ragbot: stopped"
