"""Read a folder of notes again: only what changed since a snapshot, and say what that was.

Floor 3.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ragbot import vault
from ragbot.schema import Changes, Note, NoteId, Problem, Progress
from ragbot.snapshot import FileState, Snapshot

_RACY_NS = 100_000_000
"""A file as young as this when it was read may change again within the clock's resolution."""


def reread(
    root: Path,
    listing: vault.Listing,
    before: Snapshot | None,
    report: Callable[[Progress], None],
) -> tuple[Snapshot, Changes]:
    """Read what changed by size or time, and compare it by content.

    Returns
    -------
    Snapshot
        The whole vault as it stands now.
    Changes
        Against `before`; everything is added when that is None. A note that
        is gone while another with the same text is new was renamed.
    """
    old = {note.id: note for note in before.notes} if before else {}
    states_before = before.states if before else {}
    old_problems = _by_note(before.problems) if before else {}
    notes: list[Note] = []
    states: dict[NoteId, FileState] = {}
    problems = list(listing.problems)
    now = time.time_ns()
    for done, path in enumerate(sorted(listing.notes), start=1):
        stat, state = listing.notes[path], states_before.get(path)
        note: Note | None
        if state is not None and _unchanged(state, stat):
            note, found = old[path], old_problems.get(path, [])
        else:
            note, found = vault.read_note(root, path)
            report(Progress("read", done, len(listing.notes), "notes"))
        problems += found
        if note is not None:
            notes.append(note)
            racy = now - stat.mtime_ns < _RACY_NS
            states[path] = FileState(stat.size, stat.mtime_ns, _digest(note), racy)
    snapshot = Snapshot(tuple(notes), states, tuple(sorted(listing.files)), tuple(problems))
    return snapshot, _changes(states_before, states)


def _changes(before: Mapping[NoteId, FileState], after: Mapping[NoteId, FileState]) -> Changes:
    added = [note for note in after if note not in before]
    gone = {note: before[note].digest for note in before if note not in after}
    renamed = []
    for note in list(added):
        old = next((o for o, digest in gone.items() if digest == after[note].digest), None)
        if old is not None:
            del gone[old]
            added.remove(note)
            renamed.append((old, note))
    kept = [note for note in after if note in before]
    changed = [note for note in kept if before[note].digest != after[note].digest]
    return Changes(
        tuple(added), tuple(changed), tuple(renamed), tuple(gone), len(kept) - len(changed)
    )


def _unchanged(state: FileState, stat: vault.Stat) -> bool:
    same = (state.size, state.mtime_ns) == (stat.size, stat.mtime_ns)
    return same and not state.racy


def _digest(note: Note) -> str:
    return hashlib.sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest()


def _by_note(problems: tuple[Problem, ...]) -> dict[NoteId, list[Problem]]:
    found: dict[NoteId, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.note, []).append(problem)
    return found


def with_cost(changes: Changes, problems: tuple[Problem, ...], seconds: float) -> Changes:
    """Complete the changes with what was wrong and how long it took."""
    return replace(changes, problems=problems, seconds=seconds)
