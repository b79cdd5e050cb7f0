"""The Dockerfile and the compose file: their contents, and their steps run here.

`make container` builds the image, or without a container engine installs into a bare environment.
That takes minutes, so the tests use the installed packages.
"""

import json
import socket

import yaml

from tests import container

DOCKERFILE = list(
    container.instructions((container.ROOT / "Dockerfile").read_text(encoding="utf-8"))
)
COMPOSE = yaml.safe_load((container.ROOT / "compose.yaml").read_text(encoding="utf-8"))


def all_of(name):
    return [rest for found, rest in DOCKERFILE if found == name]


def test_the_copied_files_exist_and_are_not_ignored():
    ignored = (container.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for rest in all_of("COPY"):
        *sources, _ = rest.split()
        for source in sources:
            assert (container.ROOT / source).exists()
            assert f"!{source}" in ignored


def test_the_server_runs_as_a_user_with_few_rights_and_writes_to_its_volume_only():
    names = [name for name, _ in DOCKERFILE]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert all_of("USER") == ["ragbot"]
    assert all_of("VOLUME") == ["/index"]
    mounts = COMPOSE["services"]["ragbot"]["volumes"]
    assert next(mount for mount in mounts if ":/notes" in mount).endswith(":ro")


def test_compose_asks_for_a_login_and_publishes_to_this_machine_only():
    service = COMPOSE["services"]["ragbot"]
    assert service["command"][0] == "--auth"
    assert ":?" in service["command"][1]
    assert service["ports"] == ["${ADDRESS:-127.0.0.1}:7860:7860"]
    image = COMPOSE["services"]["chroma"]["image"]
    pins = (container.ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert f"chromadb=={image.partition(':')[2]}\n" in pins


def test_the_steps_start_a_server_that_passes_the_health_check(tmp_path, monkeypatch, capfd):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(container, "PORT", port)
    text = (container.ROOT / "Dockerfile").read_text(encoding="utf-8")
    entry = json.dumps([*json.loads(all_of("ENTRYPOINT")[0]), "--port", str(port)])
    text = text.replace("7860", str(port)).replace(all_of("ENTRYPOINT")[0], entry)
    (tmp_path / "source").mkdir()
    for name in (container.ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        if name.startswith("!"):
            (tmp_path / "source" / name[1:]).symlink_to(container.ROOT / name[1:])
    (tmp_path / "source" / "Dockerfile").write_text(text, encoding="utf-8")
    monkeypatch.setattr(container, "ROOT", tmp_path / "source")
    (tmp_path / "run").mkdir()
    container.in_an_environment(tmp_path / "run", install=False)
    assert "citations" in capfd.readouterr().out
