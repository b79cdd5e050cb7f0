"""Find the problems of the links, names and relations of a vault.

No file is opened. The time is linear in the notes and their links. A fix is tried before
it is shown (`link_fixes.py`).
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ragbot.models import Note, NoteId, Problem, Relation
from ragbot.notes import mentions, predicates
from ragbot.notes.anchors import Anchors
from ragbot.notes.conflicts import conflict_copies
from ragbot.notes.link_fixes import is_attachment, is_footnote, link_fix, link_to
from ragbot.notes.link_resolver import Names
from ragbot.notes.parser import stem
from ragbot.text.folding import fold_name
from ragbot.text.fuzzy import Nearest, is_slip

RARE = 5
"""A predicate may be a misspelling of one that is used this many times as often."""

PREDICATE_LIKENESS = 86.0
"""Least likeness, 0 to 100, of a predicate to the one that may be meant."""

_PATH = re.compile(r"/|\.(?:md|html)$", re.IGNORECASE)
_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass(slots=True)
class _Vault:
    """The notes by id, their names and line numbers, shared by all checks."""

    notes: Sequence[Note]
    names: Names
    by_id: dict[NoteId, Note]
    anchors: dict[NoteId, Anchors] = field(default_factory=dict)
    starts: dict[NoteId, list[int]] = field(default_factory=dict)
    near: dict[str, list[str]] = field(default_factory=dict)
    copies: dict[NoteId, NoteId] = field(default_factory=dict)
    called: dict[str, NoteId] = field(default_factory=dict)

    def line(self, note: Note, offset: int) -> int:
        """Return the line of an offset; the line starts of a note are cached."""
        if note.id not in self.starts:
            ends = re.finditer(r"\r\n|\r|\n", note.text)
            self.starts[note.id] = [0, *(match.end() for match in ends)]
        return bisect_right(self.starts[note.id], offset)

    def nearest(self, written: str) -> list[str]:
        """Return the names of notes that are similar to a missing one."""
        if written not in self.near:
            self.near[written] = self.names.nearest(_name(written), parts=False)
        return self.near[written]

    def note_called(self, name: str) -> NoteId | None:
        """Return the note with a name, even if the name begins or ends with a blank."""
        if not self.called:
            self.called.update((stem(note.id), note.id) for note in self.notes)
        return self.names.named(name) or self.called.get(name)

    def anchors_of(self, note: NoteId) -> Anchors:
        if note not in self.anchors:
            self.anchors[note] = Anchors(self.by_id[note])
        return self.anchors[note]


def check(
    notes: Sequence[Note],
    problems: Sequence[Problem] = (),
    *,
    files: Iterable[str] = (),
    suggest: bool = False,
) -> list[Problem]:
    """Return the problems of a vault, with those found when its notes were read.

    They are in order of note and line; on one line, errors come before warnings before hints.

    Parameters
    ----------
    notes
        All its notes, resolved.
    files
        Paths of its other files, so that links to them are not called broken.
    suggest
        Whether unlinked mentions are listed too.
    """
    vault = _Vault(notes, Names(notes, files), {note.id: note for note in notes})
    vault.copies = conflict_copies(vault.by_id, lambda note: vault.by_id[note].text)
    found = list(problems)
    for note in notes:
        found += _link_problems(vault, note)
    found += _ghosts(vault)
    found += _conflicts(vault)
    found += _orphans(vault)
    found += _shared_titles(vault)
    found += _alias_clashes(vault)
    found += _strange_predicates(vault)
    found += _one_sided(vault)
    if suggest:
        found += _mentions(vault)
    return sorted(found, key=lambda p: (p.note, p.line, _ORDER[p.severity], p.kind, p.message))


# --- Single links


def _link_problems(vault: _Vault, note: Note) -> Iterator[Problem]:
    ambiguous: set[str] = set()
    for relation in note.relations:
        if relation.target is None:
            if problem := _broken(vault, note, relation):
                yield problem
            continue
        if problem := _dead_anchor(vault, note, relation):
            yield problem
        if relation.written in ambiguous:
            continue
        if problem := _ambiguous(vault, note, relation):
            ambiguous.add(relation.written)
            yield problem


def _broken(vault: _Vault, note: Note, relation: Relation) -> Problem | None:
    """Return the problem of a missing path, or of a name that is a misspelling of another.

    A wikilink to a name that resembles no other is a ghost: a note to be written.
    """
    nearest = vault.nearest(relation.written)
    missing = is_attachment(relation.written)
    slip = nearest and is_slip(_tidy(_name(relation.written)), _tidy(nearest[0]))
    if is_footnote(relation.written) or not (slip or missing or _PATH.search(relation.written)):
        return None
    line = vault.line(note, relation.span[0])
    message = f"{_short(note.text[slice(*relation.span)])} leads to no "
    if missing:
        fix = f"Add the file {posixpath.basename(relation.written)!r}, or remove the link."
        return Problem("broken_link", note.id, line, f"{message}file", fix)
    target = vault.note_called(nearest[0] if nearest else _name(relation.written))
    if target is None:
        fix = "Correct the path, or remove the link."
        return Problem("broken_link", note.id, line, f"{message}note", fix)
    message += "note; nearest: " + ", ".join(repr(name) for name in nearest or [target])
    meant = vault.by_id[target]
    heading, block = relation.heading or "", relation.block or ""
    if vault.anchors_of(target).find(heading, block or None) is None:
        heading = block = ""
    fix = link_fix(note, relation, meant, vault.names, heading, block)
    return Problem("broken_link", note.id, line, message, fix)


def _tidy(name: str) -> str:
    return " ".join(fold_name(name).split())


def _name(written: str) -> str:
    return stem(written.removesuffix(".html"))


def _short(written: str) -> str:
    return written if len(written) <= 80 else f"{written[:77]}..."


def _dead_anchor(vault: _Vault, note: Note, relation: Relation) -> Problem | None:
    if relation.target not in vault.by_id or not (relation.heading or relation.block):
        return None
    anchors = vault.anchors_of(relation.target)
    if anchors.find(relation.heading, relation.block) is not None:
        return None
    line = vault.line(note, relation.span[0])
    meant = vault.by_id[relation.target]
    if relation.block:
        message = f"{relation.target!r} has no block ^{relation.block}"
        near = anchors.nearest_block(relation.block)
        fix = f"Add ^{relation.block} to the block."
        if near:
            fix = link_fix(note, relation, meant, vault.names, block=near)
        return Problem("dead_block", note.id, line, message, fix)
    message = f"{relation.target!r} has no heading {relation.heading!r}"
    near = anchors.nearest_heading(relation.heading or "")
    fix = f"Add the heading to {relation.target!r}, or link to the note."
    if near:
        fix = link_fix(note, relation, meant, vault.names, heading=near)
    return Problem("dead_heading", note.id, line, message, fix)


def _ambiguous(vault: _Vault, note: Note, relation: Relation) -> Problem | None:
    candidates = vault.names.candidates(relation.written, note.id)
    if len(candidates) < 2 or not relation.written:
        return None
    chosen, *others = candidates
    listed = ", ".join(repr(other) for other in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    message = f"{relation.written!r} could also be {listed}{more}; {chosen!r} is used"
    meant = vault.by_id.get(chosen)
    fix = link_fix(note, relation, meant, vault.names) if meant else f"Write [[{chosen}]]."
    line = vault.line(note, relation.span[0])
    return Problem("ambiguous_link", note.id, line, message, fix)


# --- The whole vault


def _ghosts(vault: _Vault) -> Iterator[Problem]:
    """Yield a problem for each ghost, at its first link."""
    wanted: dict[str, list[tuple[Note, Relation]]] = defaultdict(list)
    for note in vault.notes:
        for relation in note.relations:
            if relation.target is None and not _broken(vault, note, relation):
                wanted[fold_name(relation.written)].append((note, relation))
    for places in wanted.values():
        note, relation = places[0]
        times = "once" if len(places) == 1 else f"{len(places)} times"
        by = len({source.id for source, _ in places})
        message = f"{relation.written!r} is wanted {times}, by {by} note{'s' * (by > 1)}"
        if nearest := vault.nearest(relation.written):
            message += "; nearest: " + ", ".join(repr(name) for name in nearest)
        line = vault.line(note, relation.span[0])
        fix = f"Write the note {relation.written.removesuffix('.md')}.md."
        if is_footnote(relation.written):
            fix = f"Write [^{relation.written.lstrip('^')}] if a footnote is meant."
        yield Problem("ghost", note.id, line, message, fix, "info")


def _conflicts(vault: _Vault) -> Iterator[Problem]:
    """Yield a problem for each conflict copy of a note."""
    for copy, original in vault.copies.items():
        message = f"it is a conflict copy of {original!r}"
        fix = "Copy what you need from it, then delete it."
        yield Problem("conflict_copy", copy, 0, message, fix)


def _orphans(vault: _Vault) -> Iterator[Problem]:
    """Yield a problem for each note without links to or from another note."""
    joined: set[NoteId | None] = set()
    for note in vault.notes:
        targets = {r.target for r in note.relations if r.target not in (None, note.id)}
        joined |= targets | ({note.id} if targets else set())
    for note in vault.notes:
        if note.id not in joined:
            fix = "Link it from a note that it belongs to."
            message = "no note links to it, and it links to none"
            yield Problem("orphan", note.id, 0, message, fix, "info")


def _shared_titles(vault: _Vault) -> Iterator[Problem]:
    owners: dict[str, list[Note]] = defaultdict(list)
    for note in vault.notes:
        owners[fold_name(note.title)].append(note)
    for notes in owners.values():
        first = min(notes, key=lambda note: (len(note.id), note.id))
        for note in notes:
            if note is not first and note.id not in vault.copies:
                message = f"its title {note.title!r} is that of {first.id!r} too"
                fix = "Give one of them another title."
                yield Problem("duplicate_title", note.id, 1, message, fix)


def _alias_clashes(vault: _Vault) -> Iterator[Problem]:
    files: dict[str, list[NoteId]] = defaultdict(list)
    aliases: dict[str, list[NoteId]] = defaultdict(list)
    for note in vault.notes:
        files[fold_name(stem(note.id))].append(note.id)
        for alias in {fold_name(alias) for alias in note.aliases}:
            aliases[alias].append(note.id)
    for note in vault.notes:
        for alias in note.aliases:
            if fold_name(alias) == fold_name(stem(note.id)):
                continue
            named = next((other for other in files[fold_name(alias)] if other != note.id), None)
            shared = aliases[fold_name(alias)][0]
            line = vault.line(note, max(0, note.text.find(alias)))
            fix = "Remove the alias, or choose a more specific one."
            if named:
                message = f"its alias {alias!r} is the name of {named!r}, which links reach instead"
                yield Problem("alias_clash", note.id, line, message, fix)
            elif shared != note.id:
                message = f"its alias {alias!r} is an alias of {shared!r} too"
                yield Problem("alias_clash", note.id, line, message, fix)


def _typed(notes: Iterable[Note]) -> Iterator[tuple[Note, Relation]]:
    return ((note, relation) for note in notes for relation in note.relations if relation.typed)


def _strange_predicates(vault: _Vault) -> Iterator[Problem]:
    """Yield a problem for each likely misspelling of a known or more frequent predicate."""
    used = Counter(predicates.canonical(relation.predicate) for _, relation in _typed(vault.notes))
    near = Nearest([*used, *predicates.KNOWN])
    meant: dict[str, str] = {}
    for name, times in used.items():
        for other in near.find(name, 3, PREDICATE_LIKENESS):
            known = other in predicates.KNOWN and name not in predicates.KNOWN
            if used[other] >= RARE * times or (known and times < RARE):
                meant[name] = other
                break
    for note, relation in _typed(vault.notes):
        better = meant.get(predicates.canonical(relation.predicate))
        if better is not None:
            often = f", used {used[better]:,} times" if used[better] else ""
            message = f"the predicate {relation.predicate!r} is close to {better!r}{often}"
            line = vault.line(note, relation.span[0])
            start = note.text.rfind("\n", 0, relation.span[0]) + 1
            sign = "::" if "::" in note.text[start : relation.span[0]] else ""
            fix = f"Write {better}{sign} instead of {relation.predicate}{sign}."
            yield Problem("unknown_predicate", note.id, line, message, fix)


def _one_sided(vault: _Vault) -> Iterator[Problem]:
    """Yield a problem for each relation whose declared inverse the other note lacks."""
    declared = predicates.declared(vault.notes)
    if not declared:
        return
    stated = {
        (relation.source, predicates.canonical(relation.predicate), relation.target)
        for _, relation in _typed(vault.notes)
    }
    for source, predicate, target in sorted(stated, key=str):
        inverse = declared.get(predicate)
        if inverse is None or target not in vault.by_id or target == source:
            continue
        if target and (target, inverse, source) not in stated:
            message = f"{source!r} has {predicate}:: to it, but {inverse}:: is missing here"
            fix = f"Add: - {inverse}:: {link_to(vault.by_id[target], source, vault.names)}"
            yield Problem("one_sided", target, 0, message, fix, "info")


def _mentions(vault: _Vault) -> Iterator[Problem]:
    for relation in mentions.find(vault.notes):
        note = vault.by_id[relation.source]
        link = link_to(note, relation.target or "", vault.names, relation.written)
        line = vault.line(note, relation.span[0])
        message = f"{relation.written!r} is the name of {relation.target!r}"
        yield Problem("unlinked_mention", note.id, line, message, f"Write {link}.", "info")
