"""Read a folder of notes again: only what changed since a snapshot, and say what that was.

Floor 3.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ragbot.index.snapshot import Entry, Snapshot
from ragbot.index.states import FileState, States
from ragbot.models import Changes, NoteId, Problem, Progress
from ragbot.notes import vault

_RACY_NS = 100_000_000
"""A file as young as this when it was listed may change again within the clock's resolution."""


def reread(
    root: Path,
    listing: vault.Listing,
    before: Snapshot,
    states: States,
    listed_ns: int,
    report: Callable[[Progress], None],
) -> tuple[Snapshot, dict[NoteId, FileState]]:
    """Read the files that changed by size or time; those whose bytes are the same are kept.

    Parameters
    ----------
    before
        The vault as it was read before; empty for a first time.
    states
        How its files stood then.
    listed_ns
        When the listing was begun, in nanoseconds since the epoch.

    Returns
    -------
    Snapshot
        The whole vault as it stands now; entries that did not change are those of `before`.
    dict
        How each file stands that did not stand so before.
    """
    known = before.entries
    changed = [
        path
        for path, stat in listing.notes.items()
        if (entry := known.get(path)) is None
        or (state := states.get(path)) is None
        or not state.vouches_for(entry, stat)
    ]
    entries: dict[NoteId, Entry] = {}
    problems: list[Problem] = list(listing.problems)
    fresh: dict[NoteId, FileState] = {}
    for done, path in enumerate(changed, start=len(listing.notes) - len(changed) + 1):
        stat = listing.notes[path]
        entry, found = _read(root, path, known.get(path))
        problems += found
        report(Progress("read", done, len(listing.notes), "notes"))
        if entry is not None:
            entries[path] = entry
        racy = listed_ns - max(stat[1:]) < _RACY_NS
        now = FileState(stat, entry.digest if entry else "", racy)
        if states.get(path) != now:
            fresh[path] = now
    unread = {path for path in changed if path not in entries}
    gone = (known.keys() - listing.notes.keys()) | (known.keys() & unread)
    return before.changed(entries, gone, listing.files, tuple(problems)), fresh


def behind(listing: vault.Listing, now: Snapshot, states: States) -> int:
    """Count the notes that were added, changed or removed since a snapshot, by size and time."""
    changed = 0
    for path, stat in listing.notes.items():
        entry, state = now.entries.get(path), states.get(path)
        held = entry.digest if entry else ""
        changed += state is None or (state.stat, state.digest) != (stat, held)
    return changed + len(now.entries.keys() - listing.notes.keys())


def _read(root: Path, path: NoteId, old: Entry | None) -> tuple[Entry | None, list[Problem]]:
    # The bytes of a file that was touched but not changed are those of its text (unless it has a
    # byte-order mark or is no UTF-8: then it is parsed again).
    if old is not None and vault.digest(root, path) == old.digest:
        return old, []
    note, problems = vault.read_note(root, path)
    return (None, problems) if note is None else (Entry.of(note, problems), [])


def changes_between(before: Snapshot, after: Snapshot, seconds: float) -> Changes:
    """Tell what changed. A note that is gone while one with its text is new was renamed."""
    step = after.since(before)
    new = {note: after.entries[note].digest for note in sorted(step.new)}
    known = (note for note in new if note in before.entries)
    old = {note: before.entries[note].digest for note in sorted({*step.gone, *known})}
    added = [note for note in new if note not in old]
    gone = {note: old[note] for note in old if note not in new}
    homes: dict[str, list[NoteId]] = {}
    for note, digest in reversed(gone.items()):
        homes.setdefault(digest, []).append(note)
    renamed = [(homes[new[n]].pop(), n) for n in added if homes.get(new[n])]
    moved = {note for pair in renamed for note in pair}
    changed = tuple(note for note in new if note in old and old[note] != new[note])
    return Changes(
        added=tuple(note for note in added if note not in moved),
        changed=changed,
        renamed=tuple(renamed),
        removed=tuple(note for note in gone if note not in moved),
        unchanged=len(after.entries) - len(added) - len(changed),
        problems=after.problems,
        seconds=seconds,
    )
