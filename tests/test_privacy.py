"""Nothing leaves the machine: no dependency looks up or reaches another host."""

import os
import subprocess
import sys

PROGRAM = """
import socket, sys

tried = []

def watch(name):
    real = getattr(socket.socket, name)
    def connect(self, address, *rest):
        host = address[0] if isinstance(address, tuple) else ""
        if host not in ("", "127.0.0.1", "::1", "localhost"):
            tried.append(f"{name} {address}")
            raise OSError("no network in this test")
        return real(self, address, *rest)
    setattr(socket.socket, name, connect)

watch("connect")
watch("connect_ex")
real_lookup = socket.getaddrinfo
def lookup(host, *rest, **more):
    if host not in (None, "127.0.0.1", "::1", "localhost", "0.0.0.0", "::"):
        tried.append(f"lookup {host}")
        raise socket.gaierror("no network in this test")
    return real_lookup(host, *rest, **more)
socket.getaddrinfo = lookup

from ragbot import Ragbot
from ragbot.apps.serving import IndexRefresher, address_of, listen, running
from ragbot.apps.web.server import application

with listen("127.0.0.1", 0) as listener, Ragbot.open(sys.argv[1], sys.argv[2]) as bot:
    bot.ask("Where do owls live?")
    with running(application(IndexRefresher(bot)), listener):
        pass
print("tried:", tried)
"""


def test_asking_and_serving_reach_no_other_host(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "Owl.md").write_text("# Owl\n\nOwls live in old barns.\n", encoding="utf-8")
    quiet = ("GRADIO_ANALYTICS_ENABLED", "ANONYMIZED_TELEMETRY", "HF_HUB_OFFLINE")
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(notes), str(tmp_path / "index")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["tried: []"], done.stdout + done.stderr
