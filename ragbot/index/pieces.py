"""Files that are named by their content: written once, and whole or not there.

What two generations share is one file, and a file that says what its name says needs no other
proof.

Floor 1: files.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ragbot.errors import IndexDamagedError


def write(folder: Path, content: bytes) -> str:
    """Write a file into a folder, unless it is there, and whole; gives its name, a SHA-256."""
    name = hashlib.sha256(content).hexdigest()
    target = folder / name
    if not target.exists() or target.read_bytes() != content:
        new = folder / f"{name}.new"
        new.write_bytes(content)
        sync(new)
        new.replace(target)
    return name


def read(folder: Path, name: str) -> bytes:
    """Read what `write` wrote.

    Raises
    ------
    IndexDamagedError
        If it is missing, or is not what its name says.
    """
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise IndexDamagedError(folder, f"{name}: {error}") from error
    if hashlib.sha256(content).hexdigest() != name:
        raise IndexDamagedError(folder, f"{name} is not as it was written")
    return content


def sync(path: Path) -> None:
    """Have a file or folder written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
