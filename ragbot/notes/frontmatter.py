"""Read YAML frontmatter, with every scalar as it was written.

YAML 1.1 would turn `NO` into False and `3.10` into 3.1. Here a value is text,
a list, a mapping or None. The YAML is read as a stream of events. So no tag makes
a Python object, nesting needs no recursion, and a shared anchor is read once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ragbot.models import Span

MAX_CHARACTERS = 200_000
"""Longest frontmatter that is read; longer ones are reported."""

MAX_VALUES = 10_000
"""Most values in a frontmatter, with aliases expanded."""

MAX_DEPTH = 50
"""Deepest nesting of lists and mappings."""

_FENCE = re.compile(r"---[ \t]*\n")
_CLOSE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_KEY = re.compile(r"[\w-]+(?: [\w-]+){0,2}")
"""A key of a misplaced frontmatter; longer ones are sentences between two rules."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _RefusedError(ValueError):
    """The YAML is well formed, but has more values or levels than allowed."""


@dataclass(slots=True)
class Value:
    """One YAML value and its place, in characters of the note."""

    data: Any
    span: Span
    plain: bool = False
    size: int = 1
    items: list[Value] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """Offsets of the keys of a mapping."""


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """The fields between the `---` lines. `end` is the start of the body, 0 without frontmatter."""

    end: int = 0
    values: tuple[tuple[str, Value], ...] = ()
    starts: tuple[int, ...] = ()
    """Where each field starts with its key."""
    error: str = ""
    error_offset: int = 0

    @property
    def metadata(self) -> dict[str, Any]:
        """Every field as plain data; a repeated key keeps its last value."""
        return {key: value.data for key, value in self.values}

    def named(self, *names: str) -> Iterator[Value]:
        """Return the values of the fields that have one of these names, in any case."""
        return (value for key, value in self.values if key.lower() in names)


def stray(text: str, body: int) -> Frontmatter:
    """Read a second frontmatter, or one below blank lines, which Obsidian shows as text.

    It is empty if the body of the note begins with other text.
    """
    at = text.rfind("\n", 0, body + len(text[body:]) - len(text[body:].lstrip())) + 1
    if at == 0 or not text.startswith("---", at):
        return Frontmatter()
    matter = read(text, at)
    keys = [key for key, _ in matter.values]
    return matter if keys and all(map(_KEY.fullmatch, keys)) else Frontmatter()


def read(text: str, at: int = 0) -> Frontmatter:
    """Read the frontmatter that begins at an offset of a note with LF line ends.

    It is empty if the line there is not `---`, or if no later line closes it. Broken YAML yields no
    values, and a sentence in `error`.
    """
    opening = _FENCE.match(text, at)
    closing = opening and _CLOSE.search(text, opening.end())
    if not opening or not closing:
        return Frontmatter()
    start, end, body = opening.end(), closing.start(), closing.end()
    if end - start > MAX_CHARACTERS:
        error = f"the frontmatter has {end - start:,} characters; at most {MAX_CHARACTERS:,}"
        return Frontmatter(body, error=error, error_offset=start)
    try:
        top = _load(text[start:end], start)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = start + (min(mark.index, end - start) if mark else 0)
        reason = problem.problem or problem.context or "it cannot be read"
        return Frontmatter(body, error=f"broken YAML: {reason}", error_offset=where)
    except (yaml.YAMLError, UnicodeError, _RefusedError) as problem:
        reason = " ".join(str(problem).split())
        return Frontmatter(body, error=f"broken YAML: {reason}", error_offset=start)
    if top is None or top.data is None:
        return Frontmatter(body)
    if not isinstance(top.data, dict):
        kind = "a list" if isinstance(top.data, list) else "text"
        error = f"the frontmatter is {kind}; expected fields such as `title: ...`"
        return Frontmatter(body, error=error, error_offset=start)
    repeated = next((key for key, times in Counter(top.keys).items() if times > 1), None)
    error = f"the field {repeated!r} is given twice; the last one counts" if repeated else ""
    values = tuple(zip(top.keys, top.items, strict=True))
    return Frontmatter(body, values, tuple(top.starts), error, start)


def _load(source: str, offset: int) -> Value | None:
    """Build the first document of `source` from its events; spans start at `offset`."""
    builder = _Builder(offset)
    for event in yaml.parse(source, Loader=_LOADER):
        if isinstance(event, yaml.DocumentEndEvent):
            break
        builder.take(event)
    return builder.root


class _Builder:
    """Builds the values of a stream of YAML events."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.root: Value | None = None
        self.open: list[Value] = []
        self.anchors: dict[str, Value] = {}

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            value = self.open.pop()
            _close(value, self._span(event)[1])
            self._put(value)
        elif isinstance(event, yaml.AliasEvent):
            self._put(self._alias(event))
        elif isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            data = None if plain and event.value in _NULLS else event.value
            value = Value(data, self._span(event), plain)
            if event.anchor:
                self.anchors[event.anchor] = value
            self._put(value)

    def _span(self, event: Any) -> Span:
        return self.offset + event.start_mark.index, self.offset + event.end_mark.index

    def _begin(self, event: Any) -> None:
        data: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        self.open.append(Value(data, (self._span(event)[0], -1)))
        if event.anchor:
            self.anchors[event.anchor] = self.open[-1]
        if len(self.open) > MAX_DEPTH:
            raise _RefusedError(f"lists are nested more than {MAX_DEPTH} deep")

    def _put(self, value: Value) -> None:
        if self.open:
            _add(self.open[-1], value)
        else:
            self.root = value

    def _alias(self, event: Any) -> Value:
        shared = self.anchors.get(event.anchor)
        if shared is None:
            raise _RefusedError(f"the alias *{event.anchor} has no anchor")
        if shared.span[1] < 0:
            raise _RefusedError(f"the anchor &{event.anchor} holds itself")
        # Only the data is shared, so that links are found once, at the anchor.
        return Value(shared.data, self._span(event), shared.plain, shared.size)


def _add(parent: Value, child: Value) -> None:
    parent.size += child.size
    if parent.size > MAX_VALUES:
        raise _RefusedError(f"it expands to more than {MAX_VALUES:,} values")
    parent.items.append(child)


def _close(value: Value, end: int) -> None:
    """Update a list or mapping at its end; its items were collected as key, value, key, ..."""
    value.span = (value.span[0], end)
    if isinstance(value.data, list):
        value.data.extend(item.data for item in value.items)
        return
    value.keys = [_key(item.data) for item in value.items[::2]]
    value.starts = [item.span[0] for item in value.items[::2]]
    value.items = value.items[1::2]
    value.data.update(zip(value.keys, (item.data for item in value.items), strict=True))


def _key(data: Any) -> str:
    return data if isinstance(data, str) else "" if data is None else repr(data)


def texts(value: Value, *, split: str = "") -> list[str]:
    """Return the texts of a field that may hold one text or a list of them.

    Parameters
    ----------
    value
        A field such as `tags`. Lists in a list are one list; mappings are left out.
    split
        Pattern at which a single unquoted text is split; empty to keep it whole.
    """
    found: Iterable[Any]
    if isinstance(value.data, list):
        found = _flat(value.data)
    elif isinstance(value.data, str) and value.plain and split:
        found = re.split(split, value.data)
    else:
        found = [value.data]
    return [text.strip() for text in found if isinstance(text, str) and text.strip()]


def _flat(data: Any) -> Iterator[Any]:
    """Yield the values of a list and of nested lists, in order."""
    for item in data:
        yield from _flat(item) if isinstance(item, list) else (item,)


def scalars(key: str, value: Value) -> Iterator[tuple[str, Value]]:
    """Yield every text below a field, with the name of the nearest key above it."""
    if isinstance(value.data, str):
        yield key, value
    for name, item in zip(value.keys or [key] * len(value.items), value.items, strict=True):
        yield from scalars(name, item)
