"""Predicates: the names of relations, their spellings and their inverses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ragbot.models import Note

_PAIRS = (
    ("part_of", "has_part"),
    ("extends", "extended_by"),
    ("implements", "implemented_by"),
    ("grounded_in", "grounds"),
    ("depends_on", "required_by"),
    ("requires", "required_by"),
    ("causes", "caused_by"),
    ("follows", "followed_by"),
    ("precedes", "preceded_by"),
    ("supersedes", "superseded_by"),
    ("derived_from", "source_of"),
    ("extracted_from", "source_of"),
    ("evidence_for", "supported_by"),
    ("supports", "supported_by"),
    ("cites", "cited_by"),
    ("cites_work_by", "work_cited_by"),
    ("parent", "child"),
    ("up", "down"),
    ("broader", "narrower"),
    ("next", "previous"),
    ("is_a", "has_instance"),
    ("contains", "contained_in"),
    ("evolved_into", "evolved_from"),
    ("author", "author_of"),
    ("explains", "explained_by"),
    ("measures", "measured_by"),
    ("mitigates", "mitigated_by"),
    ("instance_of", "has_instance"),
    ("applies_to", "applied_in"),
)
_SYMMETRIC = frozenset(
    {"relates_to", "related_to", "related", "see_also", "similar_to", "contrasts_with"}
    | {"contradicts", "coordinates_with", "same_as", "opposes", "sibling", "alternative_to"}
)


def normal(written: str) -> str:
    """Return the form in which a relation stores its predicate.

    It is in lower case and NFC, with dashes for blanks and without punctuation. `_`, `-`,
    emoji and the marks of non-Latin scripts stay.

    Examples
    --------
    >>> normal("Bold  Field"), normal("relates_to"), normal("This is a Test.")
    ('bold-field', 'relates_to', 'this-is-a-test')
    """
    text = re.sub(r"\s+", "-", unicodedata.normalize("NFC", written.strip().lower()))
    return "".join(c for c in text if c in "-_" or unicodedata.category(c)[0] not in "PCZ")


def canonical(predicate: str) -> str:
    """Return the canonical spelling of a predicate, by which predicates are compared.

    Examples
    --------
    >>> canonical("Relates to") == canonical("relates-to") == canonical("relates_to")
    True
    """
    return re.sub(r"[-_]+", "_", normal(predicate)).strip("_")


def words(predicate: str) -> str:
    """Return a predicate in words.

    Examples
    --------
    >>> words("evidence_for"), words("is-a")
    ('evidence for', 'is a')
    """
    return canonical(predicate).replace("_", " ")


def _table() -> dict[str, str]:
    inverse = {name: name for name in _SYMMETRIC}
    for one, other in _PAIRS:
        inverse.setdefault(one, other)
        inverse.setdefault(other, one)
    return inverse


_INVERSE = _table()

KNOWN = frozenset(_INVERSE)
"""Pairs of canonical predicates with known inverses."""


def inverse(predicate: str) -> str | None:
    """Return the inverse of a predicate, if one is known; a symmetric one is its own inverse.

    Examples
    --------
    >>> inverse("extends"), inverse("relates_to"), inverse("in_domain")
    ('extended_by', 'relates_to', None)
    """
    return _INVERSE.get(canonical(predicate))


def declared(notes: Iterable[Note]) -> dict[str, str]:
    """Return the inverses that a vault declares, both ways, in canonical spelling.

    A note named after a predicate declares its inverse in its frontmatter: the
    note `extends.md` with `inverse_of: extended_by`.
    """
    found: dict[str, str] = {}
    for note in notes:
        for key, value in note.metadata.items():
            if canonical(key) == "inverse_of" and isinstance(value, str) and canonical(value):
                name = canonical(note.id.rpartition("/")[2].removesuffix(".md"))
                other = canonical(value.strip().strip("[]"))
                found.setdefault(name, other)
                found.setdefault(other, name)
    return found
