"""Try the Dockerfile: build and run it, or run its steps where there is no container engine.

    python tests/container.py

With a container engine (`docker`, or `podman`) the image is built and run. Without one, what
the Dockerfile copies goes into an empty folder, its `pip` steps install into a bare virtual
environment there, its entry point is started over `notes/`, and its health check is run until
it passes. The other `RUN` steps need root and are shown, not run. Either way one question is asked.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "What is persona drift?"
PORT = 7860
PATIENCE = 300
"""Seconds until the health check must pass."""


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile with their arguments, comments left out."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def engine() -> str | None:
    """Return the name of a container engine that answers, or None."""
    for name in ("docker", "podman"):
        if (
            shutil.which(name)
            and not subprocess.run([name, "info"], capture_output=True).returncode
        ):
            return name
    return None


def in_a_container(name: str) -> None:
    """Build the image, run it, and ask it a question."""
    subprocess.run([name, "build", "-t", "ragbot-try", str(ROOT)], check=True)
    started = subprocess.run(
        [name, "run", "--rm", "-d", "-p", f"127.0.0.1:{PORT}:{PORT}", "-v",
         f"{ROOT / 'notes'}:/notes:ro", "ragbot-try", "--no-auth"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    container = started.stdout.strip()
    try:
        state = ["inspect", "-f", "{{.State.Health.Status}}", container]
        _wait(lambda: _output(name, *state) == "healthy")
        _ask()
    finally:
        subprocess.run([name, "stop", container], check=True, capture_output=True)


def in_an_environment(folder: Path, *, install: bool = True) -> None:
    """Run the steps of the Dockerfile in a folder, in this environment unless `install`."""
    settings = {**os.environ, "HOME": str(folder)}
    if install:
        venv.create(folder / "venv", with_pip=True)
        settings["PATH"] = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    else:
        settings["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        settings["PYTHONPATH"] = str(folder / "app")
    app = folder / "app"
    app.mkdir()
    health: list[str] = []
    for name, rest in instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        if name == "COPY":
            *sources, target = rest.split()
            _copy([ROOT / source for source in sources], app / target)
        elif name == "RUN" and rest.startswith("pip ") and install:
            print(f"RUN {rest}", flush=True)
            subprocess.run(["bash", "-c", rest], cwd=app, env=settings, check=True)
        elif name == "ENV":
            settings |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif name == "HEALTHCHECK":
            health = json.loads(rest[rest.index("CMD ") + 4 :])
        elif name == "ENTRYPOINT":
            settings |= {"RAGBOT_NOTES": str(app / "notes"), "RAGBOT_INDEX": str(folder / "index")}
            _serve([*json.loads(rest), "--no-auth"], health, app, settings)
        else:
            print(f"not run here: {name} {rest}", flush=True)


def _copy(sources: list[Path], target: Path) -> None:
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)


def _serve(command: list[str], health: list[str], app: Path, settings: Mapping[str, str]) -> None:
    """Start the entry point, wait for the health check, ask, and stop."""
    print(shlex.join(command), flush=True)
    with subprocess.Popen(command, cwd=app, env=settings) as server:
        try:
            _wait(lambda: not subprocess.run(health, env=settings, capture_output=True).returncode)
            _ask()
        finally:
            server.terminate()


def _wait(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > until:
            raise SystemExit("The health check did not pass in time.")
        time.sleep(0.5)
    print("healthy", flush=True)


def _ask() -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/api/ask",
        data=json.dumps({"question": QUESTION}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert answer["citations"], answer
    print(f"answered with {len(answer['citations'])} citations", flush=True)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Try the Dockerfile in the best way that there is here."""
    found = engine()
    if found:
        in_a_container(found)
        return
    with tempfile.TemporaryDirectory() as folder:
        in_an_environment(Path(folder))


if __name__ == "__main__":
    main()
