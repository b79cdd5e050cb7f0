"""Read a folder of notes again: only what changed since a snapshot, and say what that was.

Floor 3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbot import vault
from ragbot.schema import Changes, NoteId, Problem, Progress
from ragbot.snapshot import Entry, Snapshot

_RACY_NS = 100_000_000
"""A file as young as this when it was listed may change again within the clock's resolution."""


@dataclass(frozen=True, slots=True)
class FileState:
    """How a file stood when it was read last, and the digest of what it held.

    The digest is empty where it gave no note. `racy` means that it was so young then that a later
    change may look the same.
    """

    stat: vault.Stat
    digest: str
    racy: bool = False

    def vouches_for(self, entry: Entry, stat: vault.Stat) -> bool:
        """Whether the file must still hold what the entry says."""
        return not self.racy and self.stat == stat and self.digest == entry.digest


States = Mapping[NoteId, FileState]


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
        How each file stands now.
    """
    entries: dict[NoteId, Entry] = {}
    problems: list[Problem] = list(listing.problems)
    fresh: dict[NoteId, FileState] = {}
    for done, (path, stat) in enumerate(sorted(listing.notes.items()), start=1):
        old, state = before.entries.get(path), states.get(path)
        entry: Entry | None
        if old is not None and state is not None and state.vouches_for(old, stat):
            entry = old
        else:
            entry, found = _read(root, path, old)
            problems += found
            report(Progress("read", done, len(listing.notes), "notes"))
        if entry is not None:
            entries[path] = entry
        racy = listed_ns - max(stat.mtime_ns, stat.ctime_ns) < _RACY_NS
        fresh[path] = FileState(stat, entry.digest if entry else "", racy)
    return Snapshot(entries, tuple(sorted(listing.files)), tuple(problems)), fresh


def behind(listing: vault.Listing, now: Snapshot, states: States) -> int:
    """Count the notes that were added, changed or removed since a snapshot, by size and time."""
    changed = 0
    for path, stat in listing.notes.items():
        entry, state = now.entries.get(path), states.get(path)
        held = entry.digest if entry else ""
        changed += state is None or (state.stat, state.digest) != (stat, held)
    return changed + len(now.entries.keys() - listing.notes.keys())


def load_states(path: Path, root: Path) -> dict[NoteId, FileState]:
    """Read what `save_states` wrote of the same folder of notes; empty when there is none.

    What is lost here costs a second reading and nothing else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["root"] != str(root.resolve()):
            return {}
        rows = data["states"].items()
        return {n: FileState(vault.Stat(*row[:3]), row[3], row[4]) for n, row in rows}
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {}


def save_states(path: Path, root: Path, states: States) -> None:
    """Remember how the files of a folder of notes stood."""
    rows = {
        note: (s.stat.size, s.stat.mtime_ns, s.stat.ctime_ns, s.digest, s.racy)
        for note, s in states.items()
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"root": str(root.resolve()), "states": rows}), encoding="utf-8")
    new.replace(path)


def _read(root: Path, path: NoteId, old: Entry | None) -> tuple[Entry | None, list[Problem]]:
    # The bytes of a file that was touched but not changed are those of its text (unless it has a
    # byte-order mark or is no UTF-8: then it is parsed again).
    if old is not None and vault.digest(root, path) == old.digest:
        return old, []
    note, problems = vault.read_note(root, path)
    return (None, problems) if note is None else (Entry.of(note, problems), [])


def changes_between(before: Snapshot, after: Snapshot, seconds: float) -> Changes:
    """Tell what changed. A note that is gone while one with its text is new was renamed."""
    old = {note: entry.digest for note, entry in before.entries.items()}
    new = {note: entry.digest for note, entry in after.entries.items()}
    added = [note for note in new if note not in old]
    gone = {note: old[note] for note in old if note not in new}
    homes: dict[str, list[NoteId]] = {}
    for note, digest in reversed(gone.items()):
        homes.setdefault(digest, []).append(note)
    renamed = [(homes[new[n]].pop(), n) for n in added if homes.get(new[n])]
    moved = {note for pair in renamed for note in pair}
    kept = [note for note in new if note in old]
    changed = tuple(note for note in kept if old[note] != new[note])
    return Changes(
        added=tuple(note for note in added if note not in moved),
        changed=changed,
        renamed=tuple(renamed),
        removed=tuple(note for note in gone if note not in moved),
        unchanged=len(kept) - len(changed),
        problems=after.problems,
        seconds=seconds,
    )
