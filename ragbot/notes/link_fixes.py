"""Find the edit that repairs a link, in the author's form, and test it before it is shown."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from ragbot.models import Note, NoteId, Relation
from ragbot.notes.anchors import Anchors
from ragbot.notes.link_resolver import Names, target
from ragbot.notes.link_scanner import scan
from ragbot.notes.parser import stem

_FILES = (
    "avif bmp gif jpeg jpg png svg webp 3gp flac m4a mp3 ogg opus wav mkv mov mp4 ogv webm pdf "
    "base canvas csv doc docx epub gpx htm ics json odt ppt pptx rtf txt xls xlsx xml yaml yml zip"
)
_ATTACHMENT = re.compile(rf"\.(?:{'|'.join(_FILES.split())})$", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\^?\d{1,3}|\^[\w-]+")
_LABEL = re.compile(
    r"!?\[(?P<label>.*)\](?:\([^()]*\)|\([^()]*\([^()]*\)[^()]*\)|\[[^\[\]]*\])?", re.DOTALL
)
_NOT_IN_HEADING = re.compile(r"[#|^\[\]\\%:]+")


def is_attachment(name: str) -> bool:
    """Return whether a name is that of an attachment: an image, a recording, a PDF.

    Examples
    --------
    >>> is_attachment("pictures/a.PNG"), is_attachment("v2.0"), is_attachment("Note.md")
    (True, False, False)
    """
    return bool(_ATTACHMENT.search(name))


def is_footnote(name: str) -> bool:
    """Return whether a name in brackets is likely a footnote: `[[1]]`."""
    return bool(_FOOTNOTE.fullmatch(name))


def link_fix(
    note: Note, relation: Relation, meant: Note, names: Names, heading: str = "", block: str = ""
) -> str:
    """Return the edit that makes a link of `note` lead to the note `meant`, or to a place in it."""
    anchor = f"#{_heading(heading)}" if heading else f"#^{block}" if block else ""
    anchors = Anchors(meant) if anchor else None
    for written in _candidates(note, relation, meant, names, anchor):
        found = _followed(written, note, names)
        if (
            found is None
            or found.target != meant.id
            or len(names.candidates(found.written, note.id)) > 1
        ):
            continue
        if anchors is None or anchors.find(found.heading, found.block) is not None:
            return f"Write {written}."
    if stem(meant.id) != _tidy(stem(meant.id)):
        return (
            f"Rename the file {meant.id!r} to {_tidy(stem(meant.id)) + '.md'!r}, and link to that."
        )
    return f"Link to {meant.id!r} by its path."


def link_to(note: Note, meant: NoteId, names: Names, label: str = "") -> str:
    """Return a wikilink in a note that leads to another one."""
    for name in (names.spelling(meant), meant.removesuffix(".md"), meant, f"/{meant}"):
        written = f"[[{name}|{label}]]" if label and label != name else f"[[{name}]]"
        found = _followed(written, note, names)
        if found is not None and found.target == meant:
            return written
    return f"[{label or stem(meant)}]({_address(note.id, meant)})"


def _candidates(
    note: Note, relation: Relation, meant: Note, names: Names, anchor: str
) -> Iterator[str]:
    """Yield ways to write the link, first those in the form of the author."""
    source = note.text[slice(*relation.span)]
    embed = "!" if source.startswith("!") else ""
    wiki = source.startswith(("[[", "![["))
    itself = meant.id == note.id and not relation.written
    label = _label(source, relation, wiki)
    spellings = ("",) if itself else tuple(_spellings(names, meant.id))
    wikilinks = [f"{embed}[[{name}{anchor}{label if wiki else ''}]]" for name in spellings]
    address = "" if itself else _address(note.id, meant.id)
    shown = (relation.alias or stem(meant.id)) if wiki else label
    markdown = f"{embed}[{shown}]({address}{_quoted(anchor)})"
    yield from (*wikilinks, markdown) if wiki else (markdown, *wikilinks)


def _spellings(names: Names, note: NoteId) -> Iterator[str]:
    yield names.spelling(note)
    yield from (note.removesuffix(".md"), note, f"/{note}")


def _label(source: str, relation: Relation, wiki: bool) -> str:
    """Return the label of a link as written, after the pipe of a wikilink."""
    if wiki:
        pipe = re.search(r"\\?\|", source)
        return source[pipe.start() :].rstrip("]") if pipe and relation.alias else ""
    found = _LABEL.fullmatch(source)
    label = found.group("label") if found else relation.alias or relation.written
    return label if "[[" not in label.replace("\\", "") else relation.written


def _followed(written: str, note: Note, names: Names) -> Relation | None:
    """Return the target of a link, if the text is exactly one link in a note."""
    links = scan(written).links
    if len(links) != 1 or (links[0].start, links[0].end) != (0, len(written)):
        return None
    link = links[0]
    relation = Relation(
        note.id, "", link.target, None, (0, len(written)), heading=link.heading, block=link.block
    )
    return target(relation, replace(note, text=written), names)


def _address(source: NoteId, meant: NoteId) -> str:
    return _quoted(posixpath.relpath(meant, posixpath.dirname(source) or "."))


def _quoted(address: str) -> str:
    """Return an address in which only characters that would end it are escaped."""
    if address.startswith("#"):
        return "#" + _quoted(address[1:])
    return "".join(quote(sign) if sign in ' ()<>"\\%#?\t' else sign for sign in address)


def _heading(heading: str) -> str:
    return " ".join(_NOT_IN_HEADING.sub(" ", heading).split())


def _tidy(name: str) -> str:
    return " ".join(name.split())
