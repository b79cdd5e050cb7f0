"""Format values as lines for people: pure functions from a value to text.

Notes are written by others. Control characters in them could move the cursor,
rename the window or worse, so every text passes `plain` before it is printed.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ragbot.apps.serialize import HitRecord, NoteRecord, RelationRecord, counted, end_of, way
from ragbot.models import Answer, Changes, NoteId, Problem, Status
from ragbot.notes.editor_links import editor_url

# C0 and C1 controls but tab and newline, and the marks that reorder text (Trojan Source,
# CVE-2021-42574).
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return a text with control characters replaced by U+FFFD."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


@dataclass(frozen=True, slots=True)
class Page:
    """Settings of the output: the folder of the notes, colours, width.

    `links` is the template of `RAGBOT_NOTE_URL`; with colours on, a place in a
    note becomes a link by it, or to the file itself.
    """

    notes: Path
    links: str = ""
    colour: bool = False
    width: int = 100

    def bold(self, text: str) -> str:
        """Return a text in bold."""
        return self._code("1", text)

    def dim(self, text: str) -> str:
        """Return a text in a fainter colour."""
        return self._code("2", text)

    def accent(self, text: str) -> str:
        """Return a text in the colour of places and predicates."""
        return self._code("36", text)

    def warn(self, text: str) -> str:
        """Return a text in the colour of warnings."""
        return self._code("33", text)

    def place(self, note: NoteId, line: int) -> str:
        """Return `path:line`, as terminals and editors open it; with colours, as a link."""
        written = plain(f"{self.notes / note}:{line}").replace("\n", " ")
        if not self.colour:
            return written
        template = self.links or "file://{absolute}"
        url = editor_url(template, self.notes, note, line)
        # OSC 8, the escape for a hyperlink; terminals that don't know it show the text alone.
        return f"\033]8;;{url}\033\\{self.accent(written)}\033]8;;\033\\"

    def _code(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text


def wants_colour(stream: TextIO) -> bool:
    """Return whether to colour: on a terminal, and without NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def answer(found: Answer, page: Page) -> Iterator[str]:
    """Yield the lines for an answer, then those for its citations, each with place and quote."""
    yield plain(found.text)
    if found.citations:
        yield ""
    for citation in found.citations:
        where = page.place(citation.note, citation.lines[0]) + _below(citation.headings, page)
        yield f"{page.bold(f'[{citation.number}]')} {where}"
        quoted = "“" + _shown(citation.quote) + "”"
        yield textwrap.fill(quoted, page.width, initial_indent=" " * 4, subsequent_indent=" " * 5)


def hits(found: Iterable[HitRecord], page: Page, explain: bool) -> Iterator[str]:
    """Yield the lines for the hits of a search, best first; with their evidence if `explain`."""
    for number, hit in enumerate(found, start=1):
        place = page.place(hit.note, max(1, hit.lines[0]))
        yield f"{number:2}  {page.bold(_line(hit.title))}  {page.dim(f'{hit.score:.3f}')}"
        yield f"    {place}{_below(hit.headings, page)}"
        yield textwrap.indent(textwrap.shorten(_shown(hit.text), 3 * page.width), " " * 4)
        for each in hit.evidence if explain else ():
            yield f"    {each.retriever:<8} rank {each.rank:<3} score {each.score:.3f}"
            if each.path:
                yield " " * 6 + path(each.path, hit.note, page)


def path(steps: Sequence[RelationRecord], end: NoteId, page: Page) -> str:
    """Return a path of relations that leads to `end` as text: `A -extends-> B <-causes- C`."""
    return " ".join(
        f"{_name(note)} {arrow.format(page.accent(_line(predicate)))}".rstrip()
        for note, predicate, arrow in way(steps, end)
    )


def note(found: NoteRecord, page: Page) -> Iterator[str]:
    """Yield the lines for a note: its names, relations out and in, and passages."""
    yield page.bold(_line(found.title))
    yield page.place(found.note, 1)
    for label, values in (("aliases", found.aliases), ("tags", found.tags)):
        if values:
            yield f"{label}: {', '.join(_line(value) for value in values)}"
    yield from ("", page.bold("relations"))
    yield from relations([*found.relations["out"], *found.relations["in"]], found.note, page)
    yield from ("", page.bold("passages"))
    for passage in found.passages:
        first, last = passage.lines
        yield f"  lines {first}-{last}{_below(passage.headings, page)}"
        yield f"    {textwrap.shorten(_shown(passage.text), page.width - 4)}"


def relations(found: Iterable[RelationRecord], note: NoteId, page: Page) -> Iterator[str]:
    """Yield the lines for the relations of a note, outgoing ones first, with annotations."""
    for relation in sorted(found, key=lambda each: (each.source != note, not each.typed)):
        out = relation.source == note
        other = end_of(relation) if out else relation.source
        ghost = page.warn(" (not written yet)") if relation.target is None else ""
        arrow = "→" if out else "←"
        yield f"  {arrow} {page.accent(_line(relation.predicate))}  {_name(other)}{ghost}"
        if relation.annotation:
            yield textwrap.fill(
                _line(relation.annotation), page.width, initial_indent=" " * 6,
                subsequent_indent=" " * 6,
            )  # fmt: skip


def problems(found: Iterable[Problem], page: Page) -> Iterator[str]:
    """Yield a line for each problem, and one below it for its fix."""
    for problem in found:
        place = page.place(problem.note, problem.line or 1)
        yield f"{place}: {page.warn(problem.kind)}: {_line(problem.message)}"
        if problem.fix:
            yield f"    fix: {_line(problem.fix)}"


def changes(done: Changes) -> Iterator[str]:
    """Yield one line for the changes of a refresh."""
    counts = {
        "added": done.added, "changed": done.changed, "renamed": done.renamed,
        "removed": done.removed,
    }  # fmt: skip
    parts = [f"{len(ids)} {what}" for what, ids in counts.items() if ids]
    parts.append(f"{done.unchanged} unchanged")
    yield f"{', '.join(parts)} in {done.seconds:.1f} s"


def status(found: Status) -> Iterator[str]:
    """Yield two lines for the state of the index, and a third for its notice."""
    behind = f"{counted(found.behind, 'note')} behind" if found.behind else "up to date"
    yield (
        f"{counted(found.notes, 'note')}, {counted(found.passages, 'passage')} "
        f"({found.embedded:,} embedded), {counted(found.relations, 'relation')}, "
        f"{counted(found.ghosts, 'ghost')}"
    )
    yield f"{behind}; state {found.generation}; encoder {found.encoder or 'not used yet'}"
    if found.notice:
        yield found.notice


def _below(headings: Iterable[str], page: Page) -> str:
    path = " › ".join(_line(heading) for heading in headings)
    return page.dim(f"  {path}") if path else ""


def _name(note: NoteId) -> str:
    return _line(note.removesuffix(".md").rpartition("/")[2])


def _shown(source: str) -> str:
    """Return a slice of a note on one line, without Markdown."""
    from ragbot.notes.units import plain as without_markup

    return _line(without_markup(source) or source)


def _line(text: str) -> str:
    return plain(" ".join(text.split()))
